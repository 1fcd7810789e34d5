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
import { perfEnvironment, perfVersion, probePerf, whilePerf } from './perf-tool.js';

export interface PerfStatSample {
  /** Seconds since the start, where perf was asked to print every so often (-I). */
  intervalS?: number;
  /** As perf prints it, e.g. `instructions:u`. */
  event: string;
  /** null unless counted. */
  value: number | null;
  status: 'counted' | 'not counted' | 'not supported';
  /** Empty for plain counts, `msec` for clocks. */
  unit: string;
  /** Nanoseconds during which the event was on a counter. */
  runtimeNs: number;
  /** Part of the time it was on a counter; below 100 the value is scaled up. */
  runningPercent: number;
}

/** Counters every Linux has. */
export const softwareEvents = ['task-clock', 'context-switches', 'cpu-migrations', 'page-faults'];

/**
 * Hardware events, counted as one group: all at the same time or none, so that their ratios are of one window. Four, of
 * which Intel holds two on fixed counters, fit every x86-64 server CPU since Haswell with SMT on, so that nothing takes
 * turns. User and kernel code apart; all code is their sum. Generic names: the kernel maps them per CPU (arch/x86/events).
 */
export const hardwareGroup = ['cycles:u', 'instructions:u', 'cycles:k', 'instructions:k'] as const;

const file = 'perf-stat.jsonl';

export const perfStat: Collector<PerfStatSample[]> = {
  name: 'perf-stat',
  version: async () => `2 / perf ${await perfVersion()} / ${(await countable()).join(',') || 'software events'}`,
  probe,
  record: recordStat,
  read: (dir) => parsePerfStat(fs.readFileSync(path.join(dir, file), 'utf8'), path.join(dir, file)),
  misses: 'threads other than the worker; without the right to it, the kernel; counts below 100 % running are extrapolated',
  disturbance: 'none seen beyond the noise floor (on and off interleaved): counters are read when the thread is switched, not while it runs',
};

async function recordStat<T>(sidecar: Collected, dir: string, body: () => Promise<T>, cpus: number[]): Promise<T> {
  const hardware = await countable();
  const groups = [softwareEvents.join(','), ...(hardware.length > 0 ? [`{${hardware.join(',')}}`] : [])];
  const events = groups.flatMap((group) => ['-e', group]);
  return whilePerf(['stat', '-j', '-o', path.join(dir, file), ...events, '-t', String(sidecar.workerTid)], cpus, body);
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
    const { exitCode, stderr } = await run(['perf', 'stat', '-j', '-e', event, 'true'], { allow: 'any', env: perfEnvironment });
    return exitCode === 0 ? stderr : '';
  }));
  return lines.join('\n').trim();
}

/** The events that have a count, from what {@link tryEvents} returned. */
export function countedIn(output: string): string[] {
  return output === '' ? [] : parsePerfStat(output, 'perf stat').filter(({ status }) => status === 'counted').map(({ event }) => event);
}

/**
 * Parses `perf stat -j`: one JSON object a line; counts are strings that may also say `<not counted>` or
 * `<not supported>` (linux tools/perf/Documentation/perf-stat.txt, "JSON FORMAT").
 * Lines that hold only a derived metric carry no count and are left out.
 * @param name how errors call the file.
 * @throws Error naming file and line.
 */
export function parsePerfStat(text: string, name: string): PerfStatSample[] {
  const samples = text.split('\n').flatMap((line, i) => parseLine(line.trim(), `${name}:${i + 1}`));
  if (samples.length === 0) throw new Error(`${name}:1: no event count in it; perf stat was ended before it could write`);
  return samples;
}

function parseLine(line: string, where: string): PerfStatSample[] {
  if (line === '' || line.startsWith('#')) return [];
  const fields = parseObject(line, where);
  if (!('counter-value' in fields) && ('metric-value' in fields || 'metricgroup' in fields)) return [];
  const { interval, event, unit, 'counter-value': value, 'event-runtime': runtimeNs, 'pcnt-running': runningPercent } = fields;
  if (typeof event !== 'string' || typeof value !== 'string' || typeof runtimeNs !== 'number' || typeof runningPercent !== 'number') {
    throw new Error(`${where}: no event count: ${line.slice(0, 80)}; it should come from perf stat -j`);
  }
  const at = typeof interval === 'number' ? { intervalS: interval } : {};
  return [sampleOf(value, { ...at, event, unit: typeof unit === 'string' ? unit : '', runtimeNs, runningPercent }, where)];
}

/** @param value as perf writes it, in either of its formats. @throws Error naming the line when it is no count. */
export function sampleOf(value: string, common: Omit<PerfStatSample, 'value' | 'status'>, where: string): PerfStatSample {
  if (value === '<not supported>' || value === '<not counted>') {
    return { ...common, value: null, status: value === '<not counted>' ? 'not counted' : 'not supported' };
  }
  const count = Number(value);
  if (value === '' || !Number.isFinite(count)) throw new Error(`${where}: "${value}" is no count of ${common.event}; was perf run without LC_ALL=C?`);
  return { ...common, value: count, status: 'counted' };
}

function parseObject(line: string, where: string): Record<string, unknown> {
  try {
    // perf 6.13 leaves a comma behind where an event has no metric.
    const value = JSON.parse(line.replace(/,\s*\}$/, '}')) as unknown;
    if (value !== null && typeof value === 'object' && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // told below
  }
  throw new Error(`${where}: not a JSON object: ${line.slice(0, 80)}; the file is cut off, or not from perf stat -j`);
}
