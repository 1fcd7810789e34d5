import * as fs from 'node:fs';
import { describe, expect, it } from 'vitest';
import { countedIn } from '../../../lib/counters/perf-stat.js';
import { parsePerfStat } from '../../../lib/counters/perf-stat-output.js';

const fixture = (name: string) => fs.readFileSync(`test/fixtures/counters/${name}`, 'utf8');

describe('perf stat -j', () => {
  it('reads software counts as perf 6.1 writes them', () => {
    const samples = parsePerfStat(fixture('perf-stat-software.jsonl'), 'f');
    expect(samples.map(({ event, value, unit }) => [event, value, unit])).toEqual([
      ['task-clock', 572.890381, 'msec'], ['context-switches', 455, ''], ['cpu-migrations', 0, ''], ['page-faults', 0, ''],
    ]);
  });

  it('tells counted, multiplexed, never counted and unsupported events apart', () => {
    const samples = parsePerfStat(fixture('perf-stat-hardware.jsonl'), 'f');
    expect(samples.map(({ event, value, status, runningPercent }) => [event, value, status, runningPercent])).toEqual([
      ['cycles:u', 2.5e9, 'counted', 100],
      ['instructions:u', 3e9, 'counted', 100],
      ['L1-icache-load-misses', 81234567, 'counted', 33.3],
      ['iTLB-load-misses', null, 'not counted', 0],
      ['cache-misses', null, 'not supported', 100],
    ]);
  });

  it('does not depend on the order of the lines', () => {
    const text = fixture('perf-stat-hardware.jsonl');
    const reversed = text.split('\n').reverse().join('\n');
    expect(parsePerfStat(reversed, 'f')).toEqual(parsePerfStat(text, 'f').reverse());
  });

  it.each([
    ['a cut-off line', '{"counter-value" : "12", "unit" : "", "ev', 'f:1: not a JSON object'],
    ['text of another tool', '{"counter-value" : "12", "event" : "x", "event-runtime" : 1, "pcnt-running" : 1}\ncycles 12', 'f:2: not a JSON object'],
    ['a number alone', '12', 'f:1: no event count in it'],
    ['a line without event', '{"counter-value" : "12"}', 'f:1: no event count'],
    ['a count in another locale', '{"counter-value" : "12,5", "event" : "x", "event-runtime" : 1, "pcnt-running" : 1}', 'f:1: "12,5" is no count of x'],
    ['an empty file', '# started\n\n', 'f:1: no event count in it'],
  ])('refuses %s, naming file and line', (_, text, message) => {
    expect(() => parsePerfStat(text, 'f')).toThrow(message);
  });

  it('knows which events have a count, and that no output is none', () => {
    expect(countedIn(fixture('perf-stat-hardware.jsonl'))).toEqual(['cycles:u', 'instructions:u', 'L1-icache-load-misses']);
    expect(countedIn('')).toEqual([]);
  });
});
