import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../lib/analysis/statistics.js';
import { instructionTlbs, type Geometry } from '../../../lib/simulate/geometry.js';
import { fifo, plainLru, randomReplacement, treePlru } from '../../../lib/simulate/replacement.js';
import { simulate, simulateBounds, Simulator } from '../../../lib/simulate/simulator.js';
import { anyPages, pageTransitions } from './tiny-trace.js';

const twoWays: Geometry = { first: { sets: 1, ways: 2 } };

function misses(pages: (number | 'call')[], geometry: Geometry, options = {}): number {
  return simulate(pageTransitions(pages), geometry, options).misses;
}

describe('a simulated TLB', () => {
  it('throws out the page that was not used for longest', () => {
    // 1, 2, then 3 instead of 2, 1 still there, 2 instead of 3.
    expect(misses([1, 2, 1, 3, 1, 2], twoWays)).toBe(4);
  });

  it('holds pages of different sets apart', () => {
    expect(misses([0, 1, 2, 0, 1, 2], { first: { sets: 2, ways: 1 } })).toBe(5);
  });

  it('says which pages missed, and which came back', () => {
    const { accesses, missesOf, swapsOf } = simulate(pageTransitions([1, 2, 3, 1, 3]), twoWays);
    expect([accesses, ...missesOf]).toEqual([5, 2, 1, 1]);
    expect([...swapsOf]).toEqual([1, 0, 0]);
  });

  it('keeps or loses everything at a system call, as its two bounds', () => {
    const { kept, emptied } = simulateBounds(pageTransitions([1, 2, 'call', 1, 2, 'call', 'call', 2]), twoWays);
    expect([kept.misses, emptied.misses]).toEqual([2, 5]);
  });

  it('counts misses by request, and none for what lies between', () => {
    const transitions = pageTransitions([1, 2, 3, 3, 1, 2, 9]);
    transitions.chunks[0].borders = [{ at: 1, request: 0 }, { at: 3, request: -1 }, { at: 4, request: 1 }, { at: 6, request: -1 }];
    const { missesOfRequest, misses: all } = simulate(transitions, twoWays);
    expect(missesOfRequest).toEqual([2, 2]);
    expect(all).toBe(6);
  });

  it('holds pages of a huge region in one entry of their own array', () => {
    const geometry: Geometry = { first: { sets: 1, ways: 1 }, huge: { sets: 1, ways: 1 } };
    expect(misses([0, 1, 2, 512, 0, 1, 512], geometry)).toBe(7);
    expect(misses([0, 1, 2, 512, 0, 1, 512], geometry, { hugeRegions: [0] })).toBe(2);
    expect(misses([0, 512, 1, 513], geometry, { hugeRegions: [0, 1] })).toBe(4);
  });

  it('asks the second level when the first misses', () => {
    const result = simulate(pageTransitions([1, 2, 3, 1, 2, 3]), { ...twoWays, second: { sets: 1, ways: 3 } });
    expect([result.misses, result.secondMisses]).toEqual([6, 3]);
  });

  it('gives the same however its input is cut', () => {
    fc.assert(fc.property(anyPages(30), fc.nat(300), fc.boolean(), (pages, cut, emptyAtCalls) => {
      const whole = pageTransitions(pages);
      const { ids, calls } = whole.chunks[0];
      const at = Math.min(cut, ids.length);
      const parts = [
        { ids: ids.slice(0, at), calls: calls.filter((call) => call < at), borders: [] },
        { ids: ids.slice(at), calls: calls.filter((call) => call >= at).map((call) => call - at), borders: [] },
      ];
      const simulator = new Simulator(whole.units, { first: { sets: 2, ways: 3 } }, { emptyAtCalls });
      parts.forEach((part) => simulator.feed(part));
      expect(simulator.result()).toEqual(simulate(whole, { first: { sets: 2, ways: 3 } }, { emptyAtCalls }));
    }));
  });

  it('is exact LRU: the fast path does what a plain list does, with huge pages and a second level', () => {
    fc.assert(fc.property(anyPages(2000, 400), fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 9 }), fc.boolean(), (pages, sets, ways, emptyAtCalls) => {
      const geometry: Geometry = { first: { sets, ways }, huge: { sets: 1, ways: 2 }, second: { sets: 3, ways: 7 } };
      const options = { emptyAtCalls, hugeRegions: [1, 2] };
      const transitions = pageTransitions(pages);
      expect(simulate(transitions, geometry, options)).toEqual(simulate(transitions, { ...geometry, policy: plainLru }, options));
    }));
  });

  it('stays exact when its clock has to start anew', () => {
    // Time stamps have 31 bits less 14 for so many ways: they are used up after 131,072 accesses.
    const geometry: Geometry = { first: { sets: 2, ways: 3 }, huge: { sets: 1, ways: 2 ** 14 } };
    const random = seededRandom(7);
    const pages = Array.from({ length: 300_000 }, () => Math.floor(9 * random()));
    expect(misses(pages, geometry)).toBe(misses(pages, { ...geometry, policy: plainLru }));
  });

  it('refuses what no TLB is', () => {
    expect(() => simulate(pageTransitions([1]), { first: { sets: 0, ways: 8 } })).toThrow('first has 0 sets of 8 ways; give whole numbers from 1');
    expect(() => simulate(pageTransitions([1]), { first: { sets: 1, ways: 20_000 } })).toThrow('first has 20000 ways; up to 16384 are simulated');
    expect(() => simulate(pageTransitions([1]), twoWays, { hugeRegions: [1] })).toThrow('1 huge pages asked for of a geometry without entries for them');
  });

  it('is of the size that CPUs have', () => {
    const entries = Object.values(instructionTlbs).map((geometry: Geometry) => [geometry.first, geometry.huge, geometry.second].map((array) => (array ? array.sets * array.ways : 0)));
    expect(entries).toEqual([[64, 8, 0], [128, 16, 0], [64, 8, 1536], [128, 16, 2048], [128, 8, 1024]]);
  });
});

