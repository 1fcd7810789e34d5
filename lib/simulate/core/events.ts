/** What a replay counts, of one request or of one component in it. */

export interface BranchMisses {
  conditionalTaken: number;
  conditionalNotTaken: number;
  /** Jumps and calls through a register or memory. */
  indirect: number;
  returns: number;
  /** Taken branches, rightly predicted otherwise, that the target buffer lacked: re-steered by the decoder, no misprediction. */
  decodeResteers: number;
  /** Mispredicted branches that were taken: conditionalTaken + indirect + returns. */
  nearTaken: number;
  /** All mispredicted ones: nearTaken + conditionalNotTaken. */
  all: number;
}

/** User code only. */
export interface FrontendEvents {
  instructions: number;
  /**
   * Lines of the right path that L1-I neither held nor awaited when they were asked for: by the predictor where it runs
   * ahead, whether or not fetch then had to wait. So does Intel count, whose tag lookups run ahead of the data.
   */
  l1iMisses: number;
  /** The same on wrong paths, until the misprediction or missing target was noticed. */
  l1iWrongPathMisses: number;
  /** Lines brought in by next-line prefetch, on the right path and on wrong ones. */
  l1iPrefetches: number;
  l1iWrongPathPrefetches: number;
  /** Code lines asked of L2 that it lacks, on any path, prefetches included. */
  l2Misses: number;
  /** Of the right path, and those that the second-level TLB lacks too. */
  itlbMisses: number;
  itlbWalks: number;
  itlbWrongPathMisses: number;
  branchMisses: BranchMisses;
  /** Cycles; see frontend.ts for the formulas. `cycles` is the sum of the others. */
  icacheStallCycles: number;
  itlbStallCycles: number;
  resteerCycles: number;
  decodeResteerCycles: number;
  deliveryCycles: number;
  cycles: number;
}

/** Places of the counters in an account. */
export const Counter = {
  instructions: 0,
  l1iMisses: 1,
  l1iWrongPathMisses: 2,
  l1iPrefetches: 3,
  l1iWrongPathPrefetches: 4,
  l2Misses: 5,
  itlbMisses: 6,
  itlbWalks: 7,
  itlbWrongPathMisses: 8,
  conditionalTaken: 9,
  conditionalNotTaken: 10,
  indirect: 11,
  returns: 12,
  decodeResteers: 13,
  icacheStallCycles: 14,
  itlbStallCycles: 15,
  resteerCycles: 16,
  decodeResteerCycles: 17,
  deliveryCycles: 18,
} as const;

export const counterCount = Object.keys(Counter).length;

/**
 * Counts of a number of requests as events of one.
 * @param account in the order of `Counter`
 */
export function eventsOf(account: ArrayLike<number>, requests = 1): FrontendEvents {
  const of = (counter: number) => account[counter] / requests;
  const cycles = {
    icacheStallCycles: of(Counter.icacheStallCycles), itlbStallCycles: of(Counter.itlbStallCycles), resteerCycles: of(Counter.resteerCycles),
    decodeResteerCycles: of(Counter.decodeResteerCycles), deliveryCycles: of(Counter.deliveryCycles),
  };
  return {
    instructions: of(Counter.instructions),
    l1iMisses: of(Counter.l1iMisses), l1iWrongPathMisses: of(Counter.l1iWrongPathMisses),
    l1iPrefetches: of(Counter.l1iPrefetches), l1iWrongPathPrefetches: of(Counter.l1iWrongPathPrefetches),
    l2Misses: of(Counter.l2Misses),
    itlbMisses: of(Counter.itlbMisses), itlbWalks: of(Counter.itlbWalks), itlbWrongPathMisses: of(Counter.itlbWrongPathMisses),
    branchMisses: branchMissesOf(of),
    ...cycles,
    cycles: Object.values(cycles).reduce((sum, part) => sum + part, 0),
  };
}

function branchMissesOf(of: (counter: number) => number): BranchMisses {
  const [conditionalTaken, conditionalNotTaken, indirect, returns] = [of(Counter.conditionalTaken), of(Counter.conditionalNotTaken), of(Counter.indirect), of(Counter.returns)];
  const nearTaken = conditionalTaken + indirect + returns;
  return { conditionalTaken, conditionalNotTaken, indirect, returns, decodeResteers: of(Counter.decodeResteers), nearTaken, all: nearTaken + conditionalNotTaken };
}

/** Events per 1000 instructions. */
export function perKiloInstruction(count: number, { instructions }: Pick<FrontendEvents, 'instructions'>): number {
  return 1000 * count / instructions;
}

/** The rates that figures draw, by name. */
export const mpki = {
  /** As ICACHE_64B.IFTAG_MISS counts: fetch of any path. */
  l1i: (events: FrontendEvents) => perKiloInstruction(events.l1iMisses + events.l1iWrongPathMisses, events),
  /** Lines of instructions that retire, as FRONTEND_RETIRED.L1I_MISS samples them. */
  l1iRetired: (events: FrontendEvents) => perKiloInstruction(events.l1iMisses, events),
  l2: (events: FrontendEvents) => perKiloInstruction(events.l2Misses, events),
  itlb: (events: FrontendEvents) => perKiloInstruction(events.itlbMisses, events),
  /** BR_MISP_RETIRED.ALL_BRANCHES. */
  branches: (events: FrontendEvents) => perKiloInstruction(events.branchMisses.all, events),
};
