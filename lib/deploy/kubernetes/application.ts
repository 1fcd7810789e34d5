/**
 * An application on a Kubernetes cluster: a namespace of its own, labels on everything, and nothing taken for granted but
 * a kubeconfig. The same experiments run on it as on network namespaces of this machine.
 */
import type { KubernetesObject, V1Node, V1Pod, V1ReplicaSet } from '@kubernetes/client-node';
import { pathOf, serviceOf, type ServiceNode } from '../../apps/call-graph.js';
import { backendVersion, programOf, seedingOf } from '../../apps/programs.js';
import { noTools } from '../../counters/node-tools.js';
import type { ApplicationSpec, DeployedApplication, DeployedPod, DeploymentIdentity } from '../application.js';
import { requestsOf } from '../mesh/crossings.js';
import { readPodCpu } from '../pod-cpu.js';
import type { Address } from '../types.js';
import { closeAgents, startAgents, type Agents } from './agent/agents.js';
import type { ContainerProcesses } from './agent/protocol.js';
import { checkCluster, checkScopes, type ClusterFacts } from './checks.js';
import { KubernetesClient } from './client.js';
import { freshKubeletCpu, readPodCpuByKubelet } from './cpu.js';
import { programInImage } from './emulator-image.js';
import { readManifestFiles } from './manifest-files.js';
import { agentLabel, deploymentObject, frameObjects, ownedBy, serviceObject, type Frame, type PodPlan } from './manifests.js';
import { thisClone } from './owner.js';
import { placePods } from './placement.js';
import { untilAnswered, wayTo } from './reach.js';
import { removeApplications } from './removal.js';
import { containerIds, describeWait, isReady, serviceOfPod, whatEnded, whyNoPods, whyNoSidecar, whyPodFails } from './pods.js';
import { isStockEnvoy, stockEnvoyNote } from './stock-envoy.js';
import { adminPort, readPage, readSidecarStats } from './sidecar-admin.js';
import { upstreamObjects, upstreamOf, upstreamVersion, type Upstream } from './upstream.js';
import { wavesOf } from './waves.js';

const readyTimeoutMs = 180_000;
/** With images of hundreds of megabytes to be pulled. */
const pullTimeoutMs = 600_000;
/** Published applications end and are started again until what they need is there: stores, or their own sidecar. */
const upstreamRestarts = 4;

export interface KubernetesOptions {
  /** Path of the kubeconfig. */
  kubeconfig: string;
  /** The emulator's image, as the cluster's nodes get it (emulator-image.ts). Applications with manifests need none. */
  image?: string;
  /** The agents' image (agent/image.ts). Without one, CPU time is the kubelets', and nothing else is collected. */
  agentImage?: string;
  /** Where the load comes from: this machine when left out, or a pod on the application's first node. */
  loadFrom?: 'cluster';
  /** Whose it is on the cluster: one owner has one application at a time. This clone when left out. */
  owner?: string;
}

/**
 * Brings up an application and waits, by watching, until every pod is ready. What a killed run of this clone left on the
 * cluster is removed first.
 * @throws Error in one line with what to do: no access, a quota, no room on the nodes, an image that cannot be had, no
 *   injection of sidecars.
 */
export async function startOnKubernetes(spec: ApplicationSpec, options: KubernetesOptions): Promise<DeployedApplication> {
  const client = KubernetesClient.fromFile(options.kubeconfig);
  const plan = await planFor(client, spec, options);
  await removeApplications(client, ownedBy(plan.frame.owner));
  try {
    const frame = frameObjects(plan.spec, plan.frame);
    await client.apply(frame);
    const agents = startAgents(client, plan.facts.nodes, plan.frame, options);
    agents.catch(() => undefined); // awaited when the pods are there
    const objects = [...frame, ...await applyPods(client, plan)];
    const pods = await untilReady(client, plan);
    return { ...await asApplication(client, { ...plan, pods, objects }, await agents), spec };
  } catch (error) {
    await removeApplications(client, ownedBy(plan.frame.owner)).catch(() => undefined); // what went wrong first is what is told
    throw error;
  }
}

