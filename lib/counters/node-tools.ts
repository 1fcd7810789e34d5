/**
 * What looks at a sidecar's processes where they are: on this machine, or on a node of a cluster, where the same code runs
 * in a pod (lib/deploy/kubernetes/agent/).
 */
import * as fs from 'node:fs';
import type { Availability } from '../host/availability.js';
import { allowedCpus } from '../host/cpus.js';
import { untilWaiting } from '../host/system-calls.js';
import type { Collected, Collector } from './collector.js';
import { countProcesses, perfStat } from './perf-stat.js';
import { readCpu, type CpuReading } from './schedstat.js';
import { strace } from './strace.js';
import { measureEventCostNs, syscallEvents } from './syscall-events.js';

/** Collectors that need nothing of a sidecar but its process. */
const nodeCollectors = { strace, 'syscall-events': syscallEvents, 'perf-stat': perfStat } satisfies Record<string, Collector<unknown>>;
export type NodeCollector = keyof typeof nodeCollectors;

/** A process, or one of its threads. */
export interface ThreadName {
  pid: number;
  tid?: number;
}

export interface NodeTools {
  /** Scheduler accounts, in the order asked for. @throws Error when one is gone. */
  readCpu(of: readonly ThreadName[]): Promise<CpuReading[]>;
  /** Waits until a worker waits for its next request. @throws Error when it does not. */
  untilWaiting(pid: number, tid: number): Promise<void>;
  /** Whether a collector works there. */
  probe(collector: NodeCollector): Promise<Availability>;
  /** As {@link Collector.record}. @param cpus cores of this machine; on another, all that it permits. */
  record<T>(collector: NodeCollector, sidecar: Collected, dir: string, body: () => Promise<T>, cpus: number[]): Promise<T>;
  /** As `countProcesses` of perf-stat.ts. */
  countProcesses<T>(pids: readonly number[], dir: string, body: () => Promise<T>, cpus: number[]): Promise<T>;
  /** As `measureEventCostNs` of syscall-events.ts, on the first core that a worker may use. */
  measureEventCostNs(pid: number, tid: number, cpus: number[]): Promise<number[]>;
}

export const onThisMachine: NodeTools = {
  readCpu: async (of) => of.map(({ pid, tid }) => readCpu(pid, tid)),
  untilWaiting,
  probe: (collector) => nodeCollectors[collector].probe(),
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
  return { readCpu: refuse, untilWaiting: refuse, probe: async () => ({ available: false, reason, remedy }), record: refuse, countProcesses: refuse, measureEventCostNs: refuse };
}
