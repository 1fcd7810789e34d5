/**
 * A single sidecar in front of its backend, brought up: who can look at the two, and where load comes from. Experiments work
 * with this alone, so that they do not know whether it runs on this machine or as a pod of a cluster.
 */
import { onThisMachine, type NodeTools } from '../counters/node-tools.js';
import type { CpuPlan } from '../host/cpus.js';
import type { Machine } from '../host/machine.js';
import { fromThisMachine, type LoadSource } from '../load/source.js';
import type { BackendName } from './backend.js';
import type { Backend, Sidecar, SidecarConfig } from './types.js';

/** Where sidecars run, one after another. */
export interface SidecarHost {
  machine: Machine;
  cpus: CpuPlan;
  tools: NodeTools;
  /**
   * Resolves when the sidecar serves, its worker on the core that `cpus` names.
   * @throws Error saying what did not come up and why; nothing is left behind then.
   */
  deploy(config: SidecarConfig, options?: DeployOptions): Promise<DeployedSidecar>;
  close(): Promise<void>;
}

export interface DeployOptions {
  /** Words put before Envoy's command line, e.g. of Valgrind; on this machine only. */
  wrap?: string[];
  /** The backend to stand behind it; the policy's own, or else the paper's echo server, when left out. */
  backend?: BackendName;
}

export interface DeployedSidecar {
  sidecar: Omit<Sidecar, 'alive' | 'stop'>;
  backend: Pick<Backend, 'name' | 'version' | 'pid' | 'ending'>;
  /** What looks at their processes; ids are as their node numbers them. */
  tools: NodeTools;
  load: LoadSource;
  cpus: CpuPlan;
  stop(): Promise<void>;
}

/** As what experiments take: a sidecar that this machine runs. Whoever started the backend stops it. */
export function deployedHere(sidecar: Sidecar, backend: Backend, cpus: CpuPlan): DeployedSidecar {
  return { sidecar, backend, tools: onThisMachine, load: fromThisMachine, cpus, stop: sidecar.stop };
}
