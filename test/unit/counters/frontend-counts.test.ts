import { describe, expect, it } from 'vitest';
import { eventTable } from '../../../lib/counters/events/tables.js';
import { notesOnCounts, parseFrontendCounts, valuesOf } from '../../../lib/counters/frontend-counts.js';

const iceLake = eventTable('ice-lake');

/** As perf 6.1 writes it; percent below 100 where groups took turns. */
function line(event: string, value: number | string, percent = 100): string {
  return `{"counter-value" : "${typeof value === 'number' ? value.toFixed(6) : value}", "unit" : "", "event" : "${event}", "event-runtime" : 1000000, "pcnt-running" : ${percent.toFixed(2)}, "metric-value" : 0.000000, "metric-unit" : ""}`;
}

const parse = (...lines: string[]) => parseFrontendCounts(lines.join('\n'), 'f.jsonl', iceLake);

describe('counts of groups that took turns', () => {
  it('are those of the whole window, each by the cycles of its own group: what perf extrapolated too high cancels out', () => {
    const { counts } = parse(
      line('cycles', 1000, 50), line('instructions', 800, 50), line('l1iMisses', 40, 50),
      // Counted in slices twice as busy: perf's own scaling by time has twice of everything.
      line('cycles', 2000, 50), line('instructions', 1600, 50), line('branchMisses', 30, 50),
    );
    const values = valuesOf({ counts });
    expect(values.cycles).toBe(1500);
    expect([values.instructions! / values.cycles!, values.l1iMisses! / values.cycles!, values.branchMisses! / values.cycles!]).toEqual([0.8, 0.04, 0.015]);
  });

  it('carry the part of the time they were counted in; cycles and instructions that of all groups together', () => {
    const { counts } = parse(line('cycles', 10, 40), line('instructions', 10, 40), line('l1iMisses', 1, 40), line('cycles', 10, 35), line('instructions', 10, 35), line('branches', 2, 35));
    expect(Object.fromEntries(counts.map(({ event, runningPercent }) => [event, runningPercent]))).toEqual({ cycles: 75, instructions: 75, l1iMisses: 40, branches: 35 });
  });

  it('take an event that two groups count from the first that counted it', () => {
    const { counts } = parse(line('cycles', 10), line('uopsDropped', '<not counted>', 0), line('cycles', 10), line('uopsDropped', 4));
    expect(counts.find(({ event }) => event === 'uopsDropped')).toMatchObject({ value: 4, status: 'counted' });
  });

  it('know the metrics group, which begins with the slots, from the one after it', () => {
    const { counts } = parse(
      line('slots', 500), line('topdown-retiring', 100), line('topdown-fe-bound', 300), line('cycles', 100), line('instructions', 80),
      line('cycles', 200), line('instructions', 160), line('l1iMisses', 8),
    );
    expect(valuesOf({ counts })).toEqual({ cycles: 150, instructions: 120, slots: 750, metricRetiring: 150, metricFrontend: 450, l1iMisses: 6 });
  });
});

describe('counts', () => {
  it('that are missing stay missing, with how', () => {
    const { counts } = parse(line('cycles', 10), line('l1iMisses', '<not counted>', 0), line('l1iRetiredMisses', '<not supported>'));
    expect(counts.filter(({ event }) => event !== 'cycles').map(({ event, value, status }) => [event, value, status])).toEqual([
      ['l1iMisses', null, 'not counted'], ['l1iRetiredMisses', null, 'not supported'],
    ]);
    expect(valuesOf({ counts })).toEqual({ cycles: 10 });
  });

  it('say that only user code was counted, where perf marks its events so', () => {
    expect(parse(line('cycles:u', 10), line('l1iMisses:u', 1)).code).toBe('user');
    expect(parse(line('cycles', 10), line('l1iMisses', 1)).code).toBe('all');
    expect(() => parse(line('cycles:u', 10), line('cycles:k', 1))).toThrow('f.jsonl: user and kernel code were counted apart');
  });

  it('of intervals are added up', () => {
    const at = (time: number, event: string, value: number) => line(event, value).replace('{', `{"interval" : ${time}, `);
    const { counts } = parse(at(1, 'cycles', 10), at(1, 'l1iMisses', 1), at(2, 'cycles', 30), at(2, 'l1iMisses', 2));
    expect(valuesOf({ counts })).toEqual({ cycles: 40, l1iMisses: 3 });
  });

  it('by Intel\'s names or by codes are told by the table', () => {
    const { counts, unknown } = parse(line('cpu-cycles', 10), line('icache_64b.iftag_miss', 3), line('cpu/event=0xc5,umask=0x80/', 2), line('idq.ms_uops', 7));
    expect(valuesOf({ counts })).toEqual({ cycles: 10, l1iMisses: 3, branchMissesIndirect: 2 });
    expect(unknown).toEqual(['idq.ms_uops']);
  });

  it('say what a reader should know: turns taken, code left out, events that stand in for others', () => {
    expect(notesOnCounts(parse(line('cycles', 10), line('l1iMisses', 1)))).toEqual([]);
    expect(notesOnCounts(parse(line('cycles:u', 10, 12.5), line('l1iMisses:u', 1, 12.5)))).toEqual([
      'user code only was counted', expect.stringMatching(/took turns, each counted 13 % of the time at least/),
    ]);
    expect(notesOnCounts(parseFrontendCounts(line('cycles', 10), 'f.jsonl', eventTable('sapphire-rapids')))).toEqual([expect.stringMatching(/asked of the L2 cache stand in/)]);
  });

  it('without any cycle name what may hold the counters', () => {
    expect(() => parse(line('cycles', '<not counted>', 0), line('l1iMisses', '<not counted>', 0))).toThrow(/f\.jsonl: cycles were never counted.*NMI watchdog/);
  });
});
