/** A plan: the runs an experiment wants, in the order they are measured, with what they will cost. */
import { policyById } from '../deploy/catalogue.js';
import { speaksMysql } from '../deploy/policy.js';
import type { SidecarConfig } from '../deploy/types.js';
import { interleave } from '../analysis/statistics.js';
import { selectByKey } from '../load/sql.js';
import type { PlannedLoad } from '../store/run-key.js';

/** A policy of the catalogue by its id, or a configuration as it is. */
export function configOf(chosen: string | SidecarConfig): SidecarConfig {
  return typeof chosen === 'string' ? policyById(chosen) : chosen;
}

/** What is asked for under a load: bytes of the echo, or a row of the database. */
export function loadFor(config: SidecarConfig, load: PlannedLoad): PlannedLoad {
  return speaksMysql(config) && load.path !== '' ? { ...load, path: selectByKey } : load;
}

/** Whether requests speak TLS, which Valgrind does not count: it hides the CPU's crypto instructions, so that other code would run. */
export function isTls(config: SidecarConfig): boolean {
  return config.frame !== 'user' && config.tls !== undefined;
}

/** `cpu-time` is the undisturbed run: only the scheduler's own accounting is read. */
export type CollectorName =
  | 'cpu-time' | 'perf-stat' | 'frontend-counters' | 'toplev' | 'perf-record' | 'instructions' | 'trace' | 'callgrind' | 'single-step' | 'single-step-masked'
  | 'strace' | 'syscall-events';

export interface PlannedRun {
  experiment: string;
  config: SidecarConfig;
  load: PlannedLoad;
  collector: CollectorName;
  /** 0-based. */
  repeat: number;
}

export interface Plan {
  /** Which experiment it belongs to, e.g. `components`. */
  experiment: string;
  runs: PlannedRun[];
}

/** quick: every figure within the 45 minutes of the design; full: narrower intervals. */
export type Mode = 'quick' | 'full';

/** What a run costs besides its load: start, calibration, parsing. Seconds and MB as seen on two cores; only for the estimate printed first. */
const overheadS: Record<CollectorName, number> = {
  'cpu-time': 1.5, 'perf-stat': 1.5, 'frontend-counters': 2, toplev: 5, 'perf-record': 4, instructions: 7.5, trace: 9, callgrind: 9, 'single-step': 5, 'single-step-masked': 5,
  strace: 2, 'syscall-events': 2.5,
};
const sizeMb: Record<CollectorName, number> = {
  'cpu-time': 2, 'perf-stat': 2, 'frontend-counters': 2, toplev: 2, 'perf-record': 60, instructions: 1, trace: 1, callgrind: 1, 'single-step': 1, 'single-step-masked': 1,
  strace: 1, 'syscall-events': 1,
};
const kneeSearchS = 12;
/** What the CPU takes to execute a request step by step; ten times that with a response of 1 MiB. */
const steppedRequestS = 4;
/** What one takes under Valgrind when nothing sets its rate; thrice that with a response of 1 MiB. */
const countedRequestS = 0.005;

/** Seconds one run is expected to take. */
export function estimateS(run: PlannedRun): number {
  return overheadS[run.collector] + loadS(run);
}

function loadS({ collector, load: { mode, warmUpS = 0, durationS = 0, requests = 0, ratePerS } }: PlannedRun): number {
  if (mode === 'knee-search') return kneeSearchS;
  if (collector.startsWith('single-step')) return requests * steppedRequestS;
  const counted = mode === 'exactly' ? 2 * requests * (ratePerS ? 1 / ratePerS : countedRequestS) : 0; // once to warm up
  return warmUpS + durationS + counted;
}

/** `18 runs, about 3.2 min and 120 MB`, said before anything starts. */
export function describePlan(runs: PlannedRun[]): string {
  const minutes = runs.reduce((sum, run) => sum + estimateS(run), 0) / 60;
  const mb = runs.reduce((sum, run) => sum + sizeMb[run.collector], 0);
  return `${runs.length} runs, about ${minutes.toFixed(1)} min and ${mb} MB`;
}

/** Repeats of a set of runs, interleaved (A B C, C A B, ...) so that drift of the machine meets every policy alike. */
export function repeated(runs: Omit<PlannedRun, 'repeat'>[], repeats: number, seed: number): PlannedRun[] {
  return interleave(runs, repeats, seed).map(({ item, repeat }) => ({ ...item, repeat }));
}
