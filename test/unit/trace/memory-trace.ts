/** A small trace in memory, for tests: one pass after another, in chunks as small as wanted. */
import type { SystemCall, Trace, TraceChunk, TraceHeader } from '../../../lib/trace/trace.js';

export type Step = { run: [address: number, bytes: number, instructions: number] } | { call: Omit<SystemCall, 'at'> };

export const run = (address: number, bytes = 4, instructions = 1): Step => ({ run: [address, bytes, instructions] });
export const call = (number: number, argument: number, result: number): Step => ({ call: { number, argument, result } });

export function memoryTrace(steps: Step[], { header = {}, chunkRuns = 3 }: { header?: Partial<TraceHeader>; chunkRuns?: number } = {}): Trace {
  const runs = { size: 0, address: new Float64Array(steps.length), bytes: new Uint32Array(steps.length), instructions: new Uint32Array(steps.length) };
  const ids = new Map<string, number>();
  const idOf = ([address, bytes, instructions]: [number, number, number]) => {
    const known = ids.get(`${address} ${bytes}`);
    if (known !== undefined) return known;
    ids.set(`${address} ${bytes}`, runs.size);
    runs.address[runs.size] = address;
    runs.bytes[runs.size] = bytes;
    runs.instructions[runs.size] = instructions;
    return runs.size++;
  };
  async function* chunks(): AsyncGenerator<TraceChunk> {
    const executed = new Uint32Array(chunkRuns);
    let length = 0;
    let calls: SystemCall[] = [];
    for (const step of steps) {
      if ('call' in step) calls.push({ at: length, ...step.call });
      else {
        if (length === chunkRuns) {
          yield { ids: executed, length, calls };
          length = 0;
          calls = [];
        }
        executed[length++] = idOf(step.run);
      }
    }
    yield { ids: executed, length, calls };
  }
  return { header: { format: 1, recorder: 'single-step', recorderVersion: 'test', code: [], clientDescriptors: [30, 31], ...header }, runs, chunks };
}
