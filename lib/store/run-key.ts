/** What makes two runs "the same measurement": the content key of a run. */
import { createHash } from 'node:crypto';

/** A load as planned. Rates may be relative, because the absolute one is only known once the sidecar was seen. */
export interface PlannedLoad {
  /** `varied`: the requests of lib/load/varied.ts, one after another; `in-turn`: the same request, one after another. */
  mode: 'closed' | 'open' | 'knee-search' | 'exactly' | 'varied' | 'in-turn';
  connections: number;
  path: string;
  warmUpS?: number;
  durationS?: number;
  /** Requests to send; modes `exactly`, `varied` and `in-turn`. */
  requests?: number;
  /** Absolute rate in requests per second. */
  ratePerS?: number;
  /** Rate as a share of the policy's knee (0..1]. */
  kneeShare?: number;
  /** Every request comes over a connection of its own. */
  newConnections?: true;
}

/** An application as it was deployed; absent for a single sidecar. */
export interface PlacedApplication {
  /** Id of the call graph, and of its variant; `upstream`: its authors' own programs. */
  graph: string;
  variant?: string;
  profile: string;
  nodes: number;
  placement?: string;
  mtls?: boolean;
  rbac?: boolean;
  /** The service whose sidecar was looked at, where it was one of them. */
  observed?: string;
  /** What carried it: network namespaces of one machine, or a cluster. */
  engine: string;
  /** Where the load came from, when not from the machine that the workbench runs on. */
  loadFrom?: 'cluster';
}

/** A single sidecar as a pod. */
export interface Carrier {
  engine: 'kubernetes';
  /** Of Kubernetes, e.g. `v1.28.15`. */
  version: string;
  /** Where the load came from, when not from the machine that the workbench runs on. */
  loadFrom?: 'cluster';
}

/** Everything a result depends on by intention; not the git commit, ports, paths or the time. */
export interface RunSpec {
  /** Rendered envoy.yaml with ports and paths normalised. */
  envoyYaml: string;
  application?: PlacedApplication;
  /** What carried a single sidecar, when not this machine. */
  carrier?: Carrier;
  envoyBuildId: string;
  backend: { name: string; version: string };
  load: PlannedLoad;
  collector: { name: string; version: string };
}

/** SHA-256 (hex) of the canonical JSON of a run's specification. */
export function runKey(spec: RunSpec): string {
  return createHash('sha256').update(canonicalJson(spec)).digest('hex');
}

/** JSON with keys sorted at every depth and absent values left out: equal values give equal text. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (value !== null && typeof value === 'object') {
    const entries = Object.entries(value).filter(([, v]) => v !== undefined).sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([key, v]) => `${JSON.stringify(key)}:${canonicalJson(v)}`).join(',')}}`;
  }
  return JSON.stringify(value);
}
