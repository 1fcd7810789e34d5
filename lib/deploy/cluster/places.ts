/**
 * Where the things of a cluster on this machine lie, and the addresses it uses. environment/cluster/build.mjs builds the
 * parts; `state/` holds what one running cluster has on disk, and goes with it.
 */
import { workbenchPath } from '../../host/paths.js';

/** A path below `.workbench/cluster/`. */
export function clusterPath(...parts: string[]): string {
  return workbenchPath('cluster', ...parts);
}

/** What belongs to the cluster that is up, e.g. `statePath('node1', 'kubelet')`. */
export function statePath(...parts: string[]): string {
  return clusterPath('state', ...parts);
}

/** The kubeconfig of the cluster's administrator. */
export function kubeconfigFile(): string {
  return statePath('kubeconfig');
}

/** How a node sees a path below `.workbench/cluster/`: it is mounted there, wherever the clone lies. */
export function inNode(...parts: string[]): string {
  return ['/run/cluster', ...parts].join('/');
}

/** The whole machine has one such cluster at a time: these are its marks in the system's namespaces. */
export const hostInterface = 'swcluster';
export const cgroupName = 'sidecar-workbench-cluster';

/** Private addresses: Envoy takes requests from others for external ones. */
export const network = {
  nodes: '172.30.250.0/24',
  host: '172.30.250.1',
  /** Nobody has it: nodes have a default route, as programs expect, and it leads nowhere. */
  nowhere: '172.30.250.254',
  pods: '10.244.0.0/16',
  services: '10.96.0.0/16',
  apiService: '10.96.0.1',
  dnsService: '10.96.0.10',
} as const;

export interface NodePlan {
  /** `node1` */
  name: string;
  address: string;
  podSubnet: string;
}

/** @param index 0-based. */
export function planNode(index: number): NodePlan {
  return { name: `node${index + 1}`, address: `172.30.250.${index + 2}`, podSubnet: `10.244.${index + 1}.0/24` };
}

/** Where the API server answers; it runs on the first node. */
export const apiServer = `https://${planNode(0).address}:6443`;
