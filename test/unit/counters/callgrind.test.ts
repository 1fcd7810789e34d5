import { describe, expect, it } from 'vitest';
import { busiestThread } from '../../../lib/counters/callgrind.js';

/** Two parts of two threads, as `--separate-threads=yes` with a dump and the one at exit writes them. */
const parts = `version: 1
creator: callgrind-3.19.0
part: 1
thread: 1
desc: I1 cache: 32768 B, 64 B, 8-way associative
events: Ir I1mr Bc Bcm
totals: 1000 20 30
version: 1
part: 1
thread: 3
events: Ir I1mr Bc Bcm
totals: 90000 400 5000 60
part: 2
thread: 3
events: Ir I1mr Bc Bcm
totals: 10000 100 1000 40
part: 3
thread: 1
events: Ir I1mr Bc Bcm
totals: 18446744073709551000 1 2 3
`;

describe('totals of callgrind', () => {
  it('are those of the thread that executed most, over all its parts', () => {
    expect(busiestThread(parts, 'totals')).toEqual({ Ir: 100_000, I1mr: 500, Bc: 6000, Bcm: 100 });
  });
  it('count what is missing at the end of a line as 0', () => {
    expect(busiestThread(parts.replace(/thread: 3/g, 'thread: 2').replace('totals: 10000 100 1000 40', 'totals: 10000'), 'totals')).toEqual({ Ir: 100_000, I1mr: 400, Bc: 5000, Bcm: 60 });
  });
  it('leave out a part that wrapped around below zero', () => {
    expect(() => busiestThread(parts.slice(parts.indexOf('part: 3')), 'totals')).toThrow('totals:1: no thread with instructions in it');
  });
  it('name the line whose counts do not fit its events', () => {
    expect(() => busiestThread('events: Ir\ntotals: 1 2\n', 'totals')).toThrow('totals:2: 2 counts for 1 events');
    expect(() => busiestThread('events: Ir\ntotals: many\n', 'totals')).toThrow('totals:2: 1 counts for 1 events');
  });
});
