/** Latency of the four paths through one service's sidecar, as Figure 13 shows it: in system calls and in user code, as seen and corrected. */
import { callCount, paths, type Half, type Path, type Traversal, type WorkerTime } from './sidecar-latency.js';
import { mean, medianEstimate, scaled, type Estimate } from './statistics.js';
import { withoutTracer, type TracerOverhead } from './tracer-overhead.js';

/** Medians over the halves of one path, microseconds a traversal. */
export interface LatencyParts {
  kernelUs: Estimate;
  userUs: Estimate;
  /** Both; not the sum of two medians. */
  totalUs: Estimate;
}

export interface PathLatency {
  path: Path;
  /** Halves it rests on. */
  traversals: number;
  /** With what the tracer adds. */
  raw: LatencyParts;
  /** Without; intervals hold what is not known of the tracer's cost, too. */
  corrected: LatencyParts;
  /** What was taken off, the mean over the halves, microseconds. */
  correctionUs: { kernelUs: number; userUs: number };
  /** Asleep meanwhile, e.g. while a connection to the upstream is set up: part of the latency, no work. Not corrected. */
  waitUs: Estimate;
  /** After the last write, corrected: costs, but delays nobody. */
  afterUs: Estimate;
  /** Falling asleep before it and waking up for it, where the tool shows it; else zero. */
  wakeUs: Estimate;
  /** System calls by name, mean a traversal; those after the last write included. */
  calls: Record<string, number>;
}

/** Traversals of one recording, and what its tracer cost. */
export interface TracedTraversals {
  traversals: readonly Traversal[];
  overhead: TracerOverhead;
}

/**
 * @param recordings of one sidecar by one tool; each is corrected by its own tracer's cost.
 * @param chosen which traversals, e.g. without those that set up connections; all when left out.
 * @returns a path that no traversal took is left out.
 */
export function pathLatencies(recordings: readonly TracedTraversals[], chosen: (traversal: Traversal) => boolean = () => true): PathLatency[] {
  const halves = recordings.flatMap(({ traversals, overhead }) => traversals.filter(chosen).flatMap(({ request, response }) => [request, response].map((half) => ({ ...half, overhead }))));
  return paths.flatMap((path) => {
    const own = halves.filter((half) => half.path === path);
    return own.length === 0 ? [] : [latencyOf(path, own)];
  });
}

type TracedHalf = Half & Pick<TracedTraversals, 'overhead'>;

function latencyOf(path: Path, halves: readonly TracedHalf[]): PathLatency {
  const times = halves.map(({ time }) => time);
  const corrected = halves.map(({ time, overhead }) => withoutTracer(time, overhead));
  const unsure = {
    kernelUs: mean(halves.map(({ time, overhead }) => callCount(time) * halfWidth(overhead.insideNs))) / 1000,
    userUs: mean(halves.map(({ time, overhead }) => time.gaps * halfWidth(overhead.outsideNs))) / 1000,
  };
  const { kernelUs, userUs, totalUs } = parts(corrected);
  return {
    path, traversals: halves.length, raw: parts(times),
    corrected: { kernelUs: widened(kernelUs, unsure.kernelUs), userUs: widened(userUs, unsure.userUs), totalUs: widened(totalUs, unsure.kernelUs + unsure.userUs) },
    correctionUs: {
      kernelUs: mean(times.map((time, i) => time.kernelNs - corrected[i].kernelNs)) / 1000,
      userUs: mean(times.map((time, i) => time.userNs - corrected[i].userNs)) / 1000,
    },
    waitUs: us(times.map(({ waitNs }) => waitNs)),
    afterUs: us(halves.map(({ after, overhead }) => sum(withoutTracer(after, overhead)))),
    wakeUs: us(times.map(({ wakeNs }) => wakeNs)),
    calls: meanCalls(halves),
  };
}

function parts(times: readonly Pick<WorkerTime, 'kernelNs' | 'userNs'>[]): LatencyParts {
  return { kernelUs: us(times.map(({ kernelNs }) => kernelNs)), userUs: us(times.map(({ userNs }) => userNs)), totalUs: us(times.map(sum)) };
}

function sum({ kernelNs, userNs }: Pick<WorkerTime, 'kernelNs' | 'userNs'>): number {
  return kernelNs + userNs;
}

function us(ns: readonly number[]): Estimate {
  return scaled(medianEstimate(ns), 1e-3);
}

function halfWidth({ interval }: Estimate): number {
  return interval ? (interval[1] - interval[0]) / 2 : 0;
}

function widened({ value, interval, n }: Estimate, by: number): Estimate {
  return { value, interval: interval && [interval[0] - by, interval[1] + by], n };
}

function meanCalls(halves: readonly Half[]): Record<string, number> {
  const names = [...new Set(halves.flatMap(({ time, after }) => [...Object.keys(time.calls), ...Object.keys(after.calls)]))].sort();
  return Object.fromEntries(names.map((name) => [name, mean(halves.map(({ time, after }) => (time.calls[name] ?? 0) + (after.calls[name] ?? 0)))]));
}
