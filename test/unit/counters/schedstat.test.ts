import * as fs from 'node:fs';
import { describe, expect, it } from 'vitest';
import { cpuBetween, parseSchedstat, parseTicks, readCpu, readSchedstat } from '../../../lib/counters/schedstat.js';

describe('schedstat', () => {
  it('reads run time, wait time and timeslices', () => {
    expect(parseSchedstat('683214 120 7\n', 's')).toEqual({ runNs: 683214, waitNs: 120, timeslices: 7 });
  });

  it.each(['', '683214 120', '683214 120 x\n', '683214 120 7\n683214 120 7\n'])('refuses %j and names the file', (text) => {
    expect(() => parseSchedstat(text, '/proc/1/schedstat')).toThrow(/^\/proc\/1\/schedstat:1: .*CONFIG_SCHED_INFO/);
  });

  it('finds user and kernel time behind a thread name with spaces and brackets', () => {
    const text = '24716 (wrk) S (x) R 1 2 3 4 5 6 7 8 9 10 104 432 0 0';
    expect(parseTicks(text, 's')).toEqual({ userTicks: 104, kernelTicks: 432 });
  });

  it.each([
    ['cut off', '24716 (wrk:worker_0) S 1 2 3'],
    ['empty', ''],
    ['of another file', 'cpu  1 2 3 4 5 6 7 8 9 10 11 12 13 14 15'],
    ['out of order', '24716 (wrk) 1 2 3 4 5 6 7 8 9 10 11 S R T 0'],
  ])('refuses a stat line that is %s', (_, text) => {
    expect(() => parseTicks(text, '/proc/1/stat')).toThrow('/proc/1/stat:1: no user and kernel times');
  });

  it('sees a process burn CPU time, in each of its threads and in sum', () => {
    const before = readCpu(process.pid);
    const oneBefore = readSchedstat(process.pid, process.pid);
    while (readSchedstat(process.pid, process.pid).runNs - oneBefore.runNs < 2e7);
    const used = cpuBetween(before, readCpu(process.pid));
    expect(used.runNs).toBeGreaterThanOrEqual(2e7);
    expect(used.windowUs[1]).toBeGreaterThan(used.windowUs[0]);
  });

  it('gives a user share only from ten ticks on', () => {
    const at = (userTicks: number, kernelTicks: number) => ({ atUs: 0, runNs: 0, waitNs: 0, timeslices: 0, userTicks, kernelTicks });
    expect(cpuBetween(at(10, 10), at(13, 17)).userShare).toBeCloseTo(0.3);
    expect(cpuBetween(at(10, 10), at(13, 16)).userShare).toBeNull();
  });

  it('says that a process or thread is gone', () => {
    const none = Number(fs.readFileSync('/proc/sys/kernel/pid_max', 'utf8')) + 1;
    expect(() => readCpu(none)).toThrow(`process ${none} is gone`);
    expect(() => readSchedstat(process.pid, none)).toThrow(`thread ${none} of process ${process.pid} is gone`);
  });
});
