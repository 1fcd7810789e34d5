/**
 * How long a request is inside a sidecar, told from the system calls of its worker thread: the pure part of Figure 13.
 *
 * The worker sleeps in epoll_wait; what it does between two sleeps is a wakeup. Every call, and the stretch of user code
 * after it, belongs to one half of a *traversal* (a call crossing the sidecar), to none, or is sleep. A half begins with a
 * read that yields bytes: from a connection that the sidecar accepted, the request; from one that it opened, the response.
 * It ends with the last write to the other side. What precedes the read in its wakeup belongs to it, and so does accepting
 * the connection, with the connection's first request. What follows the last write (closing, clean-up, statistics) is
 * `after`: it costs, but nobody waits for it.
 *
 * The paper's words (A.2) for the four halves: `request_ingress` into the service and `request_egress`, the answer out
 * of it, where the sidecar stands before its own service; `fanout_egress` and `fanout_ingress`, out to another service and
 * its answer, where it carries what its service asks of others. Both kinds are told apart by the listener.
 *
 * This needs requests one after another: those that overlap on one connection (pipelined, or streams of HTTP/2) are one
 * traversal. A wakeup that serves two connections is cut at their reads. Bytes that are no request (a TLS handshake,
 * HTTP/2 settings, a request that the sidecar answers itself) lead to no upstream write: their time is `unassigned`. A TLS
 * handshake with an upstream during the recording would pass for a response: let connections with TLS stand before it.
 */
import { readNames, writeNames, type CallRecording, type SystemCall } from '../counters/system-call.js';
import type { Address } from '../deploy/types.js';

export type Direction = 'inbound' | 'outbound';
export type Path = 'request_ingress' | 'request_egress' | 'fanout_egress' | 'fanout_ingress';

/** In the order in which a request meets them. */
export const paths: readonly Path[] = ['request_ingress', 'fanout_egress', 'fanout_ingress', 'request_egress'];

/** Time of the worker, nanoseconds, as the tool showed it. */
export interface WorkerTime {
  /** In system calls, sleeps excepted. */
  kernelNs: number;
  /** Between system calls: user code, and the kernel's ways in and out. */
  userNs: number;
  /** Ready to run, but the core was somebody else's; part of the other two where the tool does not show it. */
  lostNs: number;
  /** Asleep while the half was under way, e.g. for the handshake of a new upstream connection. */
  waitNs: number;
  /** Of the sleeps next to it, the part on a core: falling asleep and waking up. 0 where the tool does not show it. */
  wakeNs: number;
  /** Stretches of user code in `userNs`. */
  gaps: number;
  /** System calls in `kernelNs` by name. */
  calls: Record<string, number>;
}

export interface Half {
  path: Path;
  /** Up to its last write: what a request waits for. */
  time: WorkerTime;
  after: WorkerTime;
}

export interface Traversal {
  direction: Direction;
  /** When the worker woke for it, nanoseconds since the recording's origin. */
  startNs: number;
  request: Half;
  response: Half;
  /** It was the first request of its client's connection, which was accepted during the recording. */
  isFirst: boolean;
  /** It opened a connection to the upstream. */
  opensUpstream: boolean;
  /** The upstream, where the tool shows addresses. */
  upstream: Address | null;
}

export interface SidecarLatency {
  /** Whole ones, in order of their start. */
  traversals: Traversal[];
  /** From the first call's start to the last one's end. All parts add up to it. */
  windowNs: number;
  /** Asleep between requests and while others work on them. */
  idleNs: number;
  /** Of no request: timers, handshakes, traversals that were cut off or answered by the sidecar itself. */
  unassigned: WorkerTime;
  /** Traversals under way at the end of the recording. */
  cutOff: number;
}

/** Which traffic a listener takes; null for neither, e.g. a health check. */
export type DirectionOf = (listener: Address) => Direction | null;

/** Istio's listener for what the service itself sends. */
const outboundPort = 15001;

/** Inbound, except for Istio's outbound listener. */
export const byIstioPorts: DirectionOf = ({ port }) => (port === outboundPort ? 'outbound' : 'inbound');

/**
 * Splits a recording into traversals.
 * @throws Error when it holds no calls, or those of several threads.
 */
