/**
 * How calls reach a sidecar that neither caller nor callee knows of: the rules of istio-iptables for interception mode
 * REDIRECT, as its 1.20 prints them (istio/istio@1.20.3:tools/istio-iptables/pkg/capture/run.go). And how they reach a pod
 * where there are no sidecars: the translation of virtual addresses that kube-proxy makes on every node, here in every pod.
 *
 * Two things differ from Istio. Envoy is told from the application by its group alone, not by user and group: it stays root,
 * so that it can read the run folder wherever the clone lies. And the port of its admin page is excluded, so that this
 * process can read it from outside the pod.
 */
import { run } from '../../host/process.js';
import type { MeshLayout } from './layout.js';

/** Group id of every Envoy in a pod, as of Istio's. */
export const sidecarGroup = 1337;

export const ports = {
  outbound: 15001,
  inbound: 15006,
  admin: 15000,
} as const;

/** Inbound ports that are none of Envoy's business: HBONE, Prometheus, health, merged metrics, and our own, the admin page. */
const excludedPorts = [15008, 15090, 15021, 15020, ports.admin];

/** For iptables-restore, in a pod with a sidecar. */
export function interceptionRules(): string {
  const isSidecar = `-m owner --gid-owner ${sidecarGroup}`;
  const isNotSidecar = `-m owner ! --gid-owner ${sidecarGroup}`;
  return natTable([
    ...['ISTIO_INBOUND', 'ISTIO_REDIRECT', 'ISTIO_IN_REDIRECT', 'ISTIO_OUTPUT'].map((chain) => `-N ${chain}`),
    `-A ISTIO_REDIRECT -p tcp -j REDIRECT --to-ports ${ports.outbound}`,
    `-A ISTIO_IN_REDIRECT -p tcp -j REDIRECT --to-ports ${ports.inbound}`,
    '-A PREROUTING -p tcp -j ISTIO_INBOUND',
    ...excludedPorts.map((port) => `-A ISTIO_INBOUND -p tcp --dport ${port} -j RETURN`),
    '-A ISTIO_INBOUND -p tcp -j ISTIO_IN_REDIRECT',
    '-A OUTPUT -p tcp -j ISTIO_OUTPUT',
    // What the sidecar has let in already, on its way to the application.
    '-A ISTIO_OUTPUT -o lo -s 127.0.0.6/32 -j RETURN',
    // The application calls its own Service: out through the sidecar and in again through it.
    `-A ISTIO_OUTPUT -o lo ! -d 127.0.0.1/32 -p tcp ! --dport 15008 ${isSidecar} -j ISTIO_IN_REDIRECT`,
    `-A ISTIO_OUTPUT -o lo ${isNotSidecar} -j RETURN`,
    // Without this Envoy's own calls would come back to it for ever.
    `-A ISTIO_OUTPUT ${isSidecar} -j RETURN`,
    '-A ISTIO_OUTPUT -d 127.0.0.1/32 -j RETURN',
    '-A ISTIO_OUTPUT -j ISTIO_REDIRECT',
  ]);
}

/** For iptables-restore, in a pod without one: virtual addresses become those of pods. */
export function virtualAddressRules({ pods }: MeshLayout): string {
  return natTable(pods.map(({ service, serviceAddress, address, port }) => `-A OUTPUT -d ${serviceAddress}/32 -p tcp --dport ${service.port} -j DNAT --to-destination ${address}:${port}`));
}

function natTable(rules: string[]): string {
  return ['*nat', ...rules, 'COMMIT', ''].join('\n');
}

/** Debian's default is the one on nftables; kernels without that have the older tables. */
const variants = ['iptables-nft-restore', 'iptables-legacy-restore', 'iptables-restore'];

/**
 * Loads rules in a network namespace, by the first variant of iptables that this kernel takes.
 * @throws Error with what each variant said.
 */
export async function loadRules(namespace: string, rules: string): Promise<void> {
  const complaints: string[] = [];
  for (const variant of variants) {
    const { exitCode, stderr } = await run(['ip', 'netns', 'exec', namespace, variant, '--wait'], { input: rules, allow: 'any' });
    if (exitCode === 0) return;
    complaints.push(`${variant}: ${stderr.trim().split('\n').pop() || `exit code ${exitCode}`}`);
  }
  throw new Error(`iptables takes no rules in ${namespace} (${complaints.join('; ')}); install the package iptables, and see that the kernel has nat and REDIRECT`);
}
