import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { draftPath } from '../../../lib/store/draft.js';
import { BlockWriter } from '../../../lib/trace/blocks.js';
import { createTraceWriter, openTrace } from '../../../lib/trace/format.js';
import type { Trace, TraceHeader } from '../../../lib/trace/trace.js';
import type { Step } from './memory-trace.js';

let dir: string;
let files = 0;
beforeAll(() => { dir = fs.mkdtempSync(path.join(os.tmpdir(), 'trace-format-')); });
afterAll(() => fs.rmSync(dir, { recursive: true, force: true }));

const header: TraceHeader = {
  format: 1,
  recorder: 'single-step',
  recorderVersion: 'test',
  code: [{ object: 'envoy', buildId: 'abc', start: 0x108000, end: 0x208000, fileAddress: 0 }],
  clientDescriptors: [30, 31],
};

const newFile = () => path.join(dir, `${files++}.trace`);

async function write(steps: Step[], file = newFile()): Promise<string> {
  const writer = createTraceWriter(file, header);
  for (const step of steps) {
    if ('run' in step) writer.execute(writer.defineRun(...step.run));
    else writer.systemCall(step.call.number, step.call.argument, step.call.result);
  }
  await writer.finish();
  return file;
}

async function read(trace: Trace): Promise<Step[]> {
  const steps: Step[] = [];
  for await (const { ids, length, calls } of trace.chunks()) {
    let next = 0;
    for (let i = 0; i <= length; i++) {
      for (; next < calls.length && calls[next].at === i; next++) {
        const { number, argument, result } = calls[next];
        steps.push({ call: { number, argument, result } });
      }
      const { address, bytes, instructions } = trace.runs;
      if (i < length) steps.push({ run: [address[ids[i]], bytes[ids[i]], instructions[ids[i]]] });
    }
    expect(next).toBe(calls.length);
  }
  return steps;
}

/** The same for the same seed (a linear congruential generator). */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 8;
  };
}

const run = fc
  .tuple(fc.nat(30), fc.integer({ min: 1, max: 50 }), fc.integer({ min: 0, max: 14 }))
  .map(([place, instructions, more]): Step => ({ run: [0x7f0000000000 - place ** 4 * 4096, instructions + more, instructions] }));
const call = fc
  .tuple(fc.nat(450), fc.integer({ min: -(2 ** 47), max: 2 ** 47 }), fc.integer({ min: -(2 ** 47), max: 2 ** 47 }))
  .map(([number, argument, result]): Step => ({ call: { number, argument, result } }));
const steps = fc.array(fc.oneof({ weight: 9, arbitrary: run }, { weight: 1, arbitrary: call }), { maxLength: 300, size: 'max' });

