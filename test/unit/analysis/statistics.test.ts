import { op, table } from 'arquero';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bootstrap, differenceEstimate, interleave, mean, median, medianEstimate, noiseFloor, quantile, ratioEstimate,
  relativeDeviation, relativeDifferenceEstimate, seededRandom, standardDeviation, trimmedMean,
} from '../../../lib/analysis/statistics.js';

const sample = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 40 });

describe('trimmed mean', () => {
  it('leaves out the share at either end, rounded down, and adds up like a mean', () => {
    expect(trimmedMean([100, 1, 2, 3, 4, 5, 6, 7, 8, -50], 0.1)).toBe(4.5);
    expect(trimmedMean([1, 2, 9], 0.4)).toBe(2);
    expect(trimmedMean([1, 2, 9], 0)).toBe(mean([1, 2, 9]));
  });

  it('of nothing, or without a middle, is refused', () => {
    expect(() => trimmedMean([], 0.1)).toThrow('empty sample');
    expect(() => trimmedMean([1], 0.5)).toThrow('give a share from 0 to below 0.5');
  });
});

describe('median and quantile (type 7)', () => {
  it('equal the values of R quantile(c(1, 2, 4, 8, 16), c(0, .1, .25, .5, .9, 1))', () => {
    const values = [0, 0.1, 0.25, 0.5, 0.9, 1].map((p) => quantile([16, 2, 8, 1, 4], p));
    [1, 1.4, 2, 4, 12.8, 16].forEach((expected, i) => expect(values[i]).toBeCloseTo(expected, 12));
  });

  it('take the mean of the two middle values of an even sample', () => {
    expect(median([4, 1, 3, 2])).toBe(2.5);
  });

  it('of one value are that value, of a constant sample the constant', () => {
    expect(median([7])).toBe(7);
    expect(quantile([3, 3, 3], 0.975)).toBe(3);
  });

  it('of huge values do not overflow', () => {
    expect(median([Number.MAX_VALUE, Number.MAX_VALUE])).toBe(Number.MAX_VALUE);
    expect(mean([Number.MAX_VALUE, Number.MAX_VALUE])).toBe(Number.MAX_VALUE);
  });

  it('leave the sample in its order', () => {
    const values = [3, 1, 2];
    median(values);
    expect(values).toEqual([3, 1, 2]);
  });

  it('lie within the sample and grow with p', () => {
    fc.assert(
      fc.property(sample, fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true }), (values, p, q) => {
        const [low, high] = [quantile(values, Math.min(p, q)), quantile(values, Math.max(p, q))];
        const slack = 1e-9 * (1 + Math.abs(high));
        expect(low).toBeLessThanOrEqual(high + slack);
        expect(low).toBeGreaterThanOrEqual(Math.min(...values) - slack);
        expect(high).toBeLessThanOrEqual(Math.max(...values) + slack);
      }),
    );
  });

  it('refuse what is no sample', () => {
    expect(() => median([])).toThrow('empty sample');
    expect(() => median([1, Number.NaN])).toThrow('repeat 2 of 2 is NaN; drop failed runs first');
    expect(() => quantile([1], 50)).toThrow('quantile 50 asked for');
  });
});

describe('mean and standard deviation (n - 1)', () => {
  it('equal the reference values of NIST NumAcc1: mean 10000002, deviation 1', () => {
    expect(mean([10000001, 10000003, 10000002])).toBe(10000002);
    expect(standardDeviation([10000001, 10000003, 10000002])).toBe(1);
  });

  it('have no deviation for one value, and 0 for a constant', () => {
    expect(standardDeviation([5])).toBeNull();
    expect(standardDeviation([5, 5])).toBe(0);
  });
});

describe('median and deviation', () => {
  it("are the same by arquero, the notebooks' table library", () => {
    const values = [71, 75, 82.5, 90.25];
    const [byArquero] = table({ values }).rollup({ median: op.median('values'), deviation: op.stdev('values') }).objects() as { median: number; deviation: number }[];
    expect(median(values)).toBeCloseTo(byArquero.median, 12);
    expect(standardDeviation(values)).toBeCloseTo(byArquero.deviation, 12);
  });
});

describe('mulberry32', () => {
  it('gives the sequence of the published generator for seed 0', () => {
    const random = seededRandom(0);
    expect([random(), random(), random()]).toEqual([0.26642920868471265, 0.0003297457005828619, 0.2232720274478197]);
  });

  it('is uniform enough to bootstrap with: mean 1/2, tenths equally full', () => {
    const random = seededRandom(42);
    const values = Array.from({ length: 100_000 }, random);
    expect(mean(values)).toBeCloseTo(0.5, 2);
    for (let tenth = 0; tenth < 10; tenth++) {
      expect(values.filter((value) => Math.floor(value * 10) === tenth).length / values.length).toBeCloseTo(0.1, 2);
    }
  });
});

