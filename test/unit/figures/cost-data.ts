/** Small literal data of experiments `components` and `capacity`, as their readers would return it. */
import { table } from 'arquero';
import { policyById } from '../../../lib/deploy/catalogue.js';
import type { CollectorName } from '../../../lib/experiments/plan.js';
import type { CapacityData } from '../../../lib/experiments/capacity-data.js';
import type { ComponentsData } from '../../../lib/experiments/components-data.js';
import type { Attributed, Grouping } from '../../../lib/paper/components.js';

type Counts = Partial<Record<Attributed, number>>;

/** What was measured of one policy; whatever is left out was not. */
export interface PolicyCost {
  id: string;
  /** User instructions of a request by component. */
  instructions?: Counts;
  /** CPU time of a request, microseconds, one a round; a round that is null has no run. */
  cpuUs?: (number | null)[];
  /** Samples in user and kernel code by component, the same in each of two repeats. */
  samples?: Partial<Record<Attributed, [user: number, kernel: number]>>;
  /** Counted by hardware, one entry a repeat; kernel counts are null without the right to them. */
  counters?: [userCycles: number, userInstructions: number, kernelCycles: number | null, kernelInstructions: number | null][];
}

const groupings: Grouping[] = ['ours', 'authors'];
const rows = <T extends object>(list: T[], names: string[]) =>
  table(Object.fromEntries(names.map((name) => [name, list.map((row) => (row as Record<string, unknown>)[name])])));

/** @param clockHz 1 GHz, so that a microsecond is 1000 cycles. */
export function componentsData(costs: PolicyCost[], more: Partial<ComponentsData> = {}, clockHz: number | null = 1e9): ComponentsData {
  const entries = <V>(values: Partial<Record<Attributed, V>> | undefined) => Object.entries(values ?? {}) as [Attributed, V][];
  const instructions = costs.flatMap(({ id, instructions: counts }) => groupings.flatMap((grouping) => entries(counts).map(([component, perRequest]) =>
    ({ policy: id, repeat: 0, grouping, component, region: component.toLowerCase(), perRequest, run: `components/${id}-i/0` }))));
  const cpu = costs.flatMap(({ id, cpuUs = [] }) => cpuUs.flatMap((us, round) => (us === null ? [] : [
    { policy: id, round, repeat: round, cpuUs: us, clockHz, utilisation: 0.5, perS: 5000, run: `components/${id}-c/${round}` }])));
  const samples = costs.flatMap(({ id, samples: counts }) => groupings.flatMap((grouping) => entries(counts).flatMap(([component, [user, kernel]]) => [0, 1].flatMap((repeat) => {
    const row = { policy: id, repeat, grouping, component, region: component.toLowerCase(), run: `components/${id}-s/${repeat}` };
    return [{ ...row, kernel: false, samples: user }, { ...row, kernel: true, samples: kernel }];
  }))));
  const counters = costs.flatMap(({ id, counters: counted = [] }) => counted.map(([userCycles, userInstructions, kernelCycles, kernelInstructions], repeat) =>
    ({ policy: id, repeat, userCycles, userInstructions, kernelCycles, kernelInstructions, runningPercent: 100, run: `components/${id}-h/${repeat}` })));
  const runsOf: ComponentsData['runsOf'] = (policy, collector) => {
    const byCollector: Partial<Record<CollectorName, { policy: string; run: string }[]>> = { instructions, 'cpu-time': cpu, 'perf-record': samples, 'perf-stat': counters };
    const own = byCollector[collector] ?? [];
    return [...new Set(own.filter((row) => row.policy === policy).map(({ run }) => run))];
  };
  return {
    origin: 'tiny-2026-01-01', cpuModel: 'Tiny CPU', envoyVersion: '1.39.0', notes: [],
    policies: costs.map(({ id }) => ({ id, label: policyById(id).label, frame: policyById(id).frame })),
    instructions: rows(instructions, ['policy', 'repeat', 'grouping', 'component', 'region', 'perRequest', 'run']),
    cpu: rows(cpu, ['policy', 'round', 'repeat', 'cpuUs', 'clockHz', 'utilisation', 'perS', 'run']),
    samples: rows(samples, ['policy', 'repeat', 'grouping', 'component', 'region', 'kernel', 'samples', 'run']),
    counters: rows(counters, ['policy', 'repeat', 'userCycles', 'userInstructions', 'kernelCycles', 'kernelInstructions', 'runningPercent', 'run']),
    runsOf, countedRunsOf: (policy) => runsOf(policy, 'instructions'), twins: () => [],
    allRunsOf: (policy) => (['instructions', 'cpu-time', 'perf-record'] as const).flatMap((collector) => runsOf(policy, collector)),
    ...more,
  };
}

/** One policy's part of Figure 6: p99 in milliseconds at 20, 60 and 100 % of its knee, one list a repeat. */
export interface PolicyCapacity {
  id: string;
  kneePerS: number;
  cpuUs: number;
  p99Ms: [number, number, number][];
  limitedBy?: 'sidecar' | 'generator' | 'backend';
  /** Marks the knee search. */
  kneeWarning?: string;
  /** Marks every point of these repeats. */
  markedRepeats?: number[];
}

export function capacityData(policies: PolicyCapacity[], more: Partial<CapacityData> = {}): CapacityData {
  const shares = [0.2, 0.6, 1];
  const about = (id: string) => ({ policy: id, label: policyById(id).label, frame: policyById(id).frame });
  return {
    recording: { name: 'tiny-2026-01-01', origin: 'tiny-2026-01-01' }, cpuModel: 'Tiny CPU', microarchitecture: null, envoyVersion: '1.39.0', backend: 'socketify', pods: [],
    points: rows(policies.flatMap(({ id, kneePerS, cpuUs, p99Ms, markedRepeats = [] }) => p99Ms.flatMap((list, repeat) => list.map((p99, i) => {
      const warning = markedRepeats.includes(repeat) ? 'something else ran there' : '';
      return {
        ...about(id), repeat, kneeShare: shares[i], intendedPerS: shares[i] * kneePerS, achievedPerS: shares[i] * kneePerS,
        p50Us: 300 * p99, p90Us: 700 * p99, p99Us: 1000 * p99, cpuUsPerRequest: cpuUs, errors: 0, good: warning === '', warning, run: `capacity/${id}-${shares[i]}/${repeat}`,
      };
    }))), ['policy', 'label', 'frame', 'repeat', 'kneeShare', 'intendedPerS', 'achievedPerS', 'p50Us', 'p90Us', 'p99Us', 'cpuUsPerRequest', 'errors', 'good', 'warning', 'run']),
    knees: rows(policies.map(({ id, kneePerS, cpuUs, limitedBy = 'sidecar', kneeWarning = '' }) =>
      ({ ...about(id), kneePerS, cpuUsPerRequest: cpuUs, limitedBy, good: kneeWarning === '', warning: kneeWarning, run: `capacity/${id}-knee/0` })),
    ['policy', 'label', 'frame', 'kneePerS', 'cpuUsPerRequest', 'limitedBy', 'good', 'warning', 'run']),
    ...more,
  };
}
