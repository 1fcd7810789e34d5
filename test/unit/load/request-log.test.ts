import * as fs from 'node:fs';
import { describe, expect, it } from 'vitest';
import { projectPath } from '../../../lib/host/paths.js';
import { completedBetween, parseRequestLog, readRequestLog, summariseLog } from '../../../lib/load/request-log.js';

/** A log of [intendedUs, sentUs, doneUs, status] rows that starts one second after the epoch. */
function logOf(rows: [number, number, number, number][]) {
  const lines = rows.map((row) => `${row.join('\t')}\n`).join('');
  return parseRequestLog(`# request log 1\n# startUs 1000000\n# intendedUs sentUs doneUs status\n${lines}# end ${rows.length}\n`, 'x.log');
}

describe('request log', () => {
  it.each(['native', 'npm'])('of the %s generator, as captured: answers, refusals and broken connections', (generator) => {
    const file = projectPath('test', 'fixtures', 'load', `${generator}-mixed-requests.txt`);
    const log = parseRequestLog(fs.readFileSync(file, 'utf8'), file);
    const { statuses, requests, errors } = summariseLog(log, [log.startUs, log.startUs + 10e6], 100);
    expect(statuses).toEqual({ 200: 14, 503: 4, failed: 2 });
    expect([requests, errors]).toEqual([14, 6]);
    expect([...log.intendedUs].slice(0, 3)).toEqual([0, 10_000, 20_000]);
  });

  const whole = fs.readFileSync(projectPath('test', 'fixtures', 'load', 'native-mixed-requests.txt'), 'utf8');
  const lines = whole.split('\n');
  it.each([
    ['empty', '', 'x.log:1: not a request log: ""'],
    ['foreign', 'Running 3s test @ http://127.0.0.1\n', 'x.log:1: not a request log: "Running 3s test'],
    ['cut off between lines', `${lines.slice(0, 9).join('\n')}\n`, 'x.log:10: cut off'],
    ['cut off within a line', whole.slice(0, 150), 'cut off: no "# end" line'],
    ['short of a line', [...lines.slice(0, 5), ...lines.slice(6)].join('\n'), 'x.log:23: 20 requests promised, 19 found'],
    ['without its start', lines.filter((line) => !line.startsWith('# startUs')).join('\n'), 'x.log:2: expected "# startUs N"'],
    ['damaged in a line', whole.replace(/^10000\t/m, '1OOOO\t'), 'x.log:5: expected intendedUs, sentUs, doneUs, status; found "1OOOO'],
  ])('that is %s is refused with file and line', (_, text, message) => {
    expect(() => parseRequestLog(text, 'x.log')).toThrow(message);
  });

  it('gives the same outcome whatever the order of its lines', () => {
    const shuffled = [...lines.slice(0, 3), ...lines.slice(3, -2).reverse(), ...lines.slice(-2)].join('\n');
    const outcome = (text: string) => {
      const log = parseRequestLog(text, 'x.log');
      return summariseLog(log, [log.startUs, log.startUs + 10e6], 100);
    };
    expect(outcome(shuffled)).toEqual(outcome(whole));
  });

  it('that was never written is said to be missing', () => {
    expect(() => readRequestLog('/nowhere')).toThrow('/nowhere/requests.log is missing');
  });
});

describe('window of a load', () => {
  it('counts answers by when they came, its end excluded, and only successes', () => {
    const log = logOf([[0, 0, 100, 200], [100, 100, 200, 204], [200, 200, 300, 200], [200, 200, 250, 500]]);
    expect(completedBetween(log, 1_000_100, 1_000_300)).toBe(2);
    expect(completedBetween(log, 2_000_000, 3_000_000)).toBe(0);
  });

  it('takes latency from the intended send time, of requests due inside it', () => {
    const log = logOf([[0, 0, 9000, 200], [1000, 2400, 2500, 200], [2000, 3700, 3900, 200]]);
    const { latencyUs } = summariseLog(log, [1_001_000, 1_010_000], 1000);
    expect(latencyUs).toMatchObject({ p50: 1500, max: 1900 });
  });

  it('holds the expected share of late requests after a freeze: at 500/s, 400 ms of 2 s make a fifth late, evenly up to 400 ms', () => {
    const frozen = [700_000, 1_100_000];
    const log = logOf(Array.from({ length: 1000 }, (_, k) => {
      const due = k * 2000;
      const done = due >= frozen[0] && due < frozen[1] ? frozen[1] : due;
      return [due, due, done + 100, 200];
    }));
    const { latencyUs } = summariseLog(log, [1_000_000, 3_000_000], 500);
    // 20 % late, even from 0 to 400 ms: the slowest 10 % take above 200 ms, the slowest 1 % above 380 ms
    expect(latencyUs.p50).toBe(100);
    expect(latencyUs.p90 / 200_000).toBeCloseTo(1, 1);
    expect(latencyUs.p99 / 380_000).toBeCloseTo(1, 1);
    expect(latencyUs.max).toBeCloseTo(400_100, -3);
  });

  it('charges a request never answered as an error, and its latency with the time it was waited for', () => {
    const log = logOf([[0, 0, 50, 200], [1000, 1000, -1, 0], [2000, -1, -1, 0], [3000, 3000, 9000, 200]]);
    const outcome = summariseLog(log, [1_000_000, 1_010_000], 1000);
    expect(outcome).toMatchObject({ requests: 2, errors: 2, statuses: { 200: 2, unanswered: 2 } });
    expect(outcome.latencyUs).toMatchObject({ max: 8000 });
  });

  it('shows a growing backlog as medians of its halves', () => {
    const log = logOf([[0, 0, 10, 200], [1000, 1000, 1020, 200], [5000, 5000, 5900, 200], [6000, 6000, 6950, 200]]);
    expect(summariseLog(log, [1_000_000, 1_010_000], 1000).halvesP50Us).toEqual([10, 900]);
  });

  it('knows the achieved rate from its own length', () => {
    const log = logOf([[0, 0, 10, 200], [1000, 1000, 1020, 200]]);
    expect(summariseLog(log, [1_000_000, 1_002_000], 1000)).toMatchObject({ achievedRatePerS: 1000, intendedRatePerS: 1000 });
  });
});
