import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { simulate } from '../../../lib/simulate/simulator.js';
import { missCurve } from '../../../lib/simulate/stack-distance.js';
import { anyPages, pageTransitions } from './tiny-trace.js';

describe('the miss curve', () => {
  it('counts by distance: a b c b a has distances none, none, none, 1, 2', () => {
    expect([...missCurve(pageTransitions([1, 2, 3, 2, 1]), { sets: 1, maxWays: 4 }).misses]).toEqual([5, 5, 4, 3, 3]);
  });

  it('is the direct simulation at every size, state kept and emptied', () => {
    fc.assert(fc.property(anyPages(60, 500), fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 70 }), fc.boolean(), (pages, sets, maxWays, emptyAtCalls) => {
      const transitions = pageTransitions(pages);
      const { misses, accesses } = missCurve(transitions, { sets, maxWays, emptyAtCalls });
      expect(accesses).toBe(misses[0]);
      const direct = Array.from({ length: maxWays }, (_, i) => simulate(transitions, { first: { sets, ways: i + 1 } }, { emptyAtCalls }).misses);
      expect([...misses.subarray(1)]).toEqual(direct);
    }));
  });

  it('refuses half ways', () => {
    expect(() => missCurve(pageTransitions([1]), { sets: 1, maxWays: 0.5 })).toThrow('a curve of 1 sets up to 0.5 ways asked for; give whole numbers from 1');
  });
});
