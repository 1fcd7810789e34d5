/** What a workbench process has of networks on this machine. */
import * as fs from 'node:fs';
import { run, startTicks } from '../../../lib/host/process.js';

/** Its network namespaces and interfaces, by their names. */
export function networkOf(pid: number, ticks = startTicks(pid) ?? 0): string[] {
  const namespaces = fs.existsSync('/run/netns') ? fs.readdirSync('/run/netns') : [];
  const interfaces = fs.readdirSync('/sys/class/net');
  const link = `wb${pid.toString(36).padStart(5, '0')}${ticks.toString(36).padStart(7, '0')}`;
  return [...namespaces.filter((name) => name.startsWith(`wb-${pid}-${ticks}-`)), ...interfaces.filter((name) => name.startsWith(link))];
}

/** Everything of this machine's own network that an application must not change. */
export async function machineNetwork(): Promise<Record<string, string>> {
  const said = async (...argv: string[]) => (await run(argv, { allow: 'any' })).stdout;
  return {
    routes: (await said('ip', '-4', 'route')).split('\n').filter((line) => !line.includes('dev wb')).join('\n'),
    addresses: (await said('ip', '-br', '-4', 'address')).split('\n').filter((line) => !line.startsWith('wb')).join('\n'),
    nft: (await said('iptables-nft-save')).replace(/^#.*$/gm, ''),
    forwarding: fs.readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8'),
    hosts: fs.readFileSync('/etc/hosts', 'utf8'),
    netns: fs.existsSync('/etc/netns') ? fs.readdirSync('/etc/netns').join() : '',
  };
}
