/** What one request costs under a policy, by component: pure functions over tidy tables. */
import { escape, op, type ColumnTable } from 'arquero';
import { components, type Attributed, type Grouping } from '../paper/components.js';
import type { Rounds } from './rounds.js';
import { median, medianEstimate, type Estimate, type Interval } from './statistics.js';

/** Tidy tables of one recording; `lib/experiments/components-data.ts` makes them from raw runs. */
export interface CostTables {
  /** policy, repeat, grouping, component, region, perRequest, run: user instructions of one request in a region. */
  instructions: ColumnTable;
  /** policy, round, repeat, cpuUs, clockHz, utilisation, perS, run: CPU time of one request on the worker thread; clockHz null where it was not measured. */
  cpu: ColumnTable;
  /** policy, repeat, grouping, component, region, kernel (boolean), samples, run. */
  samples: ColumnTable;
}

/** Every component in the order of Table 2, then what could not be attributed. */
export const attributedOrder: readonly Attributed[] = [...components, 'Unattributed'];

/** User instructions of one request: one value a repeat. */
export function totalInstructions(tables: CostTables, policy: string): number[] {
  return [...instructionRounds(tables, policy).values()];
}

/** The same by repeat. */
export function instructionRounds(tables: CostTables, policy: string): Rounds {
  const totals = of(tables.instructions, policy, 'ours').groupby('repeat').rollup({ total: op.sum('perRequest') })
    .orderby('repeat').objects() as { repeat: number; total: number }[];
  return new Map(totals.map(({ repeat, total }) => [repeat, total]));
}

/** User instructions of one request by component; a component that ran nothing is 0. */
export function instructionsByComponent(tables: CostTables, policy: string, grouping: Grouping): Map<Attributed, Estimate> {
  return estimateByKey(of(tables.instructions, policy, grouping), 'component', attributedOrder);
}

/** User instructions of one request by fine region of our grouping, e.g. `parse`, `router`, `filter:local_ratelimit`. */
export function instructionsByRegion(tables: CostTables, policy: string): Map<string, Estimate> {
  const own = of(tables.instructions, policy, 'ours');
  return estimateByKey(own, 'region', [...new Set(own.array('region') as string[])]);
}

/** CPU time of one request on the worker thread, microseconds: one value a round. */
export function cpuUs(tables: CostTables, policy: string): number[] {
  return [...cpuRounds(tables, policy).values()];
}

/** The same by round, so that policies can be paired. */
export function cpuRounds(tables: CostTables, policy: string): Rounds {
  return new Map(perRound(tables, policy).map(({ round, cpuUs: value }) => [round, value]));
}

/** A worker that was less busy under a closed loop was kept waiting by client or backend. */
export const busyShare = 0.9;

/** How busy the worker was in each of those runs, 0 to 1. */
export function utilisations(tables: CostTables, policy: string): number[] {
  return tables.cpu.filter(escape((row: { policy: string }) => row.policy === policy)).array('utilisation') as number[];
}

/** Part of the worker's CPU time, 0 to 1, by component; see `shareOf` for the interval. */
export function shareByComponent(tables: CostTables, policy: string, grouping: Grouping): Map<Attributed, Estimate> {
  const own = of(tables.samples, policy, grouping);
  return new Map(attributedOrder.map((component) => [component, shareOf(own, (row) => row.component === component)]));
}

/** Part of the worker's CPU time spent in user code, 0 to 1. */
export function userShare(tables: CostTables, policy: string): Estimate {
  return shareOf(of(tables.samples, policy, 'ours'), (row) => !row.kernel);
}

interface SampleRow { repeat: number; component: string; kernel: boolean; samples: number }

/** Shares of repeated runs were seen to differ by up to this much, whatever the number of samples. */
const betweenRuns = 0.02;

/**
 * Share of the samples that fit. Its interval is the wider of two: what repeats differ by (bootstrap; with a single
 * repeat, what they are known to differ by), and what a finite number of samples leaves open (Wilson). `n` counts samples.
 */
function shareOf(own: ColumnTable, fits: (row: SampleRow) => boolean): Estimate {
  const rows = own.objects() as SampleRow[];
  const count = (some: SampleRow[]) => some.reduce((sum, row) => sum + row.samples, 0);
  const total = count(rows);
  if (total === 0) return { value: 0, interval: null, n: 0 };
  const chosen = count(rows.filter(fits));
  const shares = [...new Set(rows.map(({ repeat }) => repeat))].map((repeat) => {
    const same = rows.filter((row) => row.repeat === repeat);
    return count(same.filter(fits)) / count(same);
  });
  const sampling = wilson(chosen, total)!;
  const value = chosen / total;
  const repeats = medianEstimate(shares).interval ?? [Math.max(0, value - betweenRuns), Math.min(1, value + betweenRuns)];
  return { value, interval: [Math.min(sampling[0], repeats[0]), Math.max(sampling[1], repeats[1])], n: total };
}

/** Cycles of one request by round, modelled: CPU time times the core clock measured beside it; no round without a clock. */
export function cycleRounds(tables: CostTables, policy: string): Rounds {
  return new Map(perRound(tables, policy).filter(({ clockHz }) => clockHz > 0).map((row) => [row.round, row.cpuUs * row.clockHz / 1e6]));
}