/** What costs of an application depend on, without bringing it up. @throws Error as `startOnKubernetes`. */
export async function describeOnKubernetes(spec: ApplicationSpec, options: KubernetesOptions): Promise<DeploymentIdentity> {
  const plan = await planFor(KubernetesClient.fromFile(options.kubeconfig), spec, options);
  return { normalised: normalise({ ...plan, objects: await allObjects(plan), pods: [] }), backend: await backendOf(plan), loadFrom: plan.loadFrom };
}

/** The objects that `startOnKubernetes` would apply, where pods' addresses that are not known yet read `POD-OF-<service>`. */
export async function dryRun(spec: ApplicationSpec, options: KubernetesOptions): Promise<KubernetesObject[]> {
  return allObjects(await planFor(KubernetesClient.fromFile(options.kubeconfig), spec, options));
}

/** An application that a cluster can take. */
interface Plan {
  /** As asked for, with one service for each pod in its graph. */
  spec: ApplicationSpec;
  /** Where it comes by its authors' manifests. */
  upstream: Upstream | null;
  facts: ClusterFacts;
  frame: Frame;
  image?: string;
  loadFrom?: 'cluster';
}

async function planFor(client: KubernetesClient, asked: ApplicationSpec, { image, loadFrom, owner = thisClone() }: KubernetesOptions): Promise<Plan> {
  const upstream = asked.manifests === undefined ? null : upstreamOf(readManifestFiles(asked.manifests), asked.graph);
  const spec = upstream ? { ...asked, graph: upstream.graph } : asked;
  const facts = await checkCluster(client, spec);
  if (upstream) await checkScopes(client, upstream.others);
  const frame = { namespace: `sidecar-workbench-${spec.graph.id}-${owner}`, owner };
  return { spec, upstream, facts, frame, image, loadFrom };
}

async function allObjects(plan: Plan): Promise<KubernetesObject[]> {
  const { spec, upstream, frame } = plan;
  const pods = upstream
    ? objectsOfManifests(plan, upstream)
    : (await Promise.all(spec.graph.services.map((service) => objectsOf(plan, service, (callee) => `POD-OF-${callee}`)))).flat();
  return [...frameObjects(spec, frame), ...pods];
}

function backendOf({ spec, upstream }: Plan): Promise<DeploymentIdentity['backend']> | DeploymentIdentity['backend'] {
  return upstream ? upstreamVersion(upstream) : backendVersion(spec.graph);
}

/** @returns everything applied. */
async function applyPods(client: KubernetesClient, plan: Plan): Promise<KubernetesObject[]> {
  if (!plan.upstream) return applyInWaves(client, plan);
  const objects = objectsOfManifests(plan, plan.upstream);
  await client.apply(objects);
  return objects;
}

function objectsOfManifests({ spec, facts, frame }: Plan, upstream: Upstream): KubernetesObject[] {
  return upstreamObjects(upstream, spec, placePods(spec, facts.nodes), frame);
}

async function applyInWaves(client: KubernetesClient, plan: Plan): Promise<KubernetesObject[]> {
  const addresses = new Map<string, string>();
  const applied: KubernetesObject[] = [];
  for (const wave of wavesOf(plan.spec.graph)) {
    const objects = (await Promise.all(wave.map((service) => objectsOf(plan, service, (callee) => addresses.get(callee)!)))).flat();
    await client.apply(objects);
    applied.push(...objects);
    const wanted = wave.filter(({ calledByPodAddress }) => calledByPodAddress).map(({ name }) => name);
    if (wanted.length > 0) for (const [name, address] of await untilAddressed(client, plan.frame, wanted)) addresses.set(name, address);
  }
  return applied;
}

/** @param podAddressOf the address of the pod of a service that is called by it. */
async function objectsOf({ spec, facts, frame, image }: Plan, service: ServiceNode, podAddressOf: (callee: string) => string): Promise<KubernetesObject[]> {
  if (image === undefined) throw new Error(`${spec.graph.id} is played by the emulator, whose image is not given; give it, or the manifests of the application`);
  const addressOf = (name: string): Address => {
    const callee = serviceOf(spec.graph, name);
    return callee.calledByPodAddress ? { host: podAddressOf(name), port: portOf(callee) } : { host: name, port: callee.port };
  };
  const serve = await programOf(spec.graph, service.name, { host: '0.0.0.0', port: portOf(service) }, addressOf);
  const seed = await seedingOf(spec.graph, service.name, { host: '127.0.0.1', port: portOf(service) });
  const node = placePods(spec, facts.nodes)[service.name];
  const plan: PodPlan = { service, node, programs: { serve: programInImage(serve), seed: seed && programInImage(seed) } };
  return [serviceObject(plan, spec, frame), deploymentObject(plan, spec, frame, image)];
}

