import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Pair } from '../../../lib/analysis/clustered.js';
import { spreadOf, steadied } from '../../../lib/analysis/steadied.js';

describe('costs freed of the drift of the machine', () => {
  it('are equal when cost and reference became dearer together', () => {
    expect(steadied([[100, 1000], [140, 1400], [90, 900]])).toEqual([100, 100, 100]);
  });

  it('keep what the cost did apart from the reference', () => {
    expect(steadied([[100, 1000], [120, 1000], [100, 1000]])).toEqual([100, 120, 100]);
    expect(steadied([[100, 1000], [240, 2000], [50, 500]])).toEqual([100, 120, 100]);
  });

  it('are the plain cost of a single repeat', () => expect(steadied([[37, 5]])).toEqual([37]));

  const cost = fc.double({ min: 1, max: 1e5, noNaN: true });
  const pairs = fc.array(fc.tuple(cost, cost), { minLength: 1, maxLength: 8 });

  it('have the same spread whatever the speed of the machine in each repeat', () => {
    fc.assert(fc.property(pairs, fc.array(fc.double({ min: 0.3, max: 3, noNaN: true }), { minLength: 8, maxLength: 8 }), (repeats, speeds) => {
      const slowed = repeats.map(([own, reference], i): Pair => [own * speeds[i], reference * speeds[i]]);
      const [before, after] = [repeats, slowed].map((each) => spreadOf(steadied(each)));
      after.deviations.forEach((deviation, i) => expect(deviation).toBeCloseTo(before.deviations[i], 6));
    }));
  });

  it('are the plain costs while the reference stands still', () => {
    fc.assert(fc.property(fc.array(cost, { minLength: 1 }), cost, (costs, reference) => {
      steadied(costs.map((own): Pair => [own, reference])).forEach((value, i) => expect(value).toBeCloseTo(costs[i], 6));
    }));
  });

  it('need a reference that cost something', () => {
    expect(() => steadied([[1, 2], [1, 0]])).toThrow('repeat 2 of 2 has a reference of 0');
    expect(() => steadied([])).toThrow('empty sample');
  });
});

describe('how far repeats are apart', () => {
  it('is the median absolute deviation from the median, and the largest one', () => {
    const { deviations, typical, largest } = spreadOf([100, 101, 90, 120, 100]);
    expect(deviations.map((share) => Math.round(1000 * share))).toEqual([0, 10, -100, 200, 0]);
    expect(typical).toBeCloseTo(0.01);
    expect(largest).toBeCloseTo(0.2);
  });

  it('is nothing for one repeat', () => expect(spreadOf([7])).toEqual({ deviations: [0], typical: 0, largest: 0 }));

  it('cannot be told of costs of 0', () => expect(() => spreadOf([0, 0])).toThrow('median of 0'));
});
