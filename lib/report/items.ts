/** Every figure and table of the paper that the workbench makes so far: from a store's runs to an `Item`. */
import { paperFig6 } from '../deploy/catalogue.js';
import { graphs as graphIds, graphById } from '../apps/graph-file.js';
import type { CallGraph } from '../apps/call-graph.js';
import { applicationEngine } from '../deploy/engines.js';
import { applications } from '../experiments/applications.js';
import { applicationsData, type ApplicationsData } from '../experiments/applications-data.js';
import { invocations } from '../experiments/invocations.js';
import { invocationsData, type InvocationsData } from '../experiments/invocations-data.js';
import { capacity, capacityPlan } from '../experiments/capacity.js';
import { capacityData, type CapacityData } from '../experiments/capacity-data.js';
import { components, componentsPlan } from '../experiments/components.js';
import { componentsData, onSharedCores, type ComponentsData } from '../experiments/components-data.js';
import { deployment, deploymentOf, type DeploymentData } from '../experiments/deployment.js';
import { frontend } from '../experiments/frontend.js';
import { frontendChecks } from '../experiments/frontend-checks.js';
import { countedPoints } from '../experiments/frontend-counted.js';
import { FrontendTraces, type FrontendData } from '../experiments/frontend-data.js';
import { frontendSweep, type FrontendSweep } from '../experiments/frontend-sweep.js';
import { hugePagesOf, type HugePagesData } from '../experiments/huge-pages.js';
import { longTraceOf, type LongTrace } from '../experiments/long-trace.js';
import { wasPod } from '../experiments/pods.js';
import { chooseSource, type Source } from '../experiments/session.js';
import { sidecarLatency } from '../experiments/sidecar-latency.js';
import { sidecarLatencyData, type SidecarLatencyData } from '../experiments/sidecar-latency-data.js';
import { sizes, sizesPlan } from '../experiments/sizes.js';
import { sizesData, type SizesData } from '../experiments/sizes-data.js';
import { traces, tracesPlan } from '../experiments/traces.js';
import { tracesData, type TracesData } from '../experiments/traces-data.js';
import { fig02 } from '../figures/fig02.js';
import { fig03 } from '../figures/fig03.js';
import { fig04 } from '../figures/fig04.js';
import { fig05 } from '../figures/fig05.js';
import { fig12 } from '../figures/fig12.js';
import { fig12Repeats } from '../figures/fig12-repeats.js';
import { fig13 } from '../figures/fig13.js';
import { engines } from '../figures/engines.js';
import { fig14 } from '../figures/fig14.js';
import { topology } from '../figures/topology.js';
import { fig06 } from '../figures/fig06.js';
import { fig07 } from '../figures/fig07.js';
import { fig07Pods } from '../figures/fig07-pods.js';
import { fig08 } from '../figures/fig08.js';
import { fig09 } from '../figures/fig09.js';
import { fig09Validation } from '../figures/fig09-validation.js';
import { fig10 } from '../figures/fig10.js';
import { fig10Sweep } from '../figures/fig10-sweep.js';
import { fig11a } from '../figures/fig11a.js';
import { fig11b } from '../figures/fig11b.js';
import { fig11c } from '../figures/fig11c.js';
import { fig11cLive } from '../figures/fig11c-live.js';
import { fig11aRecorders } from '../figures/fig11a-recorders.js';
import { fig15 } from '../figures/fig15.js';
import { fig16, withL2Of } from '../figures/fig16.js';
import { fig17 } from '../figures/fig17.js';
import { fig18 } from '../figures/fig18.js';
import { nodeCounts } from '../figures/application-values.js';
import type { Item } from '../figures/item.js';
import { tab01, type RecordedMachine } from '../figures/tab01.js';
import { tab02 } from '../figures/tab02.js';
import { tab03 } from '../figures/tab03.js';
import { tab04 } from '../figures/tab04.js';
import { coreById } from '../simulate/core/cores.js';
import { loadBinary } from '../store/binaries.js';
import type { ApplicationEngine } from '../deploy/application.js';
import type { Run, RunStore } from '../store/run-store.js';

/** Which notebook makes an item, and how it is drawn from recorded runs alone. */
export interface ItemSource {
  item: string;
  /** File name without ending. */
  notebook: string;
  build(read: StoredData): Item | Promise<Item>;
}

/** What items are drawn from, each read when it is first asked for and once. */
export interface StoredData {
  machines(): RecordedMachine[];
  deployment(): DeploymentData;
  applications(): ApplicationsData;
  invocations(): InvocationsData | null;
  clusterBeside(): ReturnType<typeof clusterBeside>;
  sidecarLatency(): SidecarLatencyData;
  capacity(): CapacityData[];
  components(): ReturnType<typeof componentsOf>;
  podsBeside(): ReturnType<typeof podsBeside>;
  sizes(): ReturnType<typeof sizesOf>;
  traces(): Promise<TracesData>;
  frontend(): Promise<FrontendTraces>;
  longTrace(): Promise<LongTrace | null>;
  hugePages(): HugePagesData;
}

