/**
 * What runs in a pod of the workbench on a node: the collectors and the load generator, called over standard input and
 * output (peer.ts). It ends with the connection.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Collected } from '../../../counters/collector.js';
import { onThisMachine, type NodeCollector, type ThreadName } from '../../../counters/node-tools.js';
import { allowedCpus, pin, planCpus, type CpuPlan } from '../../../host/cpus.js';
import { stopAll } from '../../../host/process.js';
import { fromThisMachine, type SourcedLoad } from '../../../load/source.js';
import type { BatchSpec, LoadSpec, LoadTarget } from '../../../load/types.js';
import { droppedByPack } from '../../../store/files.js';
import { makeRunFolder, removeRunFolder } from '../../run-folder.js';
import { envoyAmong, processesOf } from './containers.js';
import { Peer } from './peer.js';
import type { AgentFiles, RemoteSidecar } from './protocol.js';

const permitted = allowedCpus();
/** What tools, the generator and this program may use. */
let cpus = permitted;

/** Loads that are under way, by a number of ours. */
const loads = new Map<number, { load: SourcedLoad; dir: string }>();
let started = 0;

const peer: Peer = new Peer((text) => process.stdout.write(text), {
  useCpus: async (chosen: number[]) => {
    cpus = chosen;
    await pin(process.pid, chosen, { allThreads: true });
  },
  machine: () => onThisMachine.machine(),
  planCpus: () => planCpus(permitted),
  place: (worker: Required<ThreadName>, others: number[], plan: CpuPlan) => onThisMachine.place(worker, others, plan),
  coreClockHz: (cpu: number) => onThisMachine.coreClockHz(cpu),
  containers: (ids: string[]) => ids.map(processesOf).map((pids) => ({ pids, envoy: envoyAmong(pids) })),
  readCpu: (of: ThreadName[]) => onThisMachine.readCpu(of),
  untilWaiting: (pid: number, tid: number) => onThisMachine.untilWaiting(pid, tid),
  probe: (collector: NodeCollector) => onThisMachine.probe(collector),
  version: (collector: NodeCollector) => onThisMachine.version(collector),
  record: (collector: NodeCollector, sidecar: RemoteSidecar, body: number) => withFiles((dir) => (
    onThisMachine.record(collector, collectedHere(sidecar), dir, () => peer.call('body', body), cpus))),
  countProcesses: (pids: number[], body: number) => withFiles((dir) => onThisMachine.countProcesses(pids, dir, () => peer.call('body', body), cpus)),
  measureEventCostNs: (pid: number, tid: number) => onThisMachine.measureEventCostNs(pid, tid, cpus),
  startLoad: async (target: LoadTarget, spec: LoadSpec) => {
    const id = ++started;
    const dir = makeRunFolder('load');
    loads.set(id, { load: await fromThisMachine.startLoad(target, spec, { cpus, dir }), dir });
    return id;
  },
  loadIsWarm: (id: number) => loads.get(id)!.load.warm,
  loadCpu: (id: number) => loads.get(id)!.load.readCpu(),
  finishLoad: async (id: number) => {
    const { load, dir } = loads.get(id)!;
    const outcome = await load.finish();
    return { outcome, files: filesIn(dir) };
  },
  stopLoad: async (id: number) => {
    const { load, dir } = loads.get(id)!;
    loads.delete(id);
    await load.stop();
    removeRunFolder(dir);
  },
  sendExactly: (target: LoadTarget, spec: BatchSpec) => fromThisMachine.sendExactly(target, spec, { cpus }),
});

/** A sidecar of this node; whether it still lives, the cluster tells. */
function collectedHere(sidecar: RemoteSidecar): Collected {
  // Where its container has it, seen from here.
  const envoy = { ...sidecar.envoy, path: `/proc/${sidecar.pid}/root${fs.readlinkSync(`/proc/${sidecar.pid}/exe`)}` };
  return { ...sidecar, envoy, ending: async () => null };
}

/** @returns what `body` wrote, without what is reduced already and too much to send. */
async function withFiles(body: (dir: string) => Promise<unknown>): Promise<AgentFiles> {
  const dir = makeRunFolder('record');
  try {
    await body(dir);
    return filesIn(dir, (name) => !droppedByPack(name));
  } finally {
    removeRunFolder(dir);
  }
}

function filesIn(dir: string, which: (name: string) => boolean = () => true): AgentFiles {
  return Object.fromEntries(fs.readdirSync(dir).filter(which).map((name) => [name, fs.readFileSync(path.join(dir, name)).toString('base64')]));
}

process.stdin.setEncoding('utf8').on('data', (text: string) => peer.receive(text)).on('end', () => {
  void stopAll().finally(() => process.exit(0));
});
