/** Latency histograms: HdrHistogram, 3 significant digits, microseconds, stored as compressed V2 in base64. */
import { build, decodeFromCompressedBase64, encodeIntoCompressedBase64, type Histogram } from 'hdr-histogram-js';

export type { Histogram };

/** Values are kept to 0.1 %; one hour is the largest. */
const significantDigits = 3;
const largestUs = 3_600_000_000;

export interface LatencyUs {
  p50: number;
  p90: number;
  p99: number;
  p999: number;
  max: number;
  mean: number;
}

/** Counts latencies in microseconds; anything above an hour counts as an hour, anything below zero is an error. */
export function histogramOf(latenciesUs: Iterable<number>): Histogram {
  const histogram = empty();
  for (const value of latenciesUs) {
    if (!(value >= 0)) throw new Error(`latency of ${value} us; it cannot be negative`);
    histogram.recordValue(Math.min(Math.round(value), largestUs));
  }
  return histogram;
}

/** @returns compressed V2, base64: what every HdrHistogram implementation reads. */
export function encodeHistogram(histogram: Histogram): string {
  return encodeIntoCompressedBase64(histogram);
}

/** @throws Error when the text is not such a histogram. */
export function decodeHistogram(base64: string): Histogram {
  try {
    return decodeFromCompressedBase64(base64);
  } catch (error) {
    throw new Error(`not a compressed V2 HDR histogram: "${base64.slice(0, 40)}" (${(error as Error).message})`);
  }
}

/** The histogram of all their latencies together; percentiles of several runs must come from this, never from averaging. */
export function mergeHistograms(histograms: Iterable<Histogram>): Histogram {
  const sum = empty();
  for (const one of histograms) sum.add(one);
  return sum;
}

/** Percentiles in microseconds; zeros for an empty histogram. */
export function latencyPercentiles(histogram: Histogram): LatencyUs {
  if (histogram.totalCount === 0) return { p50: 0, p90: 0, p99: 0, p999: 0, max: 0, mean: 0 };
  // A percentile is the upper edge of its bucket, which may lie above the largest value itself.
  const at = (percentile: number) => Math.min(histogram.getValueAtPercentile(percentile), histogram.maxValue);
  return { p50: at(50), p90: at(90), p99: at(99), p999: at(99.9), max: histogram.maxValue, mean: histogram.mean };
}

function empty(): Histogram {
  return build({
    lowestDiscernibleValue: 1, highestTrackableValue: largestUs, numberOfSignificantValueDigits: significantDigits,
    bitBucketSize: 64, autoResize: false, useWebAssembly: false,
  });
}