/** One reading of a store: whoever measures meanwhile needs another. */
function storedData(store: RunStore): StoredData {
  const traced = once(() => tracesOf(store));
  return {
    machines: once(() => machinesOf(store)),
    deployment: once(() => deploymentOf(store)),
    applications: once(() => applicationsOf(store).data),
    invocations: once(() => invocationsOf(store)),
    clusterBeside: once(() => clusterBeside(store)),
    sidecarLatency: once(() => sidecarLatencyOf(store).data),
    capacity: once(() => capacityOf(store)),
    components: once(() => componentsOf(store)),
    podsBeside: once(() => podsBeside(store)),
    sizes: once(() => sizesOf(store)),
    traces: async () => (await traced()).data,
    frontend: once(async () => (await frontendOf(store, await traced())).frontend),
    longTrace: once(() => longTraceOf(store)),
    hugePages: once(() => hugePagesOf(store)),
  };
}

/** The first value, or the first error: what cannot be read is not tried again for every item. */
function once<T>(read: () => T): () => T {
  let first: (() => T) | undefined;
  return () => {
    first ??= outcomeOf(read);
    return first();
  };
}

function outcomeOf<T>(read: () => T): () => T {
  try {
    const value = read();
    return () => value;
  } catch (error) {
    return () => { throw error; };
  }
}

/** The simulated cores that stand for the paper's machines. */
const [haswell, iceLake] = ['haswell', 'ice-lake'].map(coreById);

export const itemSources: readonly ItemSource[] = [
  { item: 'tab01', notebook: '00-this-machine', build: (read) => tab01(read.machines()) },
  { item: 'fig02', notebook: '00-this-machine', build: (read) => fig02(read.deployment()) },
  { item: 'fig03', notebook: '00-this-machine', build: (read) => fig03(read.deployment()) },
  { item: 'fig04', notebook: '00-this-machine', build: (read) => fig04(read.deployment()) },
  { item: 'fig05', notebook: '01-applications', build: (read) => fig05(read.applications()) },
  ...['bookinfo', 'hotel-reservation', 'online-boutique'].map((id): ItemSource => ({ item: `topology-${id}`, notebook: '01-applications', build: (read) => topologyIn(read.applications(), id) })),
  { item: 'fig06', notebook: '02-capacity', build: (read) => fig06(read.capacity()) },
  { item: 'tab02', notebook: '03-components', build: async (read) => table2(await read.components()) },
  { item: 'fig07', notebook: '03-components', build: async (read) => fig07((await read.components()).data) },
  { item: 'fig07-ours', notebook: '03-components', build: async (read) => fig07((await read.components()).data, 'ours') },
  { item: 'fig07-pods', notebook: '03-components', build: async (read) => { const { processes, pods } = await read.podsBeside(); return fig07Pods(processes, pods); } },
  { item: 'tab03', notebook: '03-components', build: async (read) => tab03((await read.components()).data) },
  { item: 'fig08', notebook: '04-top-down', build: async (read) => fig08(await (await read.frontend()).on([iceLake])) },
  { item: 'fig09', notebook: '05-frontend', build: async (read) => fig09(await (await read.frontend()).on([iceLake])) },
  { item: 'fig09-validation', notebook: '05-frontend', build: async (read) => fig09Validation(await frontendChecks(await read.frontend(), await read.traces(), iceLake, await read.longTrace())) },
  { item: 'fig10', notebook: '05-frontend', build: async (read) => fig10(await (await read.frontend()).on([iceLake])) },
  { item: 'fig10-sweep', notebook: '05-frontend', build: async (read) => fig10Sweep(await sweepsOf(await read.frontend())) },
  { item: 'tab04', notebook: '05-frontend', build: async (read) => tab04(await read.traces(), await (await read.frontend()).on([iceLake])) },
  { item: 'fig11a', notebook: '06-traces', build: async (read) => fig11a(await read.traces()) },
  { item: 'fig11b', notebook: '06-traces', build: async (read) => fig11b(await read.traces()) },
  { item: 'fig11c', notebook: '06-traces', build: async (read) => fig11c(await read.traces()) },
  { item: 'fig11c-live', notebook: '06-traces', build: (read) => fig11cLive(read.hugePages()) },
  { item: 'fig11a-recorders', notebook: '06-traces', build: async (read) => fig11aRecorders(await read.traces()) },
  { item: 'fig12', notebook: '07-overheads', build: (read) => fig12(read.applications(), read.invocations()) },
  { item: 'fig12-repeats', notebook: '07-overheads', build: (read) => fig12Repeats(read.applications()) },
  { item: 'fig13', notebook: '08-invocations', build: (read) => fig13(read.sidecarLatency()) },
  { item: 'fig14', notebook: '08-invocations', build: (read) => fig14(read.applications(), read.invocations(), knownGraphs()) },
  { item: 'fig14-engines', notebook: '08-invocations', build: (read) => engines(read.clusterBeside().namespaces, read.clusterBeside().cluster, knownGraphs()) },
  { item: 'fig15', notebook: '09-generations', build: async (read) => fig15(await (await read.frontend()).on([haswell, iceLake])) },
  { item: 'fig16', notebook: '09-generations', build: async (read) => fig16(await generationsOf(await read.frontend())) },
  { item: 'fig17', notebook: '09-generations', build: async (read) => fig17(await (await read.frontend()).on([haswell, iceLake])) },
  { item: 'fig18', notebook: '10-sizes', build: async (read) => fig18((await read.sizes()).data) },
];

