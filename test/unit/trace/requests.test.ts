import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { byRequest, findRequests } from '../../../lib/trace/requests.js';
import { call, memoryTrace, run, type Step } from './memory-trace.js';

const [EPOLL_WAIT, READ, WRITEV, RECVFROM, EAGAIN] = [232, 0, 20, 45, -11];
const [CLIENT, OTHER_CLIENT, UPSTREAM] = [30, 31, 40];
const wait = (events = 1) => call(EPOLL_WAIT, 5, events);

/** Runs at 0x100 read the request, those at 0x200 forward the answer, those at 0x900 are timers. */
const arrival = (client: number): Step[] => [wait(), run(0x100), call(READ, client, 80), run(0x104), call(READ, client, EAGAIN), call(WRITEV, UPSTREAM, 90), run(0x108)];
const answer = (client: number): Step[] => [wait(), run(0x200), call(RECVFROM, UPSTREAM, 70), run(0x204), call(WRITEV, client, 75), run(0x208)];
const timer: Step[] = [wait(0), run(0x900)];
const request = (client: number) => [...arrival(client), ...answer(client)];

describe('the requests of a trace', () => {
  it('begin where epoll_wait returned with their bytes and end where the worker sleeps after the answer', async () => {
    const spans = await findRequests(memoryTrace([...timer, ...request(CLIENT), ...timer, ...request(OTHER_CLIENT), ...timer]));
    expect(spans).toEqual([
      { start: 1, end: 7, instructions: 6, requests: 1, descriptor: CLIENT, isWhole: true },
      { start: 8, end: 14, instructions: 6, requests: 1, descriptor: OTHER_CLIENT, isWhole: true },
    ]);
  });

  it('contain timers between the arrival and the answer, and an answer in several parts', async () => {
    const spans = await findRequests(memoryTrace([...arrival(CLIENT), ...timer, ...answer(CLIENT), ...answer(CLIENT), ...timer, ...request(CLIENT), wait()]));
    expect(spans.map(({ start, end, requests }) => [start, end, requests])).toEqual([[0, 10, 1], [11, 17, 1]]);
  });

  it('come as one span that says so when two arrive in one wakeup', async () => {
    const both = [wait(2), run(0x100), call(READ, CLIENT, 80), run(0x100), call(READ, OTHER_CLIENT, 80)];
    const spans = await findRequests(memoryTrace([...both, ...answer(CLIENT), ...answer(OTHER_CLIENT), ...request(CLIENT), wait()]));
    expect(spans.map(({ start, end, requests }) => [start, end, requests])).toEqual([[0, 8, 2], [8, 14, 1]]);
  });

  it('come as one span when the second arrives before the first is answered', async () => {
    const spans = await findRequests(memoryTrace([...arrival(CLIENT), ...arrival(OTHER_CLIENT), ...answer(CLIENT), ...answer(OTHER_CLIENT), wait()]));
    expect(spans.map(({ start, end, requests }) => [start, end, requests])).toEqual([[0, 12, 2]]);
  });

  it('are marked where the recording began or ended within them', async () => {
    const beforeFirst = answer(CLIENT);
    const withoutWait = arrival(CLIENT).slice(1);
    expect(await findRequests(memoryTrace([...beforeFirst, wait()]))).toEqual([]);
    const spans = await findRequests(memoryTrace([...withoutWait, ...answer(CLIENT), ...request(CLIENT), ...arrival(CLIENT)]));
    expect(spans.map(({ isWhole }) => isWhole)).toEqual([false, true, false]);
  });

  it('go on after a connection was closed without an answer', async () => {
    const closed = [...arrival(CLIENT), wait(), run(0x300), call(3, CLIENT, 0)];
    const spans = await findRequests(memoryTrace([...closed, ...request(OTHER_CLIENT), wait()]));
    expect(spans.map(({ requests }) => requests)).toEqual([1, 1]);
  });

  it('cannot be told without the descriptors of the clients', async () => {
    await expect(findRequests(memoryTrace([], { header: { clientDescriptors: [] } }))).rejects.toThrow('names no descriptors of clients');
  });
});

describe('the pieces of a trace by request', () => {
  const step = fc.oneof(fc.constant(run(0x100)), fc.constant(run(0x200)), fc.constant(call(1, 2, 3)));
  const cuts = fc.uniqueArray(fc.nat(60), { maxLength: 8 }).map((places) => {
    const sorted = [...places].sort((a, b) => a - b);
    return Array.from({ length: Math.floor(sorted.length / 2) }, (_, i) => ({ start: sorted[2 * i], end: sorted[2 * i + 1] }));
  });

  it('hold every run and call once and in order, each run with the request it lies in', async () => {
    await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 60 }), cuts, fc.integer({ min: 1, max: 9 }), async (steps, spans, chunkRuns) => {
      const trace = memoryTrace(steps, { chunkRuns });
      let position = 0;
      let calls = 0;
      for await (const piece of byRequest(trace, spans)) {
        for (const { at } of piece.calls) expect(at >= piece.from && at <= piece.to).toBe(true);
        calls += piece.calls.length;
        for (let i = piece.from; i < piece.to; i++, position++) {
          expect(piece.request).toBe(spans.findIndex(({ start, end }) => position >= start && position < end));
        }
      }
      expect(position).toBe(steps.filter((s) => 'run' in s).length);
      expect(calls).toBe(steps.filter((s) => 'call' in s).length);
    }));
  });
});
