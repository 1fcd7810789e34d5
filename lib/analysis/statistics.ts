/** Statistics of repeated measurements: what to plot, how sure it is, and in which order to repeat. */

/** Lower and upper bound. */
export type Interval = [number, number];

/** A value with its 95 % interval; null when there are too few repeats to say. */
export interface Estimate {
  value: number;
  interval: Interval | null;
  /** Repeats of the smallest sample it rests on. */
  n: number;
}

export interface BootstrapOptions {
  /** Same seed, same interval. */
  seed?: number;
  /** Number of resamples. */
  resamples?: number;
  /** Coverage aimed at. */
  level?: number;
  /**
   * True when repeat i of every sample was taken in the same round: rounds are then resampled as a whole, which
   * keeps drift of the machine, shared by a round, out of differences and ratios.
   */
  paired?: boolean;
}

const defaults = { seed: 1, resamples: 2000, level: 0.95, paired: false };

/** Arithmetic mean, without overflow of the sum. @throws Error on an empty or non-finite sample. */
export function mean(sample: readonly number[]): number {
  check(sample);
  return sample.reduce((average, value, i) => average + (value - average) / (i + 1), 0);
}

/** Middle value; mean of the two middle ones when their number is even. @throws Error on an empty or non-finite sample. */
export function median(sample: readonly number[]): number {
  return quantile(sample, 0.5);
}

/**
 * Quantile by linear interpolation between order statistics (Hyndman and Fan type 7, the default of R and NumPy).
 * @param p probability, 0 to 1
 * @throws Error on an empty or non-finite sample, or `p` outside 0 to 1.
 */
export function quantile(sample: readonly number[], p: number): number {
  check(sample);
  if (!(p >= 0 && p <= 1)) throw new Error(`quantile ${p} asked for; give a probability from 0 to 1`);
  return quantileOfSorted(sorted(sample), p);
}

function quantileOfSorted(sorted: ArrayLike<number>, p: number): number {
  const position = p * (sorted.length - 1);
  const below = Math.floor(position);
  const above = Math.min(below + 1, sorted.length - 1);
  const weight = position - below;
  // Weighing both ends, instead of adding a part of their distance, keeps huge values from overflowing.
  return weight === 0 ? sorted[below] : sorted[below] * (1 - weight) + sorted[above] * weight;
}

/**
 * Mean of the values left when a share of them is cut off at either end: as a mean it adds up, and outliers do not move it.
 * @param share 0 to below 0.5
 * @throws Error on an empty or non-finite sample, or such a share.
 */
export function trimmedMean(sample: readonly number[], share: number): number {
  check(sample);
  if (!(share >= 0 && share < 0.5)) throw new Error(`${share} of a sample to be cut off at either end; give a share from 0 to below 0.5`);
  const cut = Math.floor(share * sample.length);
  return mean(Array.from(sorted(sample)).slice(cut, sample.length - cut));
}

/** Standard deviation of the sample (divisor n - 1); null for a single value. @throws Error on an empty or non-finite sample. */
export function standardDeviation(sample: readonly number[]): number | null {
  const centre = mean(sample);
  if (sample.length < 2) return null;
  const sumOfSquares = sample.reduce((sum, value) => sum + (value - centre) ** 2, 0);
  return Math.sqrt(sumOfSquares / (sample.length - 1));
}

/** How far an estimate is from what happened, as a part of what happened: (actual - estimate) / actual. */
export function relativeDeviation(actual: number, estimate: number): number {
  if (actual === 0) throw new Error('relative deviation from an actual value of 0 is undefined; compare the difference instead');
  return (actual - estimate) / actual;
}

/**
 * Random numbers in [0, 1) by mulberry32 (Tommy Ettinger, public domain): small, fast, repeatable on any machine.
 * @param seed any integer; its low 32 bits count
 */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * A statistic of one or several samples with its percentile bootstrap interval (Efron 1979).
 *
 * With few repeats the interval of a median is at most their smallest to largest value, which covers the true median
 * with probability 1 - 2^(1-n): 75 % for 3 repeats, 94 % for 5, 97 % for 6. Below 6 repeats it is therefore narrower
 * than 95 %, and figures print `n`.
 *
 * @param samples each the repeats of one measurement
 * @param statistic of the (resampled) samples, in the same order; it is not to keep them: the next resample overwrites them
 * @returns interval null when a sample has only one repeat
 * @throws Error on an empty or non-finite sample, or paired samples of different length.
 */
export function bootstrap(samples: readonly (readonly number[])[], statistic: (samples: readonly (readonly number[])[]) => number, options: BootstrapOptions = {}): Estimate {
  const { seed, resamples, level, paired } = { ...defaults, ...options };
  samples.forEach(check);
  if (paired) checkPaired(samples);
  const n = Math.min(...samples.map((sample) => sample.length));
  const value = statistic(samples);
  if (n < 2) return { value, interval: null, n };
  const replicates = isConstant(samples)
    ? new Array<number>(resamples).fill(value)
    : sorted(replicate(samples, statistic, resamples, seed, paired ? drawRounds : drawEach));
  check(replicates);
  const tail = (1 - level) / 2;
  return { value, interval: [quantileOfSorted(replicates, tail), quantileOfSorted(replicates, 1 - tail)], n };
}

/** Median of one sample. */
export function medianEstimate(sample: readonly number[], options?: BootstrapOptions): Estimate {
  return bootstrap([sample], ([only]) => median(only), options);
}

/** The same in another unit, e.g. a share in per cent. @param factor positive */
export function scaled({ value, interval, n }: Estimate, factor: number): Estimate {
  return { value: factor * value, interval: interval && [factor * interval[0], factor * interval[1]], n };
}

