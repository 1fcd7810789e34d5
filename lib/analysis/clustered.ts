/** Comparison of two measurements that were taken in rounds, the rounds within a few starts of what is measured. */
import { median, quantile, seededRandom, type Estimate } from './statistics.js';

/** Value of one measurement and of the one it is compared with, in one round. */
export type Pair = readonly [value: number, reference: number];

const resamples = 2000;

/**
 * Median of the rounds' ratios, with a 95 % percentile interval of a two-stage bootstrap (Davison and Hinkley 1997,
 * section 3.8): starts are resampled, then rounds within each. A program's start decides where its memory lies, which
 * all its rounds share; rounds resampled alone would hide that.
 * @param starts the rounds of each start.
 * @returns `n` is the number of starts; interval null when there is but one.
 * @throws Error when a start has no round, or a reference is 0.
 */
export function clusteredRatio(starts: readonly (readonly Pair[])[], seed = 1): Estimate {
  if (starts.length === 0 || starts.some((rounds) => rounds.length === 0)) throw new Error('a ratio of no rounds was asked for; measure at least one in every start');
  if (starts.flat().some(([, reference]) => !(reference > 0))) throw new Error('ratio to a value that is not above 0; drop failed rounds first');
  const ratios = starts.map((rounds) => rounds.map(([value, reference]) => value / reference));
  const value = median(ratios.flat());
  if (starts.length < 2) return { value, interval: null, n: starts.length };
  const random = seededRandom(seed);
  const drawn = <T>(items: readonly T[]) => items.map(() => items[Math.floor(random() * items.length)]);
  const replicates = Array.from({ length: resamples }, () => median(drawn(ratios).flatMap(drawn)));
  return { value, interval: [quantile(replicates, 0.025), quantile(replicates, 0.975)], n: starts.length };
}
