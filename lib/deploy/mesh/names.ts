/**
 * How programs in a pod find each other by name: a hosts file that only they see, in a mount namespace of their own, so that
 * nothing is written to this machine's /etc. In a cluster CoreDNS would answer; here a look-up costs no message.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { MeshLayout } from './layout.js';

/** Kubernetes' namespace that every service of an application is in. */
export const kubernetesNamespace = 'default';

/** `details.default.svc.cluster.local` */
export function qualifiedName(service: string): string {
  return `${service}.${kubernetesNamespace}.svc.cluster.local`;
}

/** The name under which both profiles send their spans. */
export const collectorName = 'zipkin.istio-system';

/**
 * Text of the hosts file of every pod: services by all their names at their virtual addresses.
 * @param collector whether there is somebody to take in spans.
 */
export function hostsFile({ pods, collectorAddress }: MeshLayout, collector: boolean): string {
  const services = pods.map(({ service: { name }, serviceAddress }) => {
    const full = qualifiedName(name);
    return [serviceAddress, name, `${name}.${kubernetesNamespace}`, `${name}.${kubernetesNamespace}.svc`, full].join(' ');
  });
  return ['127.0.0.1 localhost', ...services, ...(collector ? [`${collectorAddress} ${collectorName}`] : []), ''].join('\n');
}

/**
 * Writes what programs in pods are to find in place of /etc/hosts and /etc/resolv.conf. Nobody answers look-ups of other names:
 * they fail at once, as a cluster's own server would say that there is no such name, rather than after its time.
 */
export function writeNames(folder: string, layout: MeshLayout, collector: boolean): void {
  fs.writeFileSync(path.join(folder, 'hosts'), hostsFile(layout, collector));
  fs.writeFileSync(path.join(folder, 'resolv.conf'), 'nameserver 127.0.0.1\n');
}

// `ip netns exec` has made a mount namespace that tells the outside of nothing mounted in it.
const withNames = 'for file in hosts resolv.conf; do if [ -e /etc/$file ]; then mount --bind "$0/$file" /etc/$file || exit; fi; done; exec "$@"';

/**
 * The command line that runs a program in a pod. It execs all the way, so that the pid is the program's own.
 * @param names folder that `writeNames` wrote to.
 */
export function inPod(namespace: string, names: string, argv: string[]): string[] {
  return ['ip', 'netns', 'exec', namespace, 'sh', '-c', withNames, names, ...argv];
}
