/** Whether this machine can carry an application: tried by making one network namespace with a bridge and the rules of a sidecar, and removing it. */
import type { Availability } from '../../host/availability.js';
import { ownerTag } from '../../host/owner.js';
import { run } from '../../host/process.js';
import { interceptionRules, loadRules } from './interception.js';
import { namespacePrefix } from './network.js';

export async function probeMesh(): Promise<Availability> {
  // Named as those of a network are, so that the next start removes it should this one be killed.
  const namespace = `${namespacePrefix}${ownerTag()}-probe-${probes++}`;
  try {
    const version = await versionOf(['ip', '-V']);
    if (version === null) return lacking('iproute2 is not installed', 'install the package iproute2');
    if ((await versionOf(['iptables', '--version'])) === null) return lacking('iptables is not installed', 'install the package iptables');
    await run(['ip', 'netns', 'add', namespace]);
    await run(['ip', '-n', namespace, 'link', 'add', 'br0', 'type', 'bridge']);
    await run(['ip', '-n', namespace, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'pod0']);
    await run(['ip', 'netns', 'exec', namespace, 'mount', '--bind', '/etc/hosts', '/etc/hosts']);
    await loadRules(namespace, interceptionRules());
    return { available: true, version };
  } catch (error) {
    const [reason, remedy] = (error as Error).message.split('; install ');
    return lacking(reason, remedy ? `install ${remedy}` : 'run as root; in a container allow it to (docker run --cap-add NET_ADMIN --cap-add SYS_ADMIN), with a kernel that has veth, bridge and nat');
  } finally {
    await run(['ip', 'netns', 'del', namespace], { allow: 'any' });
  }
}

let probes = 0;

async function versionOf(argv: string[]): Promise<string | null> {
  const { exitCode, stdout } = await run(argv, { allow: 'any' });
  return exitCode === 0 ? /\d+(\.\d+)+/.exec(stdout)?.[0] ?? 'any' : null;
}

function lacking(reason: string, remedy: string): Availability {
  return { available: false, reason, remedy };
}
