/** What an application needs of a cluster, asked before anything is put into it. */
import { VersionApi, type KubernetesObject, type V1Node } from '@kubernetes/client-node';
import type { ApplicationSpec } from '../application.js';
import { nameOf, type KubernetesClient } from './client.js';
import { explain } from './errors.js';
import { chooseNodes } from './placement.js';

/** Server-side apply, and everything else that is used here, is stable since this minor version. */
const oldestMinor = 22;

export interface ClusterFacts {
  /** `v1.28.15` */
  kubernetes: string;
  /** Image of Istio's control plane, e.g. `docker.io/istio/pilot:1.20.3`; null without a mesh. */
  istio: string | null;
  /** Names of the nodes that the application gets. */
  nodes: string[];
}

/**
 * @throws Error in one line with what to do: no access, too old a version, too few nodes, no Istio.
 */
export async function checkCluster(client: KubernetesClient, spec: Pick<ApplicationSpec, 'nodes' | 'profile'>): Promise<ClusterFacts> {
  const kubernetes = await versionOf(client);
  const nodes = chooseNodes(await client.list<V1Node>({ apiVersion: 'v1', kind: 'Node', plural: 'nodes' }), spec.nodes);
  const istio = spec.profile === 'none' ? null : await istioOf(client);
  return { kubernetes, istio, nodes };
}

async function versionOf(client: KubernetesClient): Promise<string> {
  try {
    const { gitVersion, major, minor } = await client.config.makeApiClient(VersionApi).getCode();
    if (Number(major) === 1 && parseInt(minor, 10) < oldestMinor) {
      throw new Error(`the cluster runs Kubernetes ${gitVersion}, older than 1.${oldestMinor}; use a newer one (the paper's is 1.28)`);
    }
    return gitVersion;
  } catch (error) {
    throw (error as Error).message.startsWith('the cluster runs') ? error : explain(error, 'ask for the version', client.server);
  }
}

interface Webhooks extends KubernetesObject {
  webhooks?: { clientConfig?: { service?: { name: string; namespace: string } } }[];
}

/** Which pods' creation Istio hears of, and whether it runs. */
async function istioOf(client: KubernetesClient): Promise<string> {
  const hooks = await client.list<Webhooks>({ apiVersion: 'admissionregistration.k8s.io/v1', kind: 'MutatingWebhookConfiguration', plural: 'mutatingwebhookconfigurations' });
  const injector = hooks.filter(({ metadata }) => /sidecar-injector/.test(metadata?.name ?? '')).flatMap(({ webhooks }) => webhooks ?? []);
  const service = injector.find(({ clientConfig }) => clientConfig?.service)?.clientConfig?.service;
  if (!service) throw new Error('the cluster has no webhook that injects sidecars; install Istio (istioctl install --set profile=default), or choose the profile none');
  const pods = await client.list<KubernetesObject & { spec: { containers: { image: string }[] }; status: { phase?: string } }>(
    { apiVersion: 'v1', kind: 'Pod', plural: 'pods', namespace: service.namespace, labels: 'app=istiod' });
  const running = pods.find(({ status }) => status.phase === 'Running');
  if (!running) throw new Error(`Istio's webhook names the service ${service.name} in ${service.namespace}, behind which no istiod runs; see: kubectl -n ${service.namespace} get pods`);
  return running.spec.containers[0].image;
}

/**
 * That all of these live in a namespace: what does not would meet, and stay behind for, others on the cluster.
 * @throws Error naming the first that does not, or whose kind the cluster does not know.
 */
export async function checkScopes(client: KubernetesClient, objects: KubernetesObject[]): Promise<void> {
  for (const object of objects) {
    if (!await client.isNamespaced(object)) throw new Error(`the manifests have a ${nameOf(object)}, which belongs to the whole cluster; the workbench only fills a namespace of its own: take it out of them, or apply it yourself`);
  }
}
