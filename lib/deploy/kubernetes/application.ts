/**
 * An application on a Kubernetes cluster: a namespace of its own, labels on everything, and nothing taken for granted but
 * a kubeconfig. The same experiments run on it as on network namespaces of this machine.
 */
import { createHash } from 'node:crypto';
import * as net from 'node:net';
import * as os from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KubernetesObject, V1Node, V1Pod, V1ReplicaSet, V1Service } from '@kubernetes/client-node';
import { pathOf, serviceOf, type ServiceNode } from '../../apps/call-graph.js';
import { backendVersion, programOf, seedingOf } from '../../apps/programs.js';
import { noTools } from '../../counters/node-tools.js';
import { allowedCpus } from '../../host/cpus.js';
import { projectRoot } from '../../host/paths.js';
import { fromThisMachine, type LoadSource } from '../../load/source.js';
import type { ApplicationSpec, DeployedApplication, DeployedPod, DeploymentIdentity } from '../application.js';
import { requestsOf } from '../mesh/crossings.js';
import { readPodCpu } from '../pod-cpu.js';
import type { Address } from '../types.js';
import type { Agent } from './agent/agent.js';
import { agentPod, startAgent, type AgentRole } from './agent/pods.js';
import type { ContainerProcesses } from './agent/protocol.js';
import { checkCluster, type ClusterFacts } from './checks.js';
import { KubernetesClient } from './client.js';
import { freshKubeletCpu, readPodCpuByKubelet } from './cpu.js';
import { programInImage } from './emulator-image.js';
import { agentLabel, deploymentObject, frameObjects, ownedBy, serviceObject, type Frame, type PodPlan } from './manifests.js';
import { placePods } from './placement.js';
import { removeApplications } from './removal.js';
import { containerId, hasSidecar, isReady, whatEnded, whyNoPods, whyPodFails } from './pods.js';
import { isStockEnvoy, stockEnvoyNote } from './stock-envoy.js';
import { adminPort, readPage, readSidecarStats, sidecarContainer } from './sidecar-admin.js';
import { wavesOf } from './waves.js';

const readyTimeoutMs = 180_000;
const reachTimeoutMs = 1_000;
const answerTimeoutMs = 30_000;

export interface KubernetesOptions {
  /** Path of the kubeconfig. */
  kubeconfig: string;
  /** The emulator's image, as the cluster's nodes get it (emulator-image.ts). */
  image: string;
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
  const facts = await checkCluster(client, spec);
  const frame = frameOf(spec, options);
  await removeApplications(client, ownedBy(frame.owner));
  try {
    await client.apply(frameObjects(spec, frame));
    const agents = startAgents(client, facts, frame, options);
    agents.catch(() => undefined); // awaited when the pods are there
    const objects = [...frameObjects(spec, frame), ...await applyInWaves(client, spec, facts, frame, options.image)];
    const pods = await untilReady(client, spec, frame);
    return await asApplication(client, { spec, facts, frame, pods, objects, loadFrom: options.loadFrom, agents: await agents });
  } catch (error) {
    await removeApplications(client, ownedBy(frame.owner)).catch(() => undefined); // what went wrong first is what is told
    throw error;
  }
}

/** What costs of an application depend on, without bringing it up. @throws Error as `startOnKubernetes`. */
export async function describeOnKubernetes(spec: ApplicationSpec, options: KubernetesOptions): Promise<DeploymentIdentity> {
  const facts = await checkCluster(KubernetesClient.fromFile(options.kubeconfig), spec);
  return { normalised: normalise({ spec, facts, frame: frameOf(spec, options), objects: await dryRun(spec, options), pods: [] }), backend: await backendVersion(spec.graph), loadFrom: options.loadFrom };
}

/** The objects that `startOnKubernetes` would apply, where pods' addresses that are not known yet read `POD-OF-<service>`. */
export async function dryRun(spec: ApplicationSpec, options: KubernetesOptions): Promise<KubernetesObject[]> {
  const client = KubernetesClient.fromFile(options.kubeconfig);
  const { nodes } = await checkCluster(client, spec);
  const frame = frameOf(spec, options);
  const placed = placePods(spec, nodes);
  const pods = await Promise.all(spec.graph.services.map((service) => (
    objectsOf(spec, service, placed[service.name], frame, options.image, (callee) => `POD-OF-${callee}`))));
  return [...frameObjects(spec, frame), ...pods.flat()];
}

