/**
 * What looks at a sidecar's processes where they are: on this machine, or on a node of a cluster, where the same code runs
 * in a pod (lib/deploy/kubernetes/agent/).
 */
import * as fs from 'node:fs';
import type { Availability } from '../host/availability.js';
import { measureCoreClockHz } from '../host/clock.js';
import { allowedCpus, pin, planCpus, type CpuPlan } from '../host/cpus.js';
import { readMachine, type Machine } from '../host/machine.js';
import { untilWaiting } from '../host/system-calls.js';
import type { Collected, Collector } from './collector.js';
import { frontendCounters } from './frontend-counters.js';
import { probeHardwareCounters } from './hardware-counters.js';
import { perfRecord } from './perf-record.js';
import { countProcesses, perfStat } from './perf-stat.js';
import { readCpu, type CpuReading } from './schedstat.js';
import { strace } from './strace.js';
import { measureEventCostNs, syscallEvents } from './syscall-events.js';

/** Collectors that need nothing of a sidecar but its process and its binary. */
const nodeCollectors = { strace, 'syscall-events': syscallEvents, 'perf-stat': perfStat, 'frontend-counters': frontendCounters, 'perf-record': perfRecord } satisfies Record<string, Collector<unknown>>;
export type NodeCollector = keyof typeof nodeCollectors;

export function isNodeCollector(name: string): name is NodeCollector {
  return name in nodeCollectors;
}

/** A process, or one of its threads. */
export interface ThreadName {
  pid: number;
  tid?: number;
}

export interface NodeTools {
  /** What the processes run on. */
  machine(): Promise<Machine>;
  /** Which cores a worker, and which everything else is to use. */
  planCpus(): Promise<CpuPlan>;
  /** Puts a worker on its core, its process's other threads and all other processes named on the others. */
  place(worker: Required<ThreadName>, others: readonly number[], cpus: CpuPlan): Promise<void>;
  /** As `measureCoreClockHz` of lib/host/clock.ts. */
  coreClockHz(cpu: number): Promise<number>;
  /** Scheduler accounts, in the order asked for. @throws Error when one is gone. */
  readCpu(of: readonly ThreadName[]): Promise<CpuReading[]>;
  /** Waits until a worker waits for its next request. @throws Error when it does not. */
  untilWaiting(pid: number, tid: number): Promise<void>;
  /** Whether a collector has there what it is planned for: perf stat works without hardware counters too, but then counts none. */
  probe(collector: NodeCollector): Promise<Availability>;
  /** As {@link Collector.version}. */
  version(collector: NodeCollector): Promise<string>;
  /** As {@link Collector.record}. @param cpus cores of this machine; on another, all that it permits. */
  record<T>(collector: NodeCollector, sidecar: Collected, dir: string, body: () => Promise<T>, cpus: number[]): Promise<T>;
  /** As `countProcesses` of perf-stat.ts. */
  countProcesses<T>(pids: readonly number[], dir: string, body: () => Promise<T>, cpus: number[]): Promise<T>;
  /** As `measureEventCostNs` of syscall-events.ts, on the first core that a worker may use. */
  measureEventCostNs(pid: number, tid: number, cpus: number[]): Promise<number[]>;
}

export const onThisMachine: NodeTools = {
  machine: async () => readMachine(),
  planCpus: async () => planCpus(),
  place: async ({ pid, tid }, others, cpus) => {
    for (const each of [pid, ...others]) await pin(each, cpus.others, { allThreads: true });
    await pin(tid, [cpus.worker]);
  },
  coreClockHz: async (cpu) => (await measureCoreClockHz(cpu)).hz,
  readCpu: async (of) => of.map(({ pid, tid }) => readCpu(pid, tid)),
  untilWaiting,
  probe: async (collector) => {
    const answer = await nodeCollectors[collector].probe();
    return collector === 'perf-stat' && answer.available ? probeHardwareCounters() : answer;
  },
  version: (collector) => nodeCollectors[collector].version(),
  record: (collector, sidecar, dir, body, cpus) => nodeCollectors[collector].record(sidecar, dir, body, cpus),
  countProcesses,
  measureEventCostNs: (pid, tid, others) => {
    const [worker] = allowedCpus(fs.readFileSync(`/proc/${pid}/task/${tid}/status`, 'utf8'));
    return measureEventCostNs({ worker, others });
  },
};

/** In place of the tools of a node where there can be none. @param why one line, with what to do. */
export function noTools(why: string): NodeTools {
  const refuse = async (): Promise<never> => { throw new Error(why); };
  const [reason, remedy = ''] = why.split('; ');
  return {
    machine: refuse, planCpus: refuse, place: refuse, coreClockHz: refuse, readCpu: refuse, untilWaiting: refuse,
    probe: async () => ({ available: false, reason, remedy }), version: refuse, record: refuse, countProcesses: refuse, measureEventCostNs: refuse,
  };
}
