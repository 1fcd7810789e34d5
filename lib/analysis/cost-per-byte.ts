/** What a request costs for each further byte of its response: the slope of a line through costs at several sizes. */
import { commonRounds, type Rounds } from './rounds.js';
import { bootstrap, mean, median, type Estimate } from './statistics.js';

/** Cost of a request with so many bytes, by round. */
export interface SizedCost {
  bytes: number;
  costs: Rounds;
}

/**
 * Least-squares slope of the median cost over bytes. Sizes in a geometric series make it, by and large, the mean cost
 * of a byte between the smallest and the largest; a line it need not be. The interval is a bootstrap over the repeats,
 * taken by rounds where all sizes share them.
 * @returns in the unit of the costs a byte; null with fewer than two sizes that have a cost.
 */
export function costPerByte(points: readonly SizedCost[]): Estimate | null {
  const measured = points.filter(({ costs }) => costs.size > 0);
  if (new Set(measured.map(({ bytes }) => bytes)).size < 2) return null;
  const { samples, paired } = commonRounds(measured.map(({ costs }) => costs));
  const bytes = measured.map((point) => point.bytes);
  return bootstrap(samples, (costs) => slope(bytes, costs.map(median)), { paired });
}

function slope(xs: readonly number[], ys: readonly number[]): number {
  const [x, y] = [mean(xs), mean(ys)];
  const squares = xs.reduce((sum, each) => sum + (each - x) ** 2, 0);
  return xs.reduce((sum, each, i) => sum + (each - x) * (ys[i] - y), 0) / squares;
}
