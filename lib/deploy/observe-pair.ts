/** What can be seen of a live pair from outside: its processes, sockets, each hop's counters, and the time of each hop. */
import * as fs from 'node:fs';
import { interleave } from '../analysis/statistics.js';
import { connectionsBetween, readSockets, type Connection } from '../host/sockets.js';
import { connect } from '../load/sequential.js';
import type { LivePair } from './live-pair.js';
import type { Address } from './types.js';

/** As Figures 3 and 4 call the four, in the order a request meets them. */
export const memberNames = ['service A', 'sidecar A', 'sidecar B', 'service B'] as const;
export type MemberName = (typeof memberNames)[number];

export interface PairMember {
  name: MemberName;
  /** The kernel's name of the process, e.g. `envoy`. */
  program: string;
  pid: number;
  /** The thread that carries the traffic, and the core it last ran on. */
  thread: { name: string; tid: number; cpu: number };
}

export interface ListeningSocket {
  owner: MemberName;
  address: Address;
  purpose: 'traffic' | 'admin';
}

/** Requests by each hop's own count. */
export interface HopCounts {
  /** Sent by service A, and each answered with 200. */
  sent: number;
  /** Envoy's `downstream_rq_total` and its cluster's `upstream_rq_total`. */
  egress: { received: number; passedOn: number };
  ingress: { received: number; passedOn: number };
}

export interface PairObservation {
  policy: { id: string; label: string; filters: number };
  envoy: { version: string; buildId: string };
  backend: { name: string; version: string; standInReason: string | null };
  members: PairMember[];
  listening: ListeningSocket[];
  connections: Connection[];
  requests: HopCounts;
  /** Bytes of each answer. */
  payloadBytes: number;
  /** Microseconds of the n-th round, one request by each path: straight to B, through B's sidecar, through both. */
  timesUs: Record<PathName, number[]>;
}

export const pathNames = ['direct', 'ingress', 'both'] as const;
export type PathName = (typeof pathNames)[number];

export interface ObserveOptions {
  payloadBytes: number;
  /** Requests whose way through the counters is followed. */
  requests: number;
  /** Rounds of timed requests, each path once a round. */
  rounds: number;
}

const warmUpRounds = 50;
const seed = 4;

/**
 * Sends requests through the pair, one at a time, and looks at it while its connections stand; then times each path.
 * @throws Error when a request is not answered with 200, or a member has gone.
 */
export async function observePair(pair: LivePair, { payloadBytes, requests, rounds }: ObserveOptions): Promise<PairObservation> {
  const { policy, egress, backend } = pair;
  const path = `/${payloadBytes}`;
  const followed = await followRequests(pair, path, requests);
  return {
    policy: { id: policy.id, label: policy.label, filters: policy.filters.length },
    envoy: { version: egress.envoy.version, buildId: egress.envoy.buildId },
    backend: { name: backend.name, version: backend.version, standInReason: backend.standInReason },
    ...followed,
    payloadBytes,
    timesUs: await timePaths(pair, path, rounds),
  };
}

async function followRequests(pair: LivePair, path: string, requests: number): Promise<Pick<PairObservation, 'members' | 'listening' | 'connections' | 'requests'>> {
  const before = await counts(pair);
  const client = connect(pair.egress.address);
  try {
    for (let i = 0; i < requests; i++) await client.get(path);
    const members = membersOf(pair);
    const sockets = members.flatMap(({ name, pid }) => readSockets(pid).map((socket) => ({ ...socket, owner: name })));
    const admin = [pair.egress.admin.port, pair.ingress.admin.port];
    return {
      members,
      // This process may listen for other reasons, e.g. as a notebook's kernel.
      listening: sockets.filter(({ state, owner }) => state === 'listening' && owner !== 'service A')
        .map(({ owner, local }) => ({ owner, address: local, purpose: admin.includes(local.port) ? 'admin' : 'traffic' })),
      // Our own readings of the counters are connections, too.
      connections: connectionsBetween(sockets).filter(({ toPort, to }) => to !== 'service A' && !admin.includes(toPort)),
      requests: { sent: requests, ...difference(await counts(pair), before) },
    };
  } finally {
    client.close();
  }
}

type SidecarCounts = Pick<HopCounts, 'egress' | 'ingress'>;

async function counts({ egress, ingress }: LivePair): Promise<SidecarCounts> {
  const [a, b] = await Promise.all([egress.stats(), ingress.stats()]);
  return { egress: countsOf(a), ingress: countsOf(b) };
}

/** By the statistics' names that every rendered policy has: connection manager `http`, cluster `backend`. */
function countsOf(stats: Record<string, number>): { received: number; passedOn: number } {
  return { received: stats['http.http.downstream_rq_total'] ?? 0, passedOn: stats['cluster.backend.upstream_rq_total'] ?? 0 };
}

function difference(after: SidecarCounts, before: SidecarCounts): SidecarCounts {
  const minus = (side: keyof SidecarCounts) => ({
    received: after[side].received - before[side].received, passedOn: after[side].passedOn - before[side].passedOn,
  });
  return { egress: minus('egress'), ingress: minus('ingress') };
}

function membersOf({ egress, ingress, backend }: LivePair): PairMember[] {
  const threads: Record<MemberName, [pid: number, tid: number]> = {
    'service A': [process.pid, process.pid],
    'sidecar A': [egress.pid, egress.workerTid],
    'sidecar B': [ingress.pid, ingress.workerTid],
    'service B': [backend.pid, backend.pid],
  };
  return memberNames.map((name) => {
    const [pid, tid] = threads[name];
    return { name, program: comm(pid, pid), pid, thread: { name: comm(pid, tid), tid, cpu: lastCpu(pid, tid) } };
  });
}

function comm(pid: number, tid: number): string {
  return fs.readFileSync(`/proc/${pid}/task/${tid}/comm`, 'utf8').trim();
}

/** Field 39 of /proc/PID/task/TID/stat: the core it last ran on. */
function lastCpu(pid: number, tid: number): number {
  const stat = fs.readFileSync(`/proc/${pid}/task/${tid}/stat`, 'utf8');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[36]);
}

/** Every round asks by each path once, in random order, so that drift of the machine meets all three alike. */
async function timePaths({ egress, ingress, backend }: LivePair, path: string, rounds: number): Promise<PairObservation['timesUs']> {
  const clients = { direct: connect(backend.address), ingress: connect(ingress.address), both: connect(egress.address) };
  const timesUs: PairObservation['timesUs'] = { direct: [], ingress: [], both: [] };
  try {
    for (const { item, repeat } of interleave(pathNames, warmUpRounds + rounds, seed)) {
      const us = await clients[item].get(path);
      if (repeat >= warmUpRounds) timesUs[item].push(Math.round(us * 10) / 10);
    }
    return timesUs;
  } finally {
    pathNames.forEach((name) => clients[name].close());
  }
}
