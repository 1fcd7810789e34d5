import { describe, expect, it } from 'vitest';
import { costPerByte } from '../../../lib/analysis/cost-per-byte.js';

const point = (bytes: number, ...costs: number[]) => ({ bytes, costs: new Map(costs.map((cost, round) => [round, cost])) });

describe('cost of a further byte', () => {
  it('is the slope of a line, whatever a request costs besides', () => {
    expect(costPerByte([point(16, 116, 116), point(1000, 1100, 1100), point(5000, 5100, 5100)])).toEqual({ value: 1, interval: [1, 1], n: 2 });
  });

  it('is the least-squares slope where the costs are on no line', () => {
    // x - mean: -1, 0, 1; y: 0, 0, 3.
    expect(costPerByte([point(1, 0), point(2, 0), point(3, 3)])).toEqual({ value: 1.5, interval: null, n: 1 });
  });

  it('compares sizes round by round: a machine that is slower for a round does not widen the interval', () => {
    const drifting = costPerByte([point(0, 100, 200, 300), point(10, 120, 220, 320)])!;
    expect(drifting.value).toBeCloseTo(2, 9);
    expect(drifting.interval!.map((bound) => Number(bound.toFixed(9)))).toEqual([2, 2]);
  });

  it('has an interval that holds the true slope of noisy costs', () => {
    const noisy = costPerByte([point(0, 9, 11, 10, 10, 9, 11), point(100, 61, 59, 60, 60, 58, 62)])!;
    expect(noisy.value).toBeCloseTo(0.5, 9);
    expect(noisy.interval![0]).toBeLessThan(0.5);
    expect(noisy.interval![1]).toBeGreaterThan(0.5);
  });

  it('needs two sizes that have a cost', () => {
    expect(costPerByte([])).toBeNull();
    expect(costPerByte([point(16, 1), point(1024)])).toBeNull();
    expect(costPerByte([point(16, 1), point(16, 2)])).toBeNull();
  });
});
