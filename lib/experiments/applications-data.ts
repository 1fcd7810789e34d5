/** Tidy data of experiment `applications`: raw runs in, two tables out. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { escape, table, type ColumnTable } from 'arquero';
import { median } from '../analysis/statistics.js';
import { steadied } from '../analysis/steadied.js';
import { perfStat } from '../counters/perf-stat.js';
import type { LoadOutcome } from '../load/types.js';
import { runFiles } from '../store/files.js';
import type { Recording, Run } from '../store/run-store.js';
import type { ApplicationWindow, PodSample } from './application-load.js';
import { comparedShare, countedFolders, type KubeletCheck, type Topology } from './applications.js';
import { columns, readJson } from './capacity-data.js';
import { newestOnly } from './newest.js';
import { applicationWarnings, isGood } from './warnings.js';

/** How an application was loaded: one request at a time, as fast as it could, at a share of its knee, at the knee. */
export type LoadKind = 'one' | 'busy' | 'share' | 'knee';

/** One load of one deployment. */
export interface LoadRow {
  /** Id of the call graph, and of its variant. */
  application: string;
  profile: string;
  nodes: number;
  repeat: number;
  load: LoadKind;
  achievedPerS: number;
  p50Us: number;
  p90Us: number;
  p99Us: number;
  /** CPU time per request, microseconds: of services and stores, and of all sidecars. */
  appCpuUs: number;
  sidecarCpuUs: number;
  /** Of the services that requests reach: the same work in every repeat, so that it measures the machine's speed in this window. */
  referenceCpuUs: number;
  /** The sidecars' at one speed of the machine for all good repeats of this deployment and load (lib/analysis/steadied.ts); null for a marked one. */
  steadySidecarCpuUs: number | null;
  /** Core clock, median of the readings before and after; null where nothing could look at a cluster's node. */
  clockHz: number | null;
  good: boolean;
  warning: string;
  run: string;
}

/** One pod under the load `busy`. */
export interface PodRow {
  application: string;
  profile: string;
  nodes: number;
  repeat: number;
  service: string;
  node: number;
  /** Per request of the application, microseconds. */
  appCpuUs: number;
  /** All threads of its Envoy; null without one. */
  sidecarCpuUs: number | null;
  /** As of the whole load, see {@link LoadRow}; null without a sidecar. */
  referenceCpuUs: number;
  steadySidecarCpuUs: number | null;
  /** HTTP requests that its sidecar counted for one request of the application; null without one. */
  inbound: number | null;
  outbound: number | null;
  clockHz: number | null;
  run: string;
}

/** Hardware counters of all services, or of all sidecars, of one deployment under the load `busy`. */
export interface CountRow {
  application: string;
  profile: string;
  nodes: number;
  repeat: number;
  part: keyof typeof countedFolders;
  /** Per request of the application, user code and kernel. */
  cycles: number;
  instructions: number;
  run: string;
}

/** One sidecar over a whole load of kind `busy`. */
export interface KubeletRow extends KubeletCheck {
  application: string;
  profile: string;
  nodes: number;
  repeat: number;
  run: string;
}

export interface ApplicationsData {
  origin: string;
  cpuModel: string;
  envoyVersion: string;
  engine: string;
  /** Cores that all pods together could use. */
  podCores: number;
  /** Names of the applications, by id. */
  labels: Record<string, string>;
  /** Of {@link LoadRow}. */
  loads: ColumnTable;
  /** Of {@link PodRow}, runs without warnings only. */
  pods: ColumnTable;
  /** Sidecars by two accounts, runs without warnings only; empty without kubelets. */
  kubelet: readonly KubeletRow[];
  /** Runs without warnings whose events were all counted; empty without hardware counters. */
  counts: readonly CountRow[];
  /** What every figure drawn from this should say. */
  notes: string[];
}

/**
 * Reads one recording's runs of the experiment; where a deployment was loaded in several ways of one kind, the newest counts.
 * @throws Error naming the file when raw output is damaged.
 */
