import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exportChampSim } from '../../../lib/trace/champsim.js';
import { RunDecoder } from '../../../lib/trace/decode.js';
import { memoryTrace, run, type Step } from './memory-trace.js';

let dir: string;
beforeAll(() => { dir = fs.mkdtempSync(path.join(os.tmpdir(), 'champsim-')); });
afterAll(() => fs.rmSync(dir, { recursive: true, force: true }));

async function records(code: number[], steps: Step[], spans?: { start: number; end: number }[]) {
  const trace = memoryTrace(steps);
  const file = path.join(dir, 'a.champsim');
  const decoder = new RunDecoder(trace.runs, (address, length) => Uint8Array.from(code.slice(address - 0x1000, address - 0x1000 + length)));
  const count = await exportChampSim(trace, decoder, file, spans);
  const bytes = fs.readFileSync(file);
  expect(bytes.length).toBe(64 * count);
  expect(fs.readdirSync(dir)).toEqual(['a.champsim']);
  return Array.from({ length: count }, (_, i) => {
    const record = bytes.subarray(64 * i, 64 * i + 64);
    expect(record.subarray(16).every((byte) => byte === 0)).toBe(true);
    const registers = (from: number, to: number) => [...record.subarray(from, to)].filter((r) => r > 0);
    return { ip: Number(record.readBigUInt64LE()), branch: record[8], taken: record[9], writes: registers(10, 12), reads: registers(12, 16) };
  });
}

/** As ChampSim tells it from the registers (inc/instruction.h). */
function kindOf({ reads, writes }: { reads: number[]; writes: number[] }): string {
  const [sp, flags, ip] = [6, 25, 26].map((register) => reads.includes(register));
  const other = reads.some((register) => ![6, 25, 26].includes(register));
  const [writesSp, writesIp] = [6, 26].map((register) => writes.includes(register));
  if (!writesIp) return 'none';
  if (!sp && !flags && !other) return 'direct jump';
  if (!sp && !ip && !flags && other) return 'indirect';
  if (!sp && ip && !writesSp && (flags || other)) return 'conditional';
  if (sp && ip && writesSp && !flags) return other ? 'indirect call' : 'direct call';
  return sp && !ip && writesSp ? 'return' : 'other';
}

describe('ChampSim records', () => {
  it.each([
    ['conditional', [0x75, 0xfe]],
    ['direct jump', [0xeb, 0x10]],
    ['indirect', [0xff, 0x25, 0, 0, 0, 0]], // jmp [rip]
    ['direct call', [0xe8, 0, 1, 0, 0]],
    ['indirect call', [0xff, 0x50, 0x18]],
    ['return', [0xc3]],
    ['none', [0x50]], // push rax
  ])('let ChampSim see the kind of a branch: %s', async (kind, code) => {
    const [record] = await records(code, [run(0x1000, code.length)]);
    expect(kindOf(record)).toBe(kind);
    expect(record.branch).toBe(kind === 'none' ? 0 : 1);
  });

  it('hold every instruction with its registers, and whether the branch was taken', async () => {
    const loop = run(0x1000, 5, 2); // dec rax; jnz -5
    expect(await records([0x48, 0xff, 0xc8, 0x75, 0xfb, 0xc3], [loop, loop, run(0x1005, 1)])).toEqual([
      { ip: 0x1000, branch: 0, taken: 0, writes: [10, 25], reads: [10] },
      { ip: 0x1003, branch: 1, taken: 1, writes: [26], reads: [26, 25] },
      { ip: 0x1000, branch: 0, taken: 0, writes: [10, 25], reads: [10] },
      { ip: 0x1003, branch: 1, taken: 0, writes: [26], reads: [26, 25] },
      { ip: 0x1005, branch: 1, taken: 1, writes: [26, 6], reads: [6] },
    ]);
  });

  it('can be had of chosen requests', async () => {
    const ret = run(0x1000, 1);
    expect(await records([0xc3, 0x90], [ret, run(0x1001, 1), ret], [{ start: 1, end: 2 }])).toMatchObject([{ ip: 0x1001, branch: 0, taken: 0 }]);
  });
});
