import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TraceWriter } from '../../../lib/trace/format.js';
import { copyValgrindStream } from '../../../lib/trace/valgrind-stream.js';

let folder: string;
beforeAll(() => { folder = fs.mkdtempSync(path.join(os.tmpdir(), 'valgrind-stream-')); });
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

const escape = 0xffffffff;
const words = (...values: number[]) => Buffer.from(Uint32Array.from(values).buffer);
const frame = (kind: number, content: Buffer) => Buffer.concat([words(kind, content.length), content]);
const runs = (...list: [address: number, bytes: number, instructions: number][]) =>
  frame(1, Buffer.concat(list.map(([address, bytes, instructions]) => words(address % 2 ** 32, Math.floor(address / 2 ** 32), bytes, instructions))));
const stream = (...values: number[]) => frame(2, words(...values));
const end = (count: number, repetitions = 0) => frame(3, words(count, 0, repetitions, 0));
const whole = (...frames: Buffer[]) => Buffer.concat([Buffer.from('wbtrace1'), ...frames]);

/** Says what a writer was told. */
function copy(content: Buffer): { told: string[]; repetitions: number; file: string } {
  const file = path.join(folder, 'raw');
  fs.writeFileSync(file, content);
  const told: string[] = [];
  let defined = 10;
  const writer: TraceWriter = {
    defineRun: (address, bytes, instructions) => {
      told.push(`define ${address.toString(16)} ${bytes} ${instructions}`);
      return defined++;
    },
    execute: (id) => void told.push(`execute ${id}`),
    executeMany: (ids, length) => ids.subarray(0, length).forEach((id) => told.push(`execute ${id}`)),
    systemCall: (number, argument, result) => void told.push(`call ${number}(${argument}) = ${result}`),
    finish: () => Promise.reject(new Error('not the reader\'s to finish')),
    discard: () => undefined,
  };
  return { told, ...copyValgrindStream(file, writer), file };
}

const good = whole(
  runs([0x108000, 8, 3], [0x7f0000001000, 4, 1]),
  stream(0, 1, escape, 19, 23, 0, 0xfffffff5, 0xffffffff, escape, 1),
  runs([0x109000, 2, 1]),
  stream(2),
  end(11, 77),
);

describe('copyValgrindStream', () => {
  it('passes on runs and system calls in their order, results below zero as such', () => {
    expect(copy(good)).toMatchObject({
      told: [
        'define 108000 8 3', 'define 7f0000001000 4 1', 'execute 10', 'execute 11', 'call 19(23) = -11', 'execute 11',
        'define 109000 2 1', 'execute 12',
      ],
      repetitions: 77,
    });
  });

  it('leaves out readings of the clock, for which a program at full speed enters no kernel', () => {
    const told = (number: number) => copy(whole(runs([0x108000, 8, 3]), stream(0, escape, number, 1, 0, 0, 0, escape, 0), end(9))).told.slice(1);
    for (const number of [96, 201, 228]) expect(told(number)).toEqual(['execute 10', 'execute 10']);
    expect(told(232)).toEqual(['execute 10', 'call 232(1) = 0', 'execute 10']);
  });

  it('refuses a file that ends anywhere before its end, naming the byte', () => {
    for (let length = 0; length < good.length; length++) {
      expect(() => copy(good.subarray(0, length)), `${length} bytes`).toThrow(/raw at byte \d+: \d+ bytes are missing after the \d+ that are there/);
    }
  });

  it('refuses what another program wrote', () => {
    expect(() => copy(Buffer.from('SWTRACE1 and more'))).toThrow(/raw at byte 0: "SWTRACE1" is not how a stream of our Valgrind tool begins/);
    expect(() => copy(whole(frame(9, words(1))))).toThrow(/raw at byte 16: a frame of kind 9 and 4 bytes/);
  });

  it('refuses a run that was never defined, and half a system call', () => {
    expect(() => copy(whole(runs([0x1000, 1, 1]), stream(0, 1), end(2)))).toThrow(/raw at byte 44: run 1 of 1 defined ones/);
    expect(() => copy(whole(stream(escape, 19, 23), end(3)))).toThrow(/raw at byte 16: half a system call/);
  });

  it('refuses an end mark that counts other words than there are', () => {
    expect(() => copy(whole(runs([0x1000, 1, 1]), stream(0, 0), end(3)))).toThrow(/the end mark counts 3 words, but there are 2/);
  });
});
