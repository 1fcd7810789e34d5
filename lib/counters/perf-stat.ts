/**
 * perf stat: event counts of the worker thread, whatever events this CPU gives.
 *
 * Needs: perf; hardware events need a performance monitoring unit, which most virtual machines hide.
 * Misses: other threads; with perf_event_paranoid above 1 and no root, the kernel. Counters are fewer than events, so
 * groups take turns: a count whose `runningPercent` is below 100 is perf's extrapolation from that part of the time.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Availability } from '../host/availability.js';
import { run } from '../host/process.js';
import type { Collected, Collector } from './collector.js';
import { perfEnvironment, perfVersion, probePerf, whilePerf } from './perf-tool.js';

export interface PerfStatSample {
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
 * Hardware events, in groups of at most four so that each fits the general counters of every CPU since Haswell with
 * SMT on; cycles and instructions have fixed counters and go with every group, so that ratios are of one window.
 * Generic names: the kernel maps them per CPU (arch/x86/events). iTLB-loads is not lookups on Intel but first-level
 * misses that the second level holds.
 */
export const hardwareGroups = [
  ['cycles:u', 'instructions:u', 'cycles:k', 'instructions:k'],
  ['cycles', 'instructions', 'branches', 'branch-misses'],
  ['cycles', 'instructions', 'L1-icache-load-misses', 'L1-dcache-load-misses'],
  ['cycles', 'instructions', 'iTLB-loads', 'iTLB-load-misses'],
  ['cycles', 'instructions', 'cache-references', 'cache-misses'],
];

const file = 'perf-stat.jsonl';

export const perfStat: Collector<PerfStatSample[]> = {
  name: 'perf-stat',
  version: async () => `1 / perf ${await perfVersion()}`,
  probe,
  record: (sidecar, dir, body, cpus) => recordStat(sidecar, dir, body, cpus),
  read: (dir) => parsePerfStat(fs.readFileSync(path.join(dir, file), 'utf8'), path.join(dir, file)),
  misses: 'threads other than the worker; counts below 100 % running are extrapolated',
  disturbance: 'none seen beyond the noise floor (on and off interleaved): counters are read when the thread is switched, not while it runs',
};

async function recordStat<T>(sidecar: Collected, dir: string, body: () => Promise<T>, cpus: number[]): Promise<T> {
  const groups = await supportedGroups();
  const events = [softwareEvents.join(','), ...groups.map((group) => `{${group.join(',')}}`)].flatMap((group) => ['-e', group]);
  return whilePerf(['stat', '-j', '-o', path.join(dir, file), ...events, '-t', String(sidecar.workerTid)], cpus, body);
}

async function probe(): Promise<Availability> {
  const basic = await probePerf(['stat', '-e', 'task-clock', 'true']);
  if (!basic.available) return basic;
  const groups = await supportedGroups();
  return groups.length > 0 ? basic : { ...basic, note: 'software events only: this machine shows no performance monitoring unit (a virtual machine usually hides it)' };
}

/** The hardware groups this CPU counts, without the events it lacks; none where there is no monitoring unit. */
async function supportedGroups(): Promise<string[][]> {
  const events = [...new Set(hardwareGroups.flat())];
  const tried = await run(['perf', 'stat', '-j', ...events.flatMap((event) => ['-e', event]), 'true'], { env: perfEnvironment, allow: 'any' });
  if (tried.exitCode !== 0) return [];
  const missing = new Set(parsePerfStat(tried.stderr, 'perf stat').filter((sample) => sample.status === 'not supported').map((sample) => sample.event));
  return hardwareGroups.map((group) => group.filter((event) => !missing.has(event)))
    .filter((group) => group.some((event) => !/^(cycles|instructions)$/.test(event)));
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
  if (!('counter-value' in fields) && 'metric-value' in fields) return [];
  const { event, unit, 'counter-value': value, 'event-runtime': runtimeNs, 'pcnt-running': runningPercent } = fields;
  if (typeof event !== 'string' || typeof value !== 'string' || typeof runtimeNs !== 'number' || typeof runningPercent !== 'number') {
    throw new Error(`${where}: no event count: ${line.slice(0, 80)}; it should come from perf stat -j`);
  }
  const common = { event, unit: typeof unit === 'string' ? unit : '', runtimeNs, runningPercent };
  if (value === '<not supported>' || value === '<not counted>') {
    return [{ ...common, value: null, status: value === '<not counted>' ? 'not counted' : 'not supported' }];
  }
  const count = Number(value);
  if (value === '' || !Number.isFinite(count)) throw new Error(`${where}: "${value}" is no count of ${event}; was perf run without LC_ALL=C?`);
  return [{ ...common, value: count, status: 'counted' }];
}

function parseObject(line: string, where: string): Record<string, unknown> {
  try {
    const value = JSON.parse(line) as unknown;
    if (value !== null && typeof value === 'object' && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // told below
  }
  throw new Error(`${where}: not a JSON object: ${line.slice(0, 80)}; the file is cut off, or not from perf stat -j`);
}
