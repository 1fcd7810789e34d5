import * as fs from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parsePerfStat } from '../../../lib/counters/perf-stat-output.js';

const fixture = (name: string) => fs.readFileSync(`test/fixtures/counters/frontend/${name}`, 'utf8');

describe('perf stat -x', () => {
  it('reads software counts as perf 6.1 writes them', () => {
    const samples = parsePerfStat(fs.readFileSync('test/fixtures/counters/perf-stat-software.csv', 'utf8'), 'f');
    expect(samples.map(({ event, value, unit }) => [event, value, unit])).toEqual([
      ['task-clock', 196.21, 'msec'], ['context-switches', 2012, ''], ['cpu-migrations', 0, ''], ['page-faults', 28, ''],
    ]);
  });

  it('reads counts of an interval, an event with the separator in its name too, and leaves lines with only a metric out', () => {
    const samples = parsePerfStat(fixture('topdown-interval.csv'), 'f');
    expect(samples.map(({ event }) => event)).toEqual([
      'TOPDOWN.SLOTS', 'topdown-retiring', 'topdown-fe-bound', 'topdown-be-bound', 'topdown-bad-spec', 'INT_MISC.CLEARS_COUNT', 'IDQ.MS_UOPS',
      'INT_MISC.UOP_DROPPING', 'UOPS_RETIRED.SLOTS', 'UOPS_DECODED.DEC0', 'cpu/UOPS_DECODED.DEC0,cmask=1/', 'UOPS_ISSUED.ANY', 'IDQ.MITE_UOPS',
    ]);
    expect(samples[0]).toEqual({ intervalS: 1.000103288, event: 'TOPDOWN.SLOTS', value: 4677067630, status: 'counted', unit: '', runtimeNs: 16029302700, runningPercent: 100 });
    expect(samples[10]).toMatchObject({ value: 26472844, runtimeNs: 16029009707 });
  });

  it('tells what was never counted from what is not supported, as Ice Lake had it for a group that does not fit', () => {
    const samples = parsePerfStat(fixture('not-counted.csv'), 'f');
    expect(samples.map(({ status }) => status)).toEqual([...Array<string>(5).fill('not counted'), 'not supported']);
    expect(samples[3]).toMatchObject({ event: 'cpu/event=0xc6,umask=0x1,frontend=0x1/', value: null });
  });

  it.each([
    ['a unit', '1.20;msec;task-clock:u;1204272;100.00;0.697;CPUs utilized', { event: 'task-clock:u', value: 1.2, unit: 'msec', runtimeNs: 1204272 }],
    ['cores added up', 'S0-D0-C1;2;1513;;branch-misses;1564989;54.00;3.01;of all branches', { event: 'branch-misses', value: 1513, runningPercent: 54 }],
    ['an interval and a core', '     2.000234567;CPU1;700;;instructions;1000;100.00;;', { event: 'instructions', value: 700, intervalS: 2.000234567 }],
    ['repeats', '700;;instructions;0.25%;1000;100.00;;', { event: 'instructions', value: 700, runtimeNs: 1000 }],
    ['tabs', '700\t\tinstructions\t1000\t100.00\t\t', { event: 'instructions', value: 700 }],
  ])('reads a line with %s', (_, line, expected) => {
    expect(parsePerfStat(`# started on Mon Jan  1 00:00:00 2024\n\n${line}\n`, 'f')).toEqual([expect.objectContaining(expected)]);
  });

  it('leaves out the headings of metric groups', () => {
    const text = '52288305,,cycles,225850188531,100.00,0.000,GHz\n,225849327050,100.00,,,,TopdownL1\n,,,,,70.1,%  tma_backend_bound\n,10188319019,63.00,,,41.3,%  tma_frontend_bound\n';
    expect(parsePerfStat(text, 'f').map(({ event }) => event)).toEqual(['cycles']);
  });

  it.each([
    ['an empty file', '# started\n', 'f:1: no event count in it'],
    ['words', 'cycles 12', 'f:1: no event count in it'],
    ['a cut-off line', '700;;instructions;1000;100.00;;\n12;;cyc', 'f:2: no run time and percentage behind cyc'],
    ['a foreign line', '700;;instructions;1000;100.00;;\nSegmentation fault', 'f:2: no event count'],
  ])('refuses %s, naming file and line', (_, text, message) => {
    expect(() => parsePerfStat(text, 'f')).toThrow(message);
  });
});

describe('perf stat -j of newer perf', () => {
  it('is read although perf 6.13 leaves a comma before the closing brace', () => {
    expect(parsePerfStat(fixture('topdown.jsonl'), 'f').map(({ event, value }) => [event, value])).toEqual([
      ['TOPDOWN.SLOTS', 18693525], ['topdown-retiring', 3817732], ['topdown-fe-bound', 5472824], ['topdown-be-bound', 7984780], ['topdown-bad-spec', 1418181],
    ]);
  });

  it('is read without the headings of its metric groups', () => {
    expect(parsePerfStat(fixture('metric-groups.jsonl'), 'f').map(({ event }) => event)).toEqual(['cycles', 'instructions', 'branches', 'branch-misses']);
  });

  it('keeps the time of an interval', () => {
    const line = '{"interval" : 0.000506453, "counter-value" : "143761.000000", "unit" : "", "event" : "cycles:u", "event-runtime" : 217290, "pcnt-running" : 100.00, "metric-value" : 0.676968, "metric-unit" : "GHz"}';
    expect(parsePerfStat(line, 'f')).toEqual([{ intervalS: 0.000506453, event: 'cycles:u', value: 143761, status: 'counted', unit: '', runtimeNs: 217290, runningPercent: 100 }]);
  });
});
