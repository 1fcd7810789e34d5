/**
 * Whether a rate still changes with the number of requests replayed. Predictors learn: requests all alike are known by
 * heart after a while, and a trace that is too short counts what is only cold.
 */
import type { FrontendEvents } from './events.js';

export interface Flatness {
  /** The rate over a window of requests, by the number of requests replayed at its end. */
  curve: { requests: number; rate: number }[];
  /** From this number of requests on every window is within the tolerance of the rate over the second half of all; null when fewer than two windows are. */
  flatFrom: number | null;
}

export interface FlatnessOptions {
  /** Requests that a rate is taken over: 8 unless told, as many as the shipped traces have connections. */
  window?: number;
  /** Share of the rate over the second half; 0.02 unless told. */
  tolerance?: number;
}

/** Per 1000 instructions: a smaller difference is none, however small the rate itself is. */
const negligible = 0.05;

/**
 * @param requests in order, from a cold core on: `[...warmUp, ...requests]` of a replay
 * @param rate per 1000 instructions: one of those in `mpki`
 * @throws Error when there are fewer requests than a window takes.
 */
export function flatness(requests: readonly FrontendEvents[], rate: (events: FrontendEvents) => number, { window = 8, tolerance = 0.02 }: FlatnessOptions = {}): Flatness {
  if (requests.length < window) throw new Error(`${requests.length} requests are less than a window of ${window}; replay more or give a smaller window`);
  const curve = Array.from({ length: requests.length - window + 1 }, (_, from) => ({ requests: from + window, rate: rateOver(requests.slice(from, from + window), rate) }));
  const settled = rateOver(requests.slice(requests.length >> 1), rate);
  const allowed = Math.max(tolerance * settled, negligible);
  let first = curve.length;
  while (first > 0 && Math.abs(curve[first - 1].rate - settled) <= allowed) first--;
  const hasSecondWindow = curve.length - 1 - first >= window;
  return { curve, flatFrom: hasSecondWindow ? curve[first].requests : null };
}

function rateOver(requests: readonly FrontendEvents[], rate: (events: FrontendEvents) => number): number {
  const instructions = requests.reduce((sum, events) => sum + events.instructions, 0);
  return requests.reduce((sum, events) => sum + rate(events) * events.instructions, 0) / instructions;
}
