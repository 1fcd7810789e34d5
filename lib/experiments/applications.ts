/**
 * Experiment `applications` (Figures 5, 12 and 14): whole applications without sidecars and with those of a profile, by
 * number of nodes. Each deployment is loaded in several ways one after another.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { entryPath } from '../apps/call-graph.js';
import { graphById } from '../apps/graph-file.js';
import { traversalCount } from '../apps/traversals.js';
import type { ApplicationSpec, DeployedApplication, MeshProfile, SidecarRequests } from '../deploy/application.js';
import type { Address } from '../deploy/types.js';
import { interleave } from '../analysis/statistics.js';
import type { LoadOutcome, LoadSpec } from '../load/types.js';
import { runFiles } from '../store/files.js';
import { writeJson } from '../store/json-file.js';
import type { PlannedLoad } from '../store/run-key.js';
import type { Run, Warning } from '../store/run-store.js';
import { loadApplication, searchKnee, type KneeSearch, type LoadPlace } from './application-load.js';
import { readJson } from './capacity-data.js';
import type { Mode } from './plan.js';
import { deploymentId, type Task, type TaskOutcome, type TaskScene, type Visit } from './visits.js';
import { applicationWarnings } from './warnings.js';

export const applications = 'applications';

/** The paper's three, in its order. */
export const paperApplications: readonly string[] = ['bookinfo', 'hotel-reservation', 'online-boutique'];

export const profiles: readonly MeshProfile[] = ['none', 'default', 'demo'];

/** Share of the knee at which latency is compared; 1 is the knee itself, as the paper has it. */
export const comparedShare = 0.5;

/**
 * `coldRequests` until programs that have just started run at speed: a cold Online Boutique takes twice as long for one.
 * `durationS` of a load; at full speed `perTraversalS` for each sidecar that a request passes, if that is longer. There, CPU
 * time is compared to per cents, and what a request of many calls costs takes as many more seconds to settle: 6 s of Online
 * Boutique hold 270 requests, of which 32, as many as there are connections, are half done at either end.
 */
const settings = {
  quick: { nodes: [1, 5], repeats: 1, coldRequests: 120, warmUpS: 0.3, durationS: 2, perTraversalS: 0 },
  full: { nodes: [1, 2, 3, 4, 5], repeats: 6, coldRequests: 200, warmUpS: 1, durationS: 6, perTraversalS: 6 / 7 },
} as const;

type Seconds = Record<'warmUpS' | 'durationS' | 'perTraversalS', number>;

const connections = 32;

/** What to deploy instead of what the paper's figures show, e.g. a graph of your own. */
export interface ApplicationsChoice {
  /** Everything but profile and nodes; the paper's three applications when left out. */
  applications?: readonly Omit<ApplicationSpec, 'profile' | 'nodes'>[];
  profiles?: readonly MeshProfile[];
  nodes?: readonly number[];
  repeats?: number;
}

/**
 * Every application under every profile on every number of nodes; deployments in random order within a round. Knees are
 * searched on the fewest nodes, first of all, since every other deployment takes its rates from there; single requests are
 * timed there too.
 */
export function applicationsPlan(mode: Mode, chosen: ApplicationsChoice = {}): Visit[] {
  const s = settings[mode];
  const warmUp = { requests: s.coldRequests, connections };
  const nodes = chosen.nodes ?? s.nodes;
  const which = chosen.applications ?? paperApplications.map((id) => ({ graph: graphById(id) }));
  const stallFree = chosen.applications ? [] : withoutStall(Math.min(...nodes));
  const cells: ApplicationSpec[] = [
    ...which.flatMap((application) => (chosen.profiles ?? profiles).flatMap((profile) => nodes.map((count) => ({ ...application, profile, nodes: count })))),
    ...stallFree,
  ];
  const visits = interleave(cells, chosen.repeats ?? s.repeats, 5).map(({ item: application, repeat }): Visit => {
    const onFewest = application.nodes === Math.min(...nodes);
    const asked = entryPath(application.graph);
    if (stallFree.includes(application)) return { experiment: applications, application, repeat, warmUp, tasks: [loadTask(application, oneByOne(asked, s))] };
    const loads = [...(repeat === 0 && onFewest ? [kneeSearchLoad(asked)] : []), ...(onFewest ? [oneByOne(asked, s)] : []), ...constantRates(asked, s), atFullSpeed(application, s)];
    return { experiment: applications, application, repeat, warmUp, tasks: [...loads.map((load) => loadTask(application, load)), countingTask(application, s)] };
  });
  return [...visits.filter(searchesKnee), ...visits.filter((visit) => !searchesKnee(visit))];
}

