/** What stands in the way of pods that are not ready, read from what Kubernetes says of them. */
import type { KubernetesObject, V1ContainerStatus, V1Pod, V1ReplicaSet } from '@kubernetes/client-node';
import { admissionRemedy } from './errors.js';
import { serviceLabel } from './manifests.js';
import { sidecarContainer } from './sidecar-admin.js';

/** The service that a pod, or what makes it, plays. */
export function serviceOfPod({ metadata }: KubernetesObject): string {
  return metadata?.labels?.[serviceLabel] ?? metadata?.labels?.app ?? metadata?.name ?? 'a pod';
}

/** All containers run, and have passed their probes. */
export function isReady({ status }: V1Pod): boolean {
  return status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') ?? false;
}

/** Reasons why a container waits that time does not mend, with what to do. */
const hopeless: Record<string, string> = {
  ErrImageNeverPull: 'the node does not have it; import it there',
  InvalidImageName: 'give its name as registry/name:tag',
  ImagePullBackOff: 'let the nodes reach its registry, push it to a registry that they reach and give that name, or import it on every node',
  ErrImagePull: 'let the nodes reach its registry, push it to a registry that they reach and give that name, or import it on every node',
  CreateContainerConfigError: 'see: kubectl describe pod',
  RunContainerError: 'see: kubectl describe pod',
};

/** The scheduler says so too while a claim's volume is on its way. */
const unbound = /unbound immediate PersistentVolumeClaims/;

/**
 * Why a pod will not become ready, in one line with what to do; null while it may.
 * @param pod as the server shows it.
 * @param restarts so often a container may end and be started again.
 */
export function whyPodFails(pod: V1Pod, restarts = 0): string | null {
  const name = serviceOfPod(pod);
  const unschedulable = whyUnschedulable(pod);
  if (unschedulable && !unbound.test(unschedulable)) return `no node takes the pod of ${name}: ${unschedulable}; ${schedulingRemedy(unschedulable)}`;
  for (const container of containersOf(pod)) {
    const problem = whyContainerFails(container, name, restarts);
    if (problem) return problem;
  }
  return null;
}

function whyUnschedulable({ status }: V1Pod): string | null {
  const scheduled = status?.conditions?.find(({ type }) => type === 'PodScheduled');
  return scheduled?.status === 'False' && scheduled.reason === 'Unschedulable' ? firstLine(scheduled.message ?? scheduled.reason) : null;
}

function schedulingRemedy(message: string): string {
  if (/node affinity|selector|taint/.test(message) && !/Insufficient/.test(message)) return 'see its nodeSelector, affinity and tolerations, and: kubectl get nodes --show-labels';
  return 'use larger nodes or more of them, or a profile that asks for less (demo)';
}

/** What a pod that is not ready waits for, as far as its phase and the scheduler tell. */
export function describeWait(pod: V1Pod): string {
  const reason = whyUnschedulable(pod);
  return `${serviceOfPod(pod)} is ${pod.status?.phase}${reason ? ` (${reason})` : ''}`;
}

function whyContainerFails({ name, image, state, lastState, restartCount }: V1ContainerStatus, pod: string, restarts: number): string | null {
  const waiting = state?.waiting;
  if (waiting?.reason && waiting.reason in hopeless) {
    const about = waiting.reason.includes('Image') ? `the image ${image} of ${pod} cannot be had` : `container ${name} of ${pod} cannot start`;
    return `${about} (${waiting.reason}${waiting.message ? `: ${firstLine(waiting.message)}` : ''}); ${hopeless[waiting.reason]}`;
  }
  if (waiting?.reason === 'CrashLoopBackOff' && restartCount > restarts) return `container ${name} of ${pod} ended with ${lastState?.terminated?.exitCode} again and again; see: kubectl logs --previous`;
  return null;
}

/**
 * How the first container that should run, or its pod, has ended meanwhile, in words; null while all run.
 * @param before the pods when all were ready: what was started again until then is forgiven.
 */