describe('a trace file', () => {
  it('gives back the runs and system calls that were written, in their order', async () => {
    await fc.assert(fc.asyncProperty(steps, async (written) => {
      expect(await read(openTrace(await write(written)))).toEqual(written);
    }), { numRuns: 60 });
  });

  it('gives the same on a second pass', async () => {
    const trace = openTrace(await write(fc.sample(steps, { numRuns: 1, seed: 5 })[0]));
    expect(await read(trace)).toEqual(await read(trace));
  });

  it('keeps a loop that fills many chunks in a few bytes, and its calls in place', async () => {
    const file = newFile();
    const writer = createTraceWriter(file, header);
    const body = [writer.defineRun(0x1000, 12, 3), writer.defineRun(0x1010, 5, 2)];
    const rounds = Uint32Array.from({ length: 200_000 }, (_, i) => body[i % 2]);
    writer.executeMany(rounds, rounds.length);
    writer.systemCall(0, 30, -11);
    writer.executeMany(rounds, 1);
    const totals = await writer.finish();
    expect(totals).toMatchObject({ runs: 200_001, instructions: 500_003, systemCalls: 1, distinctRuns: 2 });
    expect(fs.statSync(file).size).toBe(totals.fileBytes);
    expect(totals.fileBytes).toBeLessThan(500);
    const trace = openTrace(file);
    expect(trace.totals).toMatchObject({ runs: 200_001, instructions: 500_003 });
    const steps = await read(trace);
    expect(steps.length).toBe(200_002);
    expect(steps.slice(-2)).toEqual([{ call: { number: 0, argument: 30, result: -11 } }, { run: [0x1000, 12, 3] }]);
  });

  it('numbers runs by first execution, whatever the order they were defined in', async () => {
    const file = newFile();
    const writer = createTraceWriter(file, header);
    const [never, second, first] = [0x1000, 0x2000, 0x3000].map((address) => writer.defineRun(address, 4, 1));
    expect(writer.defineRun(0x2000, 4, 1)).toBe(second);
    writer.execute(first);
    writer.execute(second);
    expect(never).not.toBe(first);
    expect((await writer.finish()).distinctRuns).toBe(2);
    const trace = openTrace(file);
    expect((await read(trace)).length).toBe(2);
    expect([...trace.runs.address.slice(0, trace.runs.size)]).toEqual([0x3000, 0x2000]);
  });

  it('goes on from block to block, and shows damage in each', async () => {
    const file = newFile();
    const writer = createTraceWriter(file, header);
    const ids = Array.from({ length: 5000 }, (_, i) => writer.defineRun(0x400000 + 32 * i, 8, 2));
    const random = randomNumbers(7);
    const executed = Uint32Array.from({ length: 700_000 }, () => ids[random() % ids.length]);
    for (let at = 0; at < executed.length; at += 7000) {
      writer.executeMany(executed.subarray(at), 7000);
      writer.systemCall(232, 5, at);
    }
    await writer.finish();
    const trace = openTrace(file);
    const placesOfCalls: number[] = [];
    let position = 0;
    let wrong = 0;
    for await (const { ids: read, length, calls } of trace.chunks()) {
      placesOfCalls.push(...calls.map(({ at, result }) => at + position - result));
      for (let i = 0; i < length; i++) if (trace.runs.address[read[i]] !== 0x400000 + 32 * executed[position + i]) wrong++;
      position += length;
    }
    expect([position, wrong]).toEqual([700_000, 0]);
    expect(placesOfCalls).toEqual(Array(100).fill(7000));

    const whole = fs.readFileSync(file);
    expect(whole.length).toBeGreaterThan(1 << 20);
    for (let i = 0; i < 12; i++) {
      const damaged = Buffer.from(whole);
      damaged[random() % whole.length] ^= 1 + (random() % 255);
      fs.writeFileSync(file, damaged);
      await expect(async () => { for await (const chunk of openTrace(file).chunks()) expect(chunk.length).toBeGreaterThan(0); }).rejects.toThrow(`${file}: byte `);
    }
  });

  it('says which header it was given', async () => {
    expect(openTrace(await write([])).header).toEqual(header);
  });
});

describe('a trace file that is not whole', () => {
  const sample: Step[] = [
    ...Array.from({ length: 40 }, (_, i): Step => ({ run: [0x401000 + (i % 7) * 64, 8 + (i % 7), 4] })),
    { call: { number: 232, argument: 5, result: 1 } },
    ...Array.from({ length: 40 }, (_, i): Step => ({ run: [0x401000 + (i % 5) * 64, 8 + (i % 5), 4] })),
  ];

  async function errorOf(bytes: Buffer): Promise<string> {
    const file = newFile();
    fs.writeFileSync(file, bytes);
    try {
      await read(openTrace(file));
    } catch (error) {
      return (error as Error).message.replace(file, 'FILE');
    }
    return 'no error';
  }

  it('is an error with the place, wherever it is cut', async () => {
    const whole = fs.readFileSync(await write(sample));
    for (let length = 0; length < whole.length; length++) {
      expect(await errorOf(whole.subarray(0, length)), `cut to ${length}`).toMatch(/^FILE: byte \d+: /);
    }
  });

  it('is an error with the place, whichever byte is changed', async () => {
    const whole = fs.readFileSync(await write(sample));
    await fc.assert(fc.asyncProperty(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
      const damaged = Buffer.from(whole);
      damaged[at] ^= change;
      expect(await errorOf(damaged)).toMatch(/^FILE: byte \d+: /);
    }), { numRuns: 300 });
    for (let at = 0; at < whole.length; at++) {
      const damaged = Buffer.from(whole);
      damaged[at] ^= 1 << (at % 8);
      expect(await errorOf(damaged), `byte ${at}`).toMatch(/^FILE: byte \d+: /);
    }
  });

  it('is an error when blocks of two traces are put together', async () => {
    const whole = fs.readFileSync(await write(sample));
    const other = fs.readFileSync(await write([...sample.slice(1), sample[0]]));
    const end = 17 + 32;
    expect(await errorOf(Buffer.concat([whole.subarray(0, -end), other.subarray(-end)]))).toMatch(/^FILE: byte \d+: damaged/);
    expect(await errorOf(Buffer.concat([whole, whole.subarray(-end)]))).toMatch(/^FILE: byte \d+: /);
  });

  it.each([
    ['empty', Buffer.alloc(0), 'FILE: byte 0: the file is empty'],
    ['of another kind', Buffer.from('I  04001000,3\n'), 'FILE: byte 0: no instruction trace (begins with "I  04001"'],
    ['of a later version', Buffer.from('SWTRACE\x09 and more'), 'FILE: byte 7: format 9, but this version reads format 1'],
  ])('says what is wrong with one that is %s', async (_, bytes, message) => {
    expect(await errorOf(bytes)).toContain(message);
  });
});