export function sidecarLatency(recording: CallRecording, directionOf: DirectionOf = byIstioPorts): SidecarLatency {
  const { calls } = recording;
  if (calls.length === 0) throw new Error('the recording holds no system calls; load the sidecar while it is traced');
  const stranger = calls.find(({ tid }) => tid !== calls[0].tid);
  if (stranger) throw new Error(`the recording holds calls of threads ${calls[0].tid} and ${stranger.tid}; trace the worker alone`);
  const splitter = new Splitter(recording, directionOf);
  calls.forEach((call, i) => splitter.call(call, calls[i + 1]?.startNs ?? call.endNs));
  return splitter.finish(calls[calls.length - 1].endNs - calls[0].startNs);
}

/** Sum of both, call by call. */
export function addTimes(a: WorkerTime, b: WorkerTime): WorkerTime {
  const calls = { ...a.calls };
  for (const [name, count] of Object.entries(b.calls)) calls[name] = (calls[name] ?? 0) + count;
  return {
    kernelNs: a.kernelNs + b.kernelNs, userNs: a.userNs + b.userNs, lostNs: a.lostNs + b.lostNs, waitNs: a.waitNs + b.waitNs, wakeNs: a.wakeNs + b.wakeNs,
    gaps: a.gaps + b.gaps, calls,
  };
}

export const noTime: WorkerTime = { kernelNs: 0, userNs: 0, lostNs: 0, waitNs: 0, wakeNs: 0, gaps: 0, calls: {} };

/** How many system calls are in a time. */
export function callCount({ calls }: WorkerTime): number {
  return Object.values(calls).reduce((sum, count) => sum + count, 0);
}

const accepts: ReadonlySet<string> = new Set(['accept', 'accept4']);

/** A poll that cannot sleep is work like any other call. */
function isSleep({ timeoutMs }: SystemCall): boolean {
  return timeoutMs !== null && timeoutMs !== 0;
}

/** Collects time: `pending` becomes part of the half with its next write, and comes after it when there is none. */
interface OpenHalf {
  done: WorkerTime;
  pending: WorkerTime;
  after: WorkerTime;
  /** Between a read and the write that answers it. */
  isUnderWay: boolean;
}

interface OpenTraversal {
  client: Client;
  startNs: number;
  isFirst: boolean;
  opensUpstream: boolean;
  upstream: Upstream | null;
  request: OpenHalf;
  response: OpenHalf;
  /** Set by the first bytes of the upstream's answer. */
  isAnswered: boolean;
  /** Set by the first bytes of the answer passed on. */
  isReplied: boolean;
}

/** A connection that the sidecar accepted. */
interface Client {
  kind: 'client';
  direction: Direction | null;
  traversal: OpenTraversal | null;
  /** Accepting it; null once its first request has come. */
  setUp: OpenHalf | null;
}

/** A connection that the sidecar opened. */
interface Upstream {
  kind: 'upstream';
  traversal: OpenTraversal | null;
  address: Address | null;
}

class Splitter {
  private readonly listeners = new Map<number, Address>();
  private readonly connections = new Map<number, Client | Upstream>();
  private readonly traversals: OpenTraversal[] = [];
  /** Of accepted connections that brought no request yet. */
  private readonly setUps: OpenHalf[] = [];
  /** Time of no request. */
  private readonly other = newHalf();
  private idleNs = 0;
  /** What the worker works on; null from waking up until that is known. */
  private now: OpenHalf | null = null;
  private nowOf: OpenTraversal | null = null;
  /** Begun since waking up, without an upstream. */
  private unbound: OpenTraversal[] = [];
  /** Since waking up. */
  private unknown = noTime;
  private wokeNs = 0;

  constructor({ sockets }: CallRecording, private readonly directionOf: DirectionOf) {
    for (const { state, local, descriptors } of sockets) if (state === 'listening') descriptors.forEach((descriptor) => this.listeners.set(descriptor, local));
    const listening = new Map([...this.listeners.values()].map((address) => [address.port, address]));
    for (const { state, local, remote, descriptors } of sockets.filter((socket) => socket.state !== 'listening')) {
      const listener = listening.get(local.port);
      if (state === 'established') descriptors.forEach((descriptor) => this.connections.set(descriptor, listener ? this.newClient(listener, null) : newUpstream(remote)));
    }
  }