describe('other replacement policies', () => {
  it('FIFO throws out the page that came first, used or not', () => {
    expect(misses([1, 2, 1, 3, 1], { ...twoWays, policy: fifo })).toBe(4);
    expect(misses([1, 2, 1, 3, 1], twoWays)).toBe(3);
  });

  it('tree-PLRU points away from what was used last', () => {
    // Four ways hold 1 2 3 4; after using 1 the tree points to the other half, and there away from 4: 3 goes.
    const geometry: Geometry = { first: { sets: 1, ways: 4 }, policy: treePlru };
    const result = simulate(pageTransitions([1, 2, 3, 4, 1, 5, 1, 2, 4, 3]), geometry);
    expect([...result.missesOf]).toEqual([1, 1, 2, 1, 1]);
    expect(() => simulate(pageTransitions([1]), { first: { sets: 1, ways: 12 }, policy: treePlru })).toThrow('tree-PLRU asked for over 12 ways');
  });

  it('of two ways tree-PLRU is LRU', () => {
    fc.assert(fc.property(anyPages(12), (pages) => {
      expect(misses(pages, { first: { sets: 2, ways: 2 }, policy: treePlru })).toBe(misses(pages, { first: { sets: 2, ways: 2 } }));
    }));
  });

  it('random replacement repeats itself with its seed, and never evicts while there is room', () => {
    fc.assert(fc.property(anyPages(12), fc.nat(), (pages, seed) => {
      const geometry = (): Geometry => ({ first: { sets: 1, ways: 3 }, policy: randomReplacement(seed) });
      expect(misses(pages, geometry())).toBe(misses(pages, geometry()));
      const distinct = new Set(pages.filter((page) => page !== 'call')).size;
      expect(misses(pages, { first: { sets: 1, ways: 12 }, policy: randomReplacement(seed) })).toBe(distinct);
    }));
  });
});