/** Cycles of one request in a component by round, modelled: its share of the samples of those; none without samples. */
export function componentCycles(tables: CostTables, policy: string, component: Attributed): Rounds {
  const share = shareByComponent(tables, policy, 'authors').get(component)!;
  return new Map(share.n === 0 ? [] : [...cycleRounds(tables, policy)].map(([round, whole]) => [round, whole * share.value]));
}

/**
 * User instructions per cycle, modelled: exact user instructions / (user share of the samples × cycles of a request).
 * The interval is that of the cycles widened by that of the user share: the two are measured in separate runs.
 * Null where one of the three is not there.
 */
export function userIpc(tables: CostTables, policy: string): Estimate | null {
  const instructions = totalInstructions(tables, policy);
  return instructions.length > 0 ? modelledIpc(tables, policy, median(instructions), userShare(tables, policy)) : null;
}

/**
 * The same of one component's user code, by the paper's grouping: its instructions / (its user part of the samples ×
 * cycles). Null too where the component ran nothing, or no sample met it.
 */
export function componentUserIpc(tables: CostTables, policy: string, component: Attributed): Estimate | null {
  const counted = instructionsByComponent(tables, policy, 'authors').get(component)!;
  const share = shareOf(of(tables.samples, policy, 'authors'), (row) => row.component === component && !row.kernel);
  return counted.n > 0 && counted.value > 0 ? modelledIpc(tables, policy, counted.value, share) : null;
}

function modelledIpc(tables: CostTables, policy: string, count: number, share: Estimate): Estimate | null {
  const perRequest = [...cycleRounds(tables, policy).values()];
  if (perRequest.length === 0 || share.value === 0 || share.interval === null) return null;
  const [low, high] = share.interval;
  const whole = medianEstimate(perRequest);
  const interval: Interval | null = whole.interval && low > 0 ? [count / (high * whole.interval[1]), count / (low * whole.interval[0])] : null;
  return { value: count / (share.value * whole.value), interval, n: whole.n };
}

/** a - b of two such ratios, its interval from the extremes of both: conservative, as they share no repeats. */
export function differenceOf(a: Estimate, b: Estimate): Estimate {
  const interval: Interval | null = a.interval && b.interval && [a.interval[0] - b.interval[1], a.interval[1] - b.interval[0]];
  return { value: a.value - b.value, interval, n: Math.min(a.n, b.n) };
}

/** a / b of two values that are not negative, its interval from the extremes of both; null where that of `b` reaches 0. */
export function quotientOf(a: Estimate, b: Estimate): Estimate {
  const interval: Interval | null = a.interval && b.interval && b.interval[0] > 0 ? [a.interval[0] / b.interval[1], a.interval[1] / b.interval[0]] : null;
  return { value: a.value / b.value, interval, n: Math.min(a.n, b.n) };
}

/** The product of a share and a total, neither negative, its interval from the extremes of both. */
export function partOf(share: Estimate, total: Estimate): Estimate {
  const interval: Interval | null = share.interval && total.interval && [share.interval[0] * total.interval[0], share.interval[1] * total.interval[1]];
  return { value: share.value * total.value, interval, n: Math.min(share.n, total.n) };
}

/** 95 % score interval of a proportion (Wilson, J. Am. Stat. Assoc. 22, 1927); null without trials. */
export function wilson(successes: number, trials: number): Interval | null {
  if (trials === 0) return null;
  const z = 1.959964;
  const p = successes / trials;
  const centre = (p + z * z / (2 * trials)) / (1 + z * z / trials);
  const half = (z / (1 + z * z / trials)) * Math.sqrt(p * (1 - p) / trials + z * z / (4 * trials * trials));
  return [Math.max(0, centre - half), Math.min(1, centre + half)];
}

function of(table: ColumnTable, policy: string, grouping: Grouping): ColumnTable {
  return table.filter(escape((row: { policy: string; grouping: Grouping }) => row.policy === policy && row.grouping === grouping));
}

/** Rounds in order; a policy that was measured twice a round counts with the mean of the two. */
function perRound(tables: CostTables, policy: string): { round: number; cpuUs: number; clockHz: number }[] {
  return tables.cpu.filter(escape((row: { policy: string }) => row.policy === policy))
    .groupby('round').rollup({ cpuUs: op.mean('cpuUs'), clockHz: op.mean('clockHz') }).orderby('round')
    .objects() as { round: number; cpuUs: number; clockHz: number }[];
}

/** Median over the repeats of each key's total; a key that a repeat does not have counts as 0 there. */
function estimateByKey<K extends string>(own: ColumnTable, key: string, keys: readonly K[]): Map<K, Estimate> {
  const repeats = [...new Set(own.array('repeat') as number[])];
  const totals = own.groupby(key, 'repeat').rollup({ total: op.sum('perRequest') }).objects() as Record<string, string | number>[];
  const valueOf = (name: K, repeat: number) => Number(totals.find((row) => row[key] === name && row.repeat === repeat)?.total ?? 0);
  return new Map(keys.map((name) => [name, repeats.length === 0
    ? { value: 0, interval: null, n: 0 }
    : medianEstimate(repeats.map((repeat) => valueOf(name, repeat)))]));
}
