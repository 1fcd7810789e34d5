/**
 * Numbers the paper prints, each with its place: what figures draw as "the paper's values beside".
 * The points of the paper's figures are printed nowhere as numbers, so they are not here, and nothing was read
 * off pictures; for a figure there is only what captions and text state about it.
 */
import { claims, type RangeReading } from './claims.js';

/** What to write under a figure whose paper counterpart exists only as a picture. */
export const plottedPointsNote = "The paper prints no numbers for the points of its figures; shown beside is what its text and captions state.";

/** A number the paper states about a figure or table. */
export interface ReportedRange {
  claim: string;
  reading: string;
  place: string;
  quantity: string;
  range: [number | null, number | null];
  unit: string;
  printed: string;
}

/** Every number the paper states about one item, e.g. `fig07`; empty when it states none. */
export function reportedFor(item: string): ReportedRange[] {
  return claims
    .filter((claim) => claim.item === item)
    .flatMap((claim) =>
      claim.readings
        .filter((reading): reading is RangeReading => reading.kind !== 'shape')
        .map(({ id, place, quantity, range, unit, printed }) => ({ claim: claim.id, reading: id, place, quantity, range, unit, printed })),
    );
}

export interface Table3Row {
  /** Policy id of this workbench. */
  policy: string;
  label: string;
  /** Cycles per request spent in the filter, thousands; null for bare HTTP. */
  filterKcycles: number | null;
  /** Sum of the composition's filters, thousands; only for the mixes. */
  filterEstimateKcycles: number | null;
  /** Deviation of that sum as printed, per cent. */
  filterDeviationPrinted: number | null;
  totalKcycles: number;
  /** Bare HTTP plus filter, thousands, as printed. */
  totalEstimateKcycles: number | null;
  /** Deviation of that estimate as printed, per cent. */
  totalDeviationPrinted: number | null;
  /** Policies whose filter cycles `filterEstimateKcycles` adds up; they reproduce the printed sums exactly. */
  summed: string[];
}

/** Table 3: actual and estimated cycles per request for HTTP filters. */
export const table3: readonly Table3Row[] = [
  { policy: 'http', label: 'HTTP', filterKcycles: null, filterEstimateKcycles: null, filterDeviationPrinted: null, totalKcycles: 350.5, totalEstimateKcycles: null, totalDeviationPrinted: null, summed: [] },
  { policy: 'header-read', label: 'Header Proc.', filterKcycles: 9.67, filterEstimateKcycles: null, filterDeviationPrinted: null, totalKcycles: 364.6, totalEstimateKcycles: 360.2, totalDeviationPrinted: 1.22, summed: [] },
  { policy: 'ratelimit', label: 'Rate Limit', filterKcycles: 4.16, filterEstimateKcycles: null, filterDeviationPrinted: null, totalKcycles: 331.7, totalEstimateKcycles: 354.7, totalDeviationPrinted: -8.2, summed: [] },
  { policy: 'ip-tag-1', label: 'IP Tag (1)', filterKcycles: 8.52, filterEstimateKcycles: null, filterDeviationPrinted: null, totalKcycles: 338.7, totalEstimateKcycles: 359.1, totalDeviationPrinted: -8.7, summed: [] },
  { policy: 'logging', label: 'Logging', filterKcycles: 20.45, filterEstimateKcycles: null, filterDeviationPrinted: null, totalKcycles: 358.9, totalEstimateKcycles: 370.9, totalDeviationPrinted: -9.6, summed: [] },
  { policy: 'http-mix-1', label: 'HTTP Mix 1', filterKcycles: 12.9, filterEstimateKcycles: 12.68, filterDeviationPrinted: 1.72, totalKcycles: 373.9, totalEstimateKcycles: 363.4, totalDeviationPrinted: -0.66, summed: ['ratelimit', 'ip-tag-1'] },
  { policy: 'http-mix-2', label: 'HTTP Mix 2', filterKcycles: 41.83, filterEstimateKcycles: 42.8, filterDeviationPrinted: -2.33, totalKcycles: 439.1, totalEstimateKcycles: 392.3, totalDeviationPrinted: 1.23, summed: ['header-read', 'ratelimit', 'ip-tag-1', 'logging'] },
];

export interface RecomputedDeviation {
  policy: string;
  column: 'filter' | 'total';
  /** (actual - estimate) / actual from the printed cycles, per cent. */
  recomputed: number;
  /** Bounds of that when every printed number may be off by half its last digit. */
  bounds: [number, number];
  printed: number;
  /** Whether the printed percentage lies within those bounds. */
  follows: boolean;
}

/**
 * What percentages follow from the cycles Table 3 prints. Of both columns, (actual - estimate) / actual is the
 * formula that agrees with the rows that do agree.
 */
export function recomputeTable3(rows: readonly Table3Row[] = table3): RecomputedDeviation[] {
  return rows.flatMap((row) => [
    ...deviation(row.policy, 'filter', row.filterKcycles, row.filterEstimateKcycles, row.filterDeviationPrinted),
    ...deviation(row.policy, 'total', row.totalKcycles, row.totalEstimateKcycles, row.totalDeviationPrinted),
  ]);
}

function deviation(policy: string, column: 'filter' | 'total', actual: number | null, estimate: number | null, printed: number | null): RecomputedDeviation[] {
  if (actual === null || estimate === null || printed === null) return [];
  const percent = (a: number, e: number) => (100 * (a - e)) / a;
  const [a, e, p] = [actual, estimate, printed].map(halfLastDigit);
  const bounds: [number, number] = [percent(actual - a, estimate + e) - p, percent(actual + a, estimate - e) + p];
  return [{ policy, column, recomputed: percent(actual, estimate), bounds, printed, follows: bounds[0] <= printed && printed <= bounds[1] }];
}

/** Half a unit of the last decimal a number was printed with, e.g. 0.05 for 350.5. */
function halfLastDigit(value: number): number {
  const decimals = String(value).split('.')[1]?.length ?? 0;
  return 0.5 * 10 ** -decimals;
}

export interface Table4Row {
  branches: string;
  perRequest: number;
  missesPerRequest: number;
}

/** Table 4: branches and branch misses per request of the Rate Limit policy on Ice Lake. */
export const table4: readonly Table4Row[] = [
  { branches: 'All Retired', perRequest: 56.5e3, missesPerRequest: 4.5e3 },
  { branches: 'Cond. Taken', perRequest: 12.14e3, missesPerRequest: 1.3e3 },
  { branches: 'Cond. Not Taken', perRequest: 20.64e3, missesPerRequest: 1e3 },
  { branches: 'Indirect', perRequest: 3.6e3, missesPerRequest: 2e3 },
  { branches: 'Near Taken', perRequest: 35.4e3, missesPerRequest: 3.6e3 },
];

/** What the paper quotes from elsewhere to compare with. */
export const quoted = {
  /** IPC that processors are designed for on benchmark applications (section 5.2, its reference 69). */
  benchmarkIpc: [1.5, 2] as [number, number],
  /** L1-I MPKI of microservices in earlier work (section 5.3, its reference 35). */
  microserviceL1iMpki: [10, 12] as [number, number],
  /** Working set of a cloud function in earlier work, MB (section 5.4, its reference 6). */
  cloudFunctionWorkingSetMB: 4,
};
