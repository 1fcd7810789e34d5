/**
 * Counts of a run as perf printed them, group after group, brought to one window.
 *
 * Groups took turns: a count is taken per cycle of its own group, so that what perf extrapolated from its part of the time
 * cancels out. That supposes that the worker does the same all along, as it does under a steady load.
 */
import { denominators, type EventName, type EventTable, type EventTableId } from './events/event-table.js';
import { nameInTable } from './events/names.js';
import { eventTable } from './events/tables.js';
import { parsePerfStat, type PerfStatSample } from './perf-stat-output.js';

export interface EventCount {
  event: EventName;
  /** Of the whole window; null unless counted. */
  value: number | null;
  status: PerfStatSample['status'];
  /** Part of the time in which it was counted. */
  runningPercent: number;
}

export interface FrontendCounts {
  table: EventTableId;
  /** Each event of the table that was asked for, once. */
  counts: EventCount[];
  /** Whose code was counted; `user` where the kernel may not be. */
  code: 'all' | 'user' | 'kernel';
  /** Events in the file that the table does not know; only recordings made by hand have any. */
  unknown: string[];
}

/** Counts by name, for formulas; what was not counted is absent. */
export type EventValues = Partial<Record<EventName, number>>;

/**
 * Counts from what perf stat printed.
 * @throws Error naming file and line; or that cycles were asked for and never counted.
 */
export function parseFrontendCounts(text: string, file: string, table: EventTable): FrontendCounts {
  const samples = parsePerfStat(text, file);
  const named = overIntervals(samples).map((sample) => ({ ...sample, name: nameInTable(table, sample.event) }));
  const ours = named.filter((sample): sample is NamedSample => sample.name !== null);
  return {
    table: table.id,
    counts: perCycle(groupsOf(ours), file),
    code: codeOf(ours, file),
    unknown: [...new Set(named.filter(({ name }) => name === null).map(({ event }) => event))],
  };
}

export function valuesOf({ counts }: Pick<FrontendCounts, 'counts'>): EventValues {
  return Object.fromEntries(counts.flatMap(({ event, value }) => (value === null ? [] : [[event, value]])));
}

/** What a reader of the counts should know: events that mean something else on this core, code that was left out, turns taken. */
export function notesOnCounts({ table, counts, code }: FrontendCounts): string[] {
  const least = Math.min(100, ...counts.filter(({ value }) => value !== null).map(({ runningPercent }) => runningPercent));
  return [
    ...eventTable(table).notes,
    ...(code === 'all' ? [] : [`${code} code only was counted`]),
    ...(least < alwaysRunning ? [`groups of events took turns, each counted ${least.toFixed(0)} % of the time at least, and stand for the rest by their cycles`] : []),
  ];
}

/** perf rounds to hundredths of a per cent. */
const alwaysRunning = 99.99;

type NamedSample = PerfStatSample & { name: EventName };

/** With -I every event is printed once an interval, in the same order: added up. */
function overIntervals(samples: PerfStatSample[]): PerfStatSample[] {
  const intervals = [...new Set(samples.map(({ intervalS }) => intervalS))]
    .map((time) => samples.filter(({ intervalS }) => intervalS === time));
  const [first, ...others] = intervals;
  return first.map((sample, i) => {
    const all = [sample, ...others.flatMap((interval) => (interval[i]?.event === sample.event ? [interval[i]] : []))];
    const counted = all.filter(({ value }) => value !== null);
    if (counted.length === 0) return sample;
    const sum = (pick: (one: PerfStatSample) => number) => counted.reduce((total, one) => total + pick(one), 0);
    return {
      ...sample, status: 'counted', value: sum(({ value }) => value!), runtimeNs: sum(({ runtimeNs }) => runtimeNs),
      runningPercent: sum(({ runningPercent }) => runningPercent) / all.length,
    };
  });
}

/** perf prints groups one after another without saying where one ends: where an event comes again, a new one begins. */
function groupsOf(samples: NamedSample[]): NamedSample[][] {
  const groups: NamedSample[][] = [];
  for (const sample of samples) {
    const group = groups.at(-1);
    if (group && !group.some(({ name }) => name === sample.name)) group.push(sample);
    else groups.push([sample]);
  }
  return groups;
}

/**
 * Each event as often as it would have happened in the cycles of the whole window, going by the cycles of its own group.
 * As perf has it where nobody asked for cycles, as in some recordings made by hand.
 */
function perCycle(groups: NamedSample[][], file: string): EventCount[] {
  const windowOf = (name: EventName) => pooled(groups.flatMap((group) => group.filter((sample) => sample.name === name)));
  const cycles = windowOf('cycles');
  if (!cycles && groups.flat().some(({ name }) => name === 'cycles')) {
    throw new Error(`${file}: cycles were never counted: something else holds the counters, another perf or the NMI watchdog (as root: echo 0 > /proc/sys/kernel/nmi_watchdog)`);
  }
  const counts = new Map<EventName, EventCount>();
  for (const group of groups) {
    const own = group.find(({ name }) => name === 'cycles')?.value;
    const share = own && cycles ? cycles.value / own : 1;
    for (const { name, value, status, runningPercent } of group) {
      if (counts.get(name)?.value != null) continue; // counted in an earlier group
      counts.set(name, { event: name, value: value === null ? null : value * share, status, runningPercent });
    }
  }
  for (const name of denominators) {
    const window = windowOf(name);
    if (window) counts.set(name, { event: name, ...window, status: 'counted' });
  }
  return [...counts.values()];
}

/** An event that several groups counted, each scaled up by perf: the mean, weighed by how long each was counted. */
function pooled(samples: NamedSample[]): { value: number; runningPercent: number } | null {
  const counted = samples.filter(({ value, runningPercent }) => value !== null && runningPercent > 0);
  const percent = counted.reduce((sum, { runningPercent }) => sum + runningPercent, 0);
  if (percent === 0) return null;
  return { value: counted.reduce((sum, { value, runningPercent }) => sum + value! * runningPercent, 0) / percent, runningPercent: Math.min(100, percent) };
}

/** Without the right to the kernel perf marks every event with `u`. @throws Error when user and kernel code are counted apart. */
function codeOf(samples: NamedSample[], file: string): FrontendCounts['code'] {
  const modifiers = new Set(samples.map(({ event }) => /(?::|\/)([uk]+)[a-zA-Z]*$/.exec(event)?.[1] ?? 'uk'));
  if (modifiers.has('u') && modifiers.has('k')) throw new Error(`${file}: user and kernel code were counted apart; count them together, without :u and :k`);
  if (modifiers.size !== 1 || modifiers.has('uk')) return 'all';
  return modifiers.has('u') ? 'user' : 'kernel';
}
