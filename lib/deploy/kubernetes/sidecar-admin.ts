/** Asks a pod's Envoy for a page of its admin interface, which only listens inside the pod: by a command run there. */
import { Exec, type V1Status } from '@kubernetes/client-node';
import { Writable } from 'node:stream';
import { parseStats, statsPage } from '../envoy-admin.js';
import type { KubernetesClient } from './client.js';
import { explain } from './errors.js';

export const sidecarContainer = 'istio-proxy';
/** Istio's, of the admin interface. */
export const adminPort = 15000;

export interface PodName {
  namespace: string;
  /** Of the pod. */
  name: string;
}

/**
 * @param page one that is JSON, e.g. `/config_dump`
 * @throws Error when the command cannot be run, or ends badly: its last words.
 */
export async function readPage(client: KubernetesClient, pod: PodName, page: string): Promise<string> {
  // Istio's agent is the one HTTP client that every proxy image has.
  const text = await runInPod(client, pod, sidecarContainer, ['pilot-agent', 'request', 'GET', page.replace(/^\//, '')]);
  // It logs to standard output as well, before the answer.
  return text.slice(Math.max(0, text.search(/^\{/m)));
}

/** Counters and gauges of a pod's Envoy by full name. */
export async function readSidecarStats(client: KubernetesClient, pod: PodName): Promise<Record<string, number>> {
  return parseStats(await readPage(client, pod, statsPage), `${pod.name}${statsPage}`);
}

/** Runs a command in a container. @returns what it printed. @throws Error when it fails. */
export async function runInPod(client: KubernetesClient, { namespace, name }: PodName, container: string, argv: string[]): Promise<string> {
  const [output, errors] = [collector(), collector()];
  const status = await new Promise<V1Status>((resolve, reject) => {
    const fail = (error: unknown) => reject(explain(error, `run ${argv[0]} in pod ${name}`, client.server));
    new Exec(client.config).exec(namespace, name, container, argv, output.stream, errors.stream, null, false, resolve)
      .then((socket) => { socket.onclose = () => fail(new Error('the connection was closed')); }, fail);
  });
  if (status.status === 'Success') return output.text();
  throw new Error(`${argv.join(' ')} in pod ${name} failed: ${errors.text().trim().split('\n').pop() || status.message}`);
}

function collector(): { stream: Writable; text: () => string } {
  const chunks: Buffer[] = [];
  const stream = new Writable({
    write: (chunk: Buffer, _, done) => {
      chunks.push(chunk);
      done();
    },
  });
  return { stream, text: () => Buffer.concat(chunks).toString('utf8') };
}
