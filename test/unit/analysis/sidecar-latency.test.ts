import * as fs from 'node:fs';
import { describe, expect, it } from 'vitest';
import { addTimes, noTime, sidecarLatency, type DirectionOf, type SidecarLatency } from '../../../lib/analysis/sidecar-latency.js';
import { parseStrace } from '../../../lib/counters/strace-output.js';
import type { CallRecording, SystemCall } from '../../../lib/counters/system-call.js';
import { parseSyscallEvents } from '../../../lib/counters/syscall-events-output.js';
import type { HeldSocket } from '../../../lib/host/sockets.js';
import { projectPath } from '../../../lib/host/paths.js';

const here = { host: '127.0.0.1', port: 0 };
const listening = (descriptor: number, port: number): HeldSocket => ({ inode: descriptor, state: 'listening', local: { ...here, port }, remote: here, descriptors: [descriptor] });
const established = (descriptor: number, localPort: number, remotePort: number): HeldSocket =>
  ({ inode: descriptor, state: 'established', local: { ...here, port: localPort }, remote: { ...here, port: remotePort }, descriptors: [descriptor] });

/** A pod: inbound listener 3 with connection 5, to the service by 6; outbound listener 4 with connection 7, to another pod by 8. */
const pod = [listening(3, 15006), listening(4, 15001), established(5, 15006, 40000), established(6, 41000, 9080), established(7, 15001, 42000), established(8, 43000, 9080)];

/** A call of 10 ns; user code runs 100 ns before it. */
type Made = readonly [name: string, descriptor: number | null, result: number, more?: Partial<SystemCall>];
function calls(...made: readonly Made[]): SystemCall[] {
  return made.map(([name, descriptor, result, more], i) => ({
    tid: 1, startNs: 110 * i, endNs: 110 * i + 10, name, descriptor, local: null, remote: null, peer: null, timeoutMs: null,
    result, error: result < 0 ? 'EAGAIN' : null, onCoreNs: null, nextOnCoreNs: null, ...more,
  }));
}
const sleep = ['epoll_wait', 9, 1, { timeoutMs: 100 }] as const;
const poll = ['epoll_wait', 9, 0, { timeoutMs: 0 }] as const;
const read = (descriptor: number, bytes = 68) => ['readv', descriptor, bytes] as const;
const write = (descriptor: number, bytes = 108) => ['sendto', descriptor, bytes] as const;
const passOn = (from: number, to: number) => [sleep, read(from), read(from, -1), poll, write(to)] as const;
const split = (sockets: HeldSocket[], made: SystemCall[], directionOf?: DirectionOf) => sidecarLatency({ tid: 1, sockets, calls: made }, directionOf);

/** What all parts of a recording add up to. */
function sumOf({ traversals, idleNs, unassigned }: SidecarLatency): number {
  const { kernelNs, userNs, lostNs, waitNs } = traversals.flatMap(({ request, response }) => [request, response])
    .flatMap(({ time, after }) => [time, after]).concat(unassigned).reduce(addTimes, noTime);
  return kernelNs + userNs + lostNs + waitNs + idleNs;
}

