/** Where load comes from: this machine, or a pod of the cluster that carries what is loaded. */
import { readCpu, type CpuReading } from '../counters/schedstat.js';
import { sendExactly, startLoad, type BatchOptions } from './load.js';
import type { BatchSpec, LoadOptions, LoadOutcome, LoadSpec, LoadTarget, RunningLoad } from './types.js';

export interface LoadSource {
  /** As `startLoad` of load.ts. @param options.cpus cores of this machine; elsewhere, all that are permitted. */
  startLoad(target: LoadTarget, spec: LoadSpec, options: LoadOptions): Promise<SourcedLoad>;
  /** As `sendExactly` of load.ts. */
  sendExactly(target: LoadTarget, spec: BatchSpec, options: Pick<BatchOptions, 'cpus'>): Promise<LoadOutcome>;
}

export interface SourcedLoad extends Omit<RunningLoad, 'pid'> {
  /** CPU time of the generator so far. */
  readCpu(): Promise<CpuReading>;
}

export const fromThisMachine: LoadSource = {
  startLoad: async (target, spec, options) => {
    const load = await startLoad(target, spec, options);
    return { ...load, readCpu: async () => readCpu(load.pid) };
  },
  sendExactly,
};
