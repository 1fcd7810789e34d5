/** Traces and transitions made by hand. */
import fc from 'fast-check';
import type { Trace } from '../../../lib/trace/trace.js';
import { call, memoryTrace, run } from '../trace/memory-trace.js';
import type { Transitions } from '../../../lib/simulate/transitions.js';

/** A run by address and length in bytes, or a system call. */
export type Step = { address: number; bytes: number } | 'call';

/** @param chunkRuns runs a chunk */
export function tinyTrace(steps: readonly Step[], chunkRuns = 4): Trace {
  return memoryTrace(steps.map((step) => (step === 'call' ? call(0, 0, 0) : run(step.address, step.bytes))), { chunkRuns });
}

/** Transitions through pages of these numbers; `'call'` for a system call. */
export function pageTransitions(pages: readonly (number | 'call')[], unitBytes = 4096): Transitions {
  const numbers = [...new Set(pages.filter((page): page is number => page !== 'call'))];
  const ids: number[] = [];
  const calls: number[] = [];
  for (const page of pages) {
    if (page === 'call') calls.push(ids.length);
    else ids.push(numbers.indexOf(page));
  }
  return { units: { unitBytes, size: numbers.length, numbers: Float64Array.from(numbers) }, chunks: [{ ids: Uint16Array.from(ids), calls: Uint32Array.from(calls), borders: [] }] };
}

/** Pages below `most`, some of them often, with system calls between. */
export function anyPages(most: number, maxLength = 300): fc.Arbitrary<(number | 'call')[]> {
  const page = fc.oneof(fc.nat(most - 1), fc.nat(Math.ceil(most / 4) - 1));
  return fc.array(fc.oneof({ weight: 20, arbitrary: page }, { weight: 1, arbitrary: fc.constant('call' as const) }), { minLength: 1, maxLength });
}