describe('a trace file with sound checksums that makes no sense', () => {
  /** Streams of one block: how many predicted runs, events, definitions, calls. */
  const streams = (...of: number[][]) => Buffer.concat([Buffer.from(Uint32Array.from(of, ({ length }) => length).buffer), ...of.map((bytes) => Buffer.from(bytes))]);
  const oneRun = [[0, 0], [0], [0, 4, 1], []];

  async function errorOf(block: Buffer, totals: bigint[], kind = 'R'): Promise<string> {
    const file = newFile();
    const blocks = new BlockWriter(file, 'SWTRACE');
    blocks.append('H', Buffer.from(JSON.stringify(header)));
    blocks.append(kind, block);
    blocks.append('E', Buffer.from(BigUint64Array.from(totals).buffer), 'none');
    blocks.finish();
    return read(openTrace(file)).then((steps) => `${steps.length} steps`, (error: Error) => error.message.replace(/^.*: byte \d+: /, 'byte: '));
  }

  it.each([
    ['nothing wrong', streams(...oneRun), [1n, 1n, 0n, 1n], '1 steps'],
    ['a run that was never defined', streams([0, 0], [3], [], []), [1n, 1n, 0n, 1n], 'byte: the block makes no sense (run 1 is executed, but only 0 are defined)'],
    ['a prediction without a run before', streams([1], [], [], []), [1n, 1n, 0n, 1n], 'byte: the block makes no sense (a run is predicted that never followed)'],
    ['a run that cannot be', streams([0, 0], [0], [0, 99, 1], []), [1n, 1n, 0n, 1n], 'byte: the block makes no sense (run of 1 instructions and 99 bytes'],
    ['a definition cut off', streams([0, 0], [0], [0, 4], []), [1n, 1n, 0n, 1n], 'byte: the block makes no sense (a number ends too late)'],
    ['more calls than events', streams([0, 0], [0], [0, 4, 1], [1, 1, 1]), [1n, 1n, 0n, 1n], 'byte: the block makes no sense (its streams end at different events)'],
    ['streams of wrong length', Buffer.concat([streams(...oneRun), Buffer.of(0)]), [1n, 1n, 0n, 1n], 'byte: the block makes no sense (its streams have'],
    ['wrong totals', streams(...oneRun), [1n, 2n, 0n, 1n], 'byte: the end mark promises 2 instructions, but 1 were read'],
  ])('is told: %s', async (_, block, totals, message) => {
    expect(await errorOf(block, totals)).toContain(message);
  });

  it.each(['', 'null', '{"format": 2}'])('is an error with the header %j', (text) => {
    const file = newFile();
    const blocks = new BlockWriter(file, 'SWTRACE');
    blocks.append('H', Buffer.from(text));
    blocks.append('E', Buffer.alloc(32), 'none');
    blocks.finish();
    expect(() => openTrace(file)).toThrow(`${file}: byte 8: the header is no JSON`);
  });

  it('is an error with a block of unknown kind', async () => {
    expect(await errorOf(Buffer.of(1), [0n, 0n, 0n, 0n], 'X')).toContain("byte: block of unknown kind 'X'");
  });
});

describe('an unfinished trace', () => {
  it('leaves nothing under its name, and nothing at all once given up', () => {
    const file = path.join(fs.mkdtempSync(path.join(dir, 'unfinished-')), 'a.trace');
    const writer = createTraceWriter(file, header);
    writer.execute(writer.defineRun(0x1000, 4, 1));
    expect(fs.existsSync(file)).toBe(false);
    writer.discard();
    expect(fs.readdirSync(path.dirname(file))).toEqual([]);
    expect(() => writer.execute(0)).toThrow('finished');
  });

  it('says what to do when the disk is full, and leaves nothing', () => {
    const folder = fs.mkdtempSync(path.join(dir, 'full-'));
    fs.symlinkSync('/dev/full', draftPath(folder, 'a.trace'));
    expect(() => createTraceWriter(path.join(folder, 'a.trace'), header)).toThrow(/no space left while recording .*free some space/);
    expect(fs.readdirSync(folder)).toEqual([]);
  });

  it('refuses runs that no x86-64 code can have, and ids it never gave', () => {
    const writer = createTraceWriter(newFile(), header);
    expect(() => writer.defineRun(0x1000, 16, 1)).toThrow('run of 1 instructions and 16 bytes at 4096');
    expect(() => writer.defineRun(-1, 4, 1)).toThrow('not possible');
    expect(() => writer.execute(0)).toThrow('run 0 was never defined');
    expect(() => writer.systemCall(9, 0, 2 ** 60)).toThrow('below 2^52');
    writer.discard();
  });
});
