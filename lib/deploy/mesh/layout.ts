/**
 * Which pod of an application is on which node, and the addresses of everything in its network. Nothing here touches the
 * machine: given the first two bytes that all addresses share, the layout follows.
 */
import type { ServiceNode } from '../../apps/call-graph.js';
import type { ApplicationSpec } from '../application.js';

export interface MeshPod {
  service: ServiceNode;
  /** 0-based. */
  node: number;
  /** The pod's own address. */
  address: string;
  /** Port that its service listens on. */
  port: number;
  /** The Service's virtual address, which no interface has (Kubernetes' ClusterIP). */
  serviceAddress: string;
}

export interface MeshLayout {
  /** First two bytes of every address, e.g. `10.203`. */
  base: string;
  nodes: number;
  pods: MeshPod[];
  /** Of the pod that takes in spans; it is on node 0. */
  collectorAddress: string;
}

/** As many pods as a kubelet takes on a node unless told otherwise (its `maxPods`). */
export const podsPerNode = 110;

const mostNodes = 5;
const firstPod = 10;
const serviceBlock = 240;
const hostBlock = 250;

/**
 * @param base first two bytes of every address, e.g. `10.203`.
 * @throws Error on a number of nodes that cannot be, or an application with more pods than fit.
 */
export function layOut(spec: ApplicationSpec, base: string): MeshLayout {
  const { nodes, graph: { services } } = spec;
  if (!Number.isInteger(nodes) || nodes < 1 || nodes > mostNodes) throw new Error(`an application runs on 1 to ${mostNodes} nodes, not ${nodes}`);
  if (services.length > podsPerNode) throw new Error(`${services.length} services are more than the ${podsPerNode} pods that one application may have; leave some out`);
  const pods = services.map((service, i): MeshPod => {
    const node = spec.placement === 'packed' ? Math.floor(i / podsPerNode) : i % nodes;
    return {
      service, node, address: `${base}.${node}.${firstPod + i}`, port: service.targetPort ?? service.port, serviceAddress: `${base}.${serviceBlock}.${1 + i}`,
    };
  });
  return { base, nodes, pods, collectorAddress: `${base}.0.2` };
}

/** The pod that clients reach. @throws Error when the graph's entry is no service of it. */
export function frontOf({ pods }: MeshLayout, { graph: { id, entry } }: ApplicationSpec): MeshPod {
  const front = pods.find(({ service }) => service.name === entry.service);
  if (!front) throw new Error(`${id} begins at '${entry.service}', which is none of its services`);
  return front;
}

/** A node's own address in the subnet of its pods, which is their gateway. */
export function gatewayOf(base: string, node: number): string {
  return `${base}.${node}.1`;
}

/** The subnet of a node's pods. */
export function podSubnet(base: string, node: number): string {
  return `${base}.${node}.0/24`;
}

/** Both ends of the link over which this machine, outside all nodes, reaches node 0. */
export function hostLink(base: string): { host: string; node: string } {
  return { host: `${base}.${hostBlock}.1`, node: `${base}.${hostBlock}.2` };
}
