/**
 * Costs freed of the machine's drift. On a virtual machine CPU time for the same work differs by tens of per cent from one
 * repeat to the next, for all programs alike. Something that does the same work in every repeat, measured in the same
 * window, says how dear work was just then: a ratio estimator (Cochran 1977, "Sampling Techniques", chapter 6).
 *
 * It pays where cost and reference go up and down together. Sidecars and services do: in the recording of 2026-11-30 the
 * logarithm of one over that of the other has a slope of 0.97 (24 deployments and loads of six repeats each; 1.01 at full
 * speed). The load generator's CPU time does not (0.46), nor do services 15 seconds earlier (correlation 0.07 to 0.17, an
 * earlier recording), so that pairing by round removes no drift.
 *
 * It misleads where the reference did not do the same work in every repeat: another version, another rate, a process with
 * chores of its own. And it makes repeats comparable, not levels surer: what speed of the machine is normal, it cannot know.
 * Two deployments steadied each by itself are at two speeds; what may be compared is cost by reference, as far as both
 * references do the same work.
 */
import type { Pair } from './clustered.js';
import { median } from './statistics.js';

/**
 * Costs as they would have been at one speed of the machine, that at which the reference costs its median.
 * @param repeats cost, and cost of the reference in the same window, e.g. microseconds of CPU time per request.
 * @returns cost x median reference / own reference, in the order given; of a single repeat, its cost.
 * @throws Error without a repeat, or when a reference is not above 0.
 */
export function steadied(repeats: readonly Pair[]): number[] {
  const unusable = repeats.findIndex(([, reference]) => !(reference > 0));
  if (unusable >= 0) throw new Error(`repeat ${unusable + 1} of ${repeats.length} has a reference of ${repeats[unusable][1]}, which measures no speed; drop failed repeats first`);
  const usual = median(repeats.map(([, reference]) => reference));
  return repeats.map(([cost, reference]) => (cost * usual) / reference);
}

/** How far repeats are apart, as shares of their median. */
export interface Spread {
  /** Each repeat's deviation from the median, with its sign, in the order given. */
  deviations: number[];
  /** Median of their sizes: half of the repeats are this close or closer. */
  typical: number;
  largest: number;
}

/** @throws Error without a repeat, or when their median is 0. */
export function spreadOf(repeats: readonly number[]): Spread {
  const middle = median(repeats);
  if (middle === 0) throw new Error('repeats with a median of 0 have no relative spread; compare what costs something');
  const deviations = repeats.map((value) => value / middle - 1);
  const sizes = deviations.map(Math.abs);
  return { deviations, typical: median(sizes), largest: Math.max(...sizes) };
}