/** This clone on this machine, as a label can hold it: what it left behind is its own to remove. */
function thisClone(): string {
  return createHash('sha256').update(`${os.hostname()} ${projectRoot()}`).digest('hex').slice(0, 12);
}

function frameOf({ graph }: ApplicationSpec, { owner = thisClone() }: KubernetesOptions): Frame {
  return { namespace: `sidecar-workbench-${graph.id}-${owner}`, owner };
}

/** @returns everything applied. */
async function applyInWaves(client: KubernetesClient, spec: ApplicationSpec, facts: ClusterFacts, frame: Frame, image: string): Promise<KubernetesObject[]> {
  const placed = placePods(spec, facts.nodes);
  const addresses = new Map<string, string>();
  const applied: KubernetesObject[] = [];
  for (const wave of wavesOf(spec.graph)) {
    const objects = await Promise.all(wave.map((service) => (
      objectsOf(spec, service, placed[service.name], frame, image, (callee) => addresses.get(callee)!))));
    await client.apply(objects.flat());
    applied.push(...objects.flat());
    const wanted = wave.filter(({ calledByPodAddress }) => calledByPodAddress).map(({ name }) => name);
    if (wanted.length > 0) for (const [name, address] of await untilAddressed(client, frame, wanted)) addresses.set(name, address);
  }
  return applied;
}