  /** @param nextNs when the next call starts: until then user code runs. */
  call(call: SystemCall, nextNs: number): void {
    const gap = nextNs > call.endNs ? { ...onCore('userNs', nextNs - call.endNs, call.nextOnCoreNs), gaps: 1 } : noTime;
    if (isSleep(call)) return this.sleep(call, gap);
    const work = { ...onCore('kernelNs', call.endNs - call.startNs, call.onCoreNs), calls: { [call.name]: 1 } };
    this.look(call);
    this.spend(addTimes(work, gap));
    if (this.passesOn(call)) this.commit(gap);
    if (call.name === 'close' && call.descriptor !== null) this.connections.delete(call.descriptor);
  }

  finish(windowNs: number): SidecarLatency {
    this.settle(this.other);
    const whole = this.traversals.filter(isWhole);
    const rest = [this.other, ...this.setUps, ...this.traversals.filter((one) => !isWhole(one)).flatMap(({ request, response }) => [request, response])];
    return {
      traversals: whole.map(closed), windowNs, idleNs: this.idleNs, unassigned: rest.map(everything).reduce(addTimes, noTime),
      cutOff: this.traversals.filter((one) => one.upstream !== null && !one.isReplied).length,
    };
  }

  private sleep({ startNs, endNs, onCoreNs }: SystemCall, gap: WorkerTime): void {
    this.settle(this.other);
    const durationNs = endNs - startNs;
    const wakeNs = onCoreNs ?? 0;
    if (this.now?.isUnderWay) this.now.pending = addTimes(this.now.pending, { ...noTime, waitNs: durationNs });
    else this.idleNs += durationNs;
    // What has not gone on by now, nor began to connect to an upstream, was no request.
    for (const { client } of this.unbound) client.traversal = null;
    this.unbound = [];
    this.now = this.nowOf = null;
    this.unknown = { ...gap, wakeNs };
    this.wokeNs = endNs;
  }

  /** Finds out from a call which half it belongs to; one that tells nothing belongs to the half before it. */
  private look(call: SystemCall): void {
    const { name, descriptor, result } = call;
    if (descriptor === null) return;
    if (accepts.has(name) && result >= 0) return this.accept(call);
    if (name === 'connect') return this.connect(call);
    const connection = this.connections.get(descriptor);
    if (!connection) return;
    const hasBytes = readNames.has(name) && result > 0;
    if (connection.kind === 'client') this.client(connection, hasBytes);
    else this.upstream(connection, hasBytes, writeNames.has(name));
  }

  private accept({ descriptor, result }: SystemCall): void {
    const listener = this.listeners.get(descriptor!);
    if (!listener) return;
    const setUp = newHalf();
    this.setUps.push(setUp);
    this.connections.set(result, this.newClient(listener, setUp));
    this.turnTo(setUp, null);
  }

  private connect({ descriptor, peer, error }: SystemCall): void {
    if (error !== null && error !== 'EINPROGRESS') return;
    const upstream = newUpstream(peer);
    this.connections.set(descriptor!, upstream);
    if (!this.nowOf || !this.unbound.includes(this.nowOf)) return;
    this.nowOf.opensUpstream = true;
    this.bind(upstream, this.nowOf);
  }

  private client(client: Client, hasBytes: boolean): void {
    if (hasBytes && client.direction !== null) {
      if (!client.traversal || client.traversal.isReplied) this.begin(client);
      client.traversal!.request.isUnderWay = true;
      return this.turnTo(client.traversal!.request, client.traversal);
    }
    const { traversal } = client;
    if (traversal) this.turnTo(traversal.isAnswered ? traversal.response : traversal.request, traversal);
    else this.turnTo(client.setUp ?? this.other, null);
  }

  private upstream(upstream: Upstream, hasBytes: boolean, isWrite: boolean): void {
    const isFree = !upstream.traversal || upstream.traversal.isReplied;
    // Requests that were read in one wakeup are written in the same order.
    if (isWrite && isFree && this.unbound.length > 0) this.bind(upstream, this.unbound[0]);
    const { traversal } = upstream;
    if (!traversal) return this.turnTo(this.other, null);
    if (hasBytes) resume(traversal);
    this.turnTo(traversal.isAnswered ? traversal.response : traversal.request, traversal);
  }

