/**
 * Experiment `frontend` (Figures 8-10 and 15-17, Table 4's misses): what the CPU's own counters say of instruction fetch,
 * at the paper's three loads. Needs a CPU that shows its counters; elsewhere nothing of it is measured, and figures draw
 * simulated cores only.
 */
import { paperFig7 } from '../deploy/catalogue.js';
import type { SidecarConfig } from '../deploy/types.js';
import type { PlannedLoad } from '../store/run-key.js';
import { kneeSearchLoad } from './capacity.js';
import { busyLoad } from './components.js';
import { configOf, loadFor, repeated, type CollectorName, type Mode, type Plan, type PlannedRun } from './plan.js';

export const frontend = 'frontend';

/** The paper's low, medium and high load: 20, 50 and 100 % of the worker's core (its section 5). */
export type LoadLevel = 'low' | 'medium' | 'high';

/** Shares of the knee, the highest rate that the sidecar keeps up with. High load is the closed loop, with the worker always busy. */
const kneeShares = { low: 0.2, medium: 0.5 } as const;

const settings = {
  quick: { repeats: 1, durationS: 3 },
  full: { repeats: 6, durationS: 5 },
} as const;

/** In quick mode these are counted at all three loads, and once by toplev; what load does is the same for all (C15). */
export const acrossLoads: readonly string[] = ['tcp', 'http', 'ratelimit'];

/**
 * Every policy of Figure 7 by default, or what you name. The knee is searched for those that are counted below it.
 */
export function frontendPlan(mode: Mode, chosen: readonly (string | SidecarConfig)[] = paperFig7): Plan {
  const { repeats, durationS } = settings[mode];
  const configs = chosen.map(configOf);
  const few = mode === 'full' ? configs : configs.filter(({ id }) => acrossLoads.includes(id));
  const runs = (collector: CollectorName, which: readonly SidecarConfig[], load: PlannedLoad) =>
    which.map((config) => ({ experiment: frontend, config, collector, load: loadFor(config, load) }));
  const searches: PlannedRun[] = runs('cpu-time', few, kneeSearchLoad).map((run) => ({ ...run, repeat: 0 }));
  return {
    experiment: frontend,
    runs: [
      ...searches,
      ...repeated([
        ...runs('frontend-counters', configs, frontendLoad('high', durationS)),
        ...runs('frontend-counters', few, frontendLoad('low', durationS)),
        ...runs('frontend-counters', few, frontendLoad('medium', durationS)),
        ...runs('toplev', few, frontendLoad('high', durationS)),
      ], repeats, 12),
    ],
  };
}

export function frontendLoad(level: LoadLevel, durationS: number): PlannedLoad {
  const busy = busyLoad(durationS);
  return level === 'high' ? busy : { ...busy, mode: 'open', kneeShare: kneeShares[level] };
}

/** Which of the paper's loads a run was made at; null for none of them, e.g. a search of the knee. */
export function loadLevel({ mode, kneeShare }: PlannedLoad): LoadLevel | null {
  if (mode === 'closed') return 'high';
  if (mode !== 'open') return null;
  return (Object.keys(kneeShares) as (keyof typeof kneeShares)[]).find((level) => kneeShares[level] === kneeShare) ?? null;
}
