/**
 * The instruction cache as callgrind counts it (valgrind, callgrind/sim.c, cachesim_ref): LRU, and an instruction whose
 * bytes lie in two lines touches both but misses once at most. Simulated lines count both; this is for comparing with
 * callgrind's I1mr, to show that the trace is the same code.
 */
import type { RunTable, Trace } from '../trace/trace.js';
import { instructionCache, type EntryArray } from './geometry.js';
import { LruLevel } from './level.js';

const lineBytes = 64;

export interface InstructionCacheOptions {
  /** Of callgrind's first-level cache; 32 kB, 8-way unless told. */
  cache?: EntryArray;
  /** Length of a run's first instruction, e.g. from lib/trace/decode.ts; asked once a run. */
  firstInstructionBytes: (run: number) => number;
}

/** What callgrind would count as I1mr over a whole trace, starting with an empty cache. */
export async function callgrindMisses(trace: Trace, { cache = instructionCache.first, firstInstructionBytes }: InstructionCacheOptions): Promise<number> {
  const level = new LruLevel(new Array<number>(cache.sets).fill(cache.ways));
  const lines = new Map<number, RunLines>();
  const entries = new Map<number, number>();
  let misses = 0;
  for await (const { ids, length } of trace.chunks()) {
    for (let i = 0; i < length; i++) {
      const run = lines.get(ids[i]) ?? learn(trace.runs, ids[i]);
      let before = false;
      for (let line = 0; line < run.entries.length; line++) {
        const missed = !level.access(run.entries[line], run.sets[line]);
        // Only a run's first instruction can bring in two lines: any later one begins in a line that is there already.
        if (missed && !(before && line === 1 && run.straddles)) misses++;
        before = missed;
      }
    }
  }
  return misses;

  function learn({ address, bytes }: RunTable, run: number): RunLines {
    const first = Math.floor(address[run] / lineBytes);
    const last = Math.floor((address[run] + bytes[run] - 1) / lineBytes);
    const numbers = Array.from({ length: last - first + 1 }, (_, i) => first + i);
    for (const number of numbers) if (!entries.has(number)) entries.set(number, entries.size + 1);
    level.reserve(entries.size + 1);
    const learnt: RunLines = {
      entries: numbers.map((number) => entries.get(number)!),
      sets: numbers.map((number) => number % cache.sets),
      straddles: last > first && address[run] % lineBytes + firstInstructionBytes(run) > lineBytes,
    };
    lines.set(run, learnt);
    return learnt;
  }
}

interface RunLines {
  entries: number[];
  sets: number[];
  /** Whether the first instruction lies in two lines. */
  straddles: boolean;
}
