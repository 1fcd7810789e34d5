/** Which pods run on which nodes of a cluster. */
import type { V1Node } from '@kubernetes/client-node';
import type { ApplicationSpec } from '../application.js';

/** What Kubernetes puts on a node at most, unless it says otherwise. */
const podsPerNode = 110;

/**
 * Names (label kubernetes.io/hostname) of nodes that take pods, by name; as many as the application asks for.
 * @throws Error when there are fewer.
 */
export function chooseNodes(nodes: V1Node[], count: number): string[] {
  const usable = nodes.filter(takesPods).map(hostName).sort();
  if (usable.length >= count) return usable.slice(0, count);
  const all = `${nodes.length} node${nodes.length === 1 ? '' : 's'}, ${usable.length} of which take${usable.length === 1 ? 's' : ''} pods`;
  throw new Error(`the application wants ${count} nodes, the cluster has ${all}; ask for fewer, or add nodes (test cluster: up --nodes ${count})`);
}

function takesPods({ spec, status }: V1Node): boolean {
  const ready = status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True');
  const refuses = spec?.unschedulable || spec?.taints?.some(({ effect }) => effect === 'NoSchedule' || effect === 'NoExecute');
  return Boolean(ready) && !refuses;
}

function hostName({ metadata }: V1Node): string {
  return metadata?.labels?.['kubernetes.io/hostname'] ?? metadata?.name ?? '';
}

/**
 * The node of every service, in the graph's order.
 * @param nodes their names.
 */
export function placePods({ graph, placement = 'spread' }: ApplicationSpec, nodes: string[]): Record<string, string> {
  const place = (index: number) => (placement === 'spread' ? nodes[index % nodes.length] : nodes[Math.min(Math.floor(index / podsPerNode), nodes.length - 1)]);
  return Object.fromEntries(graph.services.map(({ name }, index) => [name, place(index)]));
}
