/** The agents' pods: one a node, privileged and among the node's processes, for collectors; one for load. */
import type { V1Pod } from '@kubernetes/client-node';
import type { KubernetesClient } from '../client.js';
import { agentLabel, labelsOf, ownedBy, type Frame } from '../manifests.js';
import { untilPodReady } from '../single-pod.js';
import { connectAgent, type Agent } from './agent.js';
import { agentFolder } from './image.js';

const readyTimeoutMs = 120_000;

export type AgentRole = 'collector' | 'load';

/** @param node Kubernetes' name of its node. */
export function agentPod(role: AgentRole, node: string, image: string, frame: Frame): V1Pod {
  const looksAtAll = role === 'collector';
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: looksAtAll ? `collector-${node}` : role,
      namespace: frame.namespace,
      labels: { ...labelsOf(frame), [agentLabel]: role, 'sidecar.istio.io/inject': 'false' },
    },
    spec: {
      nodeSelector: { 'kubernetes.io/hostname': node },
      ...(looksAtAll && { hostPID: true }),
      containers: [{
        name: 'agent', image, imagePullPolicy: 'IfNotPresent', workingDir: agentFolder,
        ...(looksAtAll && { securityContext: { privileged: true } }),
      }],
      restartPolicy: 'Never',
      automountServiceAccountToken: false,
      terminationGracePeriodSeconds: 0,
    },
  };
}

/**
 * Starts an agent and connects to it.
 * @throws Error in one line: who forbids the pod, or why it does not run.
 */
export async function startAgent(client: KubernetesClient, pod: V1Pod, frame: Frame): Promise<Agent> {
  const name = pod.metadata!.name!;
  await client.apply([pod]);
  await untilPodReady(client, name, { apiVersion: 'v1', kind: 'Pod', plural: 'pods', namespace: frame.namespace, labels: `${ownedBy(frame.owner)},${agentLabel}` }, readyTimeoutMs);
  return connectAgent(client, { namespace: frame.namespace, name });
}
