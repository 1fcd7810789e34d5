/**
 * Links the nodes of a cluster on this machine: a bridge in the first node's network namespace, one link from it to every
 * other node and one to this machine. All but the routes of this machine's end goes with the namespaces, and those go with
 * the link.
 */
import * as os from 'node:os';
import { run } from '../../host/process.js';
import type { ClusterNode } from './node.js';
import { hostInterface, network } from './places.js';

const bridge = 'nodes';

/** Gives nodes their addresses and routes; pods of all of them, and this machine, reach each other. */
export async function linkNodes(nodes: ClusterNode[]): Promise<void> {
  const [first, ...others] = nodes;
  await first.run(['ip', 'link', 'add', bridge, 'type', 'bridge']);
  await addLink(first, bridge);
  await linkMachine(first);
  for (const node of others) await linkOther(first, node);
  for (const node of nodes) {
    await node.run(['ip', 'route', 'add', 'default', 'via', network.nowhere]);
    const rest = nodes.filter((other) => other !== node);
    for (const { podSubnet, address } of rest) await node.run(['ip', 'route', 'add', podSubnet, 'via', address]);
  }
  for (const { podSubnet, address } of nodes) await run(['ip', 'route', 'add', podSubnet, 'via', address, 'dev', hostInterface]);
}

/** Pods are reached from this machine too: load is sent from here, and the API server is asked. */
async function linkMachine(first: ClusterNode): Promise<void> {
  await run(['ip', 'link', 'add', hostInterface, 'type', 'veth', 'peer', 'name', 'machine', 'netns', String(first.pid)]);
  await run(['ip', 'address', 'add', `${network.host}/24`, 'dev', hostInterface]);
  await run(['ip', 'link', 'set', hostInterface, 'up']);
  await first.run(['ip', 'link', 'set', 'machine', 'master', bridge, 'up']);
}

async function linkOther(first: ClusterNode, node: ClusterNode): Promise<void> {
  // From here, where both are known by number: in a node, no other node's processes exist.
  await run(['ip', 'link', 'add', node.name, 'netns', String(first.pid), 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(node.pid)]);
  await first.run(['ip', 'link', 'set', node.name, 'master', bridge, 'up']);
  await addLink(node, 'eth0');
}

async function addLink(node: ClusterNode, device: string): Promise<void> {
  await node.run(['ip', 'address', 'add', `${node.address}/24`, 'dev', device]);
  await node.run(['ip', 'link', 'set', device, 'up']);
}

/** @throws Error when this machine uses the nodes' addresses, e.g. because the cluster of another clone is up. */
export function assertUnused(): void {
  const [prefix] = network.nodes.split('.0/');
  for (const [name, addresses] of Object.entries(os.networkInterfaces())) {
    const taken = addresses?.find(({ address }) => address.startsWith(`${prefix}.`));
    if (taken) throw new Error(`this machine's interface ${name} has the address ${taken.address}, which the cluster's nodes use; take it down, or end the other cluster`);
  }
}
