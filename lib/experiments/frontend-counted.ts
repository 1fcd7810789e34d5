/** Points of figures 8 to 10 and 15 to 17 from hardware counters: runs of experiment `frontend`, live or from elsewhere. */
import { branchesPerRequest, frontendQuantities } from '../analysis/frontend-quantities.js';
import type { FrontendQuantity } from '../analysis/simulated-frontend.js';
import { frontendCounters } from '../counters/frontend-counters.js';
import { notesOnCounts, valuesOf, type FrontendCounts } from '../counters/frontend-counts.js';
import { runFiles } from '../store/files.js';
import type { Recording, Run } from '../store/run-store.js';
import { readJson } from './capacity-data.js';
import { loadLevel } from './frontend.js';
import type { FrontendPoint } from './frontend-data.js';
import type { CpuWindow } from './measure.js';
import { newestOnly } from './newest.js';
import { agreementNotes, topDownAgreement } from './top-down-agreement.js';
import { isGood } from './warnings.js';

/**
 * One point a policy and load; runs with a warning are left out.
 * @throws Error naming file and line when raw output is damaged.
 */
export function countedPoints(recording: Pick<Recording, 'name' | 'origin'>, runs: readonly Run[]): FrontendPoint[] {
  const good = newestOnly(runs.filter((run) => isGood(run) && run.spec.collector.name === frontendCounters.name && run.spec.load.mode !== 'knee-search'));
  const groups = new Map<string, Run[]>();
  for (const run of good) {
    const key = `${run.policy.id} ${loadLevel(run.spec.load)}`;
    groups.set(key, [...groups.get(key) ?? [], run]);
  }
  const agreement = agreementNotes(topDownAgreement(runs));
  return [...groups.values()].map((own) => pointOf(recording, own, agreement));
}

function pointOf(recording: Pick<Recording, 'name' | 'origin'>, runs: readonly Run[], agreement: readonly string[]): FrontendPoint {
  const [{ policy, provenance }] = runs;
  const each = runs.map(countedQuantities);
  const names = [...new Set(each.flatMap((values) => Object.keys(values)))] as FrontendQuantity[];
  return {
    policy, core: { id: recording.name, label: provenance.machine.cpuModel, microarchitecture: provenance.machine.microarchitecture },
    load: loadLevel(runs[0].spec.load), method: 'measured: hardware counters', origin: recording.origin, envoyVersion: provenance.envoyVersion,
    runs: runs.map(({ id }) => id),
    samples: Object.fromEntries(names.map((name) => [name, each.flatMap((values) => values[name] ?? [])])),
    notes: [...new Set(runs.flatMap(notesOn)), ...agreement],
  };
}

function notesOn({ dir, provenance: { imported } }: Run): string[] {
  return [...notesOnCounts(frontendCounters.read(dir)), ...(imported ? ['recorded by hand and taken in'] : [])];
}

function countedQuantities(run: Run): Partial<Record<FrontendQuantity, number>> {
  const counts = frontendCounters.read(run.dir);
  const { requests } = readJson<Pick<CpuWindow, 'requests'>>(run, runFiles.cpu);
  return withoutNulls({ ...ratesOf(counts), ...missesOf(counts, requests) });
}

function ratesOf(counts: FrontendCounts): Partial<Record<FrontendQuantity, number | null>> {
  const { l1iMpki, l1iRetiredMpki, l1iRetiredShare, branchMpki, icacheStallShare, frontend, badSpeculation, retiring, backend } = frontendQuantities(counts.table, valuesOf(counts));
  const percent = (share: number | null) => (share === null ? null : 100 * share);
  return {
    l1iMpki, l1iRetiredMpki, branchMpki, l1iRetiredShare: percent(l1iRetiredShare), icacheStallShare: percent(icacheStallShare),
    frontend: percent(frontend), badSpeculation: percent(badSpeculation), retiring: percent(retiring), backend: percent(backend),
  };
}

/** Mispredicted branches of a request by kind. */
function missesOf(counts: FrontendCounts, requests: number): Partial<Record<FrontendQuantity, number | null>> {
  if (requests === 0) return {};
  const { all, conditionalTaken, conditionalNotTaken, indirect, nearTaken } = branchesPerRequest(valuesOf(counts), requests);
  return {
    allMissed: all.missed, conditionalTakenMissed: conditionalTaken.missed, conditionalNotTakenMissed: conditionalNotTaken.missed,
    indirectMissed: indirect.missed, nearTakenMissed: nearTaken.missed,
    indirectInMissed: indirect.missed !== null && all.missed ? 100 * indirect.missed / all.missed : null,
  };
}

function withoutNulls<Name extends string>(values: Partial<Record<Name, number | null>>): Partial<Record<Name, number>> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null)) as Partial<Record<Name, number>>;
}

