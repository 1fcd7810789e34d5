/** Takes applications down again by their labels, also those of a run that was killed. */
import type { V1Deployment, V1Namespace, V1Pod } from '@kubernetes/client-node';
import type { KubernetesClient, Selection } from './client.js';
import { agentLabel, managedBy } from './manifests.js';

const goneTimeoutMs = 60_000;

/**
 * Removes applications from a cluster, and waits until they are gone.
 * @param labels which; all that the workbench ever put there when left out.
 * @throws Error when something is not gone in time.
 */
export async function removeApplications(client: KubernetesClient, labels: string = managedBy): Promise<void> {
  const namespaces: Selection = { apiVersion: 'v1', kind: 'Namespace', plural: 'namespaces', labels };
  const found = await client.list<V1Namespace>(namespaces);
  await Promise.all(found.map(({ metadata }) => empty(client, metadata!.name!, labels)));
  for (const { metadata } of found) await client.delete({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: metadata?.name } });
  if (found.length > 0) await untilGone(client, namespaces);
}

/** Pods first: a namespace that still holds some looks for them only every now and then. */
async function empty(client: KubernetesClient, namespace: string, labels: string): Promise<void> {
  const deployments = await client.list<V1Deployment>({ apiVersion: 'apps/v1', kind: 'Deployment', plural: 'deployments', namespace, labels });
  for (const { metadata } of deployments) await client.delete({ apiVersion: 'apps/v1', kind: 'Deployment', metadata });
  const agents = await client.list<V1Pod>({ apiVersion: 'v1', kind: 'Pod', plural: 'pods', namespace, labels: `${labels},${agentLabel}` });
  for (const { metadata } of agents) await client.delete({ apiVersion: 'v1', kind: 'Pod', metadata });
  await untilGone(client, { apiVersion: 'v1', kind: 'Pod', plural: 'pods', namespace, labels });
}

async function untilGone(client: KubernetesClient, selection: Selection): Promise<void> {
  await client.watchUntil<V1Pod | V1Namespace, true>(selection, (left) => (left.length === 0 ? true : null), {
    timeoutMs: goneTimeoutMs,
    describe: (left) => `${selection.plural} still being deleted: ${left.map(({ metadata }) => metadata?.name).join(', ')}; see: kubectl get ${selection.plural} -A -o yaml`,
  });
}