export function whatEnded(before: V1Pod[], now: V1Pod[]): string | null {
  for (const pod of before) {
    const same = now.find(({ metadata }) => metadata?.uid === pod.metadata?.uid);
    const ended = same ? whatEndedIn(pod, same) : `the pod of ${serviceOfPod(pod)} is gone`;
    if (ended) return ended;
  }
  return null;
}

function whatEndedIn(before: V1Pod, { metadata, status }: V1Pod): string | null {
  const name = serviceOfPod(before);
  if (metadata?.deletionTimestamp) return `the pod of ${name} was deleted`;
  for (const { name: container, state, lastState, restartCount } of status?.containerStatuses ?? []) {
    const earlier = before.status?.containerStatuses?.find((one) => one.name === container)?.restartCount ?? 0;
    const ended = state?.terminated ?? (restartCount > earlier ? lastState?.terminated : undefined);
    if (ended) return `container ${container} of ${name} ended with ${ended.exitCode}${ended.reason ? ` (${ended.reason})` : ''}`;
  }
  return null;
}

/** Why a ReplicaSet could not make its pods, as the server told it, with what to do: a quota, a webhook that does not answer. */
export function whyNoPods(set: V1ReplicaSet): string | null {
  const failure = set.status?.conditions?.find(({ type, status: value }) => type === 'ReplicaFailure' && value === 'True');
  if (!failure) return null;
  const said = firstLine(failure.message ?? failure.reason ?? '');
  const remedy = admissionRemedy(said);
  return `the pod of ${serviceOfPod(set)} cannot be made: ${said}${remedy ? `; ${remedy}` : ''}`;
}

/** By which a pod says itself whether it gets one, as a label or, formerly, an annotation. */
const injectSwitch = 'sidecar.istio.io/inject';

/** Whether Istio's proxy is among a pod's containers; newer releases make it an init container that stays. */
export function hasSidecar({ spec }: V1Pod): boolean {
  return [...spec?.containers ?? [], ...spec?.initContainers ?? []].some(({ name }) => name === sidecarContainer);
}

/** Why a pod that should have one has no sidecar, in one line with what to do; null when it has. */
export function whyNoSidecar(pod: V1Pod): string | null {
  if (hasSidecar(pod)) return null;
  const { labels, annotations } = pod.metadata ?? {};
  const refuses = [labels, annotations].some((set) => set?.[injectSwitch] === 'false');
  return refuses
    ? `the pod of ${serviceOfPod(pod)} wants no sidecar (${injectSwitch} is false); take that out of the manifests, or choose the profile none`
    : `the pod of ${serviceOfPod(pod)} got no sidecar; see which namespaces Istio's webhook looks at: kubectl get mutatingwebhookconfiguration -o yaml`;
}

/** Ids of a pod's running containers, without the runtime's prefix: of Istio's proxy, and of those that are the application's. */
export function containerIds(pod: V1Pod): { sidecar: string | null; own: string[] } {
  const running = containersOf(pod).filter(({ state }) => state?.running).map(({ name, containerID }) => ({ name, id: containerID!.split('://')[1] }));
  const sidecar = running.find(({ name }) => name === sidecarContainer)?.id ?? null;
  return { sidecar, own: running.map(({ id }) => id).filter((id) => id !== sidecar) };
}

/** Id of one of a pod's containers, without the runtime's prefix. @throws Error when it does not run. */
export function containerId(pod: V1Pod, name: string): string {
  const id = containersOf(pod).find((container) => container.name === name)?.containerID;
  if (!id) throw new Error(`container ${name} of ${serviceOfPod(pod)} has no id; see: kubectl describe pod`);
  return id.split('://')[1];
}

function containersOf({ status }: V1Pod): V1ContainerStatus[] {
  return [...status?.initContainerStatuses ?? [], ...status?.containerStatuses ?? []];
}

function firstLine(text: string): string {
  return text.trim().split('\n')[0].slice(0, 300);
}
