/** Which change of a core's front end saves how much of a policy's requests. */
import type { PolicyInfo } from './components-data.js';
import type { FrontendCore, FrontendTraces } from './frontend-data.js';
import type { CoreParameters } from '../simulate/core/parameters.js';
import { sweep, variants, type Effect, type Variant } from '../simulate/core/sweeps.js';

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
  const differing = chosen.filter((variant) => variant.options !== undefined || changes(core, variant));
  const [kept, emptied] = [false, true].map((emptyAtCalls) => sweep(input, core, differing, { emptyAtCalls }));
  return {
    policy: about, core: { id: core.id, label: core.name, microarchitecture: null }, origin: frontend.origin, runs: [run],
    effects: kept.map((effect) => effectOf(effect, emptied.find(({ variant }) => variant.id === effect.variant.id)!)),
  };
}

function changes(core: CoreParameters, { core: numbers = {} }: Variant): boolean {
  return Object.entries(numbers).some(([name, value]) => JSON.stringify(core[name as keyof CoreParameters]) !== JSON.stringify(value));
}

function effectOf(kept: Effect, emptied: Effect): SweepEffect {
  return {
    label: kept.variant.label, savedCycles: [kept.cyclesSaved, emptied.cyclesSaved], savedShare: [100 * kept.share, 100 * emptied.share],
  };
}