/** @param podAddressOf the address of the pod of a service that is called by it. */
async function objectsOf(
  spec: ApplicationSpec, service: ServiceNode, node: string, frame: Frame, image: string, podAddressOf: (callee: string) => string,
): Promise<KubernetesObject[]> {
  const addressOf = (name: string): Address => {
    const callee = serviceOf(spec.graph, name);
    return callee.calledByPodAddress ? { host: podAddressOf(name), port: portOf(callee) } : { host: name, port: callee.port };
  };
  const serve = await programOf(spec.graph, service.name, { host: '0.0.0.0', port: portOf(service) }, addressOf);
  const seed = await seedingOf(spec.graph, service.name, { host: '127.0.0.1', port: portOf(service) });
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

async function untilReady(client: KubernetesClient, { graph, profile }: ApplicationSpec, frame: Frame): Promise<V1Pod[]> {
  const over = new AbortController();
  const sets = { apiVersion: 'apps/v1', kind: 'ReplicaSet', plural: 'replicasets', namespace: frame.namespace, labels: ownedBy(frame.owner) };
  const ready = client.watchUntil<V1Pod, V1Pod[]>(podsOf(frame), (pods) => {
    throwIfHopeless(pods);
    const bare = profile === 'none' ? undefined : pods.find((pod) => !hasSidecar(pod));
    if (bare) throw new Error(`the pod of ${bare.metadata?.labels?.app} got no sidecar; see which namespaces Istio's webhook looks at: kubectl get mutatingwebhookconfiguration -o yaml`);
    const found = graph.services.map(({ name }) => podOf(pods, name)).filter((pod) => pod !== undefined && isReady(pod)) as V1Pod[];
    return found.length === graph.services.length ? found : null;
  }, { timeoutMs: readyTimeoutMs, describe: (pods) => describePods(pods as V1Pod[]) });
  // A pod that cannot even be made is only told by what should make it.
  const refused = client.watchUntil<V1ReplicaSet, never>(sets, (found) => {
    const why = found.map(whyNoPods).find(Boolean);
    if (why) throw new Error(`${why}${/exceeded quota/.test(why) ? '; raise the quota, or run fewer services' : ''}`);
    return null;
  }, { timeoutMs: readyTimeoutMs, describe: () => 'pods are missing', signal: over.signal });
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
  return pods.find(({ metadata }) => metadata?.labels?.app === service && !metadata.deletionTimestamp);
}

function throwIfHopeless(pods: V1Pod[]): void {
  const why = pods.map(whyPodFails).find(Boolean);
  if (why) throw new Error(why);
}

function describePods(pods: V1Pod[]): string {
  const waiting = pods.filter((pod) => !isReady(pod)).map(({ metadata, status }) => `${metadata?.labels?.app} is ${status?.phase}`);
  return waiting.join(', ') || 'pods are missing';
}

/** Who looks at each of the application's nodes, in their order, and who sends load. */
interface Agents {
  ofNodes: (Agent | { why: string })[];
  load: Agent | null;
}

/** Collectors are had where the cluster permits them; what was asked for has to be there. */
async function startAgents(client: KubernetesClient, { nodes }: ClusterFacts, frame: Frame, { agentImage, loadFrom }: KubernetesOptions): Promise<Agents> {
  if (!agentImage) {
    const remedy = 'write it with `npm run cluster -- image --agent --registry NAME FILE`, push it, and set WORKBENCH_AGENT_IMAGE to its name';
    if (loadFrom) throw new Error(`load from inside the cluster needs the image of the agent; ${remedy}`);
    return { ofNodes: nodes.map(() => ({ why: `nothing looks at processes of the cluster's nodes: the image of the agent is not known; ${remedy}` })), load: null };
  }
  const start = (role: AgentRole, node: string) => startAgent(client, agentPod(role, node, agentImage, frame), frame);
  const ofNodes = nodes.map((node) => start('collector', node).catch((error: Error) => ({ why: `nothing looks at processes of node ${node}: ${error.message}` })));
  const load = loadFrom ? start('load', nodes[0]) : null;
  return { ofNodes: await Promise.all(ofNodes), load: await load };
}

interface Ready {
  spec: ApplicationSpec;
  facts: ClusterFacts;
  frame: Frame;
  pods: V1Pod[];
  objects: KubernetesObject[];
}

async function asApplication(client: KubernetesClient, ready: Ready & { loadFrom?: 'cluster'; agents: Agents }): Promise<DeployedApplication> {
  const { spec, facts, frame, agents, loadFrom } = ready;
  const { service, operation } = spec.graph.entry;
  const path = pathOf(serviceOf(spec.graph, service), operation);
  const front = podOf(ready.pods, service)!;
  const address = agents.load ? { host: front.status!.podIP!, port: portOf(serviceOf(spec.graph, service)) } : await reachable(client, spec, frame, front);
  const pods = await asPods(client, spec, facts, ready.pods, agents);
  const load = agents.load?.load ?? fromThisMachine;
  await untilAnswered(load, address, path);
  const whyNot = agents.ofNodes.flatMap((agent) => ('why' in agent ? [agent.why] : []));
  const sidecars = pods.filter(({ sidecar }) => sidecar);
  return {
    engine: 'kubernetes',
    spec,
    load,
    loadFrom,
    target: { address, tls: false },
    path,
    pods,
    podCores: await coresOf(client, facts),
    normalised: normalise(ready),
    backend: await backendVersion(spec.graph),
    notes: [...(sidecars.some(({ sidecar }) => isStockEnvoy(sidecar!.yaml)) ? [stockEnvoyNote] : []), ...whyNot],
    readCpu: () => (whyNot.length > 0 ? readPodCpuByKubelet(client, ready.pods, pods) : readPodCpu(pods)),
    kubeletCpu: () => freshKubeletCpu(client, ready.pods, sidecars.map((pod) => pod.service)),
    countRequests: () => Promise.all(pods.map(async ({ sidecar }) => sidecar && requestsOf(await sidecar.stats()))),
    ending: async () => {
      const now = await client.list<V1Pod>(podsOf(frame));
      // Another may have taken its place already.
      const same = ({ metadata }: V1Pod) => now.find((pod) => pod.metadata?.uid === metadata?.uid);
      return ready.pods.map((pod) => (same(pod) ? whatEnded(same(pod)!) : `the pod of ${pod.metadata?.labels?.app} is gone`)).find(Boolean) ?? null;
    },
    stop: async () => {
      for (const agent of [...agents.ofNodes, agents.load]) if (agent && !('why' in agent)) agent.close();
      await removeApplications(client, ownedBy(frame.owner));
    },
  };
}

/** Of the application's nodes, whole ones. */
async function coresOf(client: KubernetesClient, { nodes }: ClusterFacts): Promise<number> {
  const all = await client.list<V1Node>({ apiVersion: 'v1', kind: 'Node', plural: 'nodes' });
  return all.filter(({ metadata }) => nodes.includes(metadata!.name!)).reduce((sum, { status }) => sum + Math.floor(Number(status?.capacity?.cpu ?? 0)), 0);
}

async function asPods(client: KubernetesClient, spec: ApplicationSpec, { nodes }: ClusterFacts, pods: V1Pod[], { ofNodes }: Agents): Promise<DeployedPod[]> {
  return Promise.all(pods.map(async (pod): Promise<DeployedPod> => {
    const service = pod.metadata!.labels!.app;
    const host = pod.status!.podIP!;
    const node = nodes.indexOf(pod.spec!.nodeSelector!['kubernetes.io/hostname']);
    const agent = ofNodes[node];
    const [app, proxy] = 'why' in agent ? [] : await agent.containers(['app', sidecarContainer].map((name) => containerId(pod, name) ?? name));
    if (app?.pids.length === 0) throw new Error(`the agent on node ${nodes[node]} finds no process of ${service}; does the node show control groups in /proc/PID/cgroup?`);
    return {
      service,
      node,
      address: { host, port: portOf(serviceOf(spec.graph, service)) },
      tools: 'why' in agent ? noTools(agent.why) : agent.tools,
      servicePids: app?.pids ?? [],
      sidecar: spec.profile === 'none' ? null : await asSidecar(client, pod, host, proxy?.envoy ?? null),
    };
  }));
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

/**
 * Where this machine reaches the front: its pod, if there is a way to pods from here, else the port that its Service has on
 * every node.
 * @throws Error when neither answers.
 */
async function reachable(client: KubernetesClient, { graph }: ApplicationSpec, frame: Frame, pod: V1Pod): Promise<Address> {
  const front = serviceOf(graph, graph.entry.service);
  const direct = { host: pod.status!.podIP!, port: portOf(front) };
  if (await accepts(direct)) return direct;
  const service = await client.read<V1Service>({ apiVersion: 'v1', kind: 'Service', metadata: { name: front.name, namespace: frame.namespace } });
  const port = service?.spec?.ports?.[0].nodePort ?? 0;
  const node = await client.read<V1Node>({ apiVersion: 'v1', kind: 'Node', metadata: { name: pod.spec!.nodeName! } });
  const hosts = (node?.status?.addresses ?? []).filter(({ type }) => type !== 'Hostname').map(({ address }) => address);
  for (const host of hosts) if (await accepts({ host, port })) return { host, port };
  throw new Error(`this machine reaches neither the pod of ${front.name} (${direct.host}:${direct.port}) nor port ${port} of its node (${hosts.join(', ')}); run the load on a node of the cluster`);
}

async function accepts({ host, port }: Address): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ host, port, timeout: reachTimeoutMs });
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => end(true)).once('timeout', () => end(false)).once('error', () => end(false));
  });
}

