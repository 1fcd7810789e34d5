/**
 * The additive cost model: a composition costs what its bare protocol costs, plus what each filter adds to it
 * (paper, section 5.2 and Table 3). It predicts policies nobody measured; the deviation says how well.
 *
 * Costs are per request, in any unit that adds (instructions, cycles, CPU time). Each is a sample of repeats; an exact
 * count is a sample of one, and leaves the deviation without interval.
 */
import { bootstrap, median, relativeDeviation, type BootstrapOptions, type Estimate } from './statistics.js';

/** What one filter adds to the bare protocol: policy with only this filter, minus base. */
export function marginalCost(base: readonly number[], policy: readonly number[], options?: BootstrapOptions): Estimate {
  return bootstrap([base, policy], ([b, p]) => median(p) - median(b), options);
}

/**
 * Predicted cost of a composition: base + Σ (policyᵢ - base).
 * @param singles cost of each single-filter policy, in any order; empty predicts the base itself
 */
export function predictCost(base: readonly number[], singles: readonly (readonly number[])[], options?: BootstrapOptions): Estimate {
  return bootstrap([base, ...singles], additive, options);
}

export interface Additivity {
  /** base + Σ marginals: held out, as the composition's own measurement has no part in it. */
  predicted: Estimate;
  actual: Estimate;
  /** (actual - predicted) / actual, of the total. */
  ofTotal: Estimate;
  /**
   * The same of what the filters add, the base taken off both: (marginal of the composition - Σ marginals) / marginal
   * of the composition. Null when the composition costs no more than its base, be it in a resample: nothing to divide by.
   */
  ofFilters: Estimate | null;
  /** Σ marginals - marginal of the composition: above 0 where the sum is an upper bound. */
  sumMinusComposition: Estimate;
}

/** How well the additive model predicts a composition that was measured too. */
export function testAdditivity(base: readonly number[], singles: readonly (readonly number[])[], composition: readonly number[], options?: BootstrapOptions): Additivity {
  const samples = [composition, base, ...singles];
  const over = (statistic: (actual: number, predicted: number, baseCost: number) => number) =>
    bootstrap(samples, ([c, ...rest]) => statistic(median(c), additive(rest), median(rest[0])), options);
  return {
    predicted: predictCost(base, singles, options),
    actual: bootstrap([composition], ([c]) => median(c), options),
    ofTotal: over((actual, predicted) => relativeDeviation(actual, predicted)),
    ofFilters: median(composition) > median(base) ? filterDeviation(over) : null,
    sumMinusComposition: over((actual, predicted) => predicted - actual),
  };
}

/**
 * The estimate the paper's Table 3 prints: base + filter cost *measured in the very policy it estimates*. It tests
 * whether the other components stayed the same, not whether filters add up: nothing is held out.
 * @param ownFilter filter cost attributed within the policy itself
 */
export function paperEstimate(base: readonly number[], ownFilter: readonly number[], options?: BootstrapOptions): Estimate {
  return bootstrap([base, ownFilter], ([b, f]) => median(b) + median(f), options);
}

/** (actual - {@link paperEstimate}) / actual: what the percentages in Table 3's last column should be. */
export function paperDeviation(base: readonly number[], ownFilter: readonly number[], policy: readonly number[], options?: BootstrapOptions): Estimate {
  return bootstrap([base, ownFilter, policy], ([b, f, p]) => relativeDeviation(median(p), median(b) + median(f)), options);
}

function additive([base, ...singles]: readonly (readonly number[])[]): number {
  const baseCost = median(base);
  return singles.reduce((cost, single) => cost + median(single) - baseCost, baseCost);
}

function filterDeviation(over: (statistic: (actual: number, predicted: number, baseCost: number) => number) => Estimate): Estimate | null {
  // A resample in which the composition costs no more than its base makes the quotient meaningless, not large.
  let meaningful = true;
  const estimate = over((actual, predicted, baseCost) => {
    meaningful = meaningful && actual > baseCost;
    return actual > baseCost ? (actual - predicted) / (actual - baseCost) : 0;
  });
  return meaningful ? estimate : null;
}
