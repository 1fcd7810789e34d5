import { describe, expect, it } from 'vitest';
import { clusteredRatio, type Pair } from '../../../lib/analysis/clustered.js';

const against1 = (...values: number[]): Pair[] => values.map((value) => [value, 1]);

describe('clusteredRatio', () => {
  it('is the median of the ratios of all rounds', () => {
    expect(clusteredRatio([[[2, 1], [6, 2]], [[8, 2]]]).value).toBe(3);
  });
  it('has an interval of no width when nothing varies', () => {
    expect(clusteredRatio([against1(2, 2), against1(2, 2)])).toEqual({ value: 2, interval: [2, 2], n: 2 });
  });
  it('is as wide as starts differ, however many rounds each has', () => {
    const { interval } = clusteredRatio([against1(...Array<number>(50).fill(0.9)), against1(...Array<number>(50).fill(1.1))]);
    expect(interval).toEqual([0.9, 1.1]);
  });
  it('has no interval for a single start', () => {
    expect(clusteredRatio([against1(1, 2, 3)])).toEqual({ value: 2, interval: null, n: 1 });
  });
  it('names what cannot be compared', () => {
    expect(() => clusteredRatio([[]])).toThrow('no rounds');
    expect(() => clusteredRatio([[[1, 0]]])).toThrow('not above 0');
  });
});
