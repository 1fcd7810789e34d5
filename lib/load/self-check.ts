/** Whether a load measured the sidecar, or the generator or the backend in its place. */

export interface LimitInput {
  /** CPU time per second of window: the sidecar's worker thread, the generator, the backend (1 = one core). */
  workerShare: number;
  generatorShare: number;
  backendShare: number;
  /** How many cores generator and backend share. */
  otherCores: number;
  /** null in a closed loop. */
  intendedRatePerS: number | null;
  achievedRatePerS: number;
}

export interface Limit {
  /** What kept the rate from being higher; `none` when the intended rate was reached. */
  limitedBy: 'sidecar' | 'generator' | 'backend' | 'none';
  /** One sentence with the values seen. */
  reason: string;
}

/** A thread that ran for this share of the window had no time left: the rest is lost to interrupts and clock edges. */
const saturatedShare = 0.95;
/** Several processes on one core never use all of it, since they also wait for each other. */
const saturatedCoresShare = 0.9;
/** Achieved / intended of a load that kept its rate. */
const keptRate = [0.99, 1.01] as const;

/**
 * Rules, the first that applies:
 * 1. open loop, achieved / intended within 0.99 to 1.01: `none`; above: `generator`, which did not keep its schedule;
 * 2. the sidecar's worker thread busy for 95 % or more: `sidecar`;
 * 3. else the generator or the backend, whichever used more CPU; the reason says whether the cores they share were
 *    used up (90 %), or one of them filled a core by itself, or nothing was saturated, which means that too little
 *    was offered (too few connections, or other programs on the same cores).
 */
export function limitOf(input: LimitInput): Limit {
  const kept = rateKept(input);
  if (kept) return kept;
  const { workerShare, generatorShare, backendShare, otherCores } = input;
  if (workerShare >= saturatedShare) return { limitedBy: 'sidecar', reason: `the sidecar's worker thread was busy ${percent(workerShare)} of the time` };
  const limitedBy = generatorShare >= backendShare ? 'generator' : 'backend';
  const used = `generator ${percent(generatorShare)}, backend ${percent(backendShare)} of ${otherCores} other core${otherCores === 1 ? '' : 's'}`;
  const idle = `the sidecar's worker thread was busy only ${percent(workerShare)} of the time`;
  if (generatorShare + backendShare >= saturatedCoresShare * otherCores) return { limitedBy, reason: `${idle}; ${used}: those were used up, the ${limitedBy} took most` };
  if (Math.max(generatorShare, backendShare) >= saturatedShare) return { limitedBy, reason: `${idle}; ${used}: the ${limitedBy} filled a core by itself` };
  return { limitedBy, reason: `${idle}; ${used}: nothing was saturated, so too little was offered (too few connections, or other programs on these cores)` };
}

function rateKept({ intendedRatePerS, achievedRatePerS }: LimitInput): Limit | null {
  if (intendedRatePerS === null) return null;
  const ratio = achievedRatePerS / intendedRatePerS;
  const reason = `achieved / intended rate is ${ratio.toFixed(3)}`;
  if (ratio > keptRate[1]) return { limitedBy: 'generator', reason: `${reason}: the generator did not keep its schedule` };
  return ratio >= keptRate[0] ? { limitedBy: 'none', reason } : null;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}