/**
 * Pods are ready before every node knows the way to their Services, and nothing tells when it does: asking does.
 * @throws Error with the last answer.
 */
async function untilAnswered(load: LoadSource, address: Address, path: string): Promise<void> {
  const deadline = Date.now() + answerTimeoutMs;
  for (;;) {
    const answer = await load.sendExactly({ address, tls: false }, { requests: 1, connections: 1, path }, { cpus: allowedCpus() }).then(
      ({ errors, statuses }) => (errors === 0 ? null : Object.keys(statuses).join(', ')),
      (error: Error) => error.message,
    );
    if (answer === null) return;
    if (Date.now() > deadline) throw new Error(`all pods are ready, but ${address.host}:${address.port}${path} does not answer with 200 after ${answerTimeoutMs / 1000} s: ${answer}`);
    await sleep(100);
  }
}

/** What costs depend on: the objects without names of nodes and namespaces, without addresses, and the versions behind them. */
function normalise({ spec, facts, frame, objects, pods }: Ready): string {
  const named = ({ kind, metadata }: KubernetesObject) => `${kind} ${metadata?.name}`;
  const inOrder = [...objects].sort((a, b) => (named(a) < named(b) ? -1 : 1));
  const text = JSON.stringify([{ kubernetes: facts.kubernetes, istio: facts.istio, profile: spec.profile }, ...inOrder], null, 1);
  const names: [string, string][] = [
    [frame.namespace, 'NAMESPACE'], [frame.owner, 'OWNER'],
    ...facts.nodes.map((node, i): [string, string] => [`"${node}"`, `"node${i}"`]),
    ...pods.flatMap(({ metadata, status }): [string, string][] => (status?.podIP ? [[status.podIP, `POD-OF-${metadata?.labels?.app}`]] : [])),
  ];
  // An address may be the beginning of another.
  names.sort(([a], [b]) => b.length - a.length);
  return names.reduce((sum, [name, label]) => sum.split(name).join(label), text);
}

