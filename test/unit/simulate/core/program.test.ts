import { describe, expect, it } from 'vitest';
import { components } from '../../../../lib/paper/components.js';
import { readProgram, repeated, runAt, type RunEnd } from '../../../../lib/simulate/core/program.js';
import { End } from '../../../../lib/trace/decode.js';
import { call, memoryTrace, run, type Step } from '../../trace/memory-trace.js';

const far = 3 * 2 ** 30;
const steps: Step[] = [run(0x1000, 8, 2), call(1, 0, 0), call(1, 0, 0), run(far, 70, 20), run(0x1000, 8, 2), run(0x1004, 4), call(1, 0, 0), run(0x1000, 8, 2)];
const ends: Record<number, RunEnd> = {
  0x1000: { end: End.conditional, target: far }, [far]: { end: End.jump, target: 2 ** 40 }, 0x1004: { end: End.none, target: null },
};

function read(spans: { start: number; end: number }[], chunkRuns = 2) {
  const trace = memoryTrace(steps, { chunkRuns });
  let executed = 0;
  return readProgram({ trace, spans, endOf: (id) => ends[trace.runs.address[id]], componentOf: () => components[executed++] });
}

describe('a trace in memory', () => {
  it('is the sequence of its runs, each with its component', async () => {
    const { sequence, component } = await read([]);
    expect([...sequence]).toEqual([0, 1, 0, 2, 0]);
    expect([...component]).toEqual([0, 1, 2, 3, 4]);
  });

  it('is cut at system calls and at the borders of requests, however it was chunked', async () => {
    for (const chunkRuns of [1, 2, 3, 10]) {
      const { segments, requests } = await read([{ start: 0, end: 2 }, { start: 2, end: 3 }], chunkRuns);
      expect(requests).toBe(2);
      expect(segments).toEqual([
        { from: 0, to: 1, afterCall: false, request: 0 },
        { from: 1, to: 2, afterCall: true, request: 0 },
        { from: 2, to: 3, afterCall: false, request: 1 },
        { from: 3, to: 4, afterCall: false, request: -1 },
        { from: 4, to: 5, afterCall: true, request: -1 },
      ]);
    }
  });

  it('knows where runs begin, end and lead', async () => {
    const { program } = await read([]);
    const { start, end, target, code } = program;
    expect([...end].map((at, id) => at - start[id])).toEqual([8, 70, 4]);
    expect(target[0]).toBe(start[1]);
    expect(target[1]).toBe(code.short(2 ** 40));
    expect(target[2]).toBe(-1);
    expect([start[0], start[2], start[1], start[0] + 1].map((address) => runAt(program, address))).toEqual([0, 2, 1, -1]);
  });

  it('can be repeated, as further requests', async () => {
    const { sequence, segments, requests } = repeated(await read([{ start: 0, end: 2 }]), 2);
    expect([sequence.length, requests]).toEqual([10, 2]);
    expect(segments.map(({ from, request }) => [from, request])).toEqual([[0, 0], [1, 0], [2, -1], [4, -1], [5, 1], [6, 1], [7, -1], [9, -1]]);
  });
});
