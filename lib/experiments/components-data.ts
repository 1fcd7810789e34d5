/** Tidy data of experiment `components`: raw runs in, four tables out. */
import { table } from 'arquero';
import { attributeInstructions, attributeSamples, type Region } from '../analysis/attribution.js';
import type { CostTables } from '../analysis/request-cost.js';
import type { CounterRow, CounterTables } from '../analysis/request-counters.js';
import { median } from '../analysis/statistics.js';
import { instructionsByRegion } from '../analysis/trace-profile.js';
import { instructionRegions } from '../counters/instruction-regions.js';
import { perfRecord } from '../counters/perf-record.js';
import { hardwareGroup, perfStat } from '../counters/perf-stat.js';
import type { LoadOutcome } from '../load/types.js';
import type { Grouping } from '../paper/components.js';
import { loadBinary, type BinaryFacts } from '../store/binaries.js';
import { runFiles } from '../store/files.js';
import type { Recording, Run } from '../store/run-store.js';
import { columns, cpuUsPerRequest, readJson } from './capacity-data.js';
import { components, noiseFloorPolicies } from './components.js';
import type { CpuWindow } from './measure.js';
import { newestOnly } from './newest.js';
import { podNotes } from './pods.js';
import { openRecordedTrace } from './recorded-trace.js';
import { isGood } from './warnings.js';
import type { CollectorName } from './plan.js';

export interface PolicyInfo {
  id: string;
  label: string;
  frame: string;
}

export interface ComponentsData extends CostTables, CounterTables {
  origin: string;
  cpuModel: string;
  envoyVersion: string;
  /** In the order they were first seen; figures order by their own lists. */
  policies: PolicyInfo[];
  /** What every figure drawn from this should say: marked runs left out, anchors this Envoy lacks, the stand-in backend. */
  notes: string[];
  /** Ids of the runs behind a policy's values of one collector. */
  runsOf(policy: string, collector: CollectorName): string[];
  /** Of those that counted its instructions: in a Valgrind tool or, with TLS, step by step. */
  countedRunsOf(policy: string): string[];
  /** Of all collectors but hardware counters, whose values are never mixed with those of others. */
  allRunsOf(policy: string): string[];
  /** CPU time per request of a policy measured twice in every round; empty for the others. */
  twins(policy: string): [number, number][];
}

const groupings: readonly Grouping[] = ['ours', 'authors'];

/**
 * Reads one recording's runs of the experiment. Runs with a warning are left out and named in the notes; where a policy
 * was measured in several ways, the newest counts.
 * @throws Error naming the file when raw output is damaged.
 */
export async function componentsData(recording: Pick<Recording, 'name' | 'dir' | 'origin'>, runs: Run[]): Promise<ComponentsData> {
  const good = newestOnly(runs.filter(isGood));
  const binaries = new Map(unique(good.map((run) => run.spec.envoyBuildId)).map((id) => [id, loadBinary(recording, id)]));
  const factsOf = (run: Run) => binaries.get(run.spec.envoyBuildId)!;
  const by = (collector: CollectorName) => good.filter((run) => run.spec.collector.name === collector);
  const instructions = [...by('instructions').flatMap((run) => instructionRows(run, factsOf(run))), ...await steppedRows(recording, by('single-step'))];
  const cpuRows = by('cpu-time').flatMap(cpuRow);
  const counterRows = by('perf-stat').flatMap(counterRow);
  const ids = (policy: string, of: readonly string[]) => good.filter((run) => run.policy.id === policy && of.includes(run.spec.collector.name)).map(({ id }) => id);
  return {
    origin: recording.origin,
    cpuModel: runs[0].provenance.machine.cpuModel,
    envoyVersion: versions(good.length > 0 ? good : runs),
    // By id, as a label may have changed since the first run.
    policies: [...new Map(runs.map(({ policy }) => [policy.id, policy])).values()],
    instructions: table(columns(instructions, instructionColumns)),
    cpu: table(columns(cpuRows, cpuColumns)),
    samples: table(columns(by('perf-record').flatMap((run) => sampleRows(run, factsOf(run))), sampleColumns)),
    counters: table(columns(counterRows, counterColumns)),
    notes: [...notesOn(runs, good, [...binaries.values()]), ...multiplexingNote(counterRows)],
    runsOf: (policy, collector) => ids(policy, [collector]),
    countedRunsOf: (policy) => ids(policy, ['instructions', 'single-step']),
    allRunsOf: (policy) => good.filter((run) => run.policy.id === policy && run.spec.collector.name !== 'perf-stat').map(({ id }) => id),
    twins: (policy) => twins(cpuRows.filter((row) => row.policy === policy)),
  };
}

