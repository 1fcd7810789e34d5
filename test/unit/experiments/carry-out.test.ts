import { describe, expect, it } from 'vitest';
import { carryOutAll, type Work } from '../../../lib/experiments/carry-out.js';
import type { Run } from '../../../lib/store/run-store.js';

/** Words that end in ! fail, all others are a run each. */
const work = (tried: string[] = []): Work<string> => ({
  items: 'words',
  describe: (words, seconds) => `${words.length} words, ${seconds} s`,
  label: (word) => `"${word}"`,
  seconds: (word) => word.length,
  measure: async (word, keep) => {
    tried.push(word);
    if (word.endsWith('!')) throw new Error(`${word} cannot be`);
    keep({ id: word } as Run);
  },
});

describe('what is planned', () => {
  it('is told before it starts, done in its order, and told again with the seconds that are done', async () => {
    const said: [string, number][] = [];
    const say = (...words: [string, number]) => { said.push(words); };
    const { measured, failed } = await carryOutAll({ recorded: [{} as Run], missing: ['one', 'three', 'a'] }, work(), { planned: say, advanced: say });
    expect(measured.map(({ id }) => id)).toEqual(['one', 'three', 'a']);
    expect(failed).toEqual([]);
    expect(said).toEqual([['3 words, 9 s to measure; 1 runs recorded already', 9], ['"one"', 3], ['"three"', 8], ['"a"', 9]]);
  });

  it('goes on after what fails, which keeps its reason, as long as something works between', async () => {
    const { measured, failed } = await carryOutAll({ recorded: [], missing: ['a!', 'b!', 'c', 'd!', 'e!', 'f'] }, work());
    expect(measured.map(({ id }) => id)).toEqual(['c', 'f']);
    expect(failed.slice(0, 2)).toEqual([{ item: 'a!', reason: 'a! cannot be' }, { item: 'b!', reason: 'b! cannot be' }]);
    expect(failed).toHaveLength(4);
  });

  it('is given up after three failures in a row, of which the first is named, and what was measured is kept', async () => {
    const tried: string[] = [];
    await expect(carryOutAll({ recorded: [], missing: ['a', 'b!', 'c', 'd!', 'e!', 'f!', 'g'] }, work(tried)))
      .rejects.toThrow('3 words in a row failed, the first ("d!") with: d! cannot be; 2 runs kept, the next start goes on from there');
    expect(tried.at(-1)).toBe('f!');
  });

  it('keeps the runs of one that fails half-way', async () => {
    const halfWay: Work<string> = { ...work(), measure: async (word, keep) => { keep({ id: word } as Run); throw new Error('then it broke'); } };
    const { measured, failed } = await carryOutAll({ recorded: [], missing: ['a'] }, halfWay);
    expect([measured.length, failed]).toEqual([1, [{ item: 'a', reason: 'then it broke' }]]);
  });
});