/**
 * BookInfo as the paper ran it sends some answers in two pieces with Nagle's algorithm on: over a connection that a sidecar
 * keeps, the second piece waits for a delayed acknowledgement. A later BookInfo does not: what is left of a single request's
 * added latency then is the sidecars'.
 */
function withoutStall(nodes: number): ApplicationSpec[] {
  const graph = graphById('bookinfo', 'since-2024-06');
  return [{ graph, profile: 'none', nodes }, { graph, profile: 'default', nodes }];
}

function searchesKnee({ tasks }: Visit): boolean {
  return tasks.some(({ load }) => load.mode === 'knee-search');
}

function kneeSearchLoad(asked: string): PlannedLoad {
  return { mode: 'knee-search', connections, path: asked };
}

/** One request at a time. */
function oneByOne(asked: string, { warmUpS, durationS }: Seconds): PlannedLoad {
  return { mode: 'closed', connections: 1, path: asked, warmUpS, durationS };
}

function constantRates(asked: string, { warmUpS, durationS }: Seconds): PlannedLoad[] {
  return [comparedShare, 1].map((kneeShare) => ({ mode: 'open', connections, kneeShare, path: asked, warmUpS, durationS }));
}

function atFullSpeed({ graph }: ApplicationSpec, { warmUpS, durationS, perTraversalS }: Seconds): PlannedLoad {
  const settledS = Math.round(perTraversalS * traversalCount(graph));
  return { mode: 'closed', connections, path: entryPath(graph), warmUpS, durationS: Math.max(durationS, settledS) };
}

/** Seconds of a load beside its measured part: the generator's start and end, reading the clock. */
const overheadS = 1.5;
const kneeSearchS = 20;

function loadTask(application: ApplicationSpec, load: PlannedLoad): Task {
  return {
    load,
    collector: 'cpu-time',
    seconds: load.mode === 'knee-search' ? kneeSearchS : overheadS + load.warmUpS! + load.durationS!,
    measure: (scene) => (load.mode === 'knee-search' ? kneeSearch(scene, load) : steadyLoad(scene, application, load)),
  };
}

/** Cycles and instructions of all processes, where the CPU counts them: under the same load as CPU time. */
function countingTask(application: ApplicationSpec, s: Seconds): Task {
  const load = atFullSpeed(application, s);
  return { ...loadTask(application, load), collector: 'perf-stat', measure: (scene) => steadyLoad(scene, application, load, countedPods(scene)) };
}

/** Whose counts stand in which folder of a run; of further nodes in `services-1`, ... */
export const countedFolders = { services: 'services', sidecars: 'sidecars' } as const;

function countedPods({ testbed, dir, up }: TaskScene): LoadPlace['around'] {
  return async (window) => {
    const { pods } = await up();
    const nodes = [...new Set(pods.map(({ tools }) => tools))].map((tools) => ({ tools, own: pods.filter((pod) => pod.tools === tools) }));
    const counts = nodes.flatMap(({ tools, own }, i) => [
      { tools, folder: countedFolders.services, i, pids: own.flatMap(({ servicePids }) => servicePids) },
      { tools, folder: countedFolders.sidecars, i, pids: own.flatMap(({ sidecar }) => sidecar?.pid ?? []) },
    ]).filter(({ pids }) => pids.length > 0);
    return counts.reduce<typeof window>((inner, { tools, folder, i, pids }) => {
      const into = path.join(dir, i === 0 ? folder : `${folder}-${i}`);
      fs.mkdirSync(into);
      return () => tools.countProcesses(pids, into, inner, testbed.cpus.others);
    }, window)();
  };
}

async function kneeSearch({ testbed, dir, up }: TaskScene, { connections: count, path: asked }: PlannedLoad): Promise<TaskOutcome> {
  const search = await searchKnee(await up(), { connections: count, path: asked }, { dir, cpus: testbed.cpus.others });
  const { outcome, window } = search.closedLoop;
  writeJson(dir, runFiles.knee, search);
  writeJson(dir, runFiles.load, outcome);
  writeJson(dir, runFiles.pods, window);
  return outcomeOf(outcome.generator, applicationWarnings(outcome, window));
}

