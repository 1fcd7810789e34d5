/** A cache, TLB or buffer of numbers: set-associative, exact LRU. */
import type { EntryArray } from '../geometry.js';

const none = -1;

/**
 * Each set keeps its numbers in order of use. Slower at hits than lib/simulate/level.ts, which needs the ids of all
 * numbers beforehand; that does not suit lines which only a wrong path or a prefetch asks for.
 */
export class LruArray {
  private readonly held: Int32Array;
  private readonly ways: number;
  private readonly setMask: number;

  /** @param array sets: a power of two; a number's set is its lowest bits. */
  constructor({ sets, ways }: EntryArray) {
    this.held = new Int32Array(sets * ways).fill(none);
    this.ways = ways;
    this.setMask = sets - 1;
  }

  /** Uses a number from 0, bringing it in when it is not there. @returns whether it was there. */
  access(number: number): boolean {
    const { held, ways } = this;
    const first = (number & this.setMask) * ways;
    let moving = held[first];
    if (moving === number) return true;
    held[first] = number;
    for (let slot = first + 1; slot < first + ways; slot++) {
      const next = held[slot];
      held[slot] = moving;
      if (next === number) return true;
      moving = next;
    }
    return false;
  }

  /** Whether a number is there; nothing changes. */
  has(number: number): boolean {
    const { held, ways } = this;
    const first = (number & this.setMask) * ways;
    for (let slot = first; slot < first + ways; slot++) if (held[slot] === number) return true;
    return false;
  }

  empty(): void {
    this.held.fill(none);
  }
}
