/** The proof that a cluster does what it is for: a request answered through a sidecar that Istio's webhook injected. */
import type { KubernetesObject, V1Pod } from '@kubernetes/client-node';
import { request } from 'undici';
import { KubernetesClient } from '../kubernetes/client.js';
import { imageNames } from './images.js';

const namespace = 'sidecar-workbench-proof';
const port = 8080;
const podTimeoutMs = 120_000;

export interface Proof {
  status: number;
  /** The answer's header `server`: `istio-envoy` when a sidecar sent it. */
  server: string;
  /** Names of the pod's containers. */
  containers: string[];
}

/**
 * Starts a pod in a namespace that is marked for injection and asks it once, from this machine; then removes it.
 * @throws Error when the pod is not ready in time.
 */
export async function proveInjection(kubeconfig: string): Promise<Proof> {
  const client = KubernetesClient.fromFile(kubeconfig);
  await client.apply(objects());
  try {
    const pod = await client.watchUntil<V1Pod, V1Pod>(
      { apiVersion: 'v1', kind: 'Pod', plural: 'pods', namespace },
      (pods) => pods.find(isReady) ?? null,
      { timeoutMs: podTimeoutMs, describe: (pods) => `the pod of the proof: ${JSON.stringify((pods as V1Pod[]).map(({ status }) => status?.containerStatuses?.map(({ state }) => state)))}` },
    );
    const { statusCode, headers, body } = await request(`http://${pod.status!.podIP}:${port}/`);
    await body.dump();
    return { status: statusCode, server: String(headers.server), containers: pod.spec!.containers.map(({ name }) => name) };
  } finally {
    await client.delete({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  }
}

function isReady({ status }: V1Pod): boolean {
  return status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') ?? false;
}

function objects(): KubernetesObject[] {
  const labels = { app: 'proof' };
  const container = { name: 'echo', image: imageNames.echo, imagePullPolicy: 'IfNotPresent', ports: [{ name: 'http', containerPort: port }] };
  const template = { metadata: { labels }, spec: { terminationGracePeriodSeconds: 0, containers: [container] } };
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace, labels: { 'istio-injection': 'enabled' } } },
    { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'proof', namespace }, spec: { selector: { matchLabels: labels }, template } } as KubernetesObject,
  ];
}
