/**
 * Brings an application up on this one machine: pods as network namespaces, nodes as bridges, real interception, a real Envoy
 * in every pod, and takes it down again.
 *
 * All pods share the cores they are given, one by default, so that the load generator has the others for itself; nodes are
 * places in the network, not computers. A request therefore costs what its pods spend, one after another, whatever the nodes.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { stringify } from 'yaml';
import { entryPath } from '../../apps/call-graph.js';
import { backendVersion, programOf, seedingOf } from '../../apps/programs.js';
import { onThisMachine } from '../../counters/node-tools.js';
import { pin, planCpus, type CpuPlan } from '../../host/cpus.js';
import { run, type Daemon } from '../../host/process.js';
import { fromThisMachine } from '../../load/source.js';
import type { ApplicationSpec, DeployedApplication, DeployedPod, DeploymentIdentity, PodSidecar } from '../application.js';
import { findEnvoy } from '../envoy-binary.js';
import { lastError } from '../envoy-start.js';
import { readPodCpu } from '../pod-cpu.js';
import { makeRunFolder, removeRunFolder } from '../run-folder.js';
import type { Address, EnvoyBinary } from '../types.js';
import { collectorPort } from './clusters.js';
import { interceptionRules, loadRules, virtualAddressRules } from './interception.js';
import { frontOf, layOut, type MeshLayout, type MeshPod } from './layout.js';
import { removeMeshLeftovers } from './leftovers.js';
import { meshOf, type Mesh } from './mesh.js';
import type { WorkloadCertificate } from './mutual-tls.js';
import { inPod, writeNames } from './names.js';
import { collectorPod, createNetwork, type MeshNetwork } from './network.js';
import { accessLogOf, startPodSidecar, startProgram, type PodPlace } from './pod.js';
import { renderSidecar, sidecarConfig } from './sidecar.js';
import { requestsOf } from './crossings.js';
import { readSpanCounts, spanCollector, type SpanCounts } from './span-collector.js';
import { workloadCertificates } from './workload-certificates.js';

export interface MeshOptions {
  /** The pinned one by default. */
  envoy?: EnvoyBinary;
  cpus?: CpuPlan;
  /** Cores that all pods share; the plan's worker core by default. */
  podCpus?: number[];
  /** Words put before the command line of a service's Envoy, e.g. of Valgrind; the program must exec Envoy, not fork it. */
  wrapSidecar?: (service: string) => Promise<string[] | undefined> | string[] | undefined;
  /**
   * Whether somebody takes in what sidecars trace, which is so by default, on the cores that pods do not have. Istio's profiles
   * bring nobody: there, sampled spans are built, and lost.
   */
  collector?: boolean;
}

/** With what only this engine has. */
export interface DeployedMesh extends DeployedApplication {
  engine: 'namespaces';
  /** Network namespace of a service's pod, for `ip netns exec`. */
  namespaceOf(service: string): string;
  /** File of a sidecar's access log, which only the profile `demo` has; gone after `stop`. */
  accessLogOf(service: string): string;
  /** Spans taken in so far. @throws Error without a collector. */
  spans(): Promise<SpanCounts>;
}

/**
 * Starts every pod of an application and waits until all serve. Takes root; `probeMesh()` says whether this machine can.
 * @throws Error with the last words of the first program that does not start; nothing is left behind then.
 */
export async function startInNamespaces(spec: ApplicationSpec, options: MeshOptions = {}): Promise<DeployedMesh> {
  refuseManifests(spec);
  await removeMeshLeftovers();
  const bringUp = new BringUp(spec, options);
  try {
    return await bringUp.application();
  } catch (error) {
    await bringUp.stop();
    throw error;
  }
}

/** As `startInNamespaces` would bring it up without further options. */
export async function describeInNamespaces(spec: ApplicationSpec): Promise<DeploymentIdentity> {
  return identityOf(spec, spec.profile !== 'none', defaultPodCpus(planCpus()).length);
}

