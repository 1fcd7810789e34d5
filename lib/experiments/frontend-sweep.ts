/** Which change of a core's front end saves how much of a policy's requests. */
import type { PolicyInfo } from './components-data.js';
import type { FrontendCore, FrontendTraces } from './frontend-data.js';
import type { CoreParameters } from '../simulate/core/parameters.js';
import { variants, type Variant } from '../simulate/core/variants.js';

export interface FrontendSweep {
  policy: PolicyInfo;
  core: FrontendCore;
  origin: string;
  runs: string[];
  /** The one that saves most first, with the state kept. */
  effects: SweepEffect[];
}

/** Each with the state kept at system calls, and emptied. */
export interface SweepEffect {
  label: string;
  /** Of a request. */
  savedCycles: readonly [kept: number, emptied: number];
  /** Per cent of the cycles of the core as it is. */
  savedShare: readonly [kept: number, emptied: number];
}

/**
 * Sweeps one policy. Variants that are what the core already is are left out.
 * @throws Error naming a policy without trace, or the file when it is damaged.
 */
export async function frontendSweep(frontend: FrontendTraces, policy: string, core: CoreParameters, chosen: readonly Variant[] = variants): Promise<FrontendSweep> {
  const { policy: about, run } = frontend.tracedOf(policy);
  const input = await frontend.input(policy);
  const cyclesOf = (variant: Pick<Variant, 'core' | 'options'>) => Promise.all([false, true].map(async (emptyAtCalls) =>
    (await frontend.replay(policy, { ...core, ...variant.core }, { emptyAtCalls, ...variant.options?.(input) })).mean.cycles));
  const asItIs = await cyclesOf({});
  const effects = await Promise.all(chosen.filter((variant) => variant.options !== undefined || changes(core, variant))
    .map(async (variant) => effectOf(variant.label, asItIs, await cyclesOf(variant))));
  return {
    policy: about, core: { id: core.id, label: core.name, microarchitecture: null }, origin: frontend.origin, runs: [run],
    effects: effects.sort((a, b) => b.savedCycles[0] - a.savedCycles[0]),
  };
}

function changes(core: CoreParameters, { core: numbers = {} }: Variant): boolean {
  return Object.entries(numbers).some(([name, value]) => JSON.stringify(core[name as keyof CoreParameters]) !== JSON.stringify(value));
}

function effectOf(label: string, asItIs: readonly number[], changed: readonly number[]): SweepEffect {
  const saved = (bound: number) => asItIs[bound] - changed[bound];
  const share = (bound: number) => 100 * saved(bound) / asItIs[bound];
  return { label, savedCycles: [saved(0), saved(1)], savedShare: [share(0), share(1)] };
}
