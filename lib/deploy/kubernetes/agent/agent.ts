/** The workbench's side of an agent: the tools of a node, and a source of load, by calls to a pod there. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { Exec } from '@kubernetes/client-node';
import type { NodeTools } from '../../../counters/node-tools.js';
import type { LoadSource } from '../../../load/source.js';
import type { LoadOutcome } from '../../../load/types.js';
import type { KubernetesClient } from '../client.js';
import { explain } from '../errors.js';
import type { PodName } from '../sidecar-admin.js';
import { agentCommand } from './image.js';
import { Peer } from './peer.js';
import type { AgentFiles, ContainerProcesses } from './protocol.js';

export interface Agent {
  /** Processes of containers, in the order of their ids. */
  containers(ids: readonly string[]): Promise<ContainerProcesses[]>;
  tools: NodeTools;
  load: LoadSource;
  close(): void;
}

/**
 * Starts an agent in a pod that has its image.
 * @throws Error when the command cannot be run there.
 */
export async function connectAgent(client: KubernetesClient, { namespace, name }: PodName): Promise<Agent> {
  const input = new PassThrough();
  const bodies = new Map<number, () => Promise<unknown>>();
  const peer = new Peer((text) => input.write(text), { body: (id: number) => bodies.get(id)!() });
  const output = lines((text) => peer.receive(text));
  let lastWords = '';
  const errors = lines((text) => { lastWords = text.trim().split('\n').pop() || lastWords; });
  const end = (why: string) => peer.end(new Error(`the agent in pod ${name} ${why}${lastWords && `: ${lastWords}`}`));
  const socket = await new Exec(client.config).exec(namespace, name, 'agent', agentCommand, output, errors, input, false, () => end('ended'))
    .catch((error: unknown) => { throw explain(error, `run the agent in pod ${name}`, client.server); });
  socket.onclose = () => end('cannot be reached any more');
  return {
    containers: (ids) => peer.call('containers', ids),
    tools: remoteTools(peer, bodies),
    load: remoteLoad(peer),
    close: () => {
      input.end();
      socket.close();
    },
  };
}

function lines(take: (text: string) => void): Writable {
  const decoder = new TextDecoder();
  return new Writable({
    write: (chunk: Buffer, _, done) => {
      take(decoder.decode(chunk, { stream: true }));
      done();
    },
  });
}

function remoteTools(peer: Peer, bodies: Map<number, () => Promise<unknown>>): NodeTools {
  let last = 0;
  /** Calls a method that calls `body` back, and keeps what it returns here. */
  const around = async <T>(body: () => Promise<T>, dir: string, call: (id: number) => Promise<AgentFiles>): Promise<T> => {
    const id = ++last;
    let result: { value: T } | undefined;
    bodies.set(id, async () => { result = { value: await body() }; });
    try {
      writeFiles(dir, await call(id));
      return result!.value;
    } finally {
      bodies.delete(id);
    }
  };
  return {
    readCpu: (of) => peer.call('readCpu', of),
    untilWaiting: (pid, tid) => peer.call('untilWaiting', pid, tid),
    probe: (collector) => peer.call('probe', collector),
    record: (collector, { ending: _here, ...sidecar }, dir, body) => around(body, dir, (id) => peer.call('record', collector, sidecar, id)),
    countProcesses: (pids, dir, body) => around(body, dir, (id) => peer.call('countProcesses', pids, id)),
    measureEventCostNs: (pid, tid) => peer.call('measureEventCostNs', pid, tid),
  };
}

function remoteLoad(peer: Peer): LoadSource {
  return {
    startLoad: async (target, spec, { dir }) => {
      const id = await peer.call<number>('startLoad', target, spec);
      return {
        warm: peer.call('loadIsWarm', id),
        readCpu: () => peer.call('loadCpu', id),
        finish: async () => {
          const { outcome, files } = await peer.call<{ outcome: LoadOutcome; files: AgentFiles }>('finishLoad', id);
          writeFiles(dir, files);
          return outcome;
        },
        stop: () => peer.call('stopLoad', id),
      };
    },
    sendExactly: (target, spec) => peer.call('sendExactly', target, spec),
  };
}

function writeFiles(dir: string, files: AgentFiles): void {
  for (const [name, content] of Object.entries(files)) fs.writeFileSync(path.join(dir, path.basename(name)), Buffer.from(content, 'base64'));
}