async function identityOf(spec: ApplicationSpec, collector: boolean, podCores: number): Promise<DeploymentIdentity> {
  refuseManifests(spec);
  return { normalised: normalised(spec, collector, podCores), backend: await backendVersion(spec.graph) };
}

function refuseManifests({ graph, manifests }: ApplicationSpec): void {
  if (manifests !== undefined) throw new Error(`the manifests of ${graph.id} (${manifests}) take a cluster; name one in WORKBENCH_KUBECONFIG, or leave them out to have the emulator play it`);
}

function defaultPodCpus({ worker }: CpuPlan): number[] {
  return [worker];
}

interface Running {
  daemon: Daemon;
  /** How long it may take to stop. */
  stopMs?: number;
  /** Where it is to stay. */
  cpus: number[];
}

/** One application on its way up: what has been started so far, so that all of it can be stopped at any moment. */
class BringUp {
  private readonly folder = makeRunFolder('mesh');
  private readonly cpus: CpuPlan;
  private network: MeshNetwork | undefined;
  private readonly daemons: Running[] = [];

  constructor(private readonly spec: ApplicationSpec, private readonly options: MeshOptions) {
    this.cpus = options.cpus ?? planCpus();
  }

  async application(): Promise<DeployedMesh> {
    const { spec } = this;
    const network = await createNetwork((base) => layOut(spec, base));
    this.network = network;
    const { layout } = network;
    writeNames(this.folder, layout, this.hasCollector());
    const place = (name: string, pod: string, address: string, cpus: number[]): PodPlace => ({
      name, address, namespace: network.namespaceOf(pod), folder: this.folder, cpus: [this.cpus.worker, ...this.cpus.others],
      keep: (daemon, stopMs) => this.daemons.push({ daemon, stopMs, cpus }),
    });
    const ofPod = ({ service: { name }, address }: MeshPod) => place(name, name, address, this.podCpus());
    const collector = place('span-collector', collectorPod, layout.collectorAddress, this.cpus.others);
    const [pods] = await allSettled([
      this.startPods(layout, ofPod),
      this.hasCollector() ? startProgram(collector, spanCollector(collectorPort), collectorPort) : undefined,
    ]);
    await this.settle();
    const front = frontOf(layout, spec);
    return {
      engine: 'namespaces',
      spec,
      load: fromThisMachine,
      target: { address: { host: front.address, port: front.port }, tls: false },
      path: entryPath(spec.graph),
      pods,
      podCores: this.podCpus().length,
      ...await identityOf(spec, this.hasCollector(), this.podCpus().length),
      countRequests: () => Promise.all(pods.map(async ({ sidecar }) => sidecar && requestsOf(await sidecar.stats()))),
      readCpu: () => readPodCpu(pods),
      ending: () => this.ending(),
      stop: () => this.stop(),
      namespaceOf: network.namespaceOf,
      accessLogOf: (service) => accessLogOf(this.folder, service),
      spans: () => {
        if (!this.hasCollector()) throw new Error('nobody takes in spans here; start the application with a collector');
        return readSpanCounts({ host: layout.collectorAddress, port: collectorPort });
      },
    };
  }

  private hasCollector(): boolean {
    return this.spec.profile !== 'none' && this.options.collector !== false;
  }

  /** All start on all cores, which is much faster, and then get those that are theirs. */
  private async settle(): Promise<void> {
    await Promise.all(this.daemons.map(({ daemon, cpus }) => pin(daemon.pid, cpus, { allThreads: true })));
  }

  private podCpus(): number[] {
    return this.options.podCpus ?? defaultPodCpus(this.cpus);
  }

