/**
 * The knee: the highest constant rate that a sidecar sustains, found by bisection.
 *
 * A rate is sustained when the load of that rate
 * - achieved at least 99 % of it, or lacks three requests at most: a window begins and ends in the middle of some, and few
 *   are many where whole applications take a second for thirty,
 * - had at most 1 % errors, and
 * - its backlog did not grow: the median latency of the window's second half exceeds that of its first half by no more
 *   than 1 % of the time between their middles, or by no more than three tenths. Above capacity C, latency from the
 *   intended send time grows by (1 - C/rate) seconds a second, so the former allows a shortfall of 1 %, too, but does not
 *   depend on what was counted at the window's edges; the latter is how far medians of some tens of requests differ anyway.
 */
import type { LoadOutcome } from './types.js';

/** What the search needs to know of a load at one rate. */
export type ProbeOutcome = Pick<LoadOutcome, 'windowUs' | 'requests' | 'errors' | 'achievedRatePerS' | 'halvesP50Us'>;

export interface Probe {
  ratePerS: number;
  sustained: boolean;
  /** Why, with the values seen. */
  reason: string;
}

export interface Knee {
  /** The highest rate that a probe sustained, 0 when none did. */
  kneeRatePerS: number;
  /** The lowest rate above it that a probe did not sustain, null when every probe was sustained. */
  notSustainedPerS: number | null;
  /** In the order of measurement. */
  probes: Probe[];
  /** Why the search ended where it did. */
  reason: string;
}

export interface KneeOptions {
  /** Where to search: from half of this, or another `lowest` share of it, to a tenth above it. */
  closedLoopMaximumPerS: number;
  lowest?: number;
  /** Loads measured per range; 6 by default, which leaves a 64th of it: 1 % of the closed-loop maximum. */
  probes?: number;
}

const least = { achieved: 0.99, edgeRequests: 3, errors: 0.01, backlogGrowth: 0.01, slowerHalf: 1.3 } as const;
const range = { lower: 0.5, upper: 1.1 } as const;
/** How often the range moves when the knee lies outside: down to an eighth of the maximum, or up to 2.5 times it. */
const mostMoves = 2;

/**
 * @param measure loads the sidecar at a rate (requests per second) and returns the outcome.
 * @throws Error when the closed-loop maximum is not a positive number.
 */
export async function findKnee(measure: (ratePerS: number) => Promise<ProbeOutcome>, options: KneeOptions): Promise<Knee> {
  const maximum = options.closedLoopMaximumPerS;
  if (!(maximum > 0)) throw new Error(`cannot search a knee from a closed-loop maximum of ${maximum} requests/s; is the backend alive?`);
  const probes: Probe[] = [];
  const probe = async (ratePerS: number) => {
    const verdict = judge(ratePerS, await measure(ratePerS));
    probes.push(verdict);
    return verdict.sustained;
  };
  await search(probe, [(options.lowest ?? range.lower) * maximum, range.upper * maximum], options.probes ?? 6);
  return conclude(probes);
}

/** One bisection of a range; when the knee turns out to lie outside, the range moves on in that direction. */
async function search(probe: (ratePerS: number) => Promise<boolean>, [lower, upper]: [number, number], count: number): Promise<void> {
  const seen = { sustained: false, not: false };
  for (let moves = 0; moves <= mostMoves; moves++) {
    let [low, high] = [lower, upper];
    for (let i = 0; i < count; i++) {
      const rate = (low + high) / 2;
      const sustained = await probe(rate);
      seen[sustained ? 'sustained' : 'not'] = true;
      if (sustained) low = rate;
      else high = rate;
    }
    if (seen.sustained && seen.not) return;
    [lower, upper] = seen.sustained ? [upper, 1.5 * upper] : [lower / 2, lower];
  }
}

function conclude(probes: Probe[]): Knee {
  const kneeRatePerS = Math.max(0, ...probes.filter((probe) => probe.sustained).map((probe) => probe.ratePerS));
  const above = probes.filter((probe) => !probe.sustained && probe.ratePerS > kneeRatePerS)
    .sort((a, b) => a.ratePerS - b.ratePerS)[0] as Probe | undefined;
  if (!above) return { kneeRatePerS, notSustainedPerS: null, probes, reason: `every rate was sustained, up to ${kneeRatePerS.toFixed(0)} requests/s; the knee lies above` };
  if (kneeRatePerS === 0) {
    return { kneeRatePerS, notSustainedPerS: above.ratePerS, probes, reason: `no rate was sustained, not even ${above.ratePerS.toFixed(0)} requests/s: ${above.reason}` };
  }
  return { kneeRatePerS, notSustainedPerS: above.ratePerS, probes, reason: `${kneeRatePerS.toFixed(0)} requests/s was sustained, ${above.ratePerS.toFixed(0)} was not: ${above.reason}` };
}

/** Whether a rate was sustained, by the three rules above. */
export function judge(ratePerS: number, outcome: ProbeOutcome): Probe {
  const achieved = outcome.achievedRatePerS / ratePerS;
  const errors = outcome.errors / Math.max(1, outcome.requests + outcome.errors);
  const windowUs = outcome.windowUs[1] - outcome.windowUs[0];
  const missing = ((ratePerS - outcome.achievedRatePerS) * windowUs) / 1e6;
  const [early, late] = outcome.halvesP50Us;
  const growth = (late - early) / (windowUs / 2);
  const verdict = (sustained: boolean, reason: string): Probe => ({ ratePerS, sustained, reason });
  if (errors > least.errors) return verdict(false, `${(100 * errors).toFixed(1)} % errors`);
  if (achieved < least.achieved && missing > least.edgeRequests) return verdict(false, `${(100 * achieved).toFixed(1)} % of the rate achieved`);
  if (growth > least.backlogGrowth && late > least.slowerHalf * early) return verdict(false, `backlog grew by ${(1000 * growth).toFixed(1)} ms a second`);
  return verdict(true, `${(100 * achieved).toFixed(1)} % of the rate achieved, backlog grew by ${(1000 * growth).toFixed(1)} ms a second`);
}
