/**
 * Links the nodes of a cluster on this machine: a bridge in the first node's network namespace, one link from it to every
 * other node and one to this machine. The namespaces take all of it along, but not always at once: connections that were
 * cut hold a namespace until the kernel gives them up. Hence this machine's end of the link, its routes with it, is removed.
 */
import * as fs from 'node:fs';
import * as os from 'node:os';
import { isAlive, run, startTicks } from '../../host/process.js';
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
  await run(['ip', 'link', 'set', hostInterface, 'alias', `${process.pid} ${startTicks(process.pid)}`]);
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

/** Removes this machine's end of the link of a cluster of ours, or of one whose process is gone. */
export async function unlinkMachine(): Promise<void> {
  const owner = linkOwner();
  if (owner && (owner.pid === process.pid || !owner.alive)) await run(['ip', 'link', 'delete', hostInterface], { allow: 'any' });
}

/** The process whose cluster is linked to this machine: its id and start time are written beside the link. */
function linkOwner(): { pid: number; alive: boolean } | null {
  try {
    const [pid, ticks] = fs.readFileSync(`/sys/class/net/${hostInterface}/ifalias`, 'utf8').split(' ').map(Number);
    return { pid, alive: isAlive(pid, ticks) };
  } catch {
    return null;
  }
}

/** @throws Error when this machine uses the nodes' addresses, e.g. because the cluster of another clone is up. */
export function assertUnused(): void {
  const owner = linkOwner();
  if (owner?.alive) throw new Error(`process ${owner.pid} has a cluster up on this machine, from another clone; end it there: npm run cluster -- down`);
  const [prefix] = network.nodes.split('.0/');
  for (const [name, addresses] of Object.entries(os.networkInterfaces())) {
    const taken = addresses?.find(({ address }) => address.startsWith(`${prefix}.`));
    if (taken) throw new Error(`this machine's interface ${name} has the address ${taken.address}, which the cluster's nodes use; take it down`);
  }
}
