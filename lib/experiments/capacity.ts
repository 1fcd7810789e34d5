/** Experiment `capacity` (Figure 6): the knee of each policy, and tail latency at shares of it. */
import { paperFig6 } from '../deploy/catalogue.js';
import type { SidecarConfig } from '../deploy/types.js';
import type { PlannedLoad } from '../store/run-key.js';
import { configOf, loadFor, repeated, type Mode, type Plan } from './plan.js';

export const capacity = 'capacity';

/** Shares of the knee at which latency is measured; the last one *is* the knee, and figures say so. */
export const kneeShares = [0.2, 0.4, 0.6, 0.8, 1.0] as const;

const settings = {
  quick: { repeats: 1, durationS: 3, warmUpS: 0.5 },
  full: { repeats: 5, durationS: 10, warmUpS: 2 },
} as const;

/**
 * The paper's six policies of Figure 6 by default: one knee search each, then five rates.
 * @param chosen ids of the catalogue, compositions of your own, an envoy.yaml.
 */
export function capacityPlan(mode: Mode, chosen: readonly (string | SidecarConfig)[] = paperFig6): Plan {
  const { repeats, durationS, warmUpS } = settings[mode];
  const configs = chosen.map(configOf);
  const knees = configs.map((config) => ({ experiment: capacity, config, load: loadFor(config, kneeSearchLoad), collector: 'cpu-time' as const, repeat: 0 }));
  const points = configs.flatMap((config) => kneeShares.map((kneeShare) => ({
    experiment: capacity, config, collector: 'cpu-time' as const,
    load: loadFor(config, { mode: 'open', connections: 32, path: '/100', kneeShare, warmUpS, durationS }),
  })));
  return { experiment: capacity, runs: [...knees, ...repeated(points, repeats, 6)] };
}

/** Searches from the closed-loop maximum; see lib/load/knee.ts. */
export const kneeSearchLoad: PlannedLoad = { mode: 'knee-search', connections: 32, path: '/100' };
