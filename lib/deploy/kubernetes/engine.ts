/** A Kubernetes cluster as what carries applications and single sidecars: the one of a kubeconfig. */
import * as path from 'node:path';
import { VersionApi, type V1Node } from '@kubernetes/client-node';
import type { CallGraph } from '../../apps/call-graph.js';
import { isNodeCollector } from '../../counters/node-tools.js';
import type { Availability } from '../../host/availability.js';
import type { Carrier } from '../../store/run-key.js';
import type { ApplicationEngine, ApplicationSpec, Refusal } from '../application.js';
import { imageRegistry } from '../cluster/images.js';
import type { ImageSpec } from '../cluster/oci-image.js';
import { kubeconfigFile } from '../cluster/places.js';
import { provideImage } from '../cluster/provide-image.js';
import type { SidecarHost } from '../deployed-sidecar.js';
import { speaksMysql } from '../policy.js';
import type { EnvoyBinary, SidecarConfig } from '../types.js';
import { agentImage } from './agent/image.js';
import { describeOnKubernetes, startOnKubernetes, type KubernetesOptions } from './application.js';
import { KubernetesClient } from './client.js';
import { emulatorImage } from './emulator-image.js';
import { chooseNodes } from './placement.js';
import { sidecarImage } from './sidecar-image.js';
import { openSidecarPods, podBackend } from './sidecar-pods.js';

export interface ClusterImages {
  /** Of the emulator, with the stores that the graph has. */
  emulator?: string;
  /** Of the agents. */
  agent?: string;
  /** Of single sidecars. */
  sidecar?: string;
}

export interface ClusterAccess {
  /** Path of the kubeconfig. */
  kubeconfig: string;
  /** As the cluster's nodes get them; the cluster of this machine is given its own when left out. */
  images?: ClusterImages;
  /** `cluster` for load from a pod; this machine when left out. */
  loadFrom?: 'cluster';
}

export function kubernetesEngine({ kubeconfig, images = {}, loadFrom }: ClusterAccess): ApplicationEngine {
  const optionsFor = async ({ graph, manifests }: ApplicationSpec): Promise<KubernetesOptions> => ({
    kubeconfig, loadFrom, agentImage: images.agent ?? await ownAgent(kubeconfig),
    image: manifests === undefined ? images.emulator ?? await ownImage(graph, kubeconfig) : undefined,
  });
  return {
    name: 'kubernetes',
    probe: () => probeCluster(kubeconfig),
    refusal: async ({ nodes, wrapsSidecars }) => (wrapsSidecars ? noWrapping : tooFewNodes(kubeconfig, nodes)),
    describe: async (spec) => describeOnKubernetes(spec, await optionsFor(spec)),
    start: async (spec, options = {}) => {
      if (options.wrapSidecar) throw new Error(`${noWrapping.reason}; ${noWrapping.remedy}`);
      return startOnKubernetes(spec, await optionsFor(spec));
    },
  };
}

/** Single sidecars, a pod each. */
export interface SidecarPods {
  /** Whether it works here. */
  probe(): Promise<Availability>;
  /** Why such runs are not to be had there, whatever happens; null where they may. */
  refusal(run: { config: SidecarConfig; collector: string }): Refusal | null;
  carrier(): Promise<Carrier>;
  /** Of every pod. */
  backend: { name: string; version: string };
  /** @throws Error as `openSidecarPods`. */
  open(envoy: EnvoyBinary): Promise<SidecarHost>;
}

export function sidecarPodsOn({ kubeconfig, images = {}, loadFrom }: ClusterAccess): SidecarPods {
  return {
    probe: () => probeCluster(kubeconfig),
    refusal: ({ config, collector }) => {
      if (collector !== 'cpu-time' && !isNodeCollector(collector)) return { what: `with ${collector}`, ...onlyHere('agents have no such collector: it brings the sidecar up itself, stops it between instructions, or takes Python') };
      return speaksMysql(config) ? { what: `of ${config.label}`, ...onlyHere('the pod has no database') } : null;
    },
    carrier: async () => ({ engine: 'kubernetes', version: await versionOf(kubeconfig), loadFrom }),
    backend: podBackend,
    open: async (envoy) => openSidecarPods(envoy, {
      kubeconfig, loadFrom, agentImage: images.agent ?? await ownAgent(kubeconfig), image: images.sidecar ?? await ownSidecar(envoy, kubeconfig),
    }),
  };
}

function onlyHere(why: string): Pick<Refusal, 'reason' | 'remedy'> {
  return { reason: `not as a pod: ${why}`, remedy: 'unset WORKBENCH_KUBECONFIG to measure it on this machine' };
}

async function versionOf(kubeconfig: string): Promise<string> {
  return (await KubernetesClient.fromFile(kubeconfig).config.makeApiClient(VersionApi).getCode()).gitVersion;
}

async function probeCluster(kubeconfig: string): Promise<Availability> {
  try {
    return { available: true, version: await versionOf(kubeconfig) };
  } catch (error) {
    return { available: false, reason: `the cluster of ${kubeconfig} does not answer (${(error as Error).message.split('\n')[0]})`, remedy: 'check WORKBENCH_KUBECONFIG, or unset it to use network namespaces of this machine' };
  }
}

/** The image of the emulator with the graph's stores, given to the nodes of this machine's own cluster, once. */
function ownImage(graph: CallGraph, kubeconfig: string): Promise<string> {
  if (!isOwn(kubeconfig)) throw notTold(kubeconfig, 'the emulator');
  return given(`emulator-${graph.id}`, () => emulatorImage([graph], imageRegistry));
}

async function ownSidecar(envoy: EnvoyBinary, kubeconfig: string): Promise<string> {
  if (!isOwn(kubeconfig)) throw notTold(kubeconfig, 'a single sidecar');
  return given('sidecar', () => sidecarImage(envoy, imageRegistry));
}

function notTold(kubeconfig: string, whose: string): Error {
  return new Error(`the cluster of ${kubeconfig} has to be told where the image of ${whose} is: write it with \`npm run cluster -- images --registry NAME FOLDER\`, which says what to do then`);
}

async function ownAgent(kubeconfig: string): Promise<string | undefined> {
  return isOwn(kubeconfig) ? given('agent', () => agentImage(imageRegistry)) : undefined;
}

function isOwn(kubeconfig: string): boolean {
  return path.resolve(kubeconfig) === path.resolve(kubeconfigFile());
}

const provided = new Map<string, Promise<string>>();

/** Gives the nodes an image, once. @returns its name. */
function given(id: string, make: () => Promise<ImageSpec>): Promise<string> {
  const known = provided.get(id) ?? make().then(async (spec) => {
    await provideImage(id, spec);
    return spec.name;
  });
  provided.set(id, known);
  return known;
}

const noWrapping: Refusal = {
  what: 'with sidecars under another program, e.g. Valgrind',
  reason: 'sidecars on a cluster are started by it and cannot be put under another program',
  remedy: 'unset WORKBENCH_KUBECONFIG to count their instructions on this machine',
};

async function tooFewNodes(kubeconfig: string, nodes: number): Promise<Refusal | null> {
  const all = await KubernetesClient.fromFile(kubeconfig).list<V1Node>({ apiVersion: 'v1', kind: 'Node', plural: 'nodes' });
  try {
    chooseNodes(all, nodes);
    return null;
  } catch (error) {
    const [reason, remedy] = (error as Error).message.split('; ');
    return { what: `on ${nodes} nodes`, reason, remedy };
  }
}
