/**
 * Misses of every size at once: one pass over transitions gives the LRU stack distance of each access (Mattson et al.,
 * "Evaluation techniques for storage hierarchies", IBM Systems Journal 1970): how many other units of its set were used
 * since it was last. With w ways exactly the accesses at distances from w miss.
 */
import { segmentsOf, type Transitions } from './transitions.js';

export interface CurveOptions {
  /** 1 for fully associative. */
  sets: number;
  /** Up to which number of ways the curve goes; farther distances need not be told apart. */
  maxWays: number;
  /** As in lib/simulate/simulator.ts. */
  emptyAtCalls?: boolean;
}

export interface MissCurve {
  sets: number;
  accesses: number;
  /** By ways: misses with so many. `misses[0]` = accesses. */
  misses: Float64Array;
}

/** Misses with 0 to `maxWays` ways, LRU. @throws Error on sets or ways that are no positive whole number. */
export function missCurve(transitions: Transitions, { sets, maxWays, emptyAtCalls = false }: CurveOptions): MissCurve {
  for (const count of [sets, maxWays]) if (!Number.isInteger(count) || count < 1) throw new Error(`a curve of ${sets} sets up to ${maxWays} ways asked for; give whole numbers from 1`);
  const atDistance = countDistances(transitions, sets, maxWays, emptyAtCalls);
  const misses = new Float64Array(maxWays + 1);
  misses[maxWays] = atDistance[maxWays];
  for (let ways = maxWays - 1; ways >= 0; ways--) misses[ways] = misses[ways + 1] + atDistance[ways];
  return { sets, accesses: misses[0], misses };
}

/** @returns by distance; the last one holds all from `maxWays`, first uses included */
function countDistances({ units, chunks }: Transitions, sets: number, maxWays: number, emptyAtCalls: boolean): Float64Array {
  const atDistance = new Float64Array(maxWays + 1);
  // Each set's units, last used first; 0 is nobody. Beyond the last place of a set lies one that is only passed.
  const lists = new Uint32Array(sets * maxWays);
  const startOf = Uint32Array.from(units.numbers.subarray(0, units.size), (number) => (number % sets) * maxWays);
  for (const chunk of chunks) {
    for (const { from, to, afterCall } of segmentsOf(chunk)) {
      if (afterCall && emptyAtCalls) lists.fill(0);
      moveToFront(chunk.ids, from, to, lists, startOf, maxWays, atDistance);
    }
  }
  return atDistance;
}

/** Moves each unit to its list's front, and counts from where. */
function moveToFront(ids: Uint16Array | Uint32Array, from: number, to: number, lists: Uint32Array, startOf: Uint32Array, maxWays: number, atDistance: Float64Array): void {
  for (let i = from; i < to; i++) {
    const start = startOf[ids[i]];
    const end = start + maxWays;
    const unit = ids[i] + 1;
    let moving = unit;
    let place = start;
    for (; place < end; place++) {
      const met = lists[place];
      lists[place] = moving;
      if (met === unit) break;
      moving = met;
    }
    atDistance[place - start]++;
  }
}
