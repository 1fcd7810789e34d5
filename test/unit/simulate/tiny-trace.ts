/** Traces and transitions made by hand. */
import fc from 'fast-check';
import type { SystemCall, Trace, TraceChunk } from '../../../lib/trace/trace.js';
import type { Transitions } from '../../../lib/simulate/transitions.js';

/** A run by address and length in bytes, or a system call. */
export type Step = { address: number; bytes: number } | 'call';

/** @param chunkRuns runs a chunk */
export function tinyTrace(steps: readonly Step[], chunkRuns = 4): Trace {
  const index = new Map<string, number>();
  const address: number[] = [];
  const bytes: number[] = [];
  const chunks: TraceChunk[] = [];
  let chunk: { ids: number[]; calls: SystemCall[] } = { ids: [], calls: [] };
  const close = () => {
    chunks.push({ ids: Uint32Array.from([...chunk.ids, 7, 7]), length: chunk.ids.length, calls: chunk.calls });
    chunk = { ids: [], calls: [] };
  };
  for (const step of steps) {
    if (step === 'call') chunk.calls.push({ at: chunk.ids.length, number: 0, argument: 0, result: 0 });
    else {
      if (chunk.ids.length === chunkRuns) close();
      const key = `${step.address} ${step.bytes}`;
      if (!index.has(key)) {
        index.set(key, address.length);
        address.push(step.address);
        bytes.push(step.bytes);
      }
      chunk.ids.push(index.get(key)!);
    }
  }
  close();
  return {
    header: { format: 1, recorder: 'pin', recorderVersion: 'by hand', code: [], clientDescriptors: [] },
    runs: { size: address.length, address: Float64Array.from(address), bytes: Uint32Array.from(bytes), instructions: new Uint32Array(bytes.length).fill(1) },
    async *chunks() { yield* chunks; },
  };
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