export function applicationsData(recording: Pick<Recording, 'origin'>, all: readonly Run[]): ApplicationsData {
  // Judged anew from the raw files, by the rules of today.
  const newest = newestOnly(all).map((run) => ({ ...run, warnings: applicationWarnings(readJson<LoadOutcome>(run, runFiles.load), readJson<ApplicationWindow>(run, runFiles.pods)) }));
  const runs = newest.filter(({ spec }) => spec.load.mode !== 'knee-search' && spec.collector.name === 'cpu-time');
  const loads = withSteadied(runs.filter(hasAnswers).map(loadRow), ({ load }) => load, ({ good }) => good);
  const pods = withSteadied(runs.filter((run) => kindOf(run) === 'busy' && isGood(run) && hasAnswers(run)).flatMap(podRows), ({ service }) => service, ({ sidecarCpuUs }) => sidecarCpuUs !== null);
  return {
    origin: recording.origin,
    cpuModel: all[0].provenance.machine.cpuModel,
    envoyVersion: all[0].provenance.envoyVersion,
    engine: all[0].spec.application!.engine,
    podCores: runs.length > 0 ? readJson<Topology>(runs[0], runFiles.topology).podCores : 0,
    labels: Object.fromEntries(all.map(({ spec, policy }) => [applicationOf(spec), policy.label.split(',')[0]])),
    loads: table(columns(loads, loadColumns)),
    pods: table(columns(pods, podColumns)),
    kubelet: runs.filter((run) => isGood(run) && fs.existsSync(path.join(run.dir, runFiles.kubelet))).flatMap((run) => {
      const { clockHz: _clock, ...about } = commonOf(run);
      return readJson<KubeletCheck[]>(run, runFiles.kubelet).map((check) => ({ ...about, ...check }));
    }),
    counts: newest.filter((run) => run.spec.collector.name === perfStat.name && isGood(run) && hasAnswers(run)).flatMap(countRows),
    notes: notesOn(runs),
  };
}

/** The same data for some numbers of nodes only. */
export function onlyNodes(data: ApplicationsData, nodes: readonly number[]): ApplicationsData {
  const chosen = escape((row: { nodes: number }) => nodes.includes(row.nodes));
  return { ...data, loads: data.loads.filter(chosen), pods: data.pods.filter(chosen), kubelet: data.kubelet.filter((row) => nodes.includes(row.nodes)), counts: data.counts.filter((row) => nodes.includes(row.nodes)) };
}

const loadColumns = ['application', 'profile', 'nodes', 'repeat', 'load', 'achievedPerS', 'p50Us', 'p90Us', 'p99Us', 'appCpuUs', 'sidecarCpuUs', 'referenceCpuUs', 'steadySidecarCpuUs', 'clockHz', 'good', 'warning', 'run'] as const;
const podColumns = ['application', 'profile', 'nodes', 'repeat', 'service', 'node', 'appCpuUs', 'sidecarCpuUs', 'referenceCpuUs', 'steadySidecarCpuUs', 'inbound', 'outbound', 'clockHz', 'run'] as const;

function kindOf({ spec: { load } }: Run): LoadKind {
  if (load.mode === 'closed') return load.connections === 1 ? 'one' : 'busy';
  return load.kneeShare === comparedShare ? 'share' : 'knee';
}

function hasAnswers(run: Run): boolean {
  return readJson<ApplicationWindow>(run, runFiles.pods).requests > 0;
}

/** `bookinfo`, `bookinfo:since-2024-06`. */
function applicationOf({ application }: Run['spec']): string {
  const { graph, variant } = application!;
  return variant ? `${graph}:${variant}` : graph;
}

function commonOf({ spec, repeat, provenance, id }: Run) {
  const { profile, nodes } = spec.application!;
  const { coreClockHz: clocks = [] } = provenance;
  return { application: applicationOf(spec), profile, nodes, repeat, clockHz: clocks.length > 0 ? median(clocks) : null, run: id };
}

type Unsteadied<R> = Omit<R, 'steadySidecarCpuUs'>;
type Cost = Pick<LoadRow, 'application' | 'profile' | 'nodes' | 'referenceCpuUs'> & { sidecarCpuUs: number | null };

/**
 * Puts repeats of the same at one speed of the machine.
 * @param kind what repeats have in common beside their deployment; @param usable others stay without.
 */
