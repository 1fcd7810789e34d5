/**
 * A real Kubernetes cluster with Istio on this machine: nodes in namespaces, the control plane in the first, sidecars
 * injected by Istio's own webhook. It lives as long as the process that started it and ends with it, however that ends.
 */
import * as fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KubernetesObject, V1Deployment, V1Node } from '@kubernetes/client-node';
import { parseAllDocuments } from 'yaml';
import { projectPath } from '../../host/paths.js';
import { KubernetesClient } from '../kubernetes/client.js';
import { whyNoCluster } from './availability.js';
import { makeCertificates } from './certificates.js';
import { removeCgroups } from './cgroups.js';
import { startApiServer, startControllers } from './control-plane.js';
import { ensureImages } from './images.js';
import { linkNodes, unlinkMachine } from './node-network.js';
import { importImage, startContainerd, startNodeAgents } from './node-services.js';
import { startNode, type ClusterNode } from './node.js';
import { markReady, takeOwnership } from './owner.js';
import { clusterPath, kubeconfigFile, planNode, statePath } from './places.js';

const apiTimeoutMs = 60_000;
const nodeTimeoutMs = 60_000;
const podsTimeoutMs = 120_000;

export interface Cluster {
  /** Of its administrator. */
  kubeconfig: string;
  nodes: ClusterNode[];
  /** Which of its programs is gone, how it ended and its last words; null while all run. */
  ending(): Promise<string | null>;
  /** Ends every process, and with them namespaces, network and mounts; then what they leave on disk. */
  stop(): Promise<void>;
}

/**
 * Brings up a cluster whose parts are built, with Istio ready to inject.
 * @param options.nodes how many; 1 when left out.
 * @param options.log is told what is done, with the seconds since the start.
 * @throws Error when this machine cannot, when something is not ready in time, or with a program's last words.
 */
export async function startCluster(options: { nodes?: number; log?: (line: string) => void } = {}): Promise<Cluster> {
  const reason = await whyNoCluster();
  if (reason) throw new Error(reason);
  const say = timed(options.log ?? (() => undefined));
  await takeOwnership(options.nodes ?? 1);
  const nodes: ClusterNode[] = [];
  const stop = async () => {
    await Promise.all(nodes.map((node) => node.stop()));
    await removeWhatStays();
  };
  try {
    const images = await ensureImages(say);
    const plans = Array.from({ length: options.nodes ?? 1 }, (_, index) => planNode(index));
    await makeCertificates(statePath('certificates'), plans);
    fs.copyFileSync(statePath('certificates', 'admin.kubeconfig'), kubeconfigFile());
    for (const plan of plans) nodes.push(await startNode(plan));
    await linkNodes(nodes);
    say(`${nodes.length} node${nodes.length > 1 ? 's' : ''} linked`);
    await watched(nodes, bringUp(nodes, images, say));
    markReady(nodes.map(({ pid }) => pid));
    return { kubeconfig: kubeconfigFile(), nodes, ending: () => firstEnding(nodes), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function bringUp(nodes: ClusterNode[], images: string[], say: (line: string) => void): Promise<void> {
  const client = KubernetesClient.fromFile(kubeconfigFile());
  await startApiServer(nodes[0]);
  const imported = Promise.all(nodes.map(async (node) => {
    await startContainerd(node);
    for (const file of images) await importImage(node.pid, file);
  })).then(() => say('images imported'));
  await Promise.all([imported, startControlPlane(nodes[0], client, say)]);
  // Only now: a kubelet that finds no image tries to pull it, and then waits ten seconds.
  for (const node of nodes) await startNodeAgents(node);
  await untilNodesReady(client, nodes.length);
  say('nodes ready');
  await untilDeployed(client, 'kube-system', 'coredns');
  await untilDeployed(client, 'istio-system', 'istiod');
  say('CoreDNS and istiod ready');
}

async function startControlPlane(node: ClusterNode, client: KubernetesClient, say: (line: string) => void): Promise<void> {
  const started = Date.now();
  while (!await client.isReady()) {
    if (Date.now() - started > apiTimeoutMs) throw new Error(`the API server is not ready after ${apiTimeoutMs / 1000} s; its log: ${statePath('node1', 'kube-apiserver.log')}`);
    await sleep(100);
  }
  say('API server ready');
  await startControllers(node);
  await client.apply(manifest(projectPath('environment', 'cluster', 'coredns', 'manifest.yaml')));
  await client.apply([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'istio-system' } }, ...manifest(clusterPath('istio', 'manifest.yaml'))]);
  say('manifests applied');
}

/** The objects of a manifest's file; charts leave documents empty. */
function manifest(file: string): KubernetesObject[] {
  const documents = parseAllDocuments(fs.readFileSync(file, 'utf8'));
  return documents.map((document) => document.toJS() as KubernetesObject | null).filter((object): object is KubernetesObject => object !== null);
}

async function untilNodesReady(client: KubernetesClient, count: number): Promise<void> {
  const ready = (node: V1Node) => node.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True');
  await client.watchUntil<V1Node, true>(
    { apiVersion: 'v1', kind: 'Node', plural: 'nodes' },
    (found) => (found.filter(ready).length === count ? true : null),
    { timeoutMs: nodeTimeoutMs, describe: (found) => `${(found as V1Node[]).filter(ready).length} of ${count} nodes; their logs: ${statePath()}/node*/kubelet.log` },
  );
}

async function untilDeployed(client: KubernetesClient, namespace: string, name: string): Promise<void> {
  await client.watchUntil<V1Deployment, true>(
    { apiVersion: 'apps/v1', kind: 'Deployment', plural: 'deployments', namespace },
    (found) => (found.some(({ metadata, status }) => metadata?.name === name && (status?.availableReplicas ?? 0) > 0) ? true : null),
    { timeoutMs: podsTimeoutMs, describe: () => `${name}; see: kubectl --kubeconfig ${kubeconfigFile()} -n ${namespace} describe pods` },
  );
}

/** The work, unless a program it waits for ends before. */
async function watched<T>(nodes: ClusterNode[], work: Promise<T>): Promise<T> {
  let over = false;
  const guard = (async () => {
    while (!over) {
      const ending = await firstEnding(nodes);
      if (ending) throw new Error(ending);
      await sleep(200);
    }
    return work;
  })();
  try {
    return await Promise.race([work, guard]);
  } finally {
    over = true;
    guard.catch(() => undefined);
  }
}

async function firstEnding(nodes: ClusterNode[]): Promise<string | null> {
  for (const node of nodes) {
    const ending = await node.ending();
    if (ending) return ending;
  }
  return null;
}

/** What is left when all processes are gone: the link, control groups, which the last of them leave a moment later, and files. */
export async function removeWhatStays(): Promise<void> {
  await unlinkMachine();
  for (let tries = 0; tries < 50 && removeCgroups() > 0; tries++) await sleep(50);
  fs.rmSync(statePath(), { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
}

function timed(log: (line: string) => void): (line: string) => void {
  const started = performance.now();
  return (line) => log(`${((performance.now() - started) / 1000).toFixed(1)} s: ${line}`);
}
