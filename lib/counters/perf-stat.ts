/**
 * perf stat: cycles and instructions of the worker thread, in user and in kernel code.
 *
 * Needs: perf; hardware events need a performance monitoring unit, which most virtual machines hide.
 * Misses: other threads; with perf_event_paranoid above 1 and no root, the kernel. Should something else on the machine
 * hold counters too, they take turns: a count whose `runningPercent` is below 100 is perf's extrapolation from that
 * part of the time.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Availability } from '../host/availability.js';
import { run } from '../host/process.js';
import type { Collected, Collector } from './collector.js';
import { parsePerfStat, type PerfStatSample } from './perf-stat-output.js';
import { perfEnvironment, perfVersion, probePerf, whilePerf } from './perf-tool.js';

/** Counters every Linux has. */
export const softwareEvents = ['task-clock', 'context-switches', 'cpu-migrations', 'page-faults'];

/**
 * Hardware events, counted as one group: all at the same time or none, so that their ratios are of one window. Four, of
 * which Intel holds two on fixed counters, fit every x86-64 server CPU since Haswell with SMT on, so that nothing takes
 * turns. User and kernel code apart; all code is their sum. Generic names: the kernel maps them per CPU (arch/x86/events).
 */
export const hardwareGroup = ['cycles:u', 'instructions:u', 'cycles:k', 'instructions:k'] as const;

/** Written by `-x`: only perf 6.0 and later know `-j`. */
const file = 'perf-stat.csv';

export const perfStat: Collector<PerfStatSample[]> = {
  name: 'perf-stat',
  version: async () => `3 / perf ${await perfVersion()} / ${(await countable()).join(',') || 'software events'}`,
  probe,
  record: recordStat,
  read: (dir) => parsePerfStat(fs.readFileSync(path.join(dir, file), 'utf8'), path.join(dir, file)),
  misses: 'threads other than the worker; without the right to it, the kernel; counts below 100 % running are extrapolated',
  disturbance: 'none seen beyond the noise floor (on and off interleaved): counters are read when the thread is switched, not while it runs',
};

function recordStat<T>(sidecar: Collected, dir: string, body: () => Promise<T>, cpus: number[]): Promise<T> {
  return count(['-t', String(sidecar.workerTid)], dir, body, cpus);
}

/**
 * Counts all threads of several processes together while `body` runs; `perfStat.read(dir)` has the counts.
 * @param cpus cores that perf may use.
 * @throws Error when perf cannot count them; whatever `body` throws.
 */
export function countProcesses<T>(pids: readonly number[], dir: string, body: () => Promise<T>, cpus: number[]): Promise<T> {
  return count(['-p', pids.join(',')], dir, body, cpus);
}

/** @param whom perf's option that says what is counted. */
async function count<T>(whom: string[], dir: string, body: () => Promise<T>, cpus: number[]): Promise<T> {
  const hardware = await countable();
  const groups = [softwareEvents.join(','), ...(hardware.length > 0 ? [`{${hardware.join(',')}}`] : [])];
  const events = groups.flatMap((group) => ['-e', group]);
  return whilePerf(['stat', '-x;', '-o', path.join(dir, file), ...events, ...whom], cpus, body);
}

async function probe(): Promise<Availability> {
  const basic = await probePerf(['stat', '-e', 'task-clock', 'true']);
  if (!basic.available) return basic;
  const counted = await countable();
  if (counted.length === 0) return { ...basic, note: 'software events only: this machine shows no performance monitoring unit (a virtual machine usually hides it)' };
  return counted.length === hardwareGroup.length ? basic : { ...basic, note: `${counted.join(', ')} only; for kernel code run as root, or lower /proc/sys/kernel/perf_event_paranoid to 1` };
}

/** What of the hardware group can be counted here; nothing where there is no monitoring unit. */
async function countable(): Promise<string[]> {
  return countedIn(await tryEvents(hardwareGroup));
}

/**
 * Counts each event by itself, so that one the CPU does not know, or the kernel does not permit, takes none of the others
 * with it. @returns perf's own lines; empty where perf counts nothing.
 */
export async function tryEvents(events: readonly string[]): Promise<string> {
  const lines = await Promise.all(events.map(async (event) => {
    const { exitCode, stderr } = await run(['perf', 'stat', '-x;', '-e', event, 'true'], { allow: 'any', env: perfEnvironment });
    return exitCode === 0 ? stderr.split('\n').filter((line) => line.includes(';')).join('\n') : ''; // without its warnings
  }));
  return lines.join('\n').trim();
}

/** The events that have a count, from what {@link tryEvents} returned. */
export function countedIn(output: string): string[] {
  return output === '' ? [] : parsePerfStat(output, 'perf stat').filter(({ status }) => status === 'counted').map(({ event }) => event);
}
