/**
 * An application brought up: who runs where, how it is reached, how it ends. Experiments work with this alone, so that
 * they do not know whether network namespaces on this machine or a Kubernetes cluster carry it.
 */
import type { CallGraph } from '../apps/call-graph.js';
import type { NodeTools } from '../counters/node-tools.js';
import type { CpuReading } from '../counters/schedstat.js';
import type { Availability } from '../host/availability.js';
import type { CpuPlan } from '../host/cpus.js';
import type { LoadSource } from '../load/source.js';
import type { LoadTarget } from '../load/types.js';
import type { Address } from './types.js';

/** Mesh-wide configuration: no sidecars, or sidecars as Istio's profile of that name configures them. */
export type MeshProfile = 'none' | 'default' | 'demo';

export interface ApplicationSpec {
  graph: CallGraph;
  profile: MeshProfile;
  /** 1..5 */
  nodes: number;
  /** `spread`: pods in turn over the nodes; `packed`: as few nodes as hold them, the others stay empty. `spread` when left out. */
  placement?: 'spread' | 'packed';
  /** Mutual TLS between sidecars; off when left out, as its authors had it. */
  mtls?: boolean;
  /** HTTP RBAC in every inbound chain: the paper's reading of `default`, which Istio's profile does not have. */
  rbac?: boolean;
  /**
   * On a cluster: path of its authors' own manifests (a YAML file, or a folder of them), which are put there in place of the
   * emulator's. Of the graph only the entry counts then. The emulator plays the graph when left out.
   */
  manifests?: string;
}

/** What carries applications. */
export interface ApplicationEngine {
  name: 'namespaces' | 'kubernetes';
  /** Whether it works here. */
  probe(): Promise<Availability>;
  /** Why it does not carry such deployments, whatever happens; null where it may. */
  refusal(deployment: Pick<ApplicationSpec, 'nodes'> & { wrapsSidecars?: boolean }): Promise<Refusal | null>;
  /** What a deployment's costs depend on, without bringing it up. */
  describe(spec: ApplicationSpec): Promise<DeploymentIdentity>;
  /**
   * Resolves when every pod serves.
   * @throws Error saying which pod did not come up and why; nothing is left behind then.
   */
  start(spec: ApplicationSpec, options?: EngineOptions): Promise<DeployedApplication>;
}

export interface Refusal {
  /** Which deployments, e.g. `on 5 nodes`. */
  what: string;
  reason: string;
  remedy: string;
}

export interface EngineOptions {
  /** Which cores are the pods' and which the load generator's, where they share a machine; as `planCpus` has it when left out. */
  cpus?: CpuPlan;
  /** Words put before Envoy's command line in a service's pod, e.g. of Valgrind. */
  wrapSidecar?: (service: string) => Promise<string[] | undefined>;
}

export interface DeploymentIdentity {
  /** The sidecars' configurations as text without addresses, ports and paths: what a run key is made of. */
  normalised: string;
  /** Name and version of what stands behind the sidecars: the application, its emulator and stores. */
  backend: { name: string; version: string };
  /** Where load comes from, when not from this machine. */
  loadFrom?: 'cluster';
}

export interface DeployedApplication extends DeploymentIdentity {
  engine: ApplicationEngine['name'];
  spec: ApplicationSpec;
  /** Where the load comes from. */
  load: LoadSource;
  /** Where it reaches the front service's pod, its sidecar first where it has one. */
  target: LoadTarget;
  /** Path of the entry operation. */
  path: string;
  pods: DeployedPod[];
  /** Cores that all pods together can use. */
  podCores: number;
  /** What every number from it has to be read with, e.g. how its sidecars differ from Istio's own; none when left out. */
  notes?: string[];
  /** CPU time of every pod, read at one moment as far as one can. */
  readCpu(): Promise<PodCpu[]>;
  /** What each pod's sidecar has counted so far, in the order of `pods`; null without one. */
  countRequests(): Promise<(SidecarRequests | null)[]>;
  /** Waits for what the kubelets say of every sidecar's container from now on; where there are kubelets. */
  kubeletCpu?(): Promise<KubeletCpu[]>;
  /** How the first process that is gone ended, with its last words; null while all run. */
  ending(): Promise<string | null>;
  /** Leaves nothing behind: no process, namespace, interface or rule. */
  stop(): Promise<void>;
}

export interface DeployedPod {
  service: string;
  /** 0-based. */
  node: number;
  /** The pod's own address. */
  address: Address;
  /** What looks at its processes; their ids are as its node numbers them. */
  tools: NodeTools;
  /** Of the service, or of the store. */
  servicePids: number[];
  sidecar: PodSidecar | null;
}

export interface PodSidecar {
  /** 0 where nothing can look at its node's processes. */
  pid: number;
  /** Thread id of wrk:worker_0, which carries all of its traffic. */
  workerTid: number;
  admin: Address;
  /** The configuration Envoy runs, as rendered. */
  yaml: string;
  /** Counters and gauges (admin /stats), by full name. */
  stats(): Promise<Record<string, number>>;
}

/** HTTP requests (gRPC included) by direction, from callers to the service and from the service to others. Of TCP a sidecar counts connections only: those are not in here. */
export interface SidecarRequests {
  inbound: number;
  outbound: number;
}

/** CPU time of a sidecar's container since it started, Istio's agent included. */
export interface KubeletCpu {
  service: string;
  /** When the kubelet looked: microseconds since the epoch. */
  atUs: number;
  runNs: number;
}

export interface PodCpu {
  service: string;
  /** All threads of the service or store. */
  app: CpuReading;
  /** All threads of its Envoy; null without one. */
  sidecar: CpuReading | null;
  /** Its worker alone. */
  worker: CpuReading | null;
}
