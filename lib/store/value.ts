/** What every number of the workbench carries with it: how it was obtained, and where. */

/** How a value was obtained (design, section 5). Never blended silently, never zero for unknown. */
export type Method =
  | 'measured: hardware counters'
  | 'measured: CPU time'
  | 'measured: sampled stacks'
  | 'measured: latency'
  | 'measured: throughput'
  | 'measured: system calls'
  | 'measured: request counts'
  | 'measured: exact instruction counts'
  | 'measured: instruction trace'
  | 'simulated'
  | 'modelled'
  | 'unavailable';

/** One plotted or tabulated value of `results/<item>.json`. */
export interface Row {
  /** What is drawn as one series, e.g. a component or a policy. */
  series: string;
  /** Position on the axis: a policy id, a rate, a component. */
  x: string | number;
  /** null when unavailable; then `reason` says why. */
  value: number | null;
  unit: string;
  /** 95 % bootstrap interval, null where one value is exact or alone. */
  interval: [number, number] | null;
  method: Method;
  /** `live`, or the name of the recording under data/. */
  origin: string;
  /** Run folders the value came from, relative to data/. */
  runs: string[];
  reason?: string;
}