/** a - b: difference of the medians, or, when paired, median of the differences round by round. */
export function differenceEstimate(a: readonly number[], b: readonly number[], options?: BootstrapOptions): Estimate {
  return compare(a, b, (x, y) => x - y, options);
}

/** a / b: ratio of the medians, or, when paired, median of the ratios round by round. */
export function ratioEstimate(a: readonly number[], b: readonly number[], options?: BootstrapOptions): Estimate {
  return compare(a, b, ratio, options);
}

/** (a - b) / b, what "same within 10 %" is judged on: as {@link ratioEstimate}, less 1. */
export function relativeDifferenceEstimate(a: readonly number[], b: readonly number[], options?: BootstrapOptions): Estimate {
  return compare(a, b, (x, y) => ratio(x, y) - 1, options);
}

/**
 * What the measurement makes of no effect at all: the same policy taken twice in every round, compared as two
 * policies are.
 * @param pairs first and second take of each round
 * @returns the relative difference second against first; `floor`, the larger bound of its interval in size: effects
 *   below it cannot be told from noise (null for a single pair)
 */
export function noiseFloor(pairs: readonly (readonly [number, number])[], options: BootstrapOptions = {}): { difference: Estimate; floor: number | null } {
  const first = pairs.map(([a]) => a);
  const second = pairs.map(([, a]) => a);
  const difference = relativeDifferenceEstimate(second, first, { ...options, paired: true });
  const floor = difference.interval && Math.max(Math.abs(difference.interval[0]), Math.abs(difference.interval[1]));
  return { difference, floor };
}

/**
 * The order of repeats: rounds in which every item comes once, each round shuffled (Fisher-Yates) by the seed, so that
 * neither drift nor a fixed neighbour favours an item.
 * @param repeats number of rounds
 */
export function interleave<T>(items: readonly T[], repeats: number, seed: number): { item: T; repeat: number }[] {
  if (!Number.isInteger(repeats) || repeats < 0) throw new Error(`${repeats} repeats asked for; give a whole number`);
  const random = seededRandom(seed);
  return Array.from({ length: repeats }, (_, repeat) => shuffled(items, random).map((item) => ({ item, repeat }))).flat();
}

function compare(a: readonly number[], b: readonly number[], of: (a: number, b: number) => number, options: BootstrapOptions = {}): Estimate {
  if (!options.paired) return bootstrap([a, b], ([x, y]) => of(median(x), median(y)), options);
  checkPaired([a, b]);
  return bootstrap([a.map((value, round) => of(value, b[round]))], ([rounds]) => median(rounds), { ...options, paired: false });
}

function ratio(a: number, b: number): number {
  if (b === 0) throw new Error('ratio to a value of 0 is undefined; drop failed runs first, or compare the difference');
  return a / b;
}

/** True when every sample repeats one value, as exact counts do: every resample is then the samples again. */
function isConstant(samples: readonly (readonly number[])[]): boolean {
  return samples.every((sample) => sample.every((value) => value === sample[0]));
}

function replicate(samples: readonly (readonly number[])[], statistic: (samples: readonly (readonly number[])[]) => number, resamples: number, seed: number, draw: Draw): number[] {
  const random = seededRandom(seed);
  const resample = samples.map((sample) => sample.slice());
  return Array.from({ length: resamples }, () => {
    draw(samples, random, resample);
    return statistic(resample);
  });
}

// These run thousands of times an estimate, thousands of estimates a figure: hence loops, and one array for all resamples.
type Draw = (samples: readonly (readonly number[])[], random: () => number, into: number[][]) => void;

const drawEach: Draw = (samples, random, into) => {
  for (let s = 0; s < samples.length; s++) {
    const sample = samples[s];
    for (let i = 0; i < sample.length; i++) into[s][i] = sample[below(sample.length, random)];
  }
};

const drawRounds: Draw = (samples, random, into) => {
  for (let i = 0; i < samples[0].length; i++) {
    const round = below(samples[0].length, random);
    for (let s = 0; s < samples.length; s++) into[s][i] = samples[s][round];
  }
};

/** Ascending copy. */
function sorted(sample: readonly number[]): ArrayLike<number> {
  if (sample.length > 20) return new Float64Array(sample).sort();
  // By insertion: for a handful of repeats, calling the built-in sort takes longer than sorting.
  const copy = sample.slice();
  for (let i = 1; i < copy.length; i++) {
    const value = copy[i];
    let place = i;
    for (; place > 0 && copy[place - 1] > value; place--) copy[place] = copy[place - 1];
    copy[place] = value;
  }
  return copy;
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const order = [...items];
  for (let last = order.length - 1; last > 0; last--) {
    const other = below(last + 1, random);
    [order[last], order[other]] = [order[other], order[last]];
  }
  return order;
}

function below(limit: number, random: () => number): number {
  return Math.floor(random() * limit);
}

function check(sample: ArrayLike<number>): void {
  if (sample.length === 0) throw new Error('statistics of an empty sample asked for; measure at least one repeat');
  for (let i = 0; i < sample.length; i++) {
    if (!Number.isFinite(sample[i])) throw new Error(`repeat ${i + 1} of ${sample.length} is ${sample[i]}; drop failed runs first`);
  }
}

function checkPaired(samples: readonly (readonly number[])[]): void {
  const lengths = samples.map((sample) => sample.length);
  if (new Set(lengths).size > 1) throw new Error(`paired samples of ${lengths.join(' and ')} repeats; keep the rounds that all of them have`);
}