/**
 * Takes runs on shared cores for good: beside a cluster's own programs no worker has a core for itself, and CPU time counts no
 * waiting. @returns them, and the longest wait in words; none where nobody waited too long.
 */
export function onSharedCores(runs: readonly Run[]): { runs: Run[]; notes: string[] } {
  const marked = runs.filter(({ warnings }) => warnings.some(({ code }) => code === 'other-load'));
  const waits = marked.map((run) => {
    const { windowUs: [from, to], worker } = readJson<CpuWindow>(run, runFiles.cpu);
    return worker.waitNs / 1000 / (to - from);
  });
  return {
    runs: runs.map((run) => ({ ...run, warnings: run.warnings.filter(({ code }) => code !== 'other-load') })),
    notes: marked.length === 0 ? [] : [`In ${marked.length} of ${runs.length} runs the worker waited for its core more than 5 % of the time, up to ${(100 * Math.max(...waits)).toFixed(0)} %: the cluster's own programs ran there. CPU time counts no waiting, and nothing is judged by it here.`],
  };
}

const instructionColumns = ['policy', 'repeat', 'grouping', 'component', 'region', 'perRequest', 'run'] as const;

type InstructionRow = Record<(typeof instructionColumns)[number], unknown>;

function instructionRows(run: Run, { anchors }: BinaryFacts): InstructionRow[] {
  const tree = instructionRegions.read(run.dir);
  const { requests } = readJson<LoadOutcome>(run, runFiles.load);
  return groupings.flatMap((grouping) => attributeInstructions(tree, anchors, grouping, requests).map((part) => instructionRow(run, grouping, part)));
}

/** Of policies with TLS, whose every instruction the CPU itself executed. */
async function steppedRows(recording: Pick<Recording, 'dir'>, runs: readonly Run[]): Promise<InstructionRow[]> {
  const rows: InstructionRow[] = [];
  for (const run of runs) {
    const traced = await openRecordedTrace(recording, run);
    for (const grouping of groupings) rows.push(...(await instructionsByRegion({ ...traced, grouping })).map((part) => instructionRow(run, grouping, part)));
  }
  return rows;
}

function instructionRow(run: Run, grouping: Grouping, { component, region, instructionsPerRequest }: Region & { instructionsPerRequest: number }): InstructionRow {
  return { policy: run.policy.id, repeat: run.repeat, grouping, component, region, perRequest: instructionsPerRequest, run: run.id };
}

const sampleColumns = ['policy', 'repeat', 'grouping', 'component', 'region', 'kernel', 'samples', 'run'] as const;