describe('percentile bootstrap', () => {
  it('has no interval for a single repeat', () => {
    expect(medianEstimate([12])).toEqual({ value: 12, interval: null, n: 1 });
    expect(ratioEstimate([4, 5], [2]).interval).toBeNull();
  });

  it('of a constant sample is that constant', () => {
    expect(medianEstimate([3, 3, 3])).toEqual({ value: 3, interval: [3, 3], n: 3 });
  });

  it('of the mean agrees with the normal theory: mean ± 1.96 s/√n for 200 values', () => {
    const random = seededRandom(7);
    const values = Array.from({ length: 200 }, () => random() + random() + random());
    const { value, interval } = bootstrap([values], ([only]) => mean(only), { resamples: 4000 });
    const half = (1.96 * standardDeviation(values)!) / Math.sqrt(200);
    expect(interval![0]).toBeCloseTo(value - half, 1);
    expect(interval![1]).toBeCloseTo(value + half, 1);
    expect((interval![1] - interval![0]) / (2 * half)).toBeCloseTo(1, 1);
  });

  it('covers the true median in 95 % of 400 repeated experiments of 15 repeats, within 4 points', () => {
    const random = seededRandom(11);
    const covered = Array.from({ length: 400 }, (_, seed) => {
      const { interval } = medianEstimate(Array.from({ length: 15 }, random), { seed, resamples: 500 });
      return interval![0] <= 0.5 && 0.5 <= interval![1];
    });
    expect(Math.abs(covered.filter(Boolean).length / 400 - 0.95)).toBeLessThan(0.04);
  });

  it('is the same for the same seed, holds the median, and stays within the sample', () => {
    fc.assert(
      fc.property(sample.filter((values) => values.length > 1), fc.integer(), (values, seed) => {
        const first = medianEstimate(values, { seed, resamples: 200 });
        expect(medianEstimate(values, { seed, resamples: 200 })).toEqual(first);
        expect(first.interval![0]).toBeGreaterThanOrEqual(Math.min(...values) - 1e-6);
        expect(first.interval![1]).toBeLessThanOrEqual(Math.max(...values) + 1e-6);
        expect(first.value).toBe(median(values));
      }),
      { numRuns: 30 },
    );
  });

  it('takes a machine that slows down round by round out of paired comparisons', () => {
    const drift = [1, 1.3, 1.7, 2.2, 2.9, 3.6];
    const a = drift.map((factor) => 105 * factor);
    const b = drift.map((factor) => 100 * factor);
    const paired = ratioEstimate(a, b, { paired: true });
    expect(paired.interval![0]).toBeCloseTo(1.05, 12);
    expect(paired.interval![1]).toBeCloseTo(1.05, 12);
    const unpaired = ratioEstimate(a, b).interval!;
    expect(unpaired[1] - unpaired[0]).toBeGreaterThan(1);
  });

  it('resamples whole rounds of paired samples for any statistic', () => {
    const shared = [10, 20, 40, 80];
    const sameDifference = bootstrap([shared, shared.map((value) => value + 3)], ([a, b]) => mean(b) - mean(a), { paired: true });
    expect(sameDifference.interval![0]).toBeCloseTo(3, 9);
    expect(sameDifference.interval![1]).toBeCloseTo(3, 9);
  });

  it('gives the difference and ratio of medians', () => {
    expect(differenceEstimate([5, 6, 7], [1, 2, 3]).value).toBe(4);
    expect(ratioEstimate([5, 6, 7], [1, 2, 3]).value).toBe(3);
    expect(relativeDifferenceEstimate([5, 6, 7], [1, 2, 3]).value).toBe(2);
  });

  it('refuses pairs that are none, and ratios to 0', () => {
    expect(() => differenceEstimate([1, 2], [1], { paired: true })).toThrow('paired samples of 2 and 1 repeats; keep the rounds that all of them have');
    expect(() => ratioEstimate([1], [0])).toThrow('ratio to a value of 0');
  });
});

describe('A/A noise floor', () => {
  it('is 0 for takes that agree, and the drift that both takes always show', () => {
    expect(noiseFloor([[5, 5], [7, 7], [6, 6]]).floor).toBe(0);
    expect(noiseFloor([[100, 102], [50, 51], [200, 204]]).floor).toBeCloseTo(0.02, 12);
  });

  it('is the larger side of the interval, whichever take was the slower', () => {
    const { difference, floor } = noiseFloor([[100, 97], [100, 101], [100, 99]]);
    expect(difference.value).toBeCloseTo(-0.01, 12);
    expect(floor).toBeCloseTo(0.03, 12);
  });

  it('is unknown from a single pair', () => {
    expect(noiseFloor([[1, 2]]).floor).toBeNull();
  });
});

describe('relative deviation', () => {
  it('is a part of the actual value, negative when the estimate was too high', () => {
    expect(relativeDeviation(100, 90)).toBeCloseTo(0.1, 12);
    expect(relativeDeviation(331.7, 354.7)).toBeCloseTo(-0.069, 3);
    expect(() => relativeDeviation(0, 1)).toThrow('undefined');
  });
});

describe('interleaved order', () => {
  it('has every item once in every round, the same for the same seed', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string(), { maxLength: 12 }), fc.nat(6), fc.integer(), (items, repeats, seed) => {
        const order = interleave(items, repeats, seed);
        expect(interleave(items, repeats, seed)).toEqual(order);
        expect(order.length).toBe(items.length * repeats);
        for (let round = 0; round < repeats; round++) {
          const slice = order.slice(round * items.length, (round + 1) * items.length);
          expect(slice.every(({ repeat }) => repeat === round)).toBe(true);
          expect(slice.map(({ item }) => item).sort()).toEqual([...items].sort());
        }
      }),
    );
  });

  it('gives every place of a round to every item about equally often', () => {
    const first = interleave(['a', 'b', 'c'], 3000, 5).filter((_, i) => i % 3 === 0);
    for (const item of ['a', 'b', 'c']) expect(first.filter((step) => step.item === item).length / 3000).toBeCloseTo(1 / 3, 1);
  });

  it('refuses half a repeat', () => {
    expect(() => interleave(['a'], 1.5, 1)).toThrow('1.5 repeats asked for');
  });
});
