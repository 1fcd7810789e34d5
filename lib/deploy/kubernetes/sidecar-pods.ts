/**
 * Single sidecars as pods: the echo server and Envoy with a policy's configuration, a container each, on one node of a
 * cluster. No mesh injects anything: the configuration is the one that the policy has on one machine.
 */
import * as fs from 'node:fs';
import type { V1ConfigMap, V1Container, V1Pod, V1Service } from '@kubernetes/client-node';
import { ensureCertificate } from '../certificate.js';
import type { DeployedSidecar, SidecarHost } from '../deployed-sidecar.js';
import { parseStats, statsPage } from '../envoy-admin.js';
import { lastError, oneWorker, quietly } from '../envoy-start.js';
import { normalise, render, type Rendered } from '../render.js';
import type { EnvoyBinary, SidecarConfig } from '../types.js';
import { closeAgents, startAgents, type Agents } from './agent/agents.js';
import type { Agent } from './agent/agent.js';
import { checkCluster } from './checks.js';
import { KubernetesClient, type Selection } from './client.js';
import { labelsOf, namespaceObject, ownedBy, type Frame } from './manifests.js';
import { thisClone } from './owner.js';
import { containerId, whatEnded } from './pods.js';
import { untilAnswered, wayTo } from './reach.js';
import { removeApplications } from './removal.js';
import { runInPod } from './sidecar-admin.js';
import { echoCommand, envoyCommand, fetchCommand } from './sidecar-image.js';
import { untilPodReady } from './single-pod.js';

export interface SidecarPodOptions {
  /** Path of the kubeconfig. */
  kubeconfig: string;
  /** As the cluster's nodes get them: sidecar-image.ts, and the agents', who read CPU time. */
  image: string;
  agentImage?: string;
  /** Where the load comes from: this machine when left out, or a pod on the same node. */
  loadFrom?: 'cluster';
  owner?: string;
}

const readyTimeoutMs = 60_000;
const goneTimeoutMs = 30_000;
/** Of the pod's own network: nobody else is there. */
const ports = { listener: 10_000, admin: 9_901, echo: 8_080 };
const folder = '/etc/sidecar';
const files = { config: 'envoy.yaml', cert: 'cert.pem', key: 'key.pem' };
const names = { pod: 'sidecar', echo: 'echo', envoy: 'envoy' };

/** The backend of every such sidecar. */
export const podBackend = { name: 'node', version: process.versions.node };

/**
 * Makes a namespace with agents on the first node that takes pods. What a killed run of this clone left is removed first.
 * @throws Error in one line with what to do: no access, no node, an image that cannot be had, no agent.
 */
export async function openSidecarPods(envoy: EnvoyBinary, options: SidecarPodOptions): Promise<SidecarHost> {
  const { owner = thisClone() } = options;
  const client = KubernetesClient.fromFile(options.kubeconfig);
  const { nodes } = await checkCluster(client, { nodes: 1, profile: 'none' });
  const frame = { namespace: `sidecar-workbench-sidecar-${owner}`, owner };
  await removeApplications(client, ownedBy(owner));
  try {
    await client.apply([namespaceObject('none', frame), serviceObject(frame)]);
    const agents = await startAgents(client, nodes, frame, options);
    return await asHost({ client, frame, agents, agent: theAgent(agents), node: nodes[0], envoy, options });
  } catch (error) {
    await removeApplications(client, ownedBy(owner)).catch(() => undefined); // what went wrong first is what is told
    throw error;
  }
}

interface Place {
  client: KubernetesClient;
  frame: Frame;
  agents: Agents;
  /** Of the node. */
  agent: Agent;
  node: string;
  envoy: EnvoyBinary;
  options: SidecarPodOptions;
}

function theAgent({ ofNodes: [agent] }: Agents): Agent {
  if ('why' in agent) throw new Error(`a single sidecar as a pod is measured by an agent on its node, but ${agent.why}`);
  return agent;
}

async function asHost(place: Place): Promise<SidecarHost> {
  const { client, frame, agents, agent } = place;
  const cpus = await agent.tools.planCpus();
  for (const each of [agent, agents.load]) await each?.useCpus(cpus.others);
  return {
    machine: await agent.tools.machine(), cpus, tools: agent.tools,
    deploy: async (config, { wrap, backend } = {}) => {
      if (wrap || (backend && backend !== podBackend.name)) throw new Error('a sidecar in a pod runs under no other program and before the Node echo only; unset WORKBENCH_KUBECONFIG to measure this on this machine');
      return deploy({ ...place, cpus }, config);
    },
    close: async () => {
      closeAgents(agents);
      await removeApplications(client, ownedBy(frame.owner));
    },
  };
}