  private begin(client: Client): void {
    const setUp = client.setUp;
    if (setUp) this.setUps.splice(this.setUps.indexOf(setUp), 1);
    client.setUp = null;
    client.traversal = {
      client, startNs: this.wokeNs, isFirst: setUp !== null, opensUpstream: false, upstream: null,
      request: setUp ?? newHalf(), response: newHalf(), isAnswered: false, isReplied: false,
    };
    this.traversals.push(client.traversal);
    this.unbound.push(client.traversal);
  }

  /** An upstream serves the request that the worker writes to it, until that is answered. */
  private bind(upstream: Upstream, traversal: OpenTraversal): void {
    traversal.upstream = upstream;
    upstream.traversal = traversal;
    this.unbound = this.unbound.filter((one) => one !== traversal);
  }

  private turnTo(half: OpenHalf, traversal: OpenTraversal | null): void {
    this.now = half;
    this.nowOf = traversal;
    this.settle(half);
  }

  /** What was done since waking up, before it was known for whom, counts for `half`. */
  private settle(half: OpenHalf): void {
    half.pending = addTimes(half.pending, this.unknown);
    this.unknown = noTime;
  }

  private spend(time: WorkerTime): void {
    if (this.now) this.now.pending = addTimes(this.now.pending, time);
    else this.unknown = addTimes(this.unknown, time);
  }

  /** Whether a call has passed bytes of a half on to where they go. */
  private passesOn({ name, descriptor, result }: SystemCall): boolean {
    if (!writeNames.has(name) || result <= 0 || descriptor === null || !this.nowOf) return false;
    const connection = this.connections.get(descriptor);
    if (connection?.kind === 'upstream') return connection.traversal === this.nowOf && !this.nowOf.isAnswered;
    return connection === this.nowOf.client;
  }

  /** @param gap what follows the write, which is no part of the half any more. */
  private commit(gap: WorkerTime): void {
    const half = this.now!;
    half.done = addTimes(half.done, subtractGap(half.pending, gap));
    half.pending = gap;
    half.isUnderWay = false;
    if (half === this.nowOf!.response || !this.nowOf!.upstream) this.nowOf!.isReplied = true;
  }

  private newClient(listener: Address, setUp: OpenHalf | null): Client {
    return { kind: 'client', direction: this.directionOf(listener), traversal: null, setUp };
  }
}

function onCore(kind: 'kernelNs' | 'userNs', durationNs: number, onCoreNs: number | null): WorkerTime {
  const workNs = onCoreNs ?? durationNs;
  return { ...noTime, [kind]: workNs, lostNs: durationNs - workNs };
}

function newUpstream(address: Address | null): Upstream {
  return { kind: 'upstream', traversal: null, address };
}

/** Bytes of an answer have come: its first, or more of it. What was done since the last were passed on, nobody waited for. */
function resume(traversal: OpenTraversal): void {
  const { response } = traversal;
  traversal.isAnswered = true;
  if (response.isUnderWay) return;
  response.after = addTimes(response.after, response.pending);
  response.pending = noTime;
  response.isUnderWay = true;
}

function newHalf(): OpenHalf {
  return { done: noTime, pending: noTime, after: noTime, isUnderWay: false };
}

function subtractGap(time: WorkerTime, gap: WorkerTime): WorkerTime {
  return { ...time, userNs: time.userNs - gap.userNs, lostNs: time.lostNs - gap.lostNs, gaps: time.gaps - gap.gaps };
}

function everything({ done, pending, after }: OpenHalf): WorkerTime {
  return [done, pending, after].reduce(addTimes);
}

function isWhole({ upstream, isAnswered, isReplied }: OpenTraversal): boolean {
  return upstream !== null && isAnswered && isReplied;
}

function closed(traversal: OpenTraversal): Traversal {
  const { client, startNs, isFirst, opensUpstream, upstream } = traversal;
  const direction = client.direction!;
  const half = (path: Path, { done, pending, after }: OpenHalf): Half => ({ path, time: done, after: addTimes(after, pending) });
  return {
    direction, startNs, isFirst, opensUpstream, upstream: upstream!.address,
    request: half(direction === 'inbound' ? 'request_ingress' : 'fanout_egress', traversal.request),
    response: half(direction === 'inbound' ? 'request_egress' : 'fanout_ingress', traversal.response),
  };
}
