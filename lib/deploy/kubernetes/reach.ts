/** Where what runs on a cluster is reached, and whether it answers there. */
import * as net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { V1Node, V1Pod, V1Service } from '@kubernetes/client-node';
import { allowedCpus } from '../../host/cpus.js';
import { fromThisMachine, type LoadSource } from '../../load/source.js';
import type { LoadTarget } from '../../load/types.js';
import type { Address } from '../types.js';
import type { Agents } from './agent/agents.js';
import type { KubernetesClient } from './client.js';
import type { Frame } from './manifests.js';

const reachTimeoutMs = 1_000;
const answerTimeoutMs = 30_000;

/** What clients ask: its Service, and where its pod listens. */
export interface Front {
  name: string;
  port: number;
}

/** Where load comes from, and where it reaches the front. @throws Error as `reachable`. */
export async function wayTo(client: KubernetesClient, front: Front, frame: Frame, pod: V1Pod, agents: Agents): Promise<{ load: LoadSource; address: Address }> {
  if (agents.load) return { load: agents.load.load, address: { host: pod.status!.podIP!, port: front.port } };
  return { load: fromThisMachine, address: await reachable(client, front, frame, pod) };
}

/**
 * Where this machine reaches the front: its pod, if there is a way to pods from here, else the port that its Service has on
 * every node.
 * @throws Error when neither answers.
 */
async function reachable(client: KubernetesClient, front: Front, { namespace }: Frame, pod: V1Pod): Promise<Address> {
  const direct = { host: pod.status!.podIP!, port: front.port };
  if (await accepts(direct)) return direct;
  const service = await client.read<V1Service>({ apiVersion: 'v1', kind: 'Service', metadata: { name: front.name, namespace } });
  const port = service?.spec?.ports?.[0].nodePort ?? 0;
  const node = await client.read<V1Node>({ apiVersion: 'v1', kind: 'Node', metadata: { name: pod.spec!.nodeName! } });
  const hosts = (node?.status?.addresses ?? []).filter(({ type }) => type !== 'Hostname').map(({ address }) => address);
  for (const host of hosts) if (await accepts({ host, port })) return { host, port };
  throw new Error(`this machine reaches neither the pod of ${front.name} (${direct.host}:${direct.port}) nor port ${port} of its node (${hosts.join(', ')}); send the load from inside the cluster: WORKBENCH_LOAD=cluster`);
}

async function accepts({ host, port }: Address): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ host, port, timeout: reachTimeoutMs });
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => end(true)).once('timeout', () => end(false)).once('error', () => end(false));
  });
}

/**
 * Pods are ready before every node knows the way to their Services, and nothing tells when it does: asking does.
 * @throws Error with the last answer.
 */
export async function untilAnswered(load: LoadSource, target: LoadTarget, path: string): Promise<void> {
  const deadline = Date.now() + answerTimeoutMs;
  for (;;) {
    const answer = await load.sendExactly(target, { requests: 1, connections: 1, path }, { cpus: allowedCpus() }).then(
      ({ errors, statuses }) => (errors === 0 ? null : Object.keys(statuses).join(', ')),
      (error: Error) => error.message,
    );
    if (answer === null) return;
    if (Date.now() > deadline) throw new Error(`all pods are ready, but ${target.address.host}:${target.address.port}${path} does not answer with 200 after ${answerTimeoutMs / 1000} s: ${answer}`);
    await sleep(100);
  }
}