/** Where the CPU counts cycles, samples are weighed by the cycles they stand for; otherwise by the time, which is the same for all. */
function sampleRows(run: Run, { anchors, buildId }: BinaryFacts): Record<(typeof sampleColumns)[number], unknown>[] {
  const profile = perfRecord.read(run.dir);
  if (profile.stacks.length === 0) throw new Error(`${run.id}: no stack was sampled; remove that run's folder to measure it again`);
  const sampled = profile.binary.buildId;
  if (sampled !== null && sampled !== buildId) throw new Error(`${run.id}: the stacks are of a program with build id ${sampled}, the run says ${buildId}; remove that run's folder`);
  const event = profile.stacks.map((stack) => stack.event).find((name) => /^cycles/.test(name)) ?? profile.stacks[0].event;
  return groupings.flatMap((grouping) => {
    const parts = attributeSamples(profile, anchors, grouping, event);
    // Per mean sample, so that the weights still sum to the number of samples, on which intervals rest.
    const meanPeriod = total(parts.map(({ period }) => period)) / total(parts.map(({ samples }) => samples));
    return parts.flatMap(({ component, region, period, kernelPeriod }) => {
      const row = { policy: run.policy.id, repeat: run.repeat, grouping, component, region, run: run.id };
      return [{ ...row, kernel: true, samples: kernelPeriod / meanPeriod }, { ...row, kernel: false, samples: (period - kernelPeriod) / meanPeriod }];
    });
  });
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

const cpuColumns = ['policy', 'round', 'repeat', 'cpuUs', 'clockHz', 'utilisation', 'perS', 'run'] as const;

interface CpuRow { policy: string; round: number; repeat: number; cpuUs: number; clockHz: number | null; utilisation: number; perS: number; run: string }

/** None when nothing was answered in the window: there is no cost per request then. */
function cpuRow(run: Run): CpuRow[] {
  const cpu = readJson<CpuWindow>(run, runFiles.cpu);
  if (cpu.requests === 0) return [];
  const windowUs = cpu.windowUs[1] - cpu.windowUs[0];
  const twin = run.experiment === components && noiseFloorPolicies.includes(run.policy.id);
  const clockHz = run.provenance.coreClockHz ?? [];
  return [{
    policy: run.policy.id, repeat: run.repeat, round: twin ? Math.floor(run.repeat / 2) : run.repeat,
    cpuUs: cpuUsPerRequest(cpu), clockHz: clockHz.length > 0 ? median(clockHz) : null,
    utilisation: cpu.worker.runNs / 1000 / windowUs, perS: cpu.requests / (windowUs / 1e6), run: run.id,
  }];
}

const counterColumns = ['policy', 'repeat', 'userCycles', 'userInstructions', 'kernelCycles', 'kernelInstructions', 'runningPercent', 'run'] as const;

/**
 * Counts of one request. perf counts some milliseconds longer than requests are (switching on and off happens outside the
 * window), which is below a per cent of the shortest window. None where perf saw no hardware event at all.
 */
function counterRow(run: Run): CounterRow[] {
  const { requests } = readJson<CpuWindow>(run, runFiles.cpu);
  const counted = perfStat.read(run.dir).filter(({ event, status }) => (hardwareGroup as readonly string[]).includes(event) && status === 'counted');
  if (requests === 0 || counted.length === 0) return [];
  const perRequest = (event: (typeof hardwareGroup)[number]) => {
    const value = counted.find((sample) => sample.event === event)?.value ?? null;
    return value === null ? null : value / requests;
  };
  return [{
    policy: run.policy.id, repeat: run.repeat, run: run.id,
    userCycles: perRequest('cycles:u'), userInstructions: perRequest('instructions:u'),
    kernelCycles: perRequest('cycles:k'), kernelInstructions: perRequest('instructions:k'),
    runningPercent: Math.min(...counted.map(({ runningPercent }) => runningPercent)),
  }];
}

/** perf rounds to hundredths of a per cent. */
const alwaysRunning = 99.99;

function multiplexingNote(rows: CounterRow[]): string[] {
  const shared = rows.filter(({ runningPercent }) => runningPercent < alwaysRunning);
  if (shared.length === 0) return [];
  const least = shared.reduce((a, b) => (b.runningPercent < a.runningPercent ? b : a));
  return [`Hardware counters were shared in ${shared.length} of ${rows.length} runs: the events were counted ${least.runningPercent.toFixed(1)} % of the time at least `
    + `(${least.run}), and perf extrapolates from that.`];
}

function twins(rows: CpuRow[]): [number, number][] {
  return unique(rows.map(({ round }) => round)).flatMap((round) => {
    const pair = rows.filter((row) => row.round === round).sort((a, b) => a.repeat - b.repeat);
    return pair.length === 2 ? [[pair[0].cpuUs, pair[1].cpuUs] as [number, number]] : [];
  });
}

function notesOn(runs: Run[], used: Run[], binaries: BinaryFacts[]): string[] {
  const marked = runs.filter((run) => !isGood(run))
    .map((run) => `${run.policy.label}, ${run.spec.collector.name}, repeat ${run.repeat}: ${run.warnings.map(({ text }) => text).join('; ')}`);
  // Stepped runs always have a stand-in, and a database stands in for nothing.
  const backends = unique(used.filter((run) => run.spec.collector.name !== 'single-step').map((run) => run.spec.backend.name)).filter((name) => !['socketify', 'mariadb'].includes(name));
  const lacking = binaries.flatMap(({ envoyVersion, outcomes }) => outcomes.filter(({ consequence }) => consequence !== '')
    .map(({ consequence }) => `Envoy ${envoyVersion}: ${consequence}`));
  return [
    ...(marked.length > 0 ? [`Measured but left out: ${marked.slice(0, 3).join('. ')}${marked.length > 3 ? ` and ${marked.length - 3} more runs` : ''}.`] : []),
    ...(binaries.length > 1 ? [`Policies were measured with different Envoys (${versions(used)}); measure them again to compare them with one.`] : []),
    ...podNotes(used),
    ...backends.map((name) => `The backend was the ${name} stand-in, not the paper's socketify echo server.`),
    ...lacking,
  ];
}

function versions(runs: Run[]): string {
  return unique(runs.map((run) => run.provenance.envoyVersion)).join(', ');
}

function unique<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}
