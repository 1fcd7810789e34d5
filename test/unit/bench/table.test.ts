import { describe, expect, it } from 'vitest';
import { atLeast, atMost, between, failed, fixed, judged, minutes, noneWrong, percent, printed, seconds, unavailable, type BenchRow } from '../../../lib/bench/row.js';
import { benchTable } from '../../../lib/bench/table.js';

describe('a number is reached', () => {
  const met = (row: BenchRow) => row.met;

  it('at the limit, and not past it', () => {
    expect([0, 0.01, 0.0101].map((value) => met(judged('', atMost(0.01, percent(0)), [value], '')))).toEqual(['yes', 'yes', 'no']);
    expect([0.979, 0.98, 1].map((value) => met(judged('', atLeast(0.98, percent(0)), [value], '')))).toEqual(['no', 'yes', 'yes']);
    expect([0.989, 0.99, 1.01, 1.011].map((value) => met(judged('', between(0.99, 1.01, fixed(2)), [value], '')))).toEqual(['no', 'yes', 'yes', 'no']);
    expect([0, 1].map((value) => met(judged('', noneWrong, [value], '')))).toEqual(['yes', 'no']);
  });

  it('only when every repeat reaches it', () => {
    expect(met(judged('', atMost(5, seconds(0)), [1, 2, 5], ''))).toBe('yes');
    expect(met(judged('', atMost(5, seconds(0)), [1, 6, 2], ''))).toBe('no');
  });

  it('never by a value that was not measured', () => {
    for (const reach of [atMost(1, fixed(0)), atLeast(1, fixed(0)), between(0, 1, fixed(0)), noneWrong, printed]) {
      expect(met(judged('', reach, [], ''))).toBe('no');
      expect(met(judged('', reach, [NaN], ''))).toBe('no');
    }
  });

  it('in the words of the very limit that is applied', () => {
    expect(judged('', atMost(15 * 60, minutes(0)), [1], '').reach).toBe('<= 15 min');
    expect(judged('', between(0.99, 1.01, fixed(2)), [1], '').reach).toBe('0.99-1.01');
  });
});

describe('the table', () => {
  it('aligns its columns and puts what needs explaining below, under the row it is about', () => {
    const rows = [
      judged('stacks complete (http)', atLeast(0.98, percent(0)), [0.995], '99.50 % of 2,412'),
      judged('figures', atMost(30, seconds(0)), [31], '31.0 s', ['the disk was busy']),
      unavailable('perf stat', printed, { available: false, reason: 'perf is not installed', remedy: 'install it' }),
      failed('names', new Error('envoy: no section headers')),
    ];
    expect(benchTable(rows)).toBe([
      'what                    reach    here              met?',
      '----------------------  -------  ----------------  -----------',
      'stacks complete (http)  >= 98 %  99.50 % of 2,412  yes',
      'figures                 <= 30 s  31.0 s            no',
      'perf stat               printed  -                 unavailable',
      'benchmark names         -        -                 failed',
      '',
      'figures:',
      '  the disk was busy',
      '',
      'perf stat:',
      '  perf is not installed; install it',
      '',
      'benchmark names:',
      '  envoy: no section headers',
    ].join('\n'));
  });
});
