/** Small programs whose events follow from how they are made. */
import type { Component } from '../../../../lib/paper/components.js';
import { iceLake } from '../../../../lib/simulate/core/ice-lake.js';
import type { CoreParameters } from '../../../../lib/simulate/core/parameters.js';
import { readProgram, type CoreInput } from '../../../../lib/simulate/core/program.js';
import { End } from '../../../../lib/trace/decode.js';
import { call, memoryTrace, run } from '../../trace/memory-trace.js';

/** A run of code: one instruction of four bytes that falls through, in the event loop, unless told. */
export interface Block {
  at: number;
  bytes?: number;
  instructions?: number;
  end?: End;
  /** Where a direct branch leads when taken. */
  to?: number;
  component?: Component;
}

export const lineBytes = 64;

/** A whole line of code that falls through. */
export function line(number: number): Block {
  return { at: number * lineBytes, bytes: lineBytes, instructions: 16 };
}

export function lines(from: number, count: number): Block[] {
  return Array.from({ length: count }, (_, i) => line(from + i));
}

/** A branch alone; four bytes. */
export function branch(end: End, at: number, to?: number): Block {
  return { at, end, to };
}

export function times<T>(count: number, body: (i: number) => T[]): T[] {
  return Array.from({ length: count }, (_, i) => body(i)).flat();
}

/**
 * Executes blocks in order.
 * @param requests the blocks of each request; `'call'` is a system call
 */
export async function kernel(...requests: (Block | 'call')[][]): Promise<CoreInput> {
  const blocks = requests.flat();
  const executed = blocks.filter((block): block is Block => block !== 'call');
  const trace = memoryTrace(blocks.map((block) => (block === 'call' ? call(0, 0, 0) : run(block.at, block.bytes ?? 4, block.instructions ?? 1))), { chunkRuns: 1000 });
  let position = 0;
  const spans = requests.map((request) => ({ start: position, end: position += request.filter((block) => block !== 'call').length }));
  const byPlace = new Map(executed.map((block) => [`${block.at} ${block.bytes ?? 4}`, block]));
  let step = 0;
  return readProgram({
    trace, spans,
    endOf: (id) => {
      const { end = End.none, to = null } = byPlace.get(`${trace.runs.address[id]} ${trace.runs.bytes[id]}`)!;
      return { end, target: to };
    },
    componentOf: () => executed[step++].component ?? 'Event Poll',
  });
}

/** Ice Lake without prefetch, with what is changed. */
export function plainCore(changes: Partial<CoreParameters> = {}): CoreParameters {
  return { ...iceLake, nextLines: 0, runAhead: 0, ...changes };
}
