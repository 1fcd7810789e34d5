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
  /** Keeps its tools and its generator to cores of its node; all that its pod may use when never said. */
  useCpus(cpus: readonly number[]): Promise<void>;
  tools: NodeTools;
  load: LoadSource;
  close(): void;
}

/** Calls a method of the agent. */
type Call = <T>(method: string, ...args: unknown[]) => Promise<T>;
/** What is called back meanwhile, by a number of ours. */
type Bodies = Map<number, () => Promise<unknown>>;

/**
 * Starts an agent in a pod that has its image; another, should the connection to it break between two calls.
 * @throws Error when the command cannot be run there.
 */
export async function connectAgent(client: KubernetesClient, pod: PodName): Promise<Agent> {
  const bodies: Bodies = new Map();
  let session = openSession(client, pod, bodies);
  await session;
  const call: Call = async (method, ...args) => {
    const current = session;
    if ((await current).peer.hasEnded && session === current) session = openSession(client, pod, bodies);
    return (await session).peer.call(method, ...args);
  };
  return {
    containers: (ids) => call('containers', ids),
    useCpus: (cpus) => call('useCpus', cpus),
    tools: remoteTools(call, bodies),
    load: remoteLoad(call),
    close: () => void session.then(({ close }) => close(), () => undefined),
  };
}

/** One agent, and the connection with which it ends. */
async function openSession(client: KubernetesClient, { namespace, name }: PodName, bodies: Bodies): Promise<{ peer: Peer; close: () => void }> {
  const input = new PassThrough();
  const peer = new Peer((text) => input.write(text), { body: (id: number) => bodies.get(id)!() });
  const output = lines((text) => peer.receive(text));
  let lastWords = '';
  const errors = lines((text) => { lastWords = text.trim().split('\n').pop() || lastWords; });
  const end = (why: string) => peer.end(new Error(`the agent in pod ${name} ${why}${lastWords && `: ${lastWords}`}`));
  const socket = await new Exec(client.config).exec(namespace, name, 'agent', agentCommand, output, errors, input, false, () => end('ended'))
    .catch((error: unknown) => { throw explain(error, `run the agent in pod ${name}`, client.server); });
  socket.onclose = () => end('cannot be reached any more');
  const close = () => {
    input.end();
    socket.close();
  };
  return { peer, close };
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

function remoteTools(call: Call, bodies: Bodies): NodeTools {
  let last = 0;
  /** Calls a method that calls `body` back, and keeps what it returns here. */
  const around = async <T>(body: () => Promise<T>, dir: string, record: (id: number) => Promise<AgentFiles>): Promise<T> => {
    const id = ++last;
    let result: { value: T } | undefined;
    bodies.set(id, async () => { result = { value: await body() }; });
    try {
      writeFiles(dir, await record(id));
      return result!.value;
    } finally {
      bodies.delete(id);
    }
  };
  return {
    machine: () => call('machine'),
    planCpus: () => call('planCpus'),
    place: (worker, others, cpus) => call('place', worker, others, cpus),
    coreClockHz: (cpu) => call('coreClockHz', cpu),
    readCpu: (of) => call('readCpu', of),
    untilWaiting: (pid, tid) => call('untilWaiting', pid, tid),
    probe: (collector) => call('probe', collector),
    version: (collector) => call('version', collector),
    record: (collector, { ending: _here, ...sidecar }, dir, body) => around(body, dir, (id) => call('record', collector, sidecar, id)),
    countProcesses: (pids, dir, body) => around(body, dir, (id) => call('countProcesses', pids, id)),
    measureEventCostNs: (pid, tid) => call('measureEventCostNs', pid, tid),
  };
}

function remoteLoad(call: Call): LoadSource {
  return {
    startLoad: async (target, spec, { dir }) => {
      const id = await call<number>('startLoad', target, spec);
      return {
        warm: call('loadIsWarm', id),
        readCpu: () => call('loadCpu', id),
        finish: async () => {
          const { outcome, files } = await call<{ outcome: LoadOutcome; files: AgentFiles }>('finishLoad', id);
          writeFiles(dir, files);
          return outcome;
        },
        stop: () => call('stopLoad', id),
      };
    },
    sendExactly: (target, spec) => call('sendExactly', target, spec),
  };
}

function writeFiles(dir: string, files: AgentFiles): void {
  for (const [name, content] of Object.entries(files)) fs.writeFileSync(path.join(dir, path.basename(name)), Buffer.from(content, 'base64'));
}
