/** What stands in the way of pods that are not ready, read from what Kubernetes says of them. */
import type { V1ContainerStatus, V1Pod, V1ReplicaSet } from '@kubernetes/client-node';

/** All containers run, and have passed their probes. */
export function isReady({ status }: V1Pod): boolean {
  return status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') ?? false;
}

/** Reasons why a container waits that time does not mend, with what to do. */
const hopeless: Record<string, string> = {
  ErrImageNeverPull: 'the node does not have it; import it there',
  InvalidImageName: 'give its name as registry/name:tag',
  ImagePullBackOff: 'push it to a registry that the nodes reach, and give that name; or import it on every node',
  ErrImagePull: 'push it to a registry that the nodes reach, and give that name; or import it on every node',
  CreateContainerConfigError: 'see: kubectl describe pod',
  RunContainerError: 'see: kubectl describe pod',
};

/**
 * Why a pod will not become ready, in one line with what to do; null while it may.
 * @param pod as the server shows it.
 */
export function whyPodFails(pod: V1Pod): string | null {
  const name = pod.metadata?.labels?.app ?? pod.metadata?.name ?? 'a pod';
  const scheduled = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled');
  if (scheduled?.status === 'False' && scheduled.reason === 'Unschedulable') {
    return `no node takes the pod of ${name}: ${scheduled.message}; use larger nodes or more of them, or a profile that asks for less (demo)`;
  }
  for (const container of containersOf(pod)) {
    const problem = whyContainerFails(container, name);
    if (problem) return problem;
  }
  return null;
}

function whyContainerFails({ name, image, state, lastState }: V1ContainerStatus, pod: string): string | null {
  const waiting = state?.waiting;
  if (waiting?.reason && waiting.reason in hopeless) {
    const about = waiting.reason.includes('Image') ? `the image ${image} of ${pod} cannot be had` : `container ${name} of ${pod} cannot start`;
    return `${about} (${waiting.reason}${waiting.message ? `: ${firstLine(waiting.message)}` : ''}); ${hopeless[waiting.reason]}`;
  }
  if (waiting?.reason === 'CrashLoopBackOff') return `container ${name} of ${pod} ended with ${lastState?.terminated?.exitCode} again and again; see: kubectl logs --previous`;
  return null;
}

/** How a container that should run has ended since, in words; null while all run. */
export function whatEnded(pod: V1Pod): string | null {
  const name = pod.metadata?.labels?.app ?? pod.metadata?.name ?? 'a pod';
  if (pod.metadata?.deletionTimestamp) return `the pod of ${name} was deleted`;
  for (const { name: container, state, lastState, restartCount } of pod.status?.containerStatuses ?? []) {
    const ended = state?.terminated ?? (restartCount > 0 ? lastState?.terminated : undefined);
    if (ended) return `container ${container} of ${name} ended with ${ended.exitCode}${ended.reason ? ` (${ended.reason})` : ''}`;
  }
  return null;
}

/** Why a ReplicaSet could not make its pods, as the server told it: a quota, a webhook that does not answer. */
export function whyNoPods({ metadata, status }: V1ReplicaSet): string | null {
  const failure = status?.conditions?.find(({ type, status: value }) => type === 'ReplicaFailure' && value === 'True');
  return failure ? `the pod of ${metadata?.labels?.app ?? metadata?.name} cannot be made: ${firstLine(failure.message ?? failure.reason ?? '')}` : null;
}

/** Whether Istio's proxy is among a pod's containers; newer releases make it an init container that stays. */
export function hasSidecar({ spec }: V1Pod): boolean {
  return [...spec?.containers ?? [], ...spec?.initContainers ?? []].some(({ name }) => name === 'istio-proxy');
}

/** The running container of that name: its id without the runtime's prefix. */
export function containerId(pod: V1Pod, container: string): string | null {
  const found = containersOf(pod).find(({ name }) => name === container);
  return found?.containerID?.split('://')[1] ?? null;
}

function containersOf({ status }: V1Pod): V1ContainerStatus[] {
  return [...status?.initContainerStatuses ?? [], ...status?.containerStatuses ?? []];
}

function firstLine(text: string): string {
  return text.trim().split('\n')[0].slice(0, 300);
}
