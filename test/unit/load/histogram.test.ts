import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeHistogram, encodeHistogram, histogramOf, latencyPercentiles, mergeHistograms } from '../../../lib/load/histogram.js';

describe('latency histogram', () => {
  it('gives the nearest-rank percentiles of 1 to 1,000 us', () => {
    const latencies = Array.from({ length: 1000 }, (_, i) => i + 1);
    expect(latencyPercentiles(histogramOf(latencies))).toMatchObject({ p50: 500, p90: 900, p99: 990, p999: 999, max: 1000 });
  });

  it('keeps percentiles within 0.1 % and never above the largest value', () => {
    fc.assert(fc.property(fc.array(fc.integer({ min: 1, max: 60_000_000 }), { minLength: 1, maxLength: 200 }), (latencies) => {
      const sorted = [...latencies].sort((a, b) => a - b);
      const { p50, p99, max } = latencyPercentiles(histogramOf(latencies));
      const exact = (share: number) => sorted[Math.ceil(share * sorted.length) - 1];
      expect(Math.abs(p50 - exact(0.5)) / exact(0.5)).toBeLessThanOrEqual(0.001);
      expect(Math.abs(p99 - exact(0.99)) / exact(0.99)).toBeLessThanOrEqual(0.001);
      expect(p99).toBeLessThanOrEqual(max);
    }));
  });

  it('comes back unchanged from its base64 form', () => {
    const histogram = histogramOf([3, 70, 1900, 250_000]);
    const decoded = decodeHistogram(encodeHistogram(histogram));
    expect(encodeHistogram(decoded)).toBe(encodeHistogram(histogram));
    expect([decoded.totalCount, latencyPercentiles(decoded).p50]).toEqual([4, 70]);
  });

  it('merged, is the histogram of all latencies together', () => {
    const merged = mergeHistograms([histogramOf([10, 20, 30]), histogramOf([1000]), histogramOf([])]);
    expect(latencyPercentiles(merged)).toEqual(latencyPercentiles(histogramOf([10, 20, 30, 1000])));
  });

  it('of nothing has no latency, rather than not a number', () => {
    expect(latencyPercentiles(histogramOf([]))).toEqual({ p50: 0, p90: 0, p99: 0, p999: 0, max: 0, mean: 0 });
  });

  it('refuses negative latencies and foreign text', () => {
    expect(() => histogramOf([5, -1])).toThrow('latency of -1 us');
    expect(() => decodeHistogram('bm90IGEgaGlzdG9ncmFt')).toThrow('not a compressed V2 HDR histogram: "bm90IGEgaGlzdG9ncmFt"');
  });
});