/**
 * Builds items from one reading of the store; one without data yet is left out and named.
 * @param only item ids, e.g. `fig07`; all when empty.
 */
export async function buildItems(store: RunStore, only: readonly string[] = []): Promise<{ items: Item[]; missing: { item: string; reason: string }[] }> {
  const items: Item[] = [];
  const missing: { item: string; reason: string }[] = [];
  const read = storedData(store);
  for (const { item, build } of wanted(only)) {
    try {
      items.push(await build(read));
    } catch (error) {
      missing.push({ item, reason: (error as Error).message });
    }
  }
  return { items, missing };
}

/** @throws Error naming an item that does not exist. */
export function wanted(only: readonly string[]): ItemSource[] {
  const unknown = only.find((id) => !itemSources.some(({ item }) => matches(item, id)));
  if (unknown) throw new Error(`no figure or table "${unknown}"; there are ${itemSources.map(({ item }) => item).join(', ')}`);
  return itemSources.filter(({ item }) => only.length === 0 || only.some((id) => matches(item, id)));
}

/** `fig07` takes its variants along, and `fig11` its parts. */
function matches(item: string, id: string): boolean {
  return item.startsWith(id) && /^([a-z]?(-|$))/.test(item.slice(id.length));
}

/** Experiment `components` of the chosen source; used by notebook 03 too. */
export async function componentsOf(store: RunStore): Promise<{ data: ComponentsData; source: Source }> {
  const source = chooseSource(store, componentsPlan('quick'));
  return { data: await componentsData(source.recording, source.runs), source };
}

/**
 * Experiment `components` on pods, beside the same on processes of that recording; used by notebook 03 too.
 * @throws Error where nobody measured any pod, or nothing beside them.
 */
export async function podsBeside(store: RunStore): Promise<{ processes: ComponentsData; pods: ComponentsData }> {
  const { recording } = chooseSource(store, { experiment: components, from: 'pods' });
  const { runs, notes } = onSharedCores(store.runs(recording, components));
  const [pods, processes] = [runs.filter(wasPod), runs.filter((run) => !wasPod(run))];
  if (processes.length === 0) throw new Error(`${recording.name} has single sidecars as pods, but none as processes to lay beside them; unset WORKBENCH_KUBECONFIG and measure them here too`);
  const data = await componentsData(recording, pods);
  return { pods: { ...data, notes: [...data.notes, ...notes] }, processes: await componentsData(recording, processes) };
}

/** Experiment `sizes` of the chosen source; used by notebook 10 too. */
export async function sizesOf(store: RunStore): Promise<{ data: SizesData; source: Source }> {
  const source = chooseSource(store, sizesPlan('quick'));
  return { data: await sizesData(source.recording, source.runs), source };
}

/** Experiment `traces` of the chosen source; used by notebook 06 too. */
export async function tracesOf(store: RunStore): Promise<{ data: TracesData; source: Source }> {
  const source = chooseSource(store, tracesPlan('quick'));
  return { data: await tracesData(source.recording, source.runs), source };
}

/**
 * Experiment `traces` of the chosen source, for simulated cores to replay, and experiment `frontend` of every recording
 * that has it; used by notebooks 04, 05 and 09 too.
 * @param read what {@link tracesOf} gave.
 */
export async function frontendOf(store: RunStore, read?: { data: TracesData; source: Source }): Promise<{ frontend: FrontendTraces; data: TracesData; source: Source }> {
  const { data, source } = read ?? await tracesOf(store);
  const measured = store.recordings().flatMap((recording) => countedPoints(recording, store.runs(recording, frontend)));
  return { frontend: new FrontendTraces(source.recording, source.runs, data, measured), data, source };
}

