import { table } from 'arquero';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  attributedOrder, componentCycles, componentUserIpc, cpuUs, cycleRounds, differenceOf, instructionsByComponent, instructionsByRegion, partOf, quotientOf, shareByComponent,
  totalInstructions, userIpc, userShare, wilson, type CostTables,
} from '../../../lib/analysis/request-cost.js';
import type { Attributed } from '../../../lib/paper/components.js';
import { componentsData } from '../figures/cost-data.js';

const tables = componentsData([
  {
    id: 'http', cpuUs: [50, 40, 60],
    instructions: { 'HTTP Protocol Parse': 15_000, 'Sidecar Filter': 1_000, 'Event Poll': 4_000 },
    samples: { 'HTTP Protocol Parse': [60, 0], 'OS Write': [0, 30], Unattributed: [4, 6] },
  },
  { id: 'tcp' },
]);

describe('instructions of a request', () => {
  it('sum over components to the total, and count a component that ran nothing as 0', () => {
    expect(totalInstructions(tables, 'http')).toEqual([20_000]);
    const parts = instructionsByComponent(tables, 'http', 'authors');
    expect([...parts.keys()]).toEqual(attributedOrder);
    expect(parts.get('Sidecar Filter')).toEqual({ value: 1_000, interval: null, n: 1 });
    expect(parts.get('OS Write')).toEqual({ value: 0, interval: null, n: 1 });
  });

  it('say by n = 0 that a policy was not counted, which is not the same as 0', () => {
    expect(totalInstructions(tables, 'tcp')).toEqual([]);
    expect([...instructionsByComponent(tables, 'tcp', 'ours').values()].every(({ n }) => n === 0)).toBe(true);
    expect(instructionsByRegion(tables, 'tcp').size).toBe(0);
  });

  it('add up to the total in both groupings, whatever is counted where', () => {
    const counts = fc.array(fc.nat(100_000), { minLength: attributedOrder.length, maxLength: attributedOrder.length });
    fc.assert(fc.property(counts, fc.array(fc.nat(100), { minLength: 10, maxLength: 10 }), (own, samples) => {
      const by = <V>(values: V[]) => Object.fromEntries(attributedOrder.map((component, i) => [component, values[i]]));
      const data = componentsData([{ id: 'http', instructions: by(own), samples: by(samples.map((n) => [n, 2 * n] as [number, number])) }]);
      const sum = (parts: Map<Attributed, { value: number }>) => [...parts.values()].reduce((total, { value }) => total + value, 0);
      for (const grouping of ['ours', 'authors'] as const) {
        expect(sum(instructionsByComponent(data, 'http', grouping))).toBe(totalInstructions(data, 'http')[0]);
        const shares = sum(shareByComponent(data, 'http', grouping));
        expect(shares).toBeCloseTo(samples.every((n) => n === 0) ? 0 : 1, 9);
      }
    }), { numRuns: 30 });
  });
});

describe('shares of CPU time', () => {
  it('are samples over all samples, kernel included, with the score interval where repeats agree', () => {
    const parse = shareByComponent(tables, 'http', 'ours').get('HTTP Protocol Parse')!;
    expect(parse).toEqual({ value: 0.6, interval: wilson(120, 200), n: 200 });
    expect(userShare(tables, 'http').value).toBeCloseTo(0.64, 12);
  });

  it('are as wide as the repeats differ, where those differ by more than sampling explains', () => {
    const row = (repeat: number, component: string, samples: number) => ({ policy: 'p', repeat, grouping: 'ours', component, region: 'r', kernel: false, samples, run: `${repeat}` });
    const list = [row(0, 'OS Write', 9000), row(0, 'OS Read', 1000), row(1, 'OS Write', 1000), row(1, 'OS Read', 9000)];
    const names = Object.keys(list[0]) as (keyof (typeof list)[0])[];
    const noisy: CostTables = { ...tables, samples: table(Object.fromEntries(names.map((name) => [name, list.map((each) => each[name])]))) };
    expect(shareByComponent(noisy, 'p', 'ours').get('OS Write')).toEqual({ value: 0.5, interval: [0.1, 0.9], n: 20_000 });
  });

  it('are known to two points at best from a single repeat, however many samples it has', () => {
    const row = (component: string, samples: number) => ({ policy: 'p', repeat: 0, grouping: 'ours', component, region: 'r', kernel: false, samples, run: '0' });
    const list = [row('OS Write', 250_000), row('OS Read', 750_000)];
    const names = Object.keys(list[0]) as (keyof (typeof list)[0])[];
    const single: CostTables = { ...tables, samples: table(Object.fromEntries(names.map((name) => [name, list.map((each) => each[name])]))) };
    expect(shareByComponent(single, 'p', 'ours').get('OS Write')).toEqual({ value: 0.25, interval: [0.23, 0.27], n: 1_000_000 });
  });

  it('are unknown (n = 0) without samples', () => {
    expect(userShare(tables, 'tcp')).toEqual({ value: 0, interval: null, n: 0 });
  });
});

