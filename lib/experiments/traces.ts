/**
 * Experiment `traces` (Figure 11, Table 4): what a request executes, instruction by instruction. Requests differ, one
 * is in flight at a time, and they take turns over several connections, so that nothing is learned by heart.
 */
import { paperFig7 } from '../deploy/catalogue.js';
import type { SidecarConfig } from '../deploy/types.js';
import type { PlannedLoad } from '../store/run-key.js';
import { configOf, isTls, repeated, type CollectorName, type Mode, type Plan } from './plan.js';

export const traces = 'traces';

const settings = {
  quick: { requests: 24, stepped: 4 },
  full: { requests: 200, stepped: 16 },
} as const;

/**
 * Traced natively as well, with and without the CPU features that Valgrind hides, and counted by callgrind: all have to
 * agree on them.
 */
export const crossChecked: readonly string[] = ['tcp', 'http'];

/** Every policy of Figure 7 by default, or what you name. TLS is single-stepped: Valgrind hides the CPU's crypto instructions. */
export function tracesPlan(mode: Mode, chosen: readonly (string | SidecarConfig)[] = paperFig7): Plan {
  const { requests, stepped } = settings[mode];
  const configs = chosen.map(configOf);
  const runs = (collector: CollectorName, count: number, which: readonly SidecarConfig[]) =>
    which.map((config) => ({ experiment: traces, config, collector, load: variedLoad(count, collector.startsWith('single-step') ? 2 : 8) }));
  const checked = configs.filter(({ id }) => crossChecked.includes(id));
  return {
    experiment: traces,
    runs: repeated([
      ...runs('trace', requests, configs.filter((config) => !isTls(config))),
      ...runs('callgrind', requests, checked),
      ...runs('single-step-masked', stepped, checked),
      ...runs('single-step', stepped, checked),
      ...runs('single-step', requests, configs.filter(isTls)),
    ], 1, 11),
  };
}

/**
 * Paths and headers are those of lib/load/varied.ts, so that none is named here.
 * @param connections few where a request takes seconds: the echo server closes one that was idle for ten.
 */
export function variedLoad(requests: number, connections: number): PlannedLoad {
  return { mode: 'varied', connections, path: '', requests };
}
