/** Starts what runs in a pod: its service, its sidecar. The pod's network is there before. */
import * as path from 'node:path';
import type { Program } from '../../apps/programs.js';
import { readSockets } from '../../host/sockets.js';
import { start, type Daemon } from '../../host/process.js';
import { isServing, readStats } from '../envoy-admin.js';
import { findWorker, oneWorker, patience, quietly, untilServing } from '../envoy-start.js';
import type { PodSidecar } from '../application.js';
import type { Address, EnvoyBinary } from '../types.js';
import { ports, sidecarGroup } from './interception.js';
import { inPod } from './names.js';

/** Where and how everything of one pod runs. */
export interface PodPlace {
  /** Of the service. */
  name: string;
  namespace: string;
  /** The pod's own address. */
  address: string;
  /** Folder of the names that it knows (names.ts), and for its logs. */
  folder: string;
  /** Where its programs start. */
  cpus: number[];
  /** Is told of every program at once, before it is ready, so that it can be stopped at any moment. */
  keep(daemon: Daemon, stopMs?: number): void;
}

const serviceStartMs = 60_000;
const advice = 'is this machine very busy, or out of memory?';

/** Starts a program in a pod and waits until it serves at `port`. @throws Error with its last words when it does not. */
export async function startProgram(place: PodPlace, program: Pick<Program, 'argv' | 'env' | 'ready'>, port: number): Promise<Daemon> {
  const daemon = await start(inPod(place.namespace, place.folder, program.argv), {
    name: place.name, cpus: place.cpus, env: program.env, logFile: path.join(place.folder, `${place.name}.log`),
  });
  place.keep(daemon);
  const serves = () => (program.ready === 'listening' ? listensAt(daemon.pid, port) : program.ready.test(daemon.output())) || null;
  await untilServing(daemon, serves, serviceStartMs, advice);
  return daemon;
}

function listensAt(pid: number, port: number): boolean {
  return readSockets(pid).some(({ state, local }) => state === 'listening' && local.port === port);
}

export interface SidecarStart {
  envoy: EnvoyBinary;
  /** File of its configuration, and its text. */
  config: string;
  yaml: string;
  /** Words before Envoy's command line, e.g. of Valgrind. */
  wrap?: string[];
}

/** Standard output of a pod's Envoy, which is its access log where the profile has one. */
export function accessLogOf(folder: string, service: string): string {
  return path.join(folder, `${service}.access.log`);
}

/**
 * Starts a pod's Envoy, in the group by which the rules of the pod know it, and waits until it serves.
 * @throws Error with Envoy's last words when it does not.
 */
export async function startPodSidecar(place: PodPlace, { envoy, config, yaml, wrap }: SidecarStart): Promise<PodSidecar> {
  // Changing the group makes the kernel forget whose death is to end the program: it has to be said again.
  const inGroup = ['setpriv', '--regid', String(sidecarGroup), '--clear-groups', '--pdeathsig', 'KILL'];
  const argv = [...inGroup, ...(wrap ?? []), envoy.path, '-c', config, ...quietly, ...oneWorker];
  const daemon = await start(inPod(place.namespace, place.folder, argv), {
    name: `sidecar of ${place.name}`, cpus: place.cpus,
    logFile: path.join(place.folder, `${place.name}.envoy.log`), stdoutFile: accessLogOf(place.folder, place.name),
  });
  place.keep(daemon, patience(wrap).stopMs);
  const admin: Address = { host: place.address, port: ports.admin };
  const workerTid = await untilServing(daemon, async () => {
    const tid = findWorker(daemon.pid);
    return tid !== undefined && (await isServing(admin)) ? tid : null;
  }, patience(wrap).startMs, advice);
  return { pid: daemon.pid, workerTid, admin, yaml, stats: () => readStats(admin) };
}
