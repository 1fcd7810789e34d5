/** Tidy data of experiment `capacity`: raw runs in, two tables out. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { escape, table, type ColumnTable } from 'arquero';
import type { Knee as KneeResult } from '../load/knee.js';
import type { LoadOutcome } from '../load/types.js';
import { runFiles } from '../store/files.js';
import type { Recording, Run } from '../store/run-store.js';
import type { CpuWindow } from './measure.js';
import { newestOnly } from './newest.js';
import { podNotes } from './pods.js';
import { limitCodes } from './warnings.js';

export interface CapacityData {
  recording: Pick<Recording, 'name' | 'origin'>;
  /** As the machine names it. */
  cpuModel: string;
  /** e.g. `Ice Lake-SP`; null when our table does not know the core. */
  microarchitecture: string | null;
  envoyVersion: string;
  backend: string;
  /** Whether its sidecars were pods, in words; none when they were processes of the machine. */
  pods: string[];
  /**
   * One row a measured point: policy, label, frame, repeat, kneeShare, intendedPerS, achievedPerS, p50Us, p90Us, p99Us,
   * cpuUsPerRequest (null when no request was answered), errors, good (no warning), warning, run.
   */
  points: ColumnTable;
  /**
   * One row a knee search: policy, label, frame, kneePerS, cpuUsPerRequest (at full speed), limitedBy, good (no warning
   * but on what the limit was), warning, run.
   */
  knees: ColumnTable;
}

/**
 * Reads what `measure` wrote; where a point was measured in several ways, the newest counts.
 * @param all all of one recording's `capacity` runs.
 * @throws Error naming the file when raw output is damaged.
 */
export function capacityData(recording: Pick<Recording, 'name' | 'origin'>, all: Run[]): CapacityData {
  const runs = newestOnly(all);
  const { provenance, spec } = runs[0];
  return {
    recording,
    cpuModel: provenance.machine.cpuModel,
    microarchitecture: provenance.machine.microarchitecture,
    envoyVersion: provenance.envoyVersion,
    backend: spec.backend.name,
    pods: podNotes(runs),
    points: table(columns(runs.filter((run) => run.spec.load.mode === 'open').map(pointRow), pointColumns)),
    knees: table(columns(runs.filter((run) => run.spec.load.mode === 'knee-search').map(kneeRow), kneeColumns)),
  };
}

/** The same data with some policies only. */
export function onlyPolicies(data: CapacityData, ids: readonly string[]): CapacityData {
  const chosen = escape((row: { policy: string }) => ids.includes(row.policy));
  return { ...data, points: data.points.filter(chosen), knees: data.knees.filter(chosen) };
}

const pointColumns = ['policy', 'label', 'frame', 'repeat', 'kneeShare', 'intendedPerS', 'achievedPerS', 'p50Us', 'p90Us', 'p99Us',
  'cpuUsPerRequest', 'errors', 'good', 'warning', 'run'] as const;

function pointRow(run: Run): Record<(typeof pointColumns)[number], unknown> {
  const load = readJson<LoadOutcome>(run, runFiles.load);
  const { warnings } = run;
  return {
    policy: run.policy.id, label: run.policy.label, frame: run.policy.frame, repeat: run.repeat,
    kneeShare: run.spec.load.kneeShare, intendedPerS: load.intendedRatePerS, achievedPerS: load.achievedRatePerS,
    p50Us: load.latencyUs.p50, p90Us: load.latencyUs.p90, p99Us: load.latencyUs.p99,
    cpuUsPerRequest: cpuUsOf(run), errors: load.errors,
    good: warnings.length === 0, warning: warnings.map(({ text }) => text).join('; '), run: run.id,
  };
}

const kneeColumns = ['policy', 'label', 'frame', 'kneePerS', 'cpuUsPerRequest', 'limitedBy', 'good', 'warning', 'run'] as const;

function kneeRow(run: Run): Record<(typeof kneeColumns)[number], unknown> {
  const limit = run.warnings.find(({ code }) => code === 'generator-limit' || code === 'backend-limit');
  const others = run.warnings.filter(({ code }) => !limitCodes.includes(code));
  return {
    policy: run.policy.id, label: run.policy.label, frame: run.policy.frame,
    kneePerS: readJson<KneeResult>(run, runFiles.knee).kneeRatePerS,
    cpuUsPerRequest: cpuUsOf(run),
    limitedBy: limit ? limit.code.replace('-limit', '') : 'sidecar',
    good: others.length === 0, warning: others.map(({ text }) => text).join('; '), run: run.id,
  };
}

/** CPU time of the worker thread for one request, microseconds. */
export function cpuUsPerRequest(cpu: Pick<CpuWindow, 'requests'> & { worker: { runNs: number } }): number {
  return cpu.worker.runNs / 1000 / cpu.requests;
}

/** The same of a run; null when nothing was answered in its window. */
function cpuUsOf(run: Run): number | null {
  const cpu = readJson<CpuWindow>(run, runFiles.cpu);
  return cpu.requests > 0 ? cpuUsPerRequest(cpu) : null;
}

export function readJson<T>(run: Pick<Run, 'dir'>, file: string): T {
  const where = path.join(run.dir, file);
  try {
    return JSON.parse(fs.readFileSync(where, 'utf8')) as T;
  } catch (error) {
    throw new Error(`${where} cannot be read (${(error as Error).message}); remove that run's folder to measure it again`);
  }
}

/** Rows to columns, with the columns there even when there is no row. */
export function columns<K extends string>(rows: Record<K, unknown>[], names: readonly K[]): Record<K, unknown[]> {
  return Object.fromEntries(names.map((name) => [name, rows.map((row) => row[name])])) as Record<K, unknown[]>;
}