/** Where its container listens. */
function portOf({ port, targetPort }: ServiceNode): number {
  return targetPort ?? port;
}

async function untilAddressed(client: KubernetesClient, frame: Frame, services: string[]): Promise<[string, string][]> {
  return client.watchUntil<V1Pod, [string, string][]>(podsOf(frame), (pods) => {
    throwIfHopeless(pods);
    const found = services.map((name) => [name, podOf(pods, name)?.status?.podIP] as const);
    return found.every((pair): pair is [string, string] => Boolean(pair[1])) ? found as [string, string][] : null;
  }, { timeoutMs: readyTimeoutMs, describe: (pods) => describePods(pods as V1Pod[]) });
}

async function untilReady(client: KubernetesClient, { spec: { graph, profile }, upstream, frame }: Plan): Promise<V1Pod[]> {
  const timeoutMs = upstream ? pullTimeoutMs : readyTimeoutMs;
  const over = new AbortController();
  const sets = { apiVersion: 'apps/v1', kind: 'ReplicaSet', plural: 'replicasets', namespace: frame.namespace, labels: ownedBy(frame.owner) };
  const ready = client.watchUntil<V1Pod, V1Pod[]>(podsOf(frame), (pods) => {
    throwIfHopeless(pods, upstream ? upstreamRestarts : 0);
    const bare = profile === 'none' ? undefined : pods.map(whyNoSidecar).find(Boolean);
    if (bare) throw new Error(bare);
    const found = graph.services.map(({ name }) => podOf(pods, name)).filter((pod) => pod !== undefined && isReady(pod)) as V1Pod[];
    return found.length === graph.services.length ? found : null;
  }, { timeoutMs, describe: (pods) => describePods(pods as V1Pod[]) });
  // A pod that cannot even be made is only told by what should make it.
  const refused = client.watchUntil<V1ReplicaSet, never>(sets, (found) => {
    const why = found.map(whyNoPods).find(Boolean);
    if (why) throw new Error(why);
    return null;
  }, { timeoutMs, describe: () => 'pods are missing', signal: over.signal });
  try {
    return await Promise.race([ready, refused]);
  } finally {
    over.abort();
    [ready, refused].forEach((wait) => wait.catch(() => undefined));
  }
}

function podsOf({ namespace, owner: who }: Frame) {
  return { apiVersion: 'v1', kind: 'Pod', plural: 'pods', namespace, labels: `${ownedBy(who)},!${agentLabel}` };
}

function podOf(pods: V1Pod[], service: string): V1Pod | undefined {
  return pods.find((pod) => serviceOfPod(pod) === service && !pod.metadata?.deletionTimestamp);
}

function throwIfHopeless(pods: V1Pod[], restarts = 0): void {
  const why = pods.map((pod) => whyPodFails(pod, restarts)).find(Boolean);
  if (why) throw new Error(why);
}

function describePods(pods: V1Pod[]): string {
  const waiting = pods.filter((pod) => !isReady(pod)).map(describeWait);
  return waiting.join(', ') || 'pods are missing';
}

interface Ready extends Plan {
  pods: V1Pod[];
  objects: KubernetesObject[];
}

