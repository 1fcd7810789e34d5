/** Small literal data of the front end's figures, as simulated cores and hardware counters would give it. */
import type { FrontendQuantity } from '../../../lib/analysis/simulated-frontend.js';
import { policyById } from '../../../lib/deploy/catalogue.js';
import type { LoadLevel } from '../../../lib/experiments/frontend.js';
import type { FrontendData, FrontendPoint } from '../../../lib/experiments/frontend-data.js';

type Samples = Partial<Record<FrontendQuantity, readonly number[]>>;

function about(id: string): FrontendPoint['policy'] {
  const { label, frame } = policyById(id);
  return { id, label, frame };
}

/** @param samples with the state kept, and emptied. */
export function simulated(policy: string, core: string, samples: Samples): FrontendPoint {
  const label = { haswell: 'Haswell', 'haswell-larger-l2': 'Haswell with the L2 of Ice Lake', 'ice-lake': 'Ice Lake' }[core] ?? core;
  return {
    policy: about(policy), core: { id: core, label, microarchitecture: null }, load: null, method: 'simulated', origin: 'tiny-2026-01-01',
    envoyVersion: '1.40.0', runs: [`traces/${policy}/0`], samples,
  };
}

/** @param samples one a repeat. @param machine id of the recording. */
export function counted(policy: string, machine: string, samples: Samples, { load = 'high', microarchitecture = 'Ice Lake-SP' }: { load?: LoadLevel; microarchitecture?: string } = {}): FrontendPoint {
  return {
    policy: about(policy), core: { id: machine, label: `CPU of ${machine}`, microarchitecture }, load, method: 'measured: hardware counters', origin: machine,
    envoyVersion: '1.40.0', runs: Object.values(samples)[0]!.map((_, repeat) => `frontend/${policy}-${load}/${repeat}`), samples,
  };
}

export function frontendData(...points: FrontendPoint[]): FrontendData {
  return { points, notes: [] };
}

/** So many repeats of one value, all alike. */
export function repeats(value: number, count = 6): number[] {
  return Array.from({ length: count }, () => value);
}
