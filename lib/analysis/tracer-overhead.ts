/**
 * What a tracer adds to the times it shows, and times without it.
 *
 * A tracer adds to every system call twice: inside, between the two moments it takes the time, and outside, to the user
 * code around. strace adds many times what most calls take, differently on every machine and from minute to minute, so
 * its cost is taken from the recording itself: after a read that yields bytes, Envoy at once reads again and gets none
 * (EAGAIN). Such an *empty read* does next to nothing in the kernel, and so does Envoy on the way to it: whatever they seem to
 * take is the tracer's. What they do take, the kernel's own tracepoints show where a recording by them is at hand;
 * otherwise it is taken as nothing, and the corrected times are low by as much (1 to 2 us a call, 3 to 6 us a stretch of
 * user code on the virtual machine where this was tried).
 *
 * Means, not medians, since costs of many calls add up; without the tenth at either end, which holds calls in whose
 * middle something else ran. What it cannot correct: caches and TLBs that the tracer empties make longer stretches of
 * user code slower than an empty read's.
 *
 * The tracepoints' own cost is a fraction of that; a program that does nothing but system calls shows it
 * (`measureEventCostNs`). A call has two events; of each, part falls inside the call and part outside. That program finds
 * them in the cache, which a worker that slept does not: their cost to it may be higher.
 */
import { readNames, type SystemCall } from '../counters/system-call.js';
import { callCount, type WorkerTime } from './sidecar-latency.js';
import { bootstrap, medianEstimate, trimmedMean, type Estimate } from './statistics.js';

export interface TracerOverhead {
  /** Nanoseconds added to every system call. */
  insideNs: Estimate;
  /** Nanoseconds added to every stretch of user code between two calls. */
  outsideNs: Estimate;
}

/** Kernel and user time without the tracer, nanoseconds; below zero where the correction is larger than what it corrects. */
export interface CorrectedTime {
  kernelNs: number;
  userNs: number;
}

/** Takes the tracer's part off, by the number of calls and of stretches between. */
export function withoutTracer(time: WorkerTime, { insideNs, outsideNs }: TracerOverhead): CorrectedTime {
  return { kernelNs: time.kernelNs - callCount(time) * insideNs.value, userNs: time.userNs - time.gaps * outsideNs.value };
}

/** Empty reads: how long each seems to take, and the user code before it, nanoseconds. */
export interface EmptyReads {
  insideNs: number[];
  outsideNs: number[];
}

/** Reads without bytes that follow one with bytes, on the same descriptor. */
export function emptyReads(calls: readonly SystemCall[]): EmptyReads {
  const found: EmptyReads = { insideNs: [], outsideNs: [] };
  calls.forEach((call, i) => {
    const before = calls[i - 1];
    if (!before || call.error !== 'EAGAIN' || !readNames.has(call.name)) return;
    if (before.result <= 0 || !readNames.has(before.name) || before.descriptor !== call.descriptor) return;
    found.insideNs.push(call.onCoreNs ?? call.endNs - call.startNs);
    found.outsideNs.push(before.nextOnCoreNs ?? call.startNs - before.endNs);
  });
  return found;
}

const fewestReads = 10;
/** Left out at either end. */
const trim = 0.1;

/**
 * strace's cost by a recording's empty reads.
 * @param reference empty reads of the same kind of load as the tracepoints show them, already without their cost; null where there are none.
 * @throws Error when there are too few of them.
 */
export function overheadByEmptyReads(calls: readonly SystemCall[], reference: EmptyReads | null): TracerOverhead {
  const traced = emptyReads(calls);
  const count = Math.min(traced.insideNs.length, reference?.insideNs.length ?? Infinity);
  if (count < fewestReads) throw new Error(`${count} empty reads in the recording, ${fewestReads} are needed to tell the tracer's cost; send more requests`);
  const added = (of: keyof EmptyReads) => (reference
    ? bootstrap([traced[of], reference[of]], ([seen, real]) => trimmedMean(seen, trim) - trimmedMean(real, trim))
    : bootstrap([traced[of]], ([seen]) => trimmedMean(seen, trim)));
  return { insideNs: added('insideNs'), outsideNs: added('outsideNs') };
}

/** The same empty reads without what their tracer added. */
export function emptyReadsWithout(reads: EmptyReads, { insideNs, outsideNs }: TracerOverhead): EmptyReads {
  return { insideNs: reads.insideNs.map((ns) => ns - insideNs.value), outsideNs: reads.outsideNs.map((ns) => ns - outsideNs.value) };
}

/**
 * The tracepoints' cost.
 * @param eventCostsNs repeats of what one event takes.
 */
export function overheadByEvents(eventCostsNs: readonly number[]): TracerOverhead {
  const perEvent = medianEstimate(eventCostsNs);
  return { insideNs: perEvent, outsideNs: perEvent };
}
