/**
 * The network of an application on this one machine. A node is a network namespace with a bridge, which routes for its pods;
 * any two nodes have a link of their own. A pod is a network namespace with one veth pair to its node's bridge. Calls between
 * pods of different nodes therefore cross two bridges and one link, those on one node one bridge, as with the usual
 * Kubernetes networks that route (kubenet, host-gw).
 *
 * Forwarding and bridging happen in the nodes' namespaces alone: outside them this machine gets one interface and one route,
 * to a private subnet that no other route touches, and no setting of its kernel or firewall changes.
 */
import { ownerTag } from '../../host/owner.js';
import { run, runNow, startTicks } from '../../host/process.js';
import { gatewayOf, hostLink, podSubnet, type MeshLayout } from './layout.js';

export interface MeshNetwork {
  layout: MeshLayout;
  /** Network namespace of a service's pod, or of `collectorPod`. */
  namespaceOf(pod: string): string;
  /** Takes everything down again; processes in it must be gone before, or it goes with the last of them. */
  remove(): Promise<void>;
}

/** The pod that takes in spans, which is no part of the application. */
export const collectorPod = 'zipkin';

/** What names of network namespaces of the workbench begin with. */
export const namespacePrefix = 'wb-';

let made = 0;

/**
 * @param layOutAt the application's layout in the subnet `<base>.0.0/16`, which is chosen here.
 * @throws CommandFailed where this process may not make namespaces; Error when no subnet is free. Nothing is left then.
 */
