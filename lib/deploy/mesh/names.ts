/**
 * How programs in a pod find each other by name: a hosts file that only they see, in a mount namespace of their own, so that
 * nothing is written to this machine's /etc. In a cluster CoreDNS would answer; here a look-up costs no message.
 */
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
 * The command line that runs a program in a pod. It execs all the way, so that the pid is the program's own.
 * @param hosts the pod's hosts file.
 */
export function inPod(namespace: string, hosts: string, argv: string[]): string[] {
  // `ip netns exec` has made a mount namespace that tells the outside of nothing mounted in it.
  return ['ip', 'netns', 'exec', namespace, 'sh', '-c', 'mount --bind "$0" /etc/hosts && exec "$@"', hosts, ...argv];
}
