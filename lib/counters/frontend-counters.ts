/**
 * perf stat on the events of the CPU's frontend: what the worker thread, user and kernel code together, misses in the
 * instruction cache, the instruction TLB and the branch predictors, how long fetch stalls, and the slots of the top-down
 * method. Which events, is data of the microarchitecture: lib/counters/events/.
 *
 * There are more events than counters: groups that fit take turns within a run, some milliseconds each
 * (lib/counters/frontend-counts.ts).
 *
 * Needs: perf, and a CPU that shows its performance monitoring unit; most virtual machines hide it.
 * Misses: other threads; without root and with perf_event_paranoid above 1, the kernel (`code` says so). What happens in
 * less than a turn of the groups. The SMT sibling is kept empty, so slots are those of one thread.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Availability } from '../host/availability.js';
import { readMachine } from '../host/machine.js';
import type { Collected, Collector } from './collector.js';
import { denominators, eventOf, perfGroups, perfSpelling, type CounterEvent, type EventName, type EventTable, type EventTableId } from './events/event-table.js';
import { nameInTable } from './events/names.js';
import { eventTable, eventTableFor } from './events/tables.js';
import { parseFrontendCounts, type FrontendCounts } from './frontend-counts.js';
import { countedIn, tryEvents } from './perf-stat.js';
import { perfVersion, probePerf, whilePerf } from './perf-tool.js';

/** Raw files of a run: perf's output, and which table its events are of. */
export const frontendFiles = { counts: 'frontend-counters.csv', table: 'event-table.json' } as const;

export const frontendCounters: Collector<FrontendCounts> = {
  name: 'frontend-counters',
  version: async () => {
    const { table, missing } = await whatCounts();
    return `1 / perf ${await perfVersion()} / ${table.id}${missing.length > 0 ? ` without ${missing.join(',')}` : ''}`;
  },
  probe,
  record: recordCounts,
  read: readCounts,
  misses: 'threads other than the worker; without the right to it, the kernel; each group of events is counted part of the time',
  disturbance: 'not measured: no machine with counters at hand; groups change at timer ticks, some hundred times a second',
};

async function probe(): Promise<Availability> {
  const basic = await probePerf(['stat', '-e', 'task-clock', 'true']);
  if (!basic.available) return basic;
  const { table, missing } = await whatCounts();
  if (denominators.every((name) => missing.includes(name))) {
    return {
      available: false,
      reason: 'the CPU shows no performance monitoring unit; virtual machines usually hide it',
      remedy: 'use bare metal or a machine type that exposes the unit, or take in counts from one (`npm run import -- --commands CORE`); the frontend is simulated until then',
    };
  }
  const notes = [
    table.id === 'generic' ? 'perf\'s generic events: there is no table of this core, and none of the top-down method' : `events of ${table.id}`,
    ...(missing.length > 0 ? [`without ${missing.join(', ')}`] : []),
  ];
  return { ...basic, note: notes.join('; ') };
}

/** Thirty trials, so once a process. */
let known: Promise<{ table: EventTable; missing: EventName[] }> | null = null;

/** This machine's table, and which of its events cannot be counted here. */
function whatCounts(): Promise<{ table: EventTable; missing: EventName[] }> {
  known ??= tryTable(eventTableFor(readMachine().microarchitecture));
  return known;
}

async function tryTable(table: EventTable): Promise<{ table: EventTable; missing: EventName[] }> {
  const asked = [...new Set(table.groups.flat())];
  if (countedIn(await tryEvents(['cycles'])).length === 0) return { table, missing: asked };
  // The metrics cannot be tried alone; they come with the slots.
  const alone = table.events.filter(({ name, counter }) => asked.includes(name) && counter !== 'metrics');
  const counted = new Set(countedIn(await tryEvents(alone.map(perfSpelling))).map((printed) => nameInTable(table, printed)));
  const lacking = ({ name, counter }: CounterEvent) => !counted.has(counter === 'metrics' ? 'slots' : name);
  return { table, missing: asked.filter((name) => lacking(eventOf(table, name))) };
}

/** Arguments of `perf stat` for the events of a table. */
export function statArguments(table: EventTable, without: readonly EventName[] = []): string[] {
  return perfGroups(table, without).flatMap((group) => ['-e', group]);
}

async function recordCounts<T>(sidecar: Collected, dir: string, body: () => Promise<T>, cpus: number[]): Promise<T> {
  const { table, missing } = await whatCounts();
  writeEventTable(dir, table.id);
  return whilePerf(['stat', '-x;', '-o', path.join(dir, frontendFiles.counts), ...statArguments(table, missing), '-t', String(sidecar.workerTid)], cpus, body);
}

export function writeEventTable(dir: string, table: EventTableId): void {
  fs.writeFileSync(path.join(dir, frontendFiles.table), `${JSON.stringify({ table })}\n`);
}

function readCounts(dir: string): FrontendCounts {
  const tableFile = path.join(dir, frontendFiles.table);
  const { table } = parseTable(fs.readFileSync(tableFile, 'utf8'), tableFile);
  const file = path.join(dir, frontendFiles.counts);
  return parseFrontendCounts(fs.readFileSync(file, 'utf8'), file, eventTable(table));
}

function parseTable(text: string, file: string): { table: string } {
  try {
    const value = JSON.parse(text) as { table?: unknown } | null;
    if (typeof value?.table === 'string') return { table: value.table };
  } catch {
    // told below
  }
  throw new Error(`${file}:1: no event table's name: ${text.slice(0, 60)}; record again`);
}
