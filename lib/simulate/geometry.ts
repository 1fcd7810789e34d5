/** Shapes of TLBs and caches, and those of the paper's machines. */
import { mostWays } from './level.js';
import type { PolicyMaker } from './replacement.js';

export interface EntryArray {
  /** 1 for fully associative. Any whole number: set = unit number modulo sets. */
  sets: number;
  ways: number;
}

export interface Geometry {
  /** Entries for pages of 4 kB, or the lines of a cache. */
  first: EntryArray;
  /** Entries for pages of 2 MB, beside the first, as in Intel's instruction TLBs. */
  huge?: EntryArray;
  /** Asked when the first level misses, for pages of both sizes; brings in what it misses. */
  second?: EntryArray;
  /** Exact LRU when left out. */
  policy?: PolicyMaker;
}

export const hugePageBytes = 2 ** 21;

/**
 * Instruction TLBs of the paper's machines. A core's two hardware threads share it; CPUID reports one thread's share,
 * which is what the paper simulates (section 5.4), while a thread whose sibling is idle has the whole.
 * Intel 64 and IA-32 Optimization Reference Manual, table 2-15; WikiChip; the paper's Table 1.
 */
export const instructionTlbs = {
  'share of one thread, 64 + 8': { first: { sets: 8, ways: 8 }, huge: { sets: 1, ways: 8 } },
  'whole core, 128 + 16': { first: { sets: 16, ways: 8 }, huge: { sets: 1, ways: 16 } },
  'Skylake, Cascade Lake: share with second level': { first: { sets: 8, ways: 8 }, huge: { sets: 1, ways: 8 }, second: { sets: 128, ways: 12 } },
  'Ice Lake: whole core with second level': { first: { sets: 16, ways: 8 }, huge: { sets: 1, ways: 16 }, second: { sets: 128, ways: 16 } },
  'Haswell: whole core with second level': { first: { sets: 32, ways: 4 }, huge: { sets: 1, ways: 8 }, second: { sets: 128, ways: 8 } },
} as const satisfies Record<string, Geometry>;

/** First-level instruction cache of every CPU of the paper, and of callgrind: 32 kB, 8-way, lines of 64 bytes. */
export const instructionCache = { first: { sets: 64, ways: 8 } } as const satisfies Geometry;

/** @throws Error naming an array whose sets or ways are no positive whole number, or too many. */
export function checkGeometry({ first, huge, second }: Geometry): void {
  for (const [name, array] of Object.entries({ first, huge, second })) {
    if (array && ![array.sets, array.ways].every((count) => Number.isInteger(count) && count > 0)) {
      throw new Error(`${name} has ${array.sets} sets of ${array.ways} ways; give whole numbers from 1`);
    }
    if (array && array.ways > mostWays) throw new Error(`${name} has ${array.ways} ways; up to ${mostWays} are simulated, a miss curve (lib/simulate/stack-distance.ts) has no limit`);
  }
}