  private async startPods(layout: MeshLayout, placeOf: (pod: MeshPod) => PodPlace): Promise<DeployedPod[]> {
    const { profile } = this.spec;
    const envoy = this.options.envoy ?? (profile === 'none' ? undefined : await findEnvoy());
    const mesh = profile === 'none' ? undefined : meshOf(this.spec, profile, layout);
    const certificates = mesh?.mtls ? await workloadCertificates(mesh.services.map(({ name }) => name)) : undefined;
    const rules = mesh ? interceptionRules() : virtualAddressRules(layout);
    return allSettled(layout.pods.map(async (pod): Promise<DeployedPod> => {
      const place = placeOf(pod);
      await loadRules(place.namespace, rules);
      const [service, sidecar] = await allSettled([
        this.startService(layout, pod, place),
        mesh && envoy && this.startSidecar(mesh, envoy, place, certificates?.get(place.name)),
      ]);
      return {
        service: place.name, node: pod.node, address: { host: pod.address, port: pod.port }, tools: onThisMachine, servicePids: [service.pid], sidecar: sidecar ?? null,
      };
    }));
  }

  private async startService(layout: MeshLayout, pod: MeshPod, place: PodPlace): Promise<Daemon> {
    const { graph } = this.spec;
    const program = await programOf(graph, place.name, { host: '0.0.0.0', port: pod.port }, (callee) => addressFor(layout, callee));
    const daemon = await startProgram(place, program, pod.port);
    const seeding = await seedingOf(graph, place.name, { host: '127.0.0.1', port: pod.port });
    if (seeding) await run(inPod(place.namespace, place.folder, seeding.argv), { env: seeding.env, cpus: place.cpus });
    return daemon;
  }

  private async startSidecar(mesh: Mesh, envoy: EnvoyBinary, place: PodPlace, certificate?: WorkloadCertificate): Promise<PodSidecar> {
    const yaml = renderSidecar(mesh, place.name, certificate);
    const config = path.join(this.folder, `${place.name}.yaml`);
    fs.writeFileSync(config, yaml);
    return startPodSidecar(place, { envoy, config, yaml, wrap: await this.options.wrapSidecar?.(place.name) });
  }

  private async ending(): Promise<string | null> {
    for (const { daemon } of this.daemons) {
      const how = await daemon.ending();
      if (how) return `${daemon.name} ${how}, last words: ${lastError(daemon.output())}`;
    }
    return null;
  }

  async stop(): Promise<void> {
    await Promise.all(this.daemons.map(({ daemon, stopMs }) => daemon.stop(stopMs)));
    await this.network?.remove();
    removeRunFolder(this.folder);
  }
}

/** As `Promise.all`, but a failure is thrown only when nothing is under way any more: what is, could not be stopped. */
async function allSettled<T extends unknown[]>(promises: [...T]): Promise<{ [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}

/** Where a service calls another: at its name, as clients of a Service do, or at its pod's own address. */
function addressFor({ pods }: MeshLayout, callee: string): Address {
  const pod = pods.find(({ service }) => service.name === callee)!;
  return pod.service.calledByPodAddress ? { host: pod.address, port: pod.port } : { host: callee, port: pod.service.port };
}

/**
 * The whole application as if it stood at fixed addresses. Sidecars differ in what they let in, and in that by the kind of
 * their service's port: the front's stands here as a whole, and what one of each other kind lets in.
 */
function normalised(spec: ApplicationSpec, collector: boolean, podCores: number): string {
  const layout = layOut(spec, '10.0');
  const { profile, graph, nodes } = spec;
  const placement = Object.fromEntries(layout.pods.map(({ service, node }) => [service.name, node]));
  const rules = profile === 'none' ? virtualAddressRules(layout) : interceptionRules();
  const frame = { graph, nodes, placement, podCores, collector, rules };
  if (profile === 'none') return asText(frame);
  const mesh = meshOf(spec, profile, layout);
  const front = mesh.services.find(({ name }) => name === graph.entry.service)!;
  const others = mesh.services.filter(({ kind }, i, all) => kind !== front.kind && all.findIndex((other) => other.kind === kind) === i);
  const certificate = { cert: 'PATH', key: 'PATH', ca: 'PATH' };
  const inbound = others.map(({ name }) => sidecarConfig(mesh, name, certificate).static_resources.listeners.at(-1));
  return [asText(frame), asText(sidecarConfig(mesh, front.name, certificate)), ...inbound.map(asText)].join('---\n');
}

function asText(value: unknown): string {
  return stringify(value, { aliasDuplicateObjects: false, lineWidth: 0 });
}
