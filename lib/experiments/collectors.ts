/** The collectors a plan can name, and what bringing one up needs. */
import { callgrind, callgrindWrap } from '../counters/callgrind.js';
import type { Collected, Collector } from '../counters/collector.js';
import type { BackendName } from '../deploy/backend.js';
import { speaksMysql } from '../deploy/policy.js';
import { instructionRegions, instructionWrap } from '../counters/instruction-regions.js';
import { frontendCounters } from '../counters/frontend-counters.js';
import { isNodeCollector, onThisMachine, type NodeTools } from '../counters/node-tools.js';
import { perfRecord } from '../counters/perf-record.js';
import { perfStat } from '../counters/perf-stat.js';
import { strace } from '../counters/strace.js';
import { syscallEvents } from '../counters/syscall-events.js';
import { toplev } from '../counters/toplev.js';
import type { Availability } from '../host/availability.js';
import type { SidecarConfig } from '../deploy/types.js';
import type { CollectorName } from './plan.js';
import { singleStep, singleStepMasked, traceWrap, valgrindTrace } from './trace-collectors.js';

/** The undisturbed run: nothing but the scheduler's accounts, which every run keeps anyway. */
const cpuTime: Collector<null> = {
  name: 'cpu-time',
  version: async () => '1',
  probe: async () => ({ available: true, version: '1' }),
  record: async <T>(_sidecar: Collected, _dir: string, body: () => Promise<T>) => body(),
  read: () => null,
  misses: 'see lib/counters/schedstat.ts',
  disturbance: 'none: the kernel keeps these accounts anyway',
};

export const collectors: Record<CollectorName, Collector<unknown>> = {
  'cpu-time': cpuTime,
  'perf-stat': perfStat,
  'frontend-counters': frontendCounters,
  toplev,
  'perf-record': perfRecord,
  instructions: instructionRegions,
  trace: valgrindTrace,
  callgrind,
  'single-step': singleStep,
  'single-step-masked': singleStepMasked,
  strace,
  'syscall-events': syscallEvents,
};

/** Whether a plan's runs with a collector are worth making where these tools are. */
export async function worthPlanning(name: CollectorName, tools: NodeTools = onThisMachine): Promise<Availability> {
  return isNodeCollector(name) ? tools.probe(name) : collectors[name].probe();
}

/** What names a collector in a run's key, where these tools are. */
export async function collectorIdentity(name: CollectorName, tools: NodeTools = onThisMachine): Promise<{ name: string; version: string }> {
  return { name, version: isNodeCollector(name) ? await tools.version(name) : await collectors[name].version() };
}

/**
 * The backend that a run needs: the policy's own, else the collector's. The paper's echo closes a connection that was idle
 * for ten seconds, which one is while a stepped sidecar works on a request; the Node echo never does. What the sidecar
 * executes is the same but for a few bytes of the answer's header.
 */
export function backendFor(collector: string, config: SidecarConfig): BackendName | undefined {
  const own = backendOf(config);
  if (own) return own;
  return collector === singleStep.name || collector === singleStepMasked.name ? 'node' : undefined;
}

/** The backend that a policy is of no use without. */
export function backendOf(config: SidecarConfig): BackendName | undefined {
  return speaksMysql(config) ? 'mariadb' : undefined;
}

/** The argv prefix under which Envoy has to run for a collector; none for most. */
export async function wrapFor(name: CollectorName, envoyPath: string, dir: string): Promise<string[] | undefined> {
  if (name === 'instructions') return instructionWrap(envoyPath, dir);
  return name === 'callgrind' ? callgrindWrap(dir) : traceWrap(name);
}