describe('sidecarLatency', () => {
  it('takes from the wakeup to the last write for the latency of each half, and the rest for what follows', () => {
    const latency = split(pod, calls(...passOn(5, 6), ...passOn(6, 5), sleep));
    expect(latency.traversals).toHaveLength(1);
    const [{ direction, request, response, isFirst, opensUpstream, upstream }] = latency.traversals;
    expect({ direction, isFirst, opensUpstream, upstream }).toEqual({ direction: 'inbound', isFirst: false, opensUpstream: false, upstream: { host: '127.0.0.1', port: 9080 } });
    for (const half of [request, response]) {
      expect(half.time).toEqual({ ...noTime, kernelNs: 40, userNs: 400, gaps: 4, calls: { readv: 2, epoll_wait: 1, sendto: 1 } });
      expect(half.after).toEqual({ ...noTime, userNs: 100, gaps: 1 });
    }
    expect(latency).toMatchObject({ idleNs: 30, unassigned: noTime, cutOff: 0 });
    expect(sumOf(latency)).toBe(latency.windowNs);
  });

  it("tells a service's own requests from those it answers, nested in each other, in the paper's words", () => {
    const latency = split(pod, calls(...passOn(5, 6), ...passOn(7, 8), ...passOn(8, 7), ...passOn(6, 5), sleep));
    expect(latency.traversals.map(({ request, response }) => [request.path, response.path])).toEqual([
      ['request_ingress', 'request_egress'], ['fanout_egress', 'fanout_ingress'],
    ]);
    expect(sumOf(latency)).toBe(latency.windowNs);
  });

  it('cuts a wakeup that serves two requests at their reads, and pairs their writes in order', () => {
    const latency = split(pod, calls(sleep, read(5), read(7), poll, write(6), write(8), ...passOn(6, 5), ...passOn(8, 7), sleep));
    expect(latency.traversals.map(({ direction, upstream, request }) => [direction, upstream?.port, request.time.calls.sendto])).toEqual([['inbound', 9080, 1], ['outbound', 9080, 1]]);
    expect(latency.traversals.map(({ request }) => request.time.calls.readv)).toEqual([1, 1]);
    expect(sumOf(latency)).toBe(latency.windowNs);
  });

  it('counts accepting and connecting for the request that they serve, and sleeping for a handshake as waiting', () => {
    const made = calls(
      sleep, ['accept4', 3, 10, { peer: { ...here, port: 40001 } }], ['setsockopt', 10, 0], ['accept4', 3, -1],
      sleep, read(10), ['socket', null, 11], ['connect', 11, -1, { error: 'EINPROGRESS', peer: { ...here, port: 9080 } }],
      sleep, ['getsockopt', 11, 0], write(11), ...passOn(11, 10), sleep, read(10, 0), ['close', 10, 0], sleep,
    );
    const latency = split(pod, made);
    expect(latency.traversals).toMatchObject([{ isFirst: true, opensUpstream: true, upstream: { port: 9080 } }]);
    const [{ request, response }] = latency.traversals;
    expect(request.time).toMatchObject({ waitNs: 10, calls: { accept4: 2, setsockopt: 1, readv: 1, socket: 1, connect: 1, getsockopt: 1, sendto: 1 } });
    expect(response.after.calls).toEqual({ readv: 1, close: 1 });
    expect(sumOf(latency)).toBe(latency.windowNs);
  });

  it('counts each part of an answer that comes in parts, and not the sleep between them', () => {
    const latency = split(pod, calls(...passOn(5, 6), ...passOn(6, 5), ...passOn(6, 5), sleep));
    expect(latency.traversals).toHaveLength(1);
    expect(latency.traversals[0].response.time).toMatchObject({ waitNs: 0, calls: { sendto: 2, readv: 4 } });
    expect(sumOf(latency)).toBe(latency.windowNs);
  });

  it('counts what leads to no upstream as unassigned: handshakes, answers of its own, timers', () => {
    const latency = split(pod, calls(sleep, read(5), write(5), sleep, ['futex', null, 0], sleep, ...passOn(5, 6), ...passOn(6, 5), sleep));
    expect(latency.traversals).toHaveLength(1);
    expect(latency.unassigned.calls).toEqual({ readv: 1, sendto: 1, futex: 1 });
    expect(sumOf(latency)).toBe(latency.windowNs);
  });

  it('leaves out a traversal that the end of the recording cuts off, and says so', () => {
    const latency = split(pod, calls(...passOn(5, 6), ...passOn(6, 5), ...passOn(5, 6)));
    expect(latency.traversals).toHaveLength(1);
    expect(latency.cutOff).toBe(1);
    expect(sumOf(latency)).toBe(latency.windowNs);
  });

  it('leaves out listeners that carry neither kind of traffic', () => {
    const latency = split(pod, calls(...passOn(5, 6), ...passOn(6, 5), sleep), () => null);
    expect(latency.traversals).toEqual([]);
    expect(sumOf(latency)).toBe(latency.windowNs);
  });

  it('keeps time that the core was given to others apart, where the tool shows it', () => {
    const made = calls(...passOn(5, 6), ...passOn(6, 5), sleep);
    made[1] = { ...made[1], onCoreNs: 4, nextOnCoreNs: 30 };
    made[5] = { ...made[5], onCoreNs: 7 };
    const [{ request, response }] = split(pod, made).traversals;
    expect(request.time).toMatchObject({ kernelNs: 34, userNs: 330, lostNs: 6 + 70 });
    expect(response.time.wakeNs).toBe(7);
    expect(sumOf(split(pod, made))).toBe(split(pod, made).windowNs);
  });

  it('refuses a recording of nothing, or of several threads', () => {
    expect(() => split(pod, [])).toThrow('holds no system calls');
    expect(() => split(pod, [...calls(sleep), { ...calls(sleep)[0], tid: 2 }])).toThrow('threads 1 and 2');
  });
});

describe('traversals of real recordings', () => {
  const file = (name: string) => fs.readFileSync(projectPath('test', 'fixtures', 'counters', name), 'utf8');
  const byStrace: CallRecording = { tid: 21228, sockets: [listening(14, 41243)], calls: parseStrace(file('strace-http.txt'), 'strace.txt', 21228).calls };
  const byEvents: CallRecording = { tid: 21082, sockets: [listening(14, 37561)], calls: parseSyscallEvents(file('syscall-events-http.txt'), 'events.txt') };

  it('are the requests sent, whole, with their connections', () => {
    const latency = sidecarLatency(byStrace);
    expect(latency.traversals.map(({ isFirst, opensUpstream, upstream }) => [isFirst, opensUpstream, upstream?.port])).toEqual([[true, true, 43587], [false, false, 43587], [true, false, 43587]]);
    expect(latency.cutOff).toBe(0);
    expect(sumOf(latency)).toBe(latency.windowNs);
  });

  it('are the same to both tools, call by call, on a connection that stands', () => {
    const kept = [byStrace, byEvents].map((recording) => sidecarLatency(recording).traversals[1]);
    expect(kept[0].request.time.calls).toEqual(kept[1].request.time.calls);
    expect(kept[0].response.time.calls).toEqual(kept[1].response.time.calls);
  });
});
