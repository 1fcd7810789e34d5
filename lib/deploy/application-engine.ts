/** What carries applications: network namespaces of this machine, or the cluster that WORKBENCH_KUBECONFIG names. */
import type { ApplicationEngine } from './application.js';
import { kubernetesEngine } from './kubernetes/engine.js';
import { probeMesh } from './mesh/availability.js';
import { describeInNamespaces, startInNamespaces } from './mesh/namespaces.js';

const namespaces: ApplicationEngine = { name: 'namespaces', probe: probeMesh, refusal: async () => null, describe: describeInNamespaces, start: startInNamespaces };

export function applicationEngine(): ApplicationEngine {
  const { WORKBENCH_KUBECONFIG: kubeconfig, WORKBENCH_IMAGE: emulator, WORKBENCH_AGENT_IMAGE: agent, WORKBENCH_LOAD: loadFrom } = process.env;
  if (!kubeconfig) return namespaces;
  if (loadFrom && loadFrom !== 'here' && loadFrom !== 'cluster') throw new Error(`WORKBENCH_LOAD is "${loadFrom}"; it can be here or cluster`);
  return kubernetesEngine(kubeconfig, { emulator: emulator || undefined, agent: agent || undefined }, loadFrom === 'cluster' ? loadFrom : undefined);
}