async function deploy(place: Place & Pick<SidecarHost, 'cpus'>, config: SidecarConfig): Promise<DeployedSidecar> {
  const { client, frame, agent, agents, cpus, envoy } = place;
  const rendered = render(config, {
    listener: { host: '0.0.0.0', port: ports.listener }, admin: { host: '127.0.0.1', port: ports.admin }, upstream: { host: '127.0.0.1', port: ports.echo },
    certificate: { cert: `${folder}/${files.cert}`, key: `${folder}/${files.key}` },
  });
  const objects = [await configObject(rendered, frame), podObject(place)];
  try {
    await client.apply(objects);
    const pod = await untilPodReady(client, names.pod, podSelection(frame), readyTimeoutMs).catch(async (error: Error) => { throw await withLastWords(error, place); });
    const [{ envoy: running }, echo] = await agent.containers([containerId(pod, names.envoy), containerId(pod, names.echo)]);
    if (!running || echo.pids.length === 0) throw new Error(`the agent on node ${place.node} does not find the pod's processes; does the node show control groups in /proc/PID/cgroup?`);
    const { load, address } = await wayTo(client, { name: names.pod, port: ports.listener }, frame, pod, agents);
    // Before threads get their cores: Envoy starts the one that flushes its access log with the worker's (lib/deploy/envoy.ts).
    await untilAnswered(load, { address, tls: rendered.tls }, '/');
    await agent.tools.place({ pid: running.pid, tid: running.workerTid }, echo.pids, cpus);
    const name = { namespace: frame.namespace, name: names.pod };
    const ending = async () => whatEnded([pod], await client.list<V1Pod>(podSelection(frame)));
    return {
      sidecar: {
        ...running, address, admin: { host: pod.status!.podIP!, port: ports.admin }, tls: rendered.tls, envoy, yaml: rendered.yaml, normalisedYaml: normalise(rendered.yaml), ending,
        stats: async () => parseStats(await runInPod(client, name, names.echo, fetchCommand(`http://127.0.0.1:${ports.admin}${statsPage}`)), `${names.pod}${statsPage}`),
      },
      backend: { ...podBackend, pid: echo.pids[0], ending },
      tools: agent.tools, load, cpus,
      stop: () => remove(client, frame),
    };
  } catch (error) {
    await remove(client, frame).catch(() => undefined); // what went wrong first is what is told
    throw error;
  }
}

/** What Envoy itself says of a configuration that it does not take. */
async function withLastWords(error: Error, { client, frame }: Place): Promise<Error> {
  const log = await client.get(`/api/v1/namespaces/${frame.namespace}/pods/${names.pod}/log?container=${names.envoy}&tailLines=20`).catch(() => '');
  return log.trim() === '' ? error : new Error(`${error.message}; Envoy's last words: ${lastError(log)}`);
}

function podSelection({ namespace }: Frame): Selection {
  return { apiVersion: 'v1', kind: 'Pod', plural: 'pods', namespace, labels: `app=${names.pod}` };
}

/** Resolves when it no longer runs: the next one would share its cores. */
async function remove(client: KubernetesClient, frame: Frame): Promise<void> {
  for (const kind of ['Pod', 'ConfigMap']) await client.delete({ apiVersion: 'v1', kind, metadata: { name: names.pod, namespace: frame.namespace } });
  await client.watchUntil<V1Pod, true>(podSelection(frame), (left) => (left.length === 0 ? true : null), { timeoutMs: goneTimeoutMs, describe: () => `pod ${names.pod} is still being deleted` });
}

async function configObject({ yaml, tls }: Rendered, frame: Frame): Promise<V1ConfigMap> {
  const certificate = tls ? await ensureCertificate() : null;
  const read = (file: string) => fs.readFileSync(file, 'utf8');
  return {
    apiVersion: 'v1', kind: 'ConfigMap',
    metadata: { name: names.pod, namespace: frame.namespace, labels: labelsOf(frame) },
    data: { [files.config]: yaml, ...(certificate && { [files.cert]: read(certificate.cert), [files.key]: read(certificate.key) }) },
  };
}

/** By which clients outside of the cluster reach the pod. */
function serviceObject(frame: Frame): V1Service {
  return {
    apiVersion: 'v1', kind: 'Service',
    metadata: { name: names.pod, namespace: frame.namespace, labels: labelsOf(frame) },
    spec: { type: 'NodePort', selector: { app: names.pod }, ports: [{ port: ports.listener, protocol: 'TCP' }] },
  };
}

function podObject({ frame, node, options: { image } }: Place): V1Pod {
  const container = (name: string, command: string[]): V1Container => ({ name, image, imagePullPolicy: 'IfNotPresent', command });
  return {
    apiVersion: 'v1', kind: 'Pod',
    metadata: { name: names.pod, namespace: frame.namespace, labels: { ...labelsOf(frame, names.pod), 'sidecar.istio.io/inject': 'false' } },
    spec: {
      nodeSelector: { 'kubernetes.io/hostname': node },
      containers: [
        container(names.echo, echoCommand(ports.echo)),
        {
          ...container(names.envoy, envoyCommand(['-c', `${folder}/${files.config}`, ...quietly, ...oneWorker])),
          volumeMounts: [{ name: 'configuration', mountPath: folder }],
          // Asked until it answers once, as an application's containers are.
          startupProbe: { tcpSocket: { port: ports.listener }, periodSeconds: 1, failureThreshold: 30 },
        },
      ],
      volumes: [{ name: 'configuration', configMap: { name: names.pod } }],
      enableServiceLinks: false,
      automountServiceAccountToken: false,
      restartPolicy: 'Never',
      terminationGracePeriodSeconds: 0,
    },
  };
}
