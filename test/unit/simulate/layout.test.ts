import { describe, expect, it } from 'vitest';
import { atLoadAddress, packedByHeat, pagesOfLines, placementsByLoadAddress } from '../../../lib/simulate/layout.js';
import type { Transitions } from '../../../lib/simulate/transitions.js';
import { pageTransitions } from './tiny-trace.js';

const numbersOf = ({ units, chunks }: Transitions) => chunks.flatMap(({ ids }) => Array.from(ids, (id) => units.numbers[id]));

describe('code at other addresses', () => {
  it('moves one object and leaves the others', () => {
    const moved = atLoadAddress(pageTransitions([1, 2, 9, 1]), { start: 4096, end: 3 * 4096 }, 8192);
    expect(numbersOf(moved)).toEqual([3, 4, 9, 3]);
    expect(() => atLoadAddress(pageTransitions([1, 3]), { start: 4096, end: 8192 }, 8192)).toThrow('the object would lie on other code');
    expect(() => atLoadAddress(pageTransitions([1]), { start: 0, end: 8192 }, 100)).toThrow('give a multiple of 4096');
  });

  it('needs more or fewer huge pages as its load address falls', () => {
    // Four pages around a 2 MB border: two regions as recorded, one when moved by half of that.
    const pages = pageTransitions([510, 511, 512, 513, 510, 511, 512, 513]);
    const geometry = { first: { sets: 1, ways: 1 }, huge: { sets: 1, ways: 8 } };
    const effects = placementsByLoadAddress(pages, geometry, { start: 0, end: 2 ** 30 }, 2, { atMost: 1 });
    expect(effects.map(({ shiftBytes, placements }) => [shiftBytes, placements[1].misses])).toEqual([[0, 5], [2 ** 20, 1]]);
  });
});

describe('hot code packed together', () => {
  // Lines 0, 64 and 128 lie in three pages; line 128 is the hottest.
  const lines = pageTransitions([0, 128, 64, 128, 0, 128], 64);

  it('fits into fewer pages when lines move one by one', () => {
    expect(numbersOf(pagesOfLines(lines))).toEqual([0, 2, 1, 2, 0, 2]);
    expect(numbersOf(packedByHeat(lines))).toEqual([0]);
  });

  it('takes whole functions along', () => {
    // The hot function fills a page and the beginning of the next, where the others come to lie.
    const functions = [{ start: 128 * 64, end: 129 * 64 }, { start: 0, end: 64 * 64 }];
    expect(numbersOf(packedByHeat(lines, functions))).toEqual([0]);
    expect(numbersOf(packedByHeat(lines, [{ start: 64 * 64, end: 193 * 64 }]))).toEqual([0, 1, 0, 1, 0, 1]);
  });
});
