/**
 * Where the requests of a trace begin and end, told from its system calls.
 *
 * The worker sleeps in epoll_wait. What it does between two such sleeps is a *wakeup*. A request begins with the
 * wakeup that first reads from its client's connection, and ends with the wakeup that last writes to it; the wakeups
 * between (the upstream's answer) belong to it, those after it and before the next request (timers) to none.
 * In user instructions sleeping costs nothing, so a wakeup's end is the next one's beginning.
 *
 * This needs requests that were sent one after another. Where two are under way at once, no border lies between
 * them: they come as one span that says how many it holds. Bytes in each direction beyond the request itself
 * (a TLS handshake, HTTP/2 settings) would look like requests: record over connections that are set up already.
 */
import { close, reads, waits, writes } from '../host/system-calls.js';
import type { SystemCall, Trace } from './trace.js';

export interface RequestSpan {
  /** Runs executed in the whole trace before the span, and up to its end: positions [start, end). */
  start: number;
  end: number;
  instructions: number;
  /** Requests in it: 1, unless they overlapped. Only spans of 1 are a request. */
  requests: number;
  /** The client's connection that was read first. */
  descriptor: number;
  /** False when the recording began or ended within it. */
  isWhole: boolean;
}

/** A stretch of one chunk, all of it in one request or in none. */
export interface RequestPiece {
  /** The chunk's; the array is reused. */
  ids: Uint32Array;
  /** Which of them: [from, to). */
  from: number;
  to: number;
  /** Of the request in the spans given, or -1 between requests. */
  request: number;
  /** System calls that returned before one of these runs, in order; `at` counts in the chunk, as `from` does. */
  calls: SystemCall[];
}

/**
 * Finds the requests of a trace in one pass, in order.
 * @throws Error when the header names no client's connection, and what reading the trace throws.
 */
export async function findRequests(trace: Trace): Promise<RequestSpan[]> {
  const cutter = new Cutter(trace.header.clientDescriptors);
  const place: Place = { runs: 0, instructions: 0 };
  for await (const { ids, length, calls } of trace.chunks()) {
    const { instructions } = trace.runs;
    let at = 0;
    const goTo = (end: number) => {
      place.runs += end - at;
      for (; at < end; at++) place.instructions += instructions[ids[at]];
    };
    for (const call of calls) {
      goTo(call.at);
      cutter.call(call, place);
    }
    goTo(length);
  }
  return cutter.finish(place);
}

/**
 * Streams a trace with every run's request.
 * @param spans in order, not overlapping; all that `findRequests` found, or a choice of them.
 */
export async function* byRequest(trace: Trace, spans: readonly Pick<RequestSpan, 'start' | 'end'>[]): AsyncGenerator<RequestPiece> {
  let next = 0;
  let before = 0;
  for await (const { ids, length, calls } of trace.chunks()) {
    let call = 0;
    for (let from = 0; from < length || (from === 0 && length === 0); ) {
      while (next < spans.length && spans[next].end <= before + from) next++;
      const isInside = next < spans.length && spans[next].start <= before + from;
      const border = next >= spans.length ? Infinity : isInside ? spans[next].end : spans[next].start;
      const to = Math.min(length, border - before);
      const first = call;
      while (call < calls.length && (calls[call].at < to || to === length)) call++;
      yield { ids, from, to, request: isInside ? next : -1, calls: calls.slice(first, call) };
      if (length === 0) break;
      from = to;
    }
    before += length;
  }
}

interface Place {
  runs: number;
  instructions: number;
}

/** Follows the system calls; `open` is the span under way. */
class Cutter {
  private readonly spans: RequestSpan[] = [];
  private readonly clients: Set<number>;
  private open: (RequestSpan & { unanswered: Set<number>; hasWrittenNow: boolean; instructionsBefore: number }) | null = null;
  /** Where the present wakeup began; null before the trace's first. */
  private wakeup: Place | null = null;

  constructor(clientDescriptors: number[]) {
    if (clientDescriptors.length === 0) throw new Error('the trace names no descriptors of clients, so its requests cannot be told apart; record it with them, or use the whole trace');
    this.clients = new Set(clientDescriptors);
  }

  call({ number, argument, result }: SystemCall, place: Place): void {
    if (waits.has(number)) return this.wake(place);
    if (!this.clients.has(argument)) return;
    // A connection that is closed gets no more answer: nothing waits for it.
    if (number === close) return this.write(argument);
    if (result <= 0) return;
    if (reads.has(number)) this.read(argument);
    if (writes.has(number)) this.write(argument);
  }

  finish(place: Place): RequestSpan[] {
    if (this.open && (this.open.unanswered.size > 0 || this.open.hasWrittenNow)) {
      this.end(place);
      this.open.isWhole = false;
    }
    this.close();
    return this.spans;
  }

  private wake(place: Place): void {
    if (this.open?.hasWrittenNow) {
      this.end(place);
      this.open.hasWrittenNow = false;
    }
    this.wakeup = { ...place };
  }

  private read(descriptor: number): void {
    const { open } = this;
    if (open?.unanswered.has(descriptor)) return;
    if (open && (open.unanswered.size > 0 || open.hasWrittenNow)) {
      open.unanswered.add(descriptor);
      open.requests++;
      return;
    }
    this.close();
    const { runs, instructions } = this.wakeup ?? { runs: 0, instructions: 0 };
    this.open = {
      start: runs, end: runs, instructions: 0, requests: 1, descriptor, isWhole: this.wakeup !== null,
      unanswered: new Set([descriptor]), hasWrittenNow: false, instructionsBefore: instructions,
    };
  }

  private write(descriptor: number): void {
    if (!this.open) return;
    this.open.unanswered.delete(descriptor);
    this.open.hasWrittenNow = true;
  }

  private end({ runs, instructions }: Place): void {
    if (!this.open) return;
    this.open.end = runs;
    this.open.instructions = instructions - this.open.instructionsBefore;
  }

  private close(): void {
    if (!this.open) return;
    const { start, end, instructions, requests, descriptor, isWhole } = this.open;
    this.spans.push({ start, end, instructions, requests, descriptor, isWhole });
    this.open = null;
  }
}
