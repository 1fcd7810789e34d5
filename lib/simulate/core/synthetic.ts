/** Code made up, block by block, to see a core count what is known beforehand. */
import { components, type Component } from '../../paper/components.js';
import { End } from '../../trace/decode.js';
import { programOf, type CoreInput, type Segment } from './program.js';

/** A run of code: one instruction of four bytes that falls through, in the event loop, unless told. */
export interface Block {
  /** Address of its first instruction. */
  at: number;
  bytes?: number;
  instructions?: number;
  end?: End;
  /** Where a direct branch leads when taken. */
  to?: number;
  component?: Component;
}

/** What is executed, in order. */
export type Step = Block | 'system call';

const lineBytes = 64;
const usual = { bytes: 4, instructions: 1, end: End.none as End, component: 'Event Poll' as Component };

/** A whole line of code that falls through. */
export function line(number: number): Block {
  return { at: number * lineBytes, bytes: lineBytes, instructions: 16 };
}

/** Lines [from, from + count), one after another. */
export function lines(from: number, count: number): Block[] {
  return Array.from({ length: count }, (_, i) => line(from + i));
}

/** A branch alone. */
export function branch(end: End, at: number, to?: number): Block {
  return { at, end, to };
}

/** The steps of each request as a trace in memory; blocks at one place, of one length, have to be the same. */
export function synthesise(...requests: readonly Step[][]): CoreInput {
  const blocks: Block[] = [];
  const idOf = new Map<string, number>();
  const sequence: number[] = [];
  const component: number[] = [];
  const segments: Segment[] = [];
  let isAfterCall = false;
  let from = 0;
  const close = (request: number) => {
    if (sequence.length === from) return;
    segments.push({ from, to: sequence.length, afterCall: isAfterCall, request });
    from = sequence.length;
    isAfterCall = false;
  };
  requests.forEach((steps, request) => {
    for (const step of steps) {
      if (step === 'system call') {
        close(request);
        isAfterCall = true;
        continue;
      }
      const place = `${step.at} ${step.bytes ?? usual.bytes}`;
      if (!idOf.has(place)) idOf.set(place, blocks.push(step) - 1);
      sequence.push(idOf.get(place)!);
      component.push(components.indexOf(step.component ?? usual.component));
    }
    close(request);
  });
  return { program: programOfBlocks(blocks), sequence: Uint32Array.from(sequence), component: Uint8Array.from(component), segments, requests: requests.length };
}

function programOfBlocks(blocks: readonly Block[]): CoreInput['program'] {
  const runs = {
    size: blocks.length,
    address: Float64Array.from(blocks, ({ at }) => at),
    bytes: Uint32Array.from(blocks, ({ bytes = usual.bytes }) => bytes),
    instructions: Uint32Array.from(blocks, ({ instructions = usual.instructions }) => instructions),
  };
  return programOf(runs, (id) => ({ end: blocks[id].end ?? usual.end, target: blocks[id].to ?? null }));
}
