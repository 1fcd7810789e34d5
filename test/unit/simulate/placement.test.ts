import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Geometry } from '../../../lib/simulate/geometry.js';
import { missesOfPlacement, placeHugePages, placePatterns } from '../../../lib/simulate/placement.js';
import { fifo } from '../../../lib/simulate/replacement.js';
import { reusePatterns } from '../../../lib/simulate/reuse-patterns.js';
import { simulate } from '../../../lib/simulate/simulator.js';
import { anyPages, pageTransitions } from './tiny-trace.js';

const pagesPerRegion = 512;

/** Pages of a few regions: the page's number modulo `regions` says which. */
function spread(pages: (number | 'call')[], regions: number) {
  return pageTransitions(pages.map((page) => (page === 'call' ? page : (page % regions) * pagesPerRegion + Math.floor(page / regions))));
}

function subsets(regions: readonly number[], most: number): number[][] {
  return regions.reduce<number[][]>((all, region) => [...all, ...all.filter(({ length }) => length < most).map((set) => [...set, region])], [[]]);
}

const anyGeometry = fc.record({ sets: fc.integer({ min: 1, max: 3 }), ways: fc.integer({ min: 1, max: 4 }), hugeWays: fc.integer({ min: 1, max: 3 }) })
  .map(({ sets, ways, hugeWays }): Geometry => ({ first: { sets, ways }, huge: { sets: 1, ways: hugeWays } }));

describe('patterns of reuse', () => {
  it('give the misses of the direct simulation for every placement', () => {
    fc.assert(fc.property(anyPages(40, 400), anyGeometry, fc.boolean(), (pages, geometry, emptyAtCalls) => {
      const transitions = spread(pages, 5);
      const patterns = reusePatterns(transitions, geometry, { emptyAtCalls });
      for (const chosen of subsets([...patterns.regions.keys()], 5)) {
        const hugeRegions = chosen.map((index) => patterns.regions[index]);
        expect(missesOfPlacement(patterns, chosen)).toBe(simulate(transitions, geometry, { hugeRegions, emptyAtCalls }).misses);
      }
    }), { numRuns: 60 });
  });

  it('exist for exact LRU only', () => {
    const transitions = pageTransitions([1]);
    for (const geometry of [{ first: { sets: 1, ways: 1 } }, { first: { sets: 1, ways: 1 }, huge: { sets: 1, ways: 1 }, policy: fifo }]) {
      expect(() => reusePatterns(transitions, geometry)).toThrow('patterns of reuse exist for exact LRU with a fully associative array of huge entries');
    }
  });
});

describe('huge pages', () => {
  it('go where they save most', () => {
    // Region 1 is fought over by two pages, region 0 used once.
    const [none, one] = placeHugePages(pageTransitions([0, 512, 513, 512, 513, 512, 513]), { first: { sets: 1, ways: 1 }, huge: { sets: 1, ways: 8 } }, { atMost: 1 });
    expect([none.misses, one.misses, one.regions]).toEqual([7, 2, [1]]);
    expect(one.memory).toEqual({ hugeBytes: 2 ** 21, smallBytes: 4096, addedBytes: 2 ** 21 - 2 * 4096 });
  });

  it('are placed as well as by trying all sets, also where they outnumber their entries', () => {
    fc.assert(fc.property(anyPages(48, 400), anyGeometry, fc.boolean(), (pages, geometry, emptyAtCalls) => {
      const transitions = spread(pages, 7);
      const patterns = reusePatterns(transitions, geometry, { emptyAtCalls });
      const placements = placePatterns(patterns, { atMost: 5 });
      placements.forEach(({ misses, regions, lowerBound, isExact, pages: allowed }) => {
        const best = Math.min(...subsets([...patterns.regions.keys()], allowed).map((chosen) => missesOfPlacement(patterns, chosen)));
        expect([misses, lowerBound, isExact]).toEqual([best, best, true]);
        expect(simulate(transitions, geometry, { hugeRegions: regions, emptyAtCalls }).misses).toBe(best);
      });
    }), { numRuns: 60 });
  });

  it('stay out of regions that cannot have them', () => {
    const geometry: Geometry = { first: { sets: 1, ways: 1 }, huge: { sets: 1, ways: 8 } };
    const [, one] = placeHugePages(pageTransitions([0, 512, 513, 512, 513, 0]), geometry, { atMost: 1, eligible: [0] });
    expect(one.regions).toEqual([0]);
  });

  it('come with a bound that holds when the search is cut short', () => {
    fc.assert(fc.property(anyPages(60, 400), fc.nat(200), (pages, effort) => {
      const geometry: Geometry = { first: { sets: 1, ways: 4 }, huge: { sets: 1, ways: 8 } };
      const patterns = reusePatterns(spread(pages, 9), geometry);
      const exact = placePatterns(patterns, { atMost: 4 });
      placePatterns(patterns, { atMost: 4, effort }).forEach((cut, i) => {
        expect(cut.misses).toBeGreaterThanOrEqual(exact[i].misses);
        expect(cut.lowerBound).toBeLessThanOrEqual(exact[i].misses);
        expect(cut.isExact).toBe(cut.lowerBound === cut.misses);
      });
    }), { numRuns: 60 });
  });
});
