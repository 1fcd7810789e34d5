/** What every collector has in common: record → untouched raw files in a run's folder → typed samples. */
import type { Sidecar } from '../deploy/types.js';
import type { Availability } from '../host/availability.js';

/** What a collector knows of the sidecar it looks at; only the work of the worker thread is counted. */
export type Collected = Pick<Sidecar, 'pid' | 'workerTid' | 'address' | 'ending'> & { envoy: Pick<Sidecar['envoy'], 'path' | 'buildId'> };

/**
 * One way to measure a sidecar. `record` touches the machine, `read` does not: it works on any copy of the folder.
 * Sample: what `read` returns.
 */
export interface Collector<Sample> {
  name: string;
  /** Of the tool and of the raw format; part of a run's key. */
  version(): Promise<string>;
  /** Whether this machine has what it needs. */
  probe(): Promise<Availability>;
  /**
   * Collects while `body` runs, into files of its own in `dir`.
   * @param cpus cores the tool itself may use: never the worker's.
   * @returns what `body` returns.
   * @throws Error saying what failed and what to do; whatever `body` throws, after the tool was stopped.
   */
  record<T>(sidecar: Collected, dir: string, body: () => Promise<T>, cpus: number[]): Promise<T>;
  /** Removes what the tool wrote into the run's folder when the sidecar ended, after `record`; for tools that do. */
  tidy?(dir: string): void;
  /**
   * The samples of a run.
   * @throws Error naming file and line when the raw output is missing, cut off, or not this tool's.
   */
  read(dir: string): Sample;
  /** What it cannot see. */
  misses: string;
  /** How much it slows the sidecar, as measured. */
  disturbance: string;
}
