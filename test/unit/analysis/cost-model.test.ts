import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { marginalCost, paperDeviation, paperEstimate, predictCost, testAdditivity } from '../../../lib/analysis/cost-model.js';
import { seededRandom } from '../../../lib/analysis/statistics.js';
import { table3 } from '../../../lib/paper/reported.js';

/** A cost measured `repeats` times with noise of ± `noise` around it. */
const measured = (cost: number, repeats: number, noise: number, random: () => number) =>
  Array.from({ length: repeats }, () => cost * (1 + noise * (2 * random() - 1)));

describe('additive cost model', () => {
  it('predicts base + Σ (policy - base)', () => {
    expect(predictCost([100], [[110], [107], [103]]).value).toBe(120);
    expect(marginalCost([100], [107]).value).toBe(7);
    expect(predictCost([100], []).value).toBe(100);
  });

  it('gives exact counts no interval', () => {
    const result = testAdditivity([100], [[110], [120]], [132]);
    expect(result.ofTotal).toEqual({ value: (132 - 130) / 132, interval: null, n: 1 });
    expect(result.ofFilters!.value).toBeCloseTo(2 / 32, 12);
    expect(result.sumMinusComposition.value).toBe(-2);
  });

  it('leaves the deviation of filters open when the composition costs no more than its base', () => {
    expect(testAdditivity([100], [[99], [98]], [97]).ofFilters).toBeNull();
    expect(testAdditivity([100, 90, 95], [[96, 97, 98]], [94, 99, 101]).ofFilters).toBeNull();
  });

  it('deviates by 0 on costs that add up, whatever they are and however a round slows all of them down', () => {
    const costs = fc.record({
      base: fc.integer({ min: 1_000, max: 500_000 }),
      filters: fc.array(fc.integer({ min: 100, max: 50_000 }), { minLength: 1, maxLength: 5 }),
      slowdown: fc.array(fc.integer({ min: 0, max: 100_000 }), { minLength: 2, maxLength: 8 }),
    });
    fc.assert(
      fc.property(costs, ({ base, filters, slowdown }) => {
        const rounds = (cost: number) => slowdown.map((extra) => cost + extra);
        const sum = filters.reduce((total, cost) => total + cost, 0);
        const { ofTotal, ofFilters } = testAdditivity(rounds(base), filters.map((cost) => rounds(base + cost)), rounds(base + sum), { paired: true, resamples: 100 });
        for (const deviation of [ofTotal, ofFilters!]) {
          expect(deviation.interval![0]).toBeLessThanOrEqual(1e-9);
          expect(deviation.interval![1]).toBeGreaterThanOrEqual(-1e-9);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('finds 0 inside its interval in nearly all of 100 noisy campaigns on costs that add up', () => {
    const random = seededRandom(3);
    const contains = Array.from({ length: 100 }, (_, seed) => {
      const of = (cost: number) => measured(cost, 7, 0.05, random);
      const { interval } = testAdditivity(of(100), [of(110), of(105)], of(115), { seed, resamples: 200 }).ofTotal;
      return interval![0] <= 0 && 0 <= interval![1];
    });
    expect(contains.filter(Boolean).length).toBeGreaterThanOrEqual(90);
  });

  it('finds an interaction that is larger than the noise', () => {
    const random = seededRandom(4);
    const of = (cost: number) => measured(cost, 7, 0.01, random);
    const { ofTotal, ofFilters } = testAdditivity(of(100), [of(110), of(105)], of(135));
    expect(ofTotal.interval![0]).toBeGreaterThan(0.1);
    expect(ofFilters!.interval![0]).toBeGreaterThan(0.4);
  });
});

describe("the paper's own estimate", () => {
  it("adds the policy's own filter cycles to bare HTTP, as Table 3 does", () => {
    const base = table3[0].totalKcycles;
    for (const row of table3.slice(1)) {
      expect(Math.abs(paperEstimate([base], [row.filterKcycles!]).value - row.totalEstimateKcycles!)).toBeLessThan(0.11);
    }
  });

  it('deviates from the total of Mix 2 by 10.7 %, where the table prints 1.23 %', () => {
    const [http, , , , , , mix2] = table3;
    expect(paperDeviation([http.totalKcycles], [mix2.filterKcycles!], [mix2.totalKcycles]).value).toBeCloseTo(0.107, 3);
  });
});
