import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { simulate } from '../../../lib/simulate/simulator.js';
import { accessesOf, readTransitions, recordCount, regroup, segmentsOf, TransitionStream, type RunInterval, type Transitions } from '../../../lib/simulate/transitions.js';
import { pageTransitions, tinyTrace, type Step } from './tiny-trace.js';

const at = (address: number, bytes = 4): Step => ({ address, bytes });

/** Unit numbers in order, `|` for a system call, `(n` and `)` where a request begins and ends. */
function readable({ units, chunks }: Transitions): string {
  return chunks.flatMap((chunk) => segmentsOf(chunk).flatMap(({ from, to, afterCall, border }) => [
    ...(afterCall ? ['|'] : []),
    ...(border === null ? [] : [border < 0 ? ')' : `(${border}`]),
    ...Array.from(chunk.ids.subarray(from, to), (id) => units.numbers[id]),
  ])).join(' ');
}

async function read(steps: Step[], unitBytes: number, requests: RunInterval[] = [], chunkRuns = 4): Promise<string> {
  return readable((await readTransitions(tinyTrace(steps, chunkRuns), [unitBytes], requests))[0]);
}

describe('transitions of a trace', () => {
  it('record a page only when it is entered, across chunks too', async () => {
    expect(await read([at(0x1000), at(0x1100), at(0x2000), at(0x1000), at(0x1ff0), at(0x1200)], 4096)).toBe('1 2 1');
  });

  it('enter every page or line that a run lies in', async () => {
    expect(await read([at(0x1ff0, 0x20)], 4096)).toBe('1 2');
    expect(await read([at(0x1ff0, 0x10), at(60, 5), at(0, 64), at(10, 128)], 64)).toBe('127 0 1 0 1 2');
  });

  it('begin anew after a system call, and where a request begins or ends', async () => {
    expect(await read([at(0), 'call', at(0), at(0)], 4096)).toBe('0 | 0');
    expect(await read([at(0), at(0), at(0), at(0), at(0), at(0)], 4096, [{ start: 1, end: 3 }, { start: 3, end: 5 }])).toBe('0 (0 0 (1 0 ) 0');
    expect(await read([at(0), 'call', at(0), 'call', at(0)], 4096, [{ start: 1, end: 2 }])).toBe('0 | (0 0 | ) 0');
  });

  it('count runs from the beginning of the trace, not of a chunk', async () => {
    const steps = Array.from({ length: 9 }, (_, i) => at(i * 4096));
    expect(await read(steps, 4096, [{ start: 2, end: 4 }, { start: 4, end: 7 }], 2)).toBe('0 1 (0 2 3 (1 4 5 6 ) 7 8');
  });

  it('refuse requests that overlap', async () => {
    await expect(read([at(0)], 4096, [{ start: 0, end: 4 }, { start: 3, end: 5 }])).rejects.toThrow('request 1 is runs 3 to 5; give requests in order, none within another');
  });

  it('need 32 bits beyond 65,536 units and stay right', async () => {
    const steps = Array.from({ length: 65_600 }, (_, i) => at(i * 64));
    const [lines] = await readTransitions(tinyTrace([...steps, at(0)], 1000), [64]);
    expect(readable(lines).split(' ').slice(-3)).toEqual(['65598', '65599', '0']);
  });

  it('stream the same as they are read', async () => {
    const steps = Array.from({ length: 50 }, (_, i): Step => (i % 7 === 0 ? 'call' : at((i * i % 11) * 4000, 300)));
    const stream = new TransitionStream(tinyTrace(steps), 4096);
    const chunks = [];
    for await (const chunk of stream.chunks()) chunks.push(chunk);
    expect(readable({ units: stream.units, chunks })).toBe(await read(steps, 4096));
  });

  it('miss as often as every single instruction would', async () => {
    const step = fc.record({ address: fc.nat(40_000), bytes: fc.integer({ min: 1, max: 200 }) });
    await fc.assert(fc.asyncProperty(fc.array(fc.oneof({ weight: 9, arbitrary: step }, { weight: 1, arbitrary: fc.constant('call' as const) }), { maxLength: 120 }),
      fc.constantFrom(64, 4096), fc.boolean(), async (steps, unitBytes, emptyAtCalls) => {
        const everyByte = pageTransitions(steps.flatMap<number | 'call'>((each) => (each === 'call' ? ['call' as const] : Array.from({ length: each.bytes }, (_, i) => Math.floor((each.address + i) / unitBytes)))), unitBytes);
        const [transitions] = await readTransitions(tinyTrace(steps), [unitBytes]);
        const geometry = { first: { sets: 2, ways: 2 } };
        expect(simulate(transitions, geometry, { emptyAtCalls }).misses).toBe(simulate(everyByte, geometry, { emptyAtCalls }).misses);
      }));
  });
});

describe('regrouped transitions', () => {
  it('are those of the larger unit', async () => {
    const steps: Step[] = [at(0), at(64), at(5000), 'call', at(4990, 30), at(100), at(0), at(9000, 200)];
    const [pages, lines] = await readTransitions(tinyTrace(steps, 3), [4096, 64], [{ start: 2, end: 4 }]);
    const again = regroup(lines, 4096, (id) => Math.floor(lines.units.numbers[id] / 64));
    expect(readable(again)).toBe(readable(pages));
  });

  it('count accesses', () => {
    const transitions = pageTransitions([5, 6, 5, 7, 5]);
    expect([...accessesOf(transitions)]).toEqual([3, 1, 1]);
    expect(recordCount(transitions)).toBe(5);
  });
});
