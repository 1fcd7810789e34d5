/** Tidy data of experiment `invocations`: raw runs in, one table out. */
import * as fs from 'node:fs';
import { table, type ColumnTable } from 'arquero';
import { attributeInstructions } from '../analysis/attribution.js';
import { estimateOf } from '../analysis/rounds.js';
import type { Estimate } from '../analysis/statistics.js';
import { instructionRegions } from '../counters/instruction-regions.js';
import type { LoadOutcome } from '../load/types.js';
import { loadBinary } from '../store/binaries.js';
import { runFiles } from '../store/files.js';
import type { Recording, Run } from '../store/run-store.js';
import type { Topology } from './applications.js';
import { columns, readJson } from './capacity-data.js';
import { sidecarFolder } from './invocations.js';
import { newestOnly } from './newest.js';
import { isGood } from './warnings.js';

/** User instructions of one sidecar's worker in one component, for one request of a client. */
export interface InvocationRow {
  application: string;
  profile: string;
  repeat: number;
  service: string;
  /** By the paper authors' function map. */
  component: string;
  perRequest: number;
  run: string;
}

export interface InvocationsData {
  origin: string;
  cpuModel: string;
  envoyVersion: string;
  /** Of {@link InvocationRow}. */
  instructions: ColumnTable;
  /** All sidecars of an application for one request of a client; null where they were not counted. */
  perRequest(application: string, profile: string): Estimate | null;
  /** One sidecar; null where it was not counted. */
  perRequestOf(application: string, profile: string, service: string): Estimate | null;
  runsOf(application: string, profile: string): string[];
}

/**
 * Reads one recording's runs of the experiment.
 * @throws Error naming the file when raw output is damaged.
 */
export function invocationsData(recording: Pick<Recording, 'dir' | 'origin'>, all: readonly Run[]): InvocationsData {
  const runs = newestOnly(all.filter(isGood));
  const rows = runs.flatMap((run) => runRows(recording, run));
  const own = (application: string, profile: string, service?: string) => rows.filter((row) => row.application === application && row.profile === profile && (service === undefined || row.service === service));
  return {
    origin: recording.origin,
    cpuModel: all[0].provenance.machine.cpuModel,
    envoyVersion: all[0].provenance.envoyVersion,
    instructions: table(columns<keyof InvocationRow>(rows.map((row) => ({ ...row })), ['application', 'profile', 'repeat', 'service', 'component', 'perRequest', 'run'])),
    perRequest: (application, profile) => totalOf(own(application, profile)),
    perRequestOf: (application, profile, service) => totalOf(own(application, profile, service)),
    runsOf: (application, profile) => [...new Set(own(application, profile).map(({ run }) => run))],
  };
}

function runRows(recording: Pick<Recording, 'dir'>, run: Run): InvocationRow[] {
  const { anchors } = loadBinary(recording, run.spec.envoyBuildId);
  const { requests } = readJson<LoadOutcome>(run, runFiles.load);
  const { graph: application, profile } = run.spec.application!;
  const sidecars = readJson<Topology>(run, runFiles.topology).pods.filter(({ service }) => fs.existsSync(sidecarFolder(run.dir, service)));
  return sidecars.flatMap(({ service }) => {
    const parts = attributeInstructions(instructionRegions.read(sidecarFolder(run.dir, service)), anchors, 'authors', requests);
    return parts.map(({ component, instructionsPerRequest: perRequest }) => ({ application, profile, repeat: run.repeat, service, component, perRequest, run: run.id }));
  });
}

/** Summed over components and sidecars, then the median over repeats. */
function totalOf(rows: readonly InvocationRow[]): Estimate | null {
  const byRepeat = new Map<number, number>();
  for (const { repeat, perRequest } of rows) byRepeat.set(repeat, (byRepeat.get(repeat) ?? 0) + perRequest);
  return byRepeat.size > 0 ? estimateOf(byRepeat) : null;
}
