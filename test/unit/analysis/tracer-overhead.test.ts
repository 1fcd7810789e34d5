import { describe, expect, it } from 'vitest';
import { noTime } from '../../../lib/analysis/sidecar-latency.js';
import { emptyReads, emptyReadsWithout, overheadByEmptyReads, overheadByEvents, withoutTracer } from '../../../lib/analysis/tracer-overhead.js';
import type { SystemCall } from '../../../lib/counters/system-call.js';

const call = (startNs: number, endNs: number, name: string, result: number, descriptor = 5): SystemCall => ({
  tid: 1, startNs, endNs, name, descriptor, local: null, remote: null, peer: null, timeoutMs: null,
  result, error: result < 0 ? 'EAGAIN' : null, onCoreNs: null, nextOnCoreNs: null,
});
/** A read with bytes, then an empty one that seems to take `inside` after user code that seems to take `outside`. */
const pair = (inside: number, outside: number) => [call(0, 10, 'readv', 68), call(10 + outside, 10 + outside + inside, 'readv', -1)];
const pairs = (count: number, inside: number, outside: number) => Array.from({ length: count }, () => pair(inside, outside)).flat();

describe('emptyReads', () => {
  it('finds reads without bytes that follow one with bytes', () => {
    expect(emptyReads(pair(13, 40))).toEqual({ insideNs: [13], outsideNs: [40] });
  });

  it('takes no other call for one', () => {
    expect(emptyReads([call(0, 10, 'readv', 68), call(20, 30, 'readv', -1, 6)])).toEqual({ insideNs: [], outsideNs: [] }); // another connection
    expect(emptyReads([call(0, 10, 'readv', 68), call(20, 30, 'accept4', -1)])).toEqual({ insideNs: [], outsideNs: [] });
    expect(emptyReads([call(0, 10, 'readv', -1), call(20, 30, 'readv', -1)])).toEqual({ insideNs: [], outsideNs: [] }); // spurious wakeup
  });

  it('counts only time on a core, where the tool shows it', () => {
    const [first, second] = pair(13, 40);
    expect(emptyReads([{ ...first, nextOnCoreNs: 30 }, { ...second, onCoreNs: 3 }])).toEqual({ insideNs: [3], outsideNs: [30] });
  });
});

describe('overheadByEmptyReads', () => {
  it("is what they seem to take, less what the kernel's tracepoints say they do", () => {
    const calls = pairs(20, 13_000, 40_000);
    expect(overheadByEmptyReads(calls, null)).toMatchObject({ insideNs: { value: 13_000 }, outsideNs: { value: 40_000 } });
    const reference = { insideNs: Array<number>(20).fill(1000), outsideNs: Array<number>(20).fill(4000) };
    expect(overheadByEmptyReads(calls, reference)).toMatchObject({ insideNs: { value: 12_000 }, outsideNs: { value: 36_000 } });
  });

  it('is not moved by a call in whose middle something else ran', () => {
    const calls = [...pairs(19, 13_000, 40_000), ...pair(5_000_000, 9_000_000)];
    expect(overheadByEmptyReads(calls, null)).toMatchObject({ insideNs: { value: 13_000 }, outsideNs: { value: 40_000 } });
  });

  it('is not guessed from a few', () => {
    expect(() => overheadByEmptyReads(pairs(9, 13, 40), null)).toThrow('9 empty reads in the recording, 10 are needed');
  });
});

describe('withoutTracer', () => {
  it('takes the cost off once a call and once a stretch of user code', () => {
    const time = { ...noTime, kernelNs: 100, userNs: 1000, gaps: 3, calls: { readv: 2, sendto: 1 } };
    expect(withoutTracer(time, { insideNs: { value: 10, interval: null, n: 1 }, outsideNs: { value: 200, interval: null, n: 1 } })).toEqual({ kernelNs: 70, userNs: 400 });
  });

  it('takes an event off on either side of a call', () => {
    const overhead = overheadByEvents([300, 500, 400]);
    expect([overhead.insideNs.value, overhead.outsideNs.value]).toEqual([400, 400]);
    expect(emptyReadsWithout({ insideNs: [1400], outsideNs: [2400] }, overhead)).toEqual({ insideNs: [1000], outsideNs: [2000] });
  });
});