function withSteadied<R extends Cost>(rows: readonly R[], kind: (row: R) => string, usable: (row: R) => boolean): (R & Pick<LoadRow, 'steadySidecarCpuUs'>)[] {
  const groups = new Map<string, R[]>();
  for (const row of rows.filter(usable)) {
    const key = [row.application, row.profile, row.nodes, kind(row)].join('|');
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  const steady = new Map([...groups.values()].flatMap((group) => {
    const costs = steadied(group.map(({ sidecarCpuUs, referenceCpuUs }) => [sidecarCpuUs!, referenceCpuUs]));
    return group.map((row, i): [R, number] => [row, costs[i]]);
  }));
  return rows.map((row) => ({ ...row, steadySidecarCpuUs: steady.get(row) ?? null }));
}

/**
 * Per request, microseconds. Services that no request reaches have chores of their own now and then, which would pass for a
 * slow machine: known by their sidecars, which counted no request. Without sidecars all count.
 */
function referenceCpuUs({ requests, pods }: ApplicationWindow, topology: Topology): number {
  const reached = pods.filter((_, i) => topology.pods[i].requests?.inbound !== 0);
  return reached.reduce((sum, { app }) => sum + app.runNs, 0) / 1000 / requests;
}

function loadRow(run: Run): Unsteadied<LoadRow> {
  const { achievedRatePerS, latencyUs } = readJson<LoadOutcome>(run, runFiles.load);
  const window = readJson<ApplicationWindow>(run, runFiles.pods);
  const { requests, pods } = window;
  const perRequest = (of: (pod: PodSample) => number) => pods.reduce((sum, pod) => sum + of(pod), 0) / 1000 / requests;
  return {
    ...commonOf(run), load: kindOf(run), achievedPerS: achievedRatePerS, p50Us: latencyUs.p50, p90Us: latencyUs.p90, p99Us: latencyUs.p99,
    appCpuUs: perRequest(({ app }) => app.runNs), sidecarCpuUs: perRequest(({ sidecar }) => sidecar?.runNs ?? 0),
    referenceCpuUs: referenceCpuUs(window, readJson<Topology>(run, runFiles.topology)),
    good: isGood(run), warning: run.warnings.map(({ text }) => text).join('; '),
  };
}

function podRows(run: Run): Unsteadied<PodRow>[] {
  const window = readJson<ApplicationWindow>(run, runFiles.pods);
  const { requests, pods } = window;
  const topology = readJson<Topology>(run, runFiles.topology);
  // By the sidecar that clients meet first, since warm-up requests were counted too.
  const pages = Math.max(...topology.pods.filter(({ service }) => service === topology.entry).map((pod) => pod.requests?.inbound ?? 0));
  return pods.map((pod, i) => {
    const counted = topology.pods[i].requests;
    return {
      ...commonOf(run), service: pod.service, node: pod.node, appCpuUs: pod.app.runNs / 1000 / requests,
      sidecarCpuUs: pod.sidecar && pod.sidecar.runNs / 1000 / requests, referenceCpuUs: referenceCpuUs(window, topology),
      inbound: counted && counted.inbound / pages, outbound: counted && counted.outbound / pages,
    };
  });
}

function countRows(run: Run): CountRow[] {
  const { requests } = readJson<ApplicationWindow>(run, runFiles.pods);
  const { clockHz: _clock, ...about } = commonOf(run);
  return (Object.keys(countedFolders) as CountRow['part'][]).flatMap((part) => {
    const folders = fs.readdirSync(run.dir).filter((name) => name.replace(/-\d+$/, '') === countedFolders[part]);
    const counted = folders.map((name) => perfStat.read(path.join(run.dir, name)).filter(({ status }) => status === 'counted'));
    const sumOf = (event: string) => counted.reduce((sum, node) => sum + (node.find((sample) => sample.event === event)?.value ?? NaN), counted.length > 0 ? 0 : NaN);
    const total = (events: readonly string[]) => events.reduce((sum, event) => sum + sumOf(event), 0) / requests;
    const row = { ...about, part, cycles: total(['cycles:u', 'cycles:k']), instructions: total(['instructions:u', 'instructions:k']) };
    return Number.isFinite(row.cycles) && Number.isFinite(row.instructions) ? [row] : [];
  });
}

function notesOn(runs: readonly Run[]): string[] {
  const ofEngine = runs.flatMap((run) => readJson<Topology>(run, runFiles.topology).notes ?? []);
  const marked = runs.filter((run) => !isGood(run)).map((run) => `${run.policy.label} (${run.warnings.map(({ text }) => text).join('; ')})`);
  return [...new Set(ofEngine), ...(marked.length === 0 ? [] : [`Measured but left out: ${marked.slice(0, 3).join(', ')}${marked.length > 3 ? ` and ${marked.length - 3} more loads` : ''}.`])];
}
