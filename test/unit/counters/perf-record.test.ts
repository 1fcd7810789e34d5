import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import * as zlib from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { perfRecord } from '../../../lib/counters/perf-record.js';
import { formatStacks, type StackProfile } from '../../../lib/counters/stacks.js';

const profile: StackProfile = {
  binary: { name: 'envoy', buildId: 'ab', code: [{ offset: 0, address: 0, size: 100 }] },
  stacks: [{ event: 'cycles', samples: 2, period: 9, whole: true, frames: [{ binary: 'envoy', offset: 16, symbol: null }] }],
};
const packed = zlib.gzipSync(formatStacks(profile));

let dir: string;
beforeEach(() => { dir = fs.mkdtempSync(path.join(os.tmpdir(), 'perf-record-')); });
afterEach(() => fs.rmSync(dir, { recursive: true }));
const file = () => path.join(dir, 'stacks.json.gz');

describe('stacks.json.gz', () => {
  it('comes back as it was recorded', () => {
    fs.writeFileSync(file(), packed);
    expect(perfRecord.read(dir)).toEqual(profile);
  });

  it.each([
    ['empty', Buffer.alloc(0), /stacks\.json\.gz:1: /],
    ['cut off', packed.subarray(0, packed.length - 12), /stacks\.json\.gz:1: unexpected end of file; the file is cut off or damaged: record again/],
    ['not compressed', Buffer.from(formatStacks(profile)), /stacks\.json\.gz:1: incorrect header check/],
    ['of another program', zlib.gzipSync('{"traceEvents":[]}'), /stacks\.json\.gz:1: format undefined, expected 1/],
  ])('that is %s is refused, naming the file', (_, bytes, message) => {
    fs.writeFileSync(file(), bytes);
    expect(() => perfRecord.read(dir)).toThrow(message);
  });

  it('that is missing is named', () => {
    expect(() => perfRecord.read(dir)).toThrow(file());
  });
});
