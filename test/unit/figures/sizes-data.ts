/** Small literal data of experiment `sizes`, as its reader would return it. */
import { policyById } from '../../../lib/deploy/catalogue.js';
import type { Pace, SampledIpc, SizesData } from '../../../lib/experiments/sizes-data.js';
import { componentsData, type PolicyCost } from './cost-data.js';

/**
 * @param costs what was measured at each size, by bytes.
 * @param connecting the same with a connection for each request.
 */
export function sizesData(costs: Record<number, PolicyCost[]>, more: Partial<SizesData> = {}, connecting: PolicyCost[] | null = null): SizesData {
  const sizes = Object.keys(costs).map(Number).sort((a, b) => a - b);
  const ids = [...new Set(Object.values(costs).flat().map(({ id }) => id))];
  return {
    origin: 'tiny-2026-01-01', cpuModel: 'Tiny CPU', envoyVersion: '1.39.0', sizes,
    policies: ids.map((id) => ({ id, label: policyById(id).label, frame: policyById(id).frame })),
    at: (bytes) => componentsData(costs[bytes]),
    connecting: connecting && componentsData(connecting),
    paces: [], sampledIpc: [], agreed: [], notes: [],
    ...more,
  };
}

export function pace(policy: string, bytes: number, more: Partial<Pace> = {}): Pace {
  return { policy, bytes, repeat: 0, workerShare: 0.98, generatorShare: 0.4, backendShare: 0.5, kernelShare: 0.6, perS: 1000, pausesPerMiB: 0, run: `sizes/${policy}-${bytes}/0`, ...more };
}

/** Six repeats of one component's IPC. */
export function sampled(policy: string, bytes: number, component: SampledIpc['component'], ipc: number): SampledIpc[] {
  return [0, 1, 2, 3, 4, 5].map((repeat) => ({ policy, bytes, repeat, component, ipc: ipc * (1 + 0.001 * repeat), run: `sizes/${policy}-${bytes}-s/${repeat}` }));
}
