/** What carries applications: network namespaces of this machine, or the cluster that WORKBENCH_KUBECONFIG names. */
import type { ApplicationEngine } from './application.js';
import { kubernetesEngine } from './kubernetes/engine.js';
import { probeMesh } from './mesh/availability.js';
import { describeInNamespaces, startInNamespaces } from './mesh/namespaces.js';

const namespaces: ApplicationEngine = { name: 'namespaces', probe: probeMesh, describe: describeInNamespaces, start: startInNamespaces };

export function applicationEngine(): ApplicationEngine {
  const { WORKBENCH_KUBECONFIG: kubeconfig, WORKBENCH_IMAGE: image } = process.env;
  return kubeconfig ? kubernetesEngine(kubeconfig, image || undefined) : namespaces;
}
