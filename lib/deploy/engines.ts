/** What carries applications, and single sidecars: this machine, or the cluster that WORKBENCH_KUBECONFIG names. */
import type { ApplicationEngine } from './application.js';
import { kubernetesEngine, sidecarPodsOn, type ClusterAccess, type SidecarPods } from './kubernetes/engine.js';
import { probeMesh } from './mesh/availability.js';
import { describeInNamespaces, startInNamespaces } from './mesh/namespaces.js';

const namespaces: ApplicationEngine = { name: 'namespaces', probe: probeMesh, refusal: async () => null, describe: describeInNamespaces, start: startInNamespaces };

export function applicationEngine(): ApplicationEngine {
  const cluster = chosenCluster();
  return cluster ? kubernetesEngine(cluster) : namespaces;
}

/** null where single sidecars run on this machine. */
export function sidecarPods(): SidecarPods | null {
  const cluster = chosenCluster();
  return cluster && sidecarPodsOn(cluster);
}

function chosenCluster(): ClusterAccess | null {
  const { WORKBENCH_KUBECONFIG: kubeconfig, WORKBENCH_IMAGE, WORKBENCH_AGENT_IMAGE, WORKBENCH_SIDECAR_IMAGE, WORKBENCH_LOAD: loadFrom } = process.env;
  if (!kubeconfig) return null;
  if (loadFrom && loadFrom !== 'here' && loadFrom !== 'cluster') throw new Error(`WORKBENCH_LOAD is "${loadFrom}"; it can be here or cluster`);
  const images = { emulator: WORKBENCH_IMAGE || undefined, agent: WORKBENCH_AGENT_IMAGE || undefined, sidecar: WORKBENCH_SIDECAR_IMAGE || undefined };
  return { kubeconfig, images, loadFrom: loadFrom === 'cluster' ? loadFrom : undefined };
}
