import * as fs from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressOf, formatStacks, isKernel, parsePerfScript, parseStacks, reduceStacks, wholeShare, type BinaryMap } from '../../../lib/counters/stacks.js';

const text = fs.readFileSync('test/fixtures/counters/perf-script.txt', 'utf8');
const envoy: BinaryMap = { name: 'envoy', buildId: 'ab', code: [{ offset: 0x207d000, address: 0x207e000, size: 0x4165ee0 }] };

describe('perf script', () => {
  it('reads every sample of real output with its frames, innermost first', () => {
    const samples = parsePerfScript(text, 'f');
    expect(samples).toHaveLength(9);
    expect(samples.every(({ event, period }) => event === 'cpu-clock' && period === 1_000_000)).toBe(true);
    const send = samples.find(({ frames }) => frames.some(({ symbol }) => symbol === '__x64_sys_sendto'))!;
    expect(isKernel(send.frames[0])).toBe(true);
    expect(send.frames[send.frames.length - 1]).toEqual({ binary: 'libc.so.6', offset: 0x1098eb, symbol: 'clone3' });
  });

  it('keeps kernel functions by name only: their addresses differ at every boot', () => {
    const frames = parsePerfScript(text, 'f').flatMap((sample) => sample.frames).filter(isKernel);
    expect(frames.length).toBeGreaterThan(20);
    expect(frames.every(({ offset }) => offset === null)).toBe(true);
  });

  it('takes kernel modules as kernel, and the vdso and deleted files as user code', () => {
    const sample = '1 2.000000: 5 cycles:u: \n\t 10 nf_hook ([nf_conntrack])\n\t 20 x (/lib/modules/a.ko.xz)\n\t 30 [unknown] ([vdso])\n\t 40 a::b(c (*)(int)) (/opt/envoy (deleted))\n';
    const [{ event, frames }] = parsePerfScript(sample, 'f');
    expect(event).toBe('cycles:u');
    expect(frames.map(isKernel)).toEqual([true, true, false, false]);
    expect(frames[3]).toEqual({ binary: 'envoy', offset: 0x40, symbol: 'a::b(c (*)(int))' });
  });

  it('knows kernel frames by their address where the kernel hides its symbols', () => {
    const [{ frames }] = parsePerfScript('1 2.0: 5 e: \n\tffffffff81000130 [unknown] ([unknown])\n\t 7f0000001000 [unknown] ([unknown])\n', 'f');
    expect(frames.map(isKernel)).toEqual([true, false]);
  });

  it('cut off anywhere is refused with file and line, or lacks its end only', () => {
    const whole = parsePerfScript(text, 'f');
    fc.assert(fc.property(fc.nat(text.length - 1), (size) => {
      let samples: typeof whole;
      try {
        samples = parsePerfScript(text.slice(0, size), 'f');
      } catch (error) {
        expect((error as Error).message).toMatch(/^f:\d+: /);
        return;
      }
      expect(samples.slice(0, -1)).toEqual(whole.slice(0, samples.length - 1));
    }));
  });

  it('counts the same whatever the order of the samples', () => {
    const blocks = text.trimEnd().split('\n\n');
    const counts = (all: string[]) => reduceStacks(parsePerfScript(`${all.join('\n\n')}\n`, 'f'), envoy).stacks
      .map((stack) => JSON.stringify(stack)).sort();
    expect(blocks).toHaveLength(9);
    expect(counts([...blocks].reverse())).toEqual(counts(blocks));
  });

  it.each([
    ['text of another tool', '# Samples: 5K of event\n', 'f:1: neither a sample nor a frame'],
    ['a frame before any sample', '\t 10 x (y)\n', 'f:1: neither a sample nor a frame'],
    ['a frame after the blank line that ends its sample', '1 2.0: 5 e: \n\n\t 10 x (y)\n', 'f:3: neither'],
    ['a frame that is cut off', '1 2.0: 5 e: \n\t 10 x (/opt/en', 'f:2: not a stack frame'],
    ['nothing', '\n', 'f:1: no sample'],
  ])('refuses %s, naming the line', (_, broken, message) => {
    expect(() => parsePerfScript(broken, 'f')).toThrow(message);
  });
});

describe('stacks', () => {
  const profile = reduceStacks(parsePerfScript(text, 'f'), envoy);

  it('loses no sample', () => {
    expect(profile.stacks.reduce((sum, stack) => sum + stack.samples, 0)).toBe(9);
    expect(profile.stacks.reduce((sum, stack) => sum + stack.period, 0)).toBe(9_000_000);
  });

  it('tells stacks that reach the start of the thread from those cut off, without symbols too', () => {
    expect(wholeShare(profile)).toBeCloseTo(8 / 9);
    const nameless = parsePerfScript(text.replace(/ \S+ \(\/usr/g, ' [unknown] (/usr'), 'f');
    expect(wholeShare(reduceStacks(nameless, envoy))).toBeCloseTo(8 / 9);
  });

  it('calls no stack whole when all end inside the program, as when unwinding fails', () => {
    const cut = parsePerfScript('1 2.0: 5 e: \n\t 10 [unknown] (/opt/envoy)\n\n1 2.0: 5 e: \n\t 10 [unknown] (/opt/envoy)\n', 'f');
    expect(wholeShare(reduceStacks(cut, envoy))).toBe(0);
  });

  it('turns file offsets of the program into its addresses, and leaves other binaries alone', () => {
    expect(addressOf({ binary: 'envoy', offset: 0x207d010, symbol: null }, envoy)).toBe(0x207e010);
    expect(addressOf({ binary: 'envoy', offset: 0x10, symbol: null }, envoy)).toBeNull();
    expect(addressOf({ binary: 'libc.so.6', offset: 0x207d010, symbol: null }, envoy)).toBeNull();
  });

  it('come back from their file as they were', () => {
    expect(parseStacks(formatStacks(profile), 'f')).toEqual(profile);
    const frame = fc.record({ binary: fc.constantFrom('envoy', 'libc.so.6'), offset: fc.nat(), symbol: fc.constant(null) });
    const sample = fc.record({ event: fc.constantFrom('cycles', 'instructions'), period: fc.integer({ min: 1, max: 1e6 }), frames: fc.array(frame, { maxLength: 4 }) });
    fc.assert(fc.property(fc.array(sample, { minLength: 1 }), (samples) => {
      const reduced = reduceStacks(samples, envoy);
      expect(parseStacks(formatStacks(reduced), 'f')).toEqual(reduced);
      expect(reduced.stacks.reduce((sum, stack) => sum + stack.period, 0)).toBe(samples.reduce((sum, one) => sum + one.period, 0));
    }));
  });

  it.each([
    ['a cut-off file', '{"format":1,"bin', 'f:1: not JSON'],
    ['nothing', '', 'f:1: not JSON'],
    ['JSON that is no object', 'null', 'f:1: format undefined, expected 1'],
    ['lists of something else', '{"format":1,"binary":{},"events":["e"],"frames":[null],"stacks":[5]}', 'f:1: its frames and stacks are no lists'],
    ['another format', '{"format":2}', 'f:1: format 2, expected 1'],
    ['no stacks', '{"format":1,"binary":{},"events":[],"frames":[],"stacks":[]}', 'f:1: no stacks'],
    ['a frame that is not there', '{"format":1,"binary":{},"events":["e"],"frames":[],"stacks":[[0,1,1,1,7]]}', 'f:1: stack 0 refers'],
  ])('refuse %s', (_, broken, message) => {
    expect(() => parseStacks(broken, 'f')).toThrow(message);
  });
});