async function asApplication(client: KubernetesClient, ready: Ready, agents: Agents): Promise<DeployedApplication> {
  const { spec, facts, frame, loadFrom } = ready;
  const { service, operation } = spec.graph.entry;
  const path = pathOf(serviceOf(spec.graph, service), operation);
  const front = podOf(ready.pods, service)!;
  const { load, address } = await wayTo(client, { name: service, port: portOf(serviceOf(spec.graph, service)) }, frame, front, agents);
  const target = { address, tls: false };
  const pods = await Promise.all(ready.pods.map((pod) => asPod(client, spec, facts, pod, agents)));
  await untilAnswered(load, target, path);
  const whyNot = agents.ofNodes.flatMap((agent) => ('why' in agent ? [`${agent.why}. The CPU that is named is that of the machine that the workbench ran on.`] : []));
  const sidecars = pods.filter(({ sidecar }) => sidecar);
  return {
    engine: 'kubernetes',
    spec,
    load,
    loadFrom,
    target,
    path,
    pods,
    podCores: await coresOf(client, facts),
    normalised: normalise(ready),
    backend: await backendOf(ready),
    notes: [...(sidecars.some(({ sidecar }) => isStockEnvoy(sidecar!.yaml)) ? [stockEnvoyNote] : []), ...(ready.upstream?.notes ?? []), ...whyNot],
    readCpu: () => (whyNot.length > 0 ? readPodCpuByKubelet(client, ready.pods, pods) : readPodCpu(pods)),
    kubeletCpu: () => freshKubeletCpu(client, ready.pods, sidecars.map((pod) => pod.service)),
    countRequests: () => Promise.all(pods.map(async ({ sidecar }) => sidecar && requestsOf(await sidecar.stats()))),
    ending: async () => whatEnded(ready.pods, await client.list<V1Pod>(podsOf(frame))),
    stop: async () => {
      closeAgents(agents);
      await removeApplications(client, ownedBy(frame.owner));
    },
  };
}

/** Of the application's nodes, whole ones. */
async function coresOf(client: KubernetesClient, { nodes }: ClusterFacts): Promise<number> {
  const all = await client.list<V1Node>({ apiVersion: 'v1', kind: 'Node', plural: 'nodes' });
  return all.filter(({ metadata }) => nodes.includes(metadata!.name!)).reduce((sum, { status }) => sum + Math.floor(Number(status?.capacity?.cpu ?? 0)), 0);
}

async function asPod(client: KubernetesClient, spec: ApplicationSpec, { nodes }: ClusterFacts, pod: V1Pod, { ofNodes }: Agents): Promise<DeployedPod> {
  const service = serviceOfPod(pod);
  const host = pod.status!.podIP!;
  const node = nodes.indexOf(pod.spec!.nodeSelector!['kubernetes.io/hostname']);
  const agent = ofNodes[node];
  const ids = containerIds(pod);
  const [proxy, ...own] = 'why' in agent ? [] : await agent.containers([ids.sidecar ?? 'none', ...ids.own]);
  const servicePids = own.flatMap(({ pids }) => pids);
  if (!('why' in agent) && servicePids.length === 0) throw new Error(`the agent on node ${nodes[node]} finds no process of ${service}; does the node show control groups in /proc/PID/cgroup?`);
  return {
    service,
    node,
    address: { host, port: portOf(serviceOf(spec.graph, service)) },
    tools: 'why' in agent ? noTools(agent.why) : agent.tools,
    servicePids,
    sidecar: spec.profile === 'none' ? null : await asSidecar(client, pod, host, proxy?.envoy ?? null),
  };
}

async function asSidecar(client: KubernetesClient, pod: V1Pod, host: string, process: ContainerProcesses['envoy']): Promise<DeployedPod['sidecar']> {
  const name = { namespace: pod.metadata!.namespace!, name: pod.metadata!.name! };
  return {
    pid: process?.pid ?? 0,
    workerTid: process?.workerTid ?? 0,
    admin: { host, port: adminPort },
    yaml: await readPage(client, name, '/config_dump'),
    stats: () => readSidecarStats(client, name),
  };
}

/** What costs depend on: the objects without names of nodes and namespaces, without addresses, and the versions behind them. */
function normalise({ spec, facts, frame, objects, pods }: Ready): string {
  const named = ({ kind, metadata }: KubernetesObject) => `${kind} ${metadata?.name}`;
  const inOrder = [...objects].sort((a, b) => (named(a) < named(b) ? -1 : 1));
  const text = JSON.stringify([{ kubernetes: facts.kubernetes, istio: facts.istio, profile: spec.profile }, ...inOrder], null, 1);
  const names: [string, string][] = [
    [frame.namespace, 'NAMESPACE'], [frame.owner, 'OWNER'],
    ...facts.nodes.map((node, i): [string, string] => [`"${node}"`, `"node${i}"`]),
    ...pods.flatMap(({ metadata, status }): [string, string][] => (status?.podIP ? [[status.podIP, `POD-OF-${serviceOfPod({ metadata })}`]] : [])),
  ];
  // An address may be the beginning of another.
  names.sort(([a], [b]) => b.length - a.length);
  return names.reduce((sum, [name, label]) => sum.split(name).join(label), text);
}