export async function createNetwork(layOutAt: (base: string) => MeshLayout): Promise<MeshNetwork> {
  const index = made++;
  const prefix = `${namespacePrefix}${ownerTag()}-${index}-`;
  const draft = layOutAt(subnetBases[0]);
  const namespaces = [...nodeNumbers(draft).map((node) => `${prefix}${nodeName(node)}`), ...podNames(draft).map((pod) => `${prefix}${podName(pod)}`)];
  const clearing = [`link del ${hostInterface(index)}`, ...namespaces.map((name) => `netns del ${name}`)];
  const clearNow = () => runNow(['ip', '-force', '-batch', '-'], { input: batch(clearing) });
  process.once('exit', clearNow);
  const remove = async () => {
    await run(['ip', '-force', '-batch', '-'], { input: batch(clearing), allow: 'any' });
    process.removeListener('exit', clearNow);
  };
  try {
    await ip([...namespaces.map((name) => `netns add ${name}`), ...links(draft, prefix, index)]);
    const layout = layOutAt(await claimSubnet(hostInterface(index)));
    await Promise.all([
      ...nodeNumbers(layout).map((node) => setUpNode(layout, node, prefix)),
      ...podNames(layout).map((pod) => setUpPod(layout, pod, prefix)),
    ]);
    return { layout, namespaceOf: (pod) => `${prefix}${podName(pod)}`, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** Private subnets to choose from; few use them. */
const subnetBases = Array.from({ length: 50 }, (_, i) => `10.${203 + i}`);

/**
 * Gives the host its address and route, in the first subnet that touches no other route. A second workbench that chooses at
 * the same moment cannot get the same one: the kernel refuses a route that is there.
 */
async function claimSubnet(device: string): Promise<string> {
  const routes = await readRoutes();
  for (const base of subnetBases.filter((candidate) => !routes.some((route) => overlaps(route, candidate)))) {
    const { host, node } = hostLink(base);
    const { exitCode } = await run(['ip', '-batch', '-'], {
      input: batch([
        `link set ${device} up`,
        `route add ${base}.0.0/16 via ${node} dev ${device} onlink`,
        `address add ${host}/32 dev ${device}`,
        `route change ${base}.0.0/16 via ${node} dev ${device} onlink src ${host}`,
      ]),
      allow: 'any',
    });
    if (exitCode === 0) return base;
  }
  throw new Error(`no subnet of 10.203.0.0/16 to 10.252.0.0/16 is free of this machine's routes (\`ip route\`); the pods need one of them`);
}

/** Destinations of this machine's routes, without its default ones. */
async function readRoutes(): Promise<string[]> {
  const { stdout } = await run(['ip', '-json', '-4', 'route', 'show', 'table', 'all']);
  return (JSON.parse(stdout || '[]') as { dst: string }[]).map(({ dst }) => dst).filter((dst) => dst !== 'default');
}

/** Whether a route's destination shares an address with `<base>.0.0/16`. */
export function overlaps(route: string, base: string): boolean {
  const [address, length = '32'] = route.split('/');
  const bits = Math.min(Number(length), 16);
  const prefix = (text: string) => text.split('.').slice(0, 2).reduce((sum, byte) => sum * 256 + Number(byte), 0) >> (16 - bits);
  return prefix(address) === prefix(base);
}

/** One veth pair for every pod, every two nodes and the host, each made with both ends where they belong. */
function links(layout: MeshLayout, prefix: string, index: number): string[] {
  const veth = (name: string, where: string, peer: string, there: string) => `link add name ${name} ${where} type veth peer name ${peer} netns ${prefix}${there}`;
  const pods = podNames(layout).map((pod, i) => veth('eth0', `netns ${prefix}${podName(pod)}`, `pod${i}`, nodeName(nodeOf(layout, pod))));
  const between = nodeNumbers(layout).flatMap((node) => nodeNumbers(layout).filter((other) => other > node)
    .map((other) => veth(nodeName(other), `netns ${prefix}${nodeName(node)}`, nodeName(node), nodeName(other))));
  return [veth(hostInterface(index), '', 'host', nodeName(0)), ...pods, ...between];
}

async function setUpNode(layout: MeshLayout, node: number, prefix: string): Promise<void> {
  const { base } = layout;
  const others = nodeNumbers(layout).filter((other) => other !== node);
  const own = podNames(layout).map((pod, i) => ({ pod, port: `pod${i}` })).filter(({ pod }) => nodeOf(layout, pod) === node);
  const link = hostLink(base);
  await ip([
    'link set lo up',
    'link add name br0 type bridge',
    `address add ${gatewayOf(base, node)}/24 dev br0`,
    'link set br0 up',
    ...own.map(({ port }) => `link set ${port} master br0 up`),
    ...others.map((other) => `link set ${nodeName(other)} up`),
    ...others.map((other) => `route add ${podSubnet(base, other)} via ${gatewayOf(base, other)} dev ${nodeName(other)} onlink src ${gatewayOf(base, node)}`),
    ...(node === 0
      ? ['link set host up', `address add ${link.node}/32 dev host`, `route add ${link.host}/32 dev host src ${link.node}`]
      : [`route add ${link.host}/32 via ${gatewayOf(base, 0)} dev ${nodeName(0)} onlink`]),
  ], `${prefix}${nodeName(node)}`);
  await run(['ip', 'netns', 'exec', `${prefix}${nodeName(node)}`, 'sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward']);
}

async function setUpPod(layout: MeshLayout, pod: string, prefix: string): Promise<void> {
  const address = layout.pods.find(({ service }) => service.name === pod)?.address ?? layout.collectorAddress;
  await ip([
    'link set lo up',
    `address add ${address}/24 dev eth0`,
    'link set eth0 up',
    `route add default via ${gatewayOf(layout.base, nodeOf(layout, pod))}`,
  ], `${prefix}${podName(pod)}`);
}

function nodeNumbers({ nodes }: MeshLayout): number[] {
  return Array.from({ length: nodes }, (_, node) => node);
}

function podNames({ pods }: MeshLayout): string[] {
  return [...pods.map(({ service }) => service.name), collectorPod];
}

function nodeOf({ pods }: MeshLayout, pod: string): number {
  return pods.find(({ service }) => service.name === pod)?.node ?? 0;
}

function nodeName(node: number): string {
  return `node${node}`;
}

function podName(pod: string): string {
  return `pod-${pod}`;
}

/** Fifteen characters are all that the kernel allows: `wb`, pid, start ticks and index of the network in base 36. */
export function hostInterface(index: number, pid = process.pid, ticks = startTicks(pid) ?? 0): string {
  return `wb${pid.toString(36).padStart(5, '0')}${ticks.toString(36).padStart(7, '0')}${(index % 36).toString(36)}`;
}

/** iproute2's own batch mode: one process for many commands, which ends at the first that fails. */
async function ip(commands: string[], namespace?: string): Promise<void> {
  await run(['ip', ...(namespace ? ['-n', namespace] : []), '-batch', '-'], { input: batch(commands) });
}

function batch(commands: string[]): string {
  return commands.map((command) => `${command}\n`).join('');
}
