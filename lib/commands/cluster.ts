/**
 * `npm run cluster -- build|up|down|status`: a real Kubernetes cluster with Istio on this machine.
 *   build   builds its parts from source, once for a version (about 16 minutes); `--keep-go-caches` makes the next build faster
 *   up      brings it up, builds what is missing, and proves that a sidecar is injected; `--nodes 2` for more nodes
 *   down    ends it; also removes what a killed one left
 *   status  says what is up, and the kubeconfig to use it by
 *   images  writes the images that a cluster of your own needs, and says how it gets them: `images --registry NAME FOLDER`;
 *           of all applications, or with `--graph bookinfo` of one
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { parseArgs } from 'node:util';
import { buildCluster } from '../../environment/cluster/build.mjs';
import { graphById } from '../apps/graph-file.js';
import { paperApplications } from '../experiments/applications.js';
import { whyNoNodes } from '../deploy/cluster/availability.js';
import { imageRegistry } from '../deploy/cluster/images.js';
import { bringUp, keep, takeDown } from '../deploy/cluster/kept-cluster.js';
import { writeImage } from '../deploy/cluster/oci-image.js';
import { currentOwner } from '../deploy/cluster/owner.js';
import { kubeconfigFile } from '../deploy/cluster/places.js';
import { proveInjection } from '../deploy/cluster/proof.js';
import { agentImage } from '../deploy/kubernetes/agent/image.js';
import { findEnvoy } from '../deploy/envoy-binary.js';
import { emulatorImage } from '../deploy/kubernetes/emulator-image.js';
import { sidecarImage } from '../deploy/kubernetes/sidecar-image.js';
import { endLeftovers } from '../host/process.js';
import { runMain } from './main.js';

const actions: Record<string, (options: Options) => Promise<void>> = { build, up, down, status, images, keep: (options) => keep(options.nodes, console.log) };

interface Options {
  nodes: number;
  keepGoCaches: boolean;
  graph?: string;
  registry: string;
  folder?: string;
}

runMain(async () => {
  const { values, positionals: [action, folder] } = parseArgs({
    allowPositionals: true,
    options: {
      nodes: { type: 'string', default: '1' }, 'keep-go-caches': { type: 'boolean', default: false },
      graph: { type: 'string' }, registry: { type: 'string', default: imageRegistry },
    },
  });
  const nodes = Number(values.nodes);
  if (!Number.isInteger(nodes) || nodes < 1 || nodes > 5) throw new Error(`--nodes ${values.nodes} is not from 1 to 5`);
  if (!(action in actions)) throw new Error(`${action ? `there is no '${action}'` : 'nothing was asked for'}; say npm run cluster -- build, up, down, status or images`);
  await actions[action]({ nodes, keepGoCaches: values['keep-go-caches'], graph: values.graph, registry: values.registry, folder });
});

async function build({ keepGoCaches }: Options): Promise<void> {
  const started = performance.now();
  try {
    const { ran } = await buildCluster({ keepGoCaches });
    console.log(ran.length === 0 ? 'cluster: everything is built' : `cluster: built in ${seconds(started)}`);
  } catch (error) {
    const { message, remedy } = error as Error & { remedy?: string }; // of a step that failed
    throw remedy ? new Error(`${message}; ${remedy}`) : error;
  }
}

async function up(options: Options): Promise<void> {
  const reason = await whyNoNodes();
  if (reason) throw new Error(reason);
  for (const name of endLeftovers()) console.log(`ended ${name}, left behind by a killed run`);
  await build(options);
  const started = performance.now();
  await bringUp(options.nodes, console.log);
  const { status: code, server, containers } = await proveInjection(kubeconfigFile());
  console.log(`proof: ${code} from ${server} after ${seconds(started)}, sent by the sidecar injected into a pod of ${containers.join(' and ')}`);
  console.log(`export KUBECONFIG=${kubeconfigFile()}`);
}

async function down(): Promise<void> {
  const started = performance.now();
  const wasUp = await takeDown();
  console.log(wasUp ? `the cluster is down after ${seconds(started)}` : 'no cluster was up');
}

async function status(): Promise<void> {
  const owner = currentOwner();
  if (!owner) return console.log('no cluster is up; bring one up with: npm run cluster -- up');
  console.log(`a cluster of ${owner.nodes} is ${owner.nodePids ? 'up' : 'coming up'} since ${owner.since} (process ${owner.pid}); export KUBECONFIG=${kubeconfigFile()}`);
}

async function images({ graph, registry, folder }: Options): Promise<void> {
  if (!folder) throw new Error('npm run cluster -- images FOLDER: say where they are to be written');
  fs.mkdirSync(folder, { recursive: true });
  const graphs = (graph ? [graph] : paperApplications).map((id) => graphById(id));
  const written = { 'emulator.tar': await emulatorImage(graphs, registry), 'agent.tar': await agentImage(registry), 'sidecar.tar': await sidecarImage(await findEnvoy(), registry) };
  for (const [name, spec] of Object.entries(written)) await writeImage(spec, path.join(folder, name));
  for (const [name, spec] of Object.entries(written)) console.log(`skopeo copy oci-archive:${path.join(folder, name)} docker://${spec.name}`);
  console.log(`export WORKBENCH_IMAGE=${written['emulator.tar'].name} WORKBENCH_AGENT_IMAGE=${written['agent.tar'].name} WORKBENCH_SIDECAR_IMAGE=${written['sidecar.tar'].name}`);
}

function seconds(started: number): string {
  return `${((performance.now() - started) / 1000).toFixed(1)} s`;
}
