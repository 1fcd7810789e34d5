import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { commonRounds } from '../../../lib/analysis/rounds.js';

describe('rounds that measurements have in common', () => {
  it('pairs by round, not by position, and drops what either side lacks', () => {
    const a = new Map([[0, 10], [1, 11], [3, 13]]);
    const b = new Map([[3, 23], [2, 22], [0, 20]]);
    expect(commonRounds([a, b])).toEqual({ paired: true, samples: [[10, 13], [20, 23]] });
  });

  it('takes everything unpaired where fewer than two rounds are shared', () => {
    const [a, b] = [new Map([[0, 10], [1, 11]]), new Map([[1, 21], [2, 22]])];
    expect(commonRounds([a, b])).toEqual({ paired: false, samples: [[10, 11], [21, 22]] });
  });

  it('gives samples of equal length whenever it pairs, and loses nothing when it does not', () => {
    const rounds = fc.uniqueArray(fc.nat(6), { minLength: 1 }).map((list) => new Map(list.map((round) => [round, round * 2])));
    fc.assert(fc.property(fc.array(rounds, { minLength: 1, maxLength: 4 }), (all) => {
      const { samples, paired } = commonRounds(all);
      expect(samples.map((each) => each.length)).toEqual(paired ? all.map(() => samples[0].length) : all.map((each) => each.size));
    }));
  });
});