/**
 * Haswell and Ice Lake, and a Haswell that has nothing of the newer core but its second-level cache: this one with the
 * policies of Figure 6 only, which is enough to tell; used by notebook 09 too.
 */
export async function generationsOf(replays: FrontendTraces): Promise<FrontendData> {
  const both = await replays.on([haswell, iceLake]);
  const between = await replays.on([withL2Of(haswell, iceLake)], paperFig6);
  const simulated = between.points.filter(({ method }) => method === 'simulated');
  const at = both.points.findIndex(({ core }) => core.id !== haswell.id);
  return { ...both, points: [...both.points.slice(0, at), ...simulated, ...both.points.slice(at)] };
}

/** The changes of Ice Lake on the bare protocols. */
async function sweepsOf(replays: FrontendTraces): Promise<FrontendSweep[]> {
  const sweeps: FrontendSweep[] = [];
  for (const policy of ['http', 'tcp']) sweeps.push(await frontendSweep(replays, policy, iceLake));
  return sweeps;
}

/** Experiment `capacity`, the chosen source first, then every other machine recorded. */
export function capacityOf(store: RunStore): CapacityData[] {
  const { recording, runs } = chooseSource(store, capacityPlan('quick'));
  const others = store.recordings().filter(({ name }) => name !== recording.name)
    .map((other) => ({ other, runs: store.runs(other, capacity).filter((run) => !wasPod(run)) })).filter((each) => each.runs.length > 0);
  return [capacityData(recording, runs), ...others.map(({ other, runs: theirs }) => capacityData(other, theirs))];
}

/**
 * Experiment `applications` of the chosen source; used by notebooks 01, 07 and 08 too.
 * @param engine what carried the applications; what this session would deploy them with by default.
 */
export function applicationsOf(store: RunStore, engine = applicationEngine().name): { data: ApplicationsData; source: Source } {
  const source = chooseSource(store, { experiment: applications, only: carriedBy(engine), besides: ({ spec }) => spec.application?.variant !== undefined });
  return { data: applicationsData(source.recording, source.runs), source };
}

/**
 * Applications on a cluster, beside those in network namespaces of the same recording where it has them; used by notebook 08 too.
 * @throws Error where nobody ran any on a cluster.
 */
export function clusterBeside(store: RunStore): { namespaces: ApplicationsData; cluster: ApplicationsData } {
  const { data: cluster, source: { recording } } = applicationsOf(store, 'kubernetes');
  const same = store.runs(recording, applications).filter(carriedBy('namespaces'));
  return { cluster, namespaces: same.length > 0 ? applicationsData(recording, same) : applicationsOf(store, 'namespaces').data };
}

function carriedBy(engine: ApplicationEngine['name']): (run: Run) => boolean {
  return ({ spec }) => spec.application?.engine === engine;
}

/** Experiment `invocations` of the chosen source; null where nobody counted, which hinders no figure but that of the counts. */
export function invocationsOf(store: RunStore): InvocationsData | null {
  if (!store.recordings().some((recording) => store.runs(recording, invocations).length > 0)) return null;
  const { recording, runs } = chooseSource(store, { experiment: invocations });
  return invocationsData(recording, runs);
}

/** Experiment `sidecar-latency` of the chosen source, as {@link applicationsOf}; used by notebook 08 too. */
export function sidecarLatencyOf(store: RunStore, engine = applicationEngine().name): { data: SidecarLatencyData; source: Source } {
  const source = chooseSource(store, { experiment: sidecarLatency, only: carriedBy(engine) });
  return { data: sidecarLatencyData(source.recording, source.runs), source };
}

/** The workbench's own call graphs, by id. */
export function knownGraphs(): Record<string, CallGraph> {
  return Object.fromEntries(graphIds.map((id) => [id, graphById(id)]));
}

/** With the sidecars of `default`, on as many nodes as were tried. */
export function topologyIn(data: ApplicationsData, id: string, profile = 'default'): Item {
  return topology(data, graphById(id), profile, Math.max(...nodeCounts(data)));
}

function table2({ data, source }: Awaited<ReturnType<typeof componentsOf>>): Item {
  const newest = source.runs.reduce((a, b) => (b.startedAt > a.startedAt ? b : a));
  return tab02(data, loadBinary(source.recording, newest.spec.envoyBuildId));
}

/** Every machine that a recording was made on, this session's first. */
export function machinesOf(store: RunStore): RecordedMachine[] {
  return store.recordings().flatMap((recording) => {
    const [run] = [capacity, components, traces, sizes, deployment, applications].flatMap((experiment) => store.runs(recording, experiment).slice(0, 1));
    return run ? [{ origin: recording.origin, machine: run.provenance.machine }] : [];
  });
}