async function steadyLoad({ testbed, dir, up }: TaskScene, application: ApplicationSpec, load: PlannedLoad, around?: LoadPlace['around']): Promise<TaskOutcome> {
  const app = await up();
  const { mode, connections: count, path: where, warmUpS = 0, durationS = 0 } = load;
  const ratePerS = load.kneeShare === undefined ? undefined : load.kneeShare * kneeOf(testbed.store.runs(testbed.store.live(), applications), application, app.engine);
  const spec = { mode, connections: count, path: where, warmUpS, durationS, ratePerS } as LoadSpec;
  const traversed = await app.countRequests();
  const { outcome, window } = await checkedByKubelet(app, load, dir, () => loadApplication(app, spec, { dir, cpus: testbed.cpus.others, around }));
  writeJson(dir, runFiles.load, outcome);
  writeJson(dir, runFiles.pods, window);
  writeJson(dir, runFiles.topology, topologyOf(app, traversed, await app.countRequests()));
  return outcomeOf(outcome.generator, applicationWarnings(outcome, window));
}

/** `kubelet.json`: CPU time of each sidecar over one whole load by two accounts, nanoseconds. */
export interface KubeletCheck {
  service: string;
  /** All threads of Envoy, by the scheduler. */
  schedulerNs: number;
  /** The sidecar's container, Istio's agent included, by the kubelet. */
  kubeletNs: number;
}

/** Kubelets look every ten seconds or so, each at its own time: nothing else may go on in between. So under one load only. */
async function checkedByKubelet<T>(app: DeployedApplication, { mode, connections: count }: PlannedLoad, dir: string, body: () => Promise<T>): Promise<T> {
  const sidecars = app.pods.flatMap(({ sidecar }) => sidecar ?? []);
  // Where a process is not known, `readCpu` is the kubelets' account too: no check.
  if (!app.kubeletCpu || mode !== 'closed' || count === 1 || sidecars.length === 0 || sidecars.some(({ pid }) => pid === 0)) return body();
  const read = async () => ({ kubelet: await app.kubeletCpu!(), pods: await app.readCpu() });
  const before = await read();
  const result = await body();
  const after = await read();
  const nsOf = ({ pods }: typeof before, service: string) => pods.find((pod) => pod.service === service)!.sidecar!.runNs;
  writeJson(dir, runFiles.kubelet, after.kubelet.map(({ service, runNs }, i): KubeletCheck => (
    { service, schedulerNs: nsOf(after, service) - nsOf(before, service), kubeletNs: runNs - before.kubelet[i].runNs })));
  return result;
}

function outcomeOf({ name, version, argv }: LoadOutcome['generator'], warnings: Warning[]): TaskOutcome {
  return { warnings, tools: { 'cpu-time': '1', [name]: version }, commands: [argv.join(' ')] };
}

/** The knee found for this application under this profile by the same engine. @throws Error when it was not searched yet. */
function kneeOf(runs: readonly Run[], application: ApplicationSpec, engine: DeployedApplication['engine']): number {
  const search = runs.filter((run) => run.policy.id === deploymentId(application) && run.spec.load.mode === 'knee-search' && run.spec.application!.engine === engine)
    .sort((a, b) => b.startedAt.localeCompare(a.startedAt))[0] as Run | undefined;
  if (!search) throw new Error(`no knee of ${deploymentId(application)} yet; plan its search before shares of it`);
  return readJson<KneeSearch>(search, runFiles.knee).kneeRatePerS;
}

/** `topology.json`: an application as it was deployed, and what its sidecars counted under one load, warm-up included. */
export interface Topology {
  engine: string;
  /** The service that clients ask. */
  entry: string;
  /** Cores that all pods together could use. */
  podCores: number;
  /** What every number from it has to be read with. */
  notes?: string[];
  pods: { service: string; node: number; address: Address; requests: SidecarRequests | null }[];
}

export function topologyOf({ engine, spec, podCores, notes, pods }: DeployedApplication, before: (SidecarRequests | null)[], after: (SidecarRequests | null)[]): Topology {
  return {
    engine,
    entry: spec.graph.entry.service,
    podCores,
    notes,
    pods: pods.map(({ service, node, address }, i) => {
      const [from, to] = [before[i], after[i]];
      return { service, node, address, requests: from && to && { inbound: to.inbound - from.inbound, outbound: to.outbound - from.outbound } };
    }),
  };
}
