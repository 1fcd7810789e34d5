/** Waits for a pod that the workbench made itself, without a Deployment around it. */
import type { V1Pod } from '@kubernetes/client-node';
import type { KubernetesClient, Selection } from './client.js';
import { isReady, whyPodFails } from './pods.js';

/**
 * @param pods among which it is.
 * @returns the pod as the server shows it then.
 * @throws Error in one line with what to do when it will not become ready, or is not in time.
 */
export async function untilPodReady(client: KubernetesClient, name: string, pods: Selection, timeoutMs: number): Promise<V1Pod> {
  const among = (all: V1Pod[]) => all.find(({ metadata }) => metadata?.name === name && !metadata.deletionTimestamp);
  return client.watchUntil<V1Pod, V1Pod>(pods, (all) => {
    const pod = among(all);
    const why = pod && (whyPodFails(pod) ?? whatFailed(pod));
    if (why) throw new Error(why);
    return pod && isReady(pod) ? pod : null;
  }, { timeoutMs, describe: (all) => `pod ${name} is ${among(all as V1Pod[])?.status?.phase ?? 'missing'}` });
}

/** Nothing starts it again. */
function whatFailed({ metadata, status }: V1Pod): string | null {
  const ended = status?.containerStatuses?.find(({ state }) => state?.terminated);
  return ended ? `container ${ended.name} of ${metadata?.name} ended with ${ended.state!.terminated!.exitCode}` : null;
}
