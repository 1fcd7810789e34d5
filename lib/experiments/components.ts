/** Experiment `components` (Figure 7, Table 3): where instructions and CPU time of a request go, per policy. */
import { paperFig7, policies, sqlModule } from '../deploy/catalogue.js';
import type { SidecarConfig } from '../deploy/types.js';
import type { PlannedLoad } from '../store/run-key.js';
import { configOf, isTls, loadFor, repeated, type CollectorName, type Mode, type Plan, type PlannedRun } from './plan.js';

export const components = 'components';

const settings = {
  quick: { cpuRepeats: 3, cpuS: 2, counterRepeats: 1, sampleRepeats: 1, sampleS: 3, countRepeats: 1, requests: 200, stepped: 4 },
  full: { cpuRepeats: 9, cpuS: 5, counterRepeats: 6, sampleRepeats: 3, sampleS: 10, countRepeats: 3, requests: 1000, stepped: 8 },
} as const;

/** Policies whose undisturbed run is made twice a round: the A/A pairs that state the noise floor. */
export const noiseFloorPolicies: readonly string[] = ['http', 'tcp'];

/** Variants that no figure of the paper shows: left to full mode. */
const onlyInFull = ['tls-http', 'ratelimit-published'];

/** What is measured when nobody chooses. */
function usual(mode: Mode): readonly SidecarConfig[] {
  return [...policies, sqlModule].filter(({ id }) => mode === 'full' || !onlyInFull.includes(id));
}

/**
 * Every policy of the catalogue by default, or what you name: ids, compositions of your own, an envoy.yaml. All at full
 * utilisation rather than at one rate, because the share of idle time decides how many requests one wake-up of the
 * event loop serves.
 */
export function componentsPlan(mode: Mode, chosen: readonly (string | SidecarConfig)[] = usual(mode)): Plan {
  const s = settings[mode];
  const configs = chosen.map(configOf);
  const runs = (collector: CollectorName, load: PlannedLoad, which = configs) =>
    which.map((config) => ({ experiment: components, config, collector, load: loadFor(config, load) }));
  return {
    experiment: components,
    runs: [
      ...repeated(runs('instructions', countedLoad(s.requests), configs.filter((config) => !isTls(config))), s.countRepeats, 7),
      ...repeated(runs('single-step', steppedLoad('/100', s.stepped), configs.filter(isTls)), s.countRepeats, 13),
      ...withTwins(repeated(runs('cpu-time', busyLoad(s.cpuS)), s.cpuRepeats, 8)),
      // Under the same load as CPU time, so that cycles and microseconds are of the same requests; twins would test nothing new.
      ...repeated(runs('perf-stat', busyLoad(s.cpuS)), s.counterRepeats, 10),
      // Compositions that only test additivity need no stacks: the paper's figure does not show them.
      ...repeated(runs('perf-record', busyLoad(s.sampleS), configs.filter(({ id }) => mode === 'full' || !additivityOnly(id))), s.sampleRepeats, 9),
    ],
  };
}

function additivityOnly(id: string): boolean {
  return policies.some((policy) => policy.id === id) && !paperFig7.includes(id);
}

/** A fixed number of requests, spread out: under Valgrind nothing else is comparable between policies. */
export function countedLoad(requests: number): PlannedLoad {
  return { mode: 'exactly', connections: 4, path: '/100', requests, ratePerS: 400 };
}

/** The same request, for the CPU itself to execute instruction by instruction. @param path of the echo. */
export function steppedLoad(path: string, requests: number): PlannedLoad {
  return { mode: 'in-turn', connections: 2, path, requests };
}

/**
 * Closed loop: the worker as busy as the other cores can keep it. At lower rates a request costs up to three times the
 * CPU time, most of it for falling asleep and waking up (Figure 6's table shows it), and in a virtual machine that part
 * also varies most: it would hide what policies differ by.
 */
export function busyLoad(durationS: number): PlannedLoad {
  return { mode: 'closed', connections: 32, path: '/100', warmUpS: 0.5, durationS };
}

/** Doubles the noise-floor policies: repeats 2i and 2i+1 follow each other and differ in nothing. */
function withTwins(runs: PlannedRun[]): PlannedRun[] {
  return runs.flatMap((run) => noiseFloorPolicies.includes(run.config.id)
    ? [{ ...run, repeat: 2 * run.repeat }, { ...run, repeat: 2 * run.repeat + 1 }]
    : [run]);
}
