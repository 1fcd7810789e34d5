/** A Kubernetes cluster as what carries applications: the one of a kubeconfig. */
import * as path from 'node:path';
import { VersionApi } from '@kubernetes/client-node';
import type { CallGraph } from '../../apps/call-graph.js';
import type { Availability } from '../../host/availability.js';
import type { ApplicationEngine, ApplicationSpec, EngineOptions } from '../application.js';
import { imageRegistry } from '../cluster/images.js';
import { kubeconfigFile } from '../cluster/places.js';
import { provideImage } from '../cluster/provide-image.js';
import { describeOnKubernetes, startOnKubernetes, type KubernetesOptions } from './application.js';
import { KubernetesClient } from './client.js';
import { emulatorImage } from './emulator-image.js';

/**
 * @param kubeconfig its path.
 * @param image of the emulator, as the cluster's nodes get it; the cluster of this machine is given its own when left out.
 */
export function kubernetesEngine(kubeconfig: string, image?: string): ApplicationEngine {
  const optionsFor = async ({ graph, manifests }: ApplicationSpec): Promise<KubernetesOptions> => (
    manifests === undefined ? { kubeconfig, image: image ?? await ownImage(graph, kubeconfig) } : { kubeconfig });
  return {
    name: 'kubernetes',
    probe: () => probeCluster(kubeconfig),
    describe: async (spec) => describeOnKubernetes(spec, await optionsFor(spec)),
    start: async (spec, options = {}) => {
      refuseWrapping(options);
      return startOnKubernetes(spec, await optionsFor(spec));
    },
  };
}

async function probeCluster(kubeconfig: string): Promise<Availability> {
  try {
    const { gitVersion } = await KubernetesClient.fromFile(kubeconfig).config.makeApiClient(VersionApi).getCode();
    return { available: true, version: gitVersion };
  } catch (error) {
    return { available: false, reason: `the cluster of ${kubeconfig} does not answer (${(error as Error).message.split('\n')[0]})`, remedy: 'check WORKBENCH_KUBECONFIG, or unset it to use network namespaces of this machine' };
  }
}

const provided = new Map<string, Promise<string>>();

/** The image of the emulator with the graph's stores, given to the nodes of this machine's own cluster, once. */
function ownImage(graph: CallGraph, kubeconfig: string): Promise<string> {
  if (path.resolve(kubeconfig) !== path.resolve(kubeconfigFile())) {
    throw new Error(`the cluster of ${kubeconfig} has to be told where the emulator's image is: write it with \`npm run cluster -- image --graph ${graph.id} --registry NAME FILE\`, push it, and set WORKBENCH_IMAGE to its name`);
  }
  const known = provided.get(graph.id) ?? emulatorImage(graph, imageRegistry).then(async (spec) => {
    await provideImage(`emulator-${graph.id}`, spec);
    return spec.name;
  });
  provided.set(graph.id, known);
  return known;
}

function refuseWrapping({ wrapSidecar }: EngineOptions): void {
  if (wrapSidecar) throw new Error('sidecars on a cluster are started by it and cannot be put under another program, e.g. Valgrind; unset WORKBENCH_KUBECONFIG to count their instructions on this machine');
}
