/** Repeats by the round they were taken in: what lets two measurements be compared round by round. */

import { medianEstimate, type Estimate } from './statistics.js';

/** One value a round, e.g. CPU time per request. */
export type Rounds = ReadonlyMap<number, number>;

/**
 * The samples to compare: those of the rounds that every measurement has, paired, so that drift of the machine, shared
 * by a round, stays out of the comparison. With fewer than two such rounds everything there is, unpaired.
 * @returns `samples` in the order given, and `paired` as the options of lib/analysis/statistics.ts want it.
 */
export function commonRounds(measurements: readonly Rounds[]): { samples: number[][]; paired: boolean } {
  const [first, ...others] = measurements;
  const shared = [...first.keys()].filter((round) => others.every((other) => other.has(round)));
  const paired = shared.length >= 2;
  return { paired, samples: measurements.map((each) => (paired ? shared.map((round) => each.get(round)!) : [...each.values()])) };
}

/** What was not measured. */
export const nothing: Estimate = { value: 0, interval: null, n: 0 };

/** The median over the rounds; {@link nothing} where there is none. */
export function estimateOf(rounds: Rounds): Estimate {
  return rounds.size > 0 ? medianEstimate([...rounds.values()]) : nothing;
}
