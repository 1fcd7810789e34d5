import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readElf, readSymbols, type ElfSymbol } from '../../lib/analysis/elf.js';
import { run } from '../../lib/host/process.js';
import { valgrindWrap } from '../../lib/host/valgrind.js';
import { createTraceWriter, openTrace } from '../../lib/trace/format.js';
import { copyValgrindStream } from '../../lib/trace/valgrind-stream.js';

let folder: string;
let program: string;
let symbols: Map<string, ElfSymbol>;

beforeAll(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'trace-tool-test-'));
  program = path.join(folder, 'runs');
  await run(['gcc', '-O1', '-no-pie', '-fno-pie', '-pthread', '-o', program, 'test/fixtures/trace/runs.c']);
  symbols = new Map(readSymbols(readElf(program)).map((symbol) => [symbol.name, symbol]));
});
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

/** What was executed, one after another: a run by its address and instructions, or a system call. */
type Step = { address: number; instructions: number } | { call: number; result: number };

async function trace(): Promise<{ steps: Step[]; repetitions: number }> {
  const raw = path.join(folder, 'raw');
  await run([...await valgrindWrap('trace', 'worker'), program, raw]);
  const file = path.join(folder, 'trace');
  const writer = createTraceWriter(file, { format: 1, recorder: 'valgrind', recorderVersion: 'test', code: [], clientDescriptors: [] });
  const { repetitions } = copyValgrindStream(raw, writer);
  await writer.finish();
  const steps: Step[] = [];
  const opened = openTrace(file);
  for await (const { ids, length, calls } of opened.chunks()) {
    let next = 0;
    for (let at = 0; at <= length; at++) {
      for (; next < calls.length && calls[next].at === at; next++) steps.push({ call: calls[next].number, result: calls[next].result });
      if (at < length) steps.push({ address: opened.runs.address[ids[at]], instructions: opened.runs.instructions[ids[at]] });
    }
  }
  return { steps, repetitions };
}

describe('the trace tool', () => {
  let steps: Step[];
  let repetitions: number;
  beforeAll(async () => { ({ steps, repetitions } = await trace()); });

  /** Instructions of the runs in a function, one after another. */
  const runsIn = (name: string) => {
    const { address, size } = symbols.get(name)!;
    return steps.flatMap((step) => ('address' in step && step.address >= address && step.address < address + size ? [step.instructions] : []));
  };

  it('logs every run, in order, only while tracing is on and whatever signals come between', () => {
    const once = [3, ...Array(999).fill(2), 1];
    const loops = 1 + 300 + 20;
    expect(runsIn('loop')).toHaveLength(loops * once.length);
    expect(runsIn('loop').slice(0, once.length)).toEqual(once);
    expect(runsIn('loop').reduce((a, b) => a + b)).toBe(loops * 2002);
  });

  it('takes a repeated string instruction for one execution, however often it repeats and however it is reached', () => {
    expect(runsIn('repeat')).toEqual([2, 1, 1]);
    expect(runsIn('repeat_zero')).toEqual([2, 1, 1]);
    expect(runsIn('repeat_in_loop')).toEqual([2, 1, 2, 1, 1, 2, 1, 1, 2, 1]);
    expect(runsIn('jump_to_repeat')).toEqual([3, 1, 2, 1, 2, 1]);
  });

  it('counts the repetitions that callgrind would count', () => {
    expect(repetitions).toBe(100 + 0 + 3 * 10 + 5);
  });

  it('does not cut a run at a compare-and-swap that succeeds', () => {
    expect(runsIn('swap')).toEqual([5]);
  });

  it('cuts a run that is left early, and goes on with the rest', () => {
    expect(runsIn('leave_early')).toEqual([2, 3]);
  });

  it('cuts a run where an instruction faults', () => {
    expect(runsIn('fault')).toEqual([2]);
    expect(runsIn('misaligned')).toEqual([1]);
  });

  it('puts a system call behind the run that makes it', () => {
    const at = steps.findIndex((step) => 'call' in step && step.call === 110);
    expect(steps[at]).toEqual({ call: 110, result: process.pid });
    const { address } = symbols.get('call_kernel')!;
    expect(steps[at - 1]).toEqual({ address, instructions: 2 });
    expect(steps[at + 1]).toEqual({ address: address + 7, instructions: 1 });
  });

  it('has nothing of other threads', () => {
    expect(runsIn('others')).toEqual([]);
  });

  it('says so when it cannot write, and when no thread has the name, and lets the program run on', async () => {
    const unwritable = await run([...await valgrindWrap('trace', 'worker'), program, path.join(folder, 'nowhere', 'raw')]);
    expect(unwritable.stderr).toContain('error: cannot write the trace file');
    expect(unwritable.stderr).toContain('error: tracing is not on');
    const file = path.join(folder, 'nobody');
    const nameless = await run([...await valgrindWrap('trace', 'nobody'), program, file]);
    expect(nameless.stderr).toContain('error: no live thread has the name given with --thread');
    expect(fs.existsSync(file)).toBe(false);
  });
});
