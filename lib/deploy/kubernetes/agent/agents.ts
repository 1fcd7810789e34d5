/** The agents of one application: who looks at each of its nodes, and who sends load. */
import type { KubernetesClient } from '../client.js';
import type { Frame } from '../manifests.js';
import type { Agent } from './agent.js';
import { agentPod, startAgent, type AgentRole } from './pods.js';

export interface Agents {
  /** In the order of the nodes; why there is none, where there is none. */
  ofNodes: (Agent | { why: string })[];
  /** null where load comes from this machine. */
  load: Agent | null;
}

/**
 * Collectors are had where the cluster permits them; a load generator that was asked for has to be there.
 * @param nodes Kubernetes' names.
 * @throws Error when there can be no load from inside the cluster.
 */
export async function startAgents(client: KubernetesClient, nodes: readonly string[], frame: Frame, { agentImage, loadFrom }: { agentImage?: string; loadFrom?: 'cluster' }): Promise<Agents> {
  if (!agentImage) {
    const remedy = 'write it with `npm run cluster -- images --registry NAME FOLDER`, which says what to do then';
    if (loadFrom) throw new Error(`load from inside the cluster needs the image of the agent; ${remedy}`);
    return { ofNodes: nodes.map((node) => ({ why: `nothing looks at processes of node ${node}: the image of the agent is not known; ${remedy}` })), load: null };
  }
  const start = (role: AgentRole, node: string) => startAgent(client, agentPod(role, node, agentImage, frame), frame);
  const ofNodes = nodes.map((node) => start('collector', node).catch((error: Error) => ({ why: `nothing looks at processes of node ${node}: ${error.message}` })));
  const load = loadFrom ? start('load', nodes[0]) : null;
  return { ofNodes: await Promise.all(ofNodes), load: await load };
}

export function closeAgents({ ofNodes, load }: Agents): void {
  for (const agent of [...ofNodes, load]) if (agent && !('why' in agent)) agent.close();
}
