import { describe, expect, it } from 'vitest';
import { countBranches } from '../../../lib/trace/branches.js';
import { End, RunDecoder } from '../../../lib/trace/decode.js';
import { memoryTrace, run } from './memory-trace.js';

/** Hand-assembled; `at` gives each piece's address, from 0x1000 on. */
const PIECES = {
  loop: [0x48, 0xff, 0xc8, 0x75, 0xfb], // dec rax; jnz -5
  jump: [0x90, 0xeb, 0x10], // nop; jmp +16
  indirectJump: [0xff, 0xe0], // jmp rax
  call: [0xe8, 0, 1, 0, 0], // call +256
  indirectCall: [0xff, 0x50, 0x18], // call [rax+0x18]
  return: [0xc3],
  systemCall: [0x0f, 0x05],
  copy: [0xf3, 0xa4], // rep movsb
};
type Piece = keyof typeof PIECES;
const code = Uint8Array.from(Object.values(PIECES).flat());
const at = (name: Piece) => 0x1000 + Object.values(PIECES).slice(0, Object.keys(PIECES).indexOf(name)).flat().length;
const readCode = (address: number, length: number) => code.subarray(address - 0x1000, address - 0x1000 + length);
const step = (name: Piece) => run(at(name), PIECES[name].length, name === 'loop' || name === 'jump' ? 2 : 1);

async function decoderOf(names: Piece[]) {
  const trace = memoryTrace(names.map(step));
  for await (const chunk of trace.chunks()) expect(chunk.length).toBeGreaterThan(0);
  return { trace, decoder: new RunDecoder(trace.runs, readCode) };
}

describe('a decoded run', () => {
  it.each([
    ['loop', 'conditional', [3, 2]],
    ['jump', 'jump', [1, 2]],
    ['indirectJump', 'indirectJump', [2]],
    ['call', 'call', [5]],
    ['indirectCall', 'indirectCall', [3]],
    ['return', 'return', [1]],
    ['systemCall', 'systemCall', [2]],
    ['copy', 'none', [2]],
  ] as const)('tells how it ends: %s', async (name, end, lengths) => {
    const { decoder } = await decoderOf([name]);
    expect(decoder.run(0)).toEqual({ lengths: Uint8Array.from(lengths), end: End[end], fallThrough: at(name) + PIECES[name].length });
    expect(decoder.end(0)).toBe(End[end]);
  });

  it.each([
    ['a jump before its end', run(at('loop'), 8, 4), 'jumps before its end'],
    ['fewer instructions than bytes', run(at('loop'), 5, 1), 'does not hold 1 instructions in 5 bytes'],
    ['an instruction cut off', run(at('call'), 4, 1), 'does not decode'],
  ])('is an error with %s', async (_, wrong, message) => {
    const trace = memoryTrace([wrong]);
    for await (const chunk of trace.chunks()) expect(chunk.length).toBe(1);
    expect(() => new RunDecoder(trace.runs, readCode).run(0)).toThrow(message);
  });
});

describe('branches of a request', () => {
  it('are counted by kind, conditional ones by where execution went on', async () => {
    const { trace, decoder } = await decoderOf(['call', 'loop', 'loop', 'loop', 'jump', 'indirectCall', 'return', 'indirectJump', 'systemCall', 'copy']);
    const [first, second] = await countBranches(trace, decoder, [{ start: 1, end: 4 }, { start: 4, end: 10 }]);
    expect(first).toMatchObject({ instructions: 6, conditionalTaken: 2, conditionalNotTaken: 1, conditional: 3, nearTaken: 2, all: 3, breaks: 0 });
    expect(second).toMatchObject({ instructions: 7, jumps: 1, calls: 1, returns: 1, indirect: 2, nearTaken: 4, all: 4, systemCalls: 1, conditional: 0 });
  });

  it('show where a run without branch is followed by something else', async () => {
    const { trace, decoder } = await decoderOf(['copy', 'return', 'copy']);
    expect((await countBranches(trace, decoder, [{ start: 0, end: 3 }]))[0]).toMatchObject({ breaks: 2, returns: 1 });
  });

  it('leave out a conditional branch that the trace ends with', async () => {
    const { trace, decoder } = await decoderOf(['loop', 'loop']);
    expect((await countBranches(trace, decoder, [{ start: 0, end: 2 }]))[0]).toMatchObject({ conditional: 1, conditionalTaken: 1 });
  });
});