describe('score interval of a proportion (Wilson)', () => {
  // Newcombe, Statistics in Medicine 17 (1998), Table I, method 3.
  it.each([
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
  ])('%i of %i: %f to %f, as published', (successes, trials, low, high) => {
    const interval = wilson(successes, trials)!;
    expect(interval[0]).toBeCloseTo(low, 4);
    expect(interval[1]).toBeCloseTo(high, 4);
  });

  it('is none without trials', () => expect(wilson(0, 0)).toBeNull());
});

describe('cycles and IPC, modelled', () => {
  it('are CPU time x clock, and instructions over the user part of them', () => {
    expect([...cycleRounds(tables, 'http')]).toEqual([[0, 50_000], [1, 40_000], [2, 60_000]]);
    // 20 000 instructions in 64 % of 50 000 cycles.
    const ipc = userIpc(tables, 'http')!;
    expect(ipc.value).toBeCloseTo(0.625, 12);
    const [low, high] = wilson(128, 200)!;
    expect(ipc.interval).toEqual([20_000 / (high * 60_000), 20_000 / (low * 40_000)]);
    expect([...componentCycles(tables, 'http', 'OS Write').values()]).toEqual([15_000, 12_000, 18_000]);
  });

  it('are not there where one of the three measurements is missing', () => {
    const whole = { id: 'http', cpuUs: [50], instructions: { 'OS Read': 1 }, samples: { 'OS Read': [1, 1] as [number, number] } };
    expect(userIpc(componentsData([whole]), 'http')).not.toBeNull();
    for (const part of ['cpuUs', 'instructions', 'samples'] as const) expect(userIpc(componentsData([{ ...whole, [part]: undefined }]), 'http')).toBeNull();
    expect(userIpc(componentsData([whole], {}, null), 'http')).toBeNull();
    expect(componentCycles(componentsData([{ ...whole, samples: undefined }]), 'http', 'OS Read').size).toBe(0);
  });

  it('are those of a component\'s user code alone, kernel work within it left out', () => {
    const data = componentsData([{ id: 'http', cpuUs: [100, 100], instructions: { 'Sidecar Read': 4000, 'OS Write': 0 }, samples: { 'Sidecar Read': [20, 30], 'OS Write': [0, 50] } }]);
    // 4000 instructions in 20 % of 100 000 cycles.
    expect(componentUserIpc(data, 'http', 'Sidecar Read')!.value).toBeCloseTo(0.2, 12);
    expect(componentUserIpc(data, 'http', 'OS Write')).toBeNull();
    expect(componentUserIpc(data, 'tcp', 'Sidecar Read')).toBeNull();
  });

  it('takes the mean of a policy measured twice in a round', () => {
    const cpu = table({ policy: ['http', 'http', 'http'], round: [0, 0, 1], repeat: [0, 1, 2], cpuUs: [10, 20, 30], clockHz: [1e9, 1e9, 1e9] });
    expect(cpuUs({ ...tables, cpu }, 'http')).toEqual([15, 30]);
  });
});

describe('estimates taken together', () => {
  const a = { value: 0.6, interval: [0.5, 0.7] as [number, number], n: 100 };
  const b = { value: 0.3, interval: [0.2, 0.4] as [number, number], n: 3 };
  it('span the extremes of both', () => {
    expect(differenceOf(a, b)).toEqual({ value: 0.3, interval: [0.5 - 0.4, 0.7 - 0.2], n: 3 });
    expect(partOf(a, b)).toEqual({ value: 0.18, interval: [0.1, 0.7 * 0.4], n: 3 });
    expect(quotientOf(a, b)).toEqual({ value: 2, interval: [0.5 / 0.4, 0.7 / 0.2], n: 3 });
  });

  it('have no interval where one has none, or where it would have no end', () => {
    const alone = { ...b, interval: null };
    for (const of of [differenceOf, partOf, quotientOf]) expect(of(a, alone).interval).toBeNull();
    expect(quotientOf(a, { ...b, interval: [0, 0.4] }).interval).toBeNull();
  });
});
