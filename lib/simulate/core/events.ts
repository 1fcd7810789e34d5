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
  /** Lines of the right path that were not in L1-I, or still on their way, when fetch came to them. */
  l1iMisses: number;
  /** The same on wrong paths, until the misprediction or missing target was noticed. */
  l1iWrongPathMisses: number;
  /** Lines brought into L1-I before fetch came to them, by next-line or run-ahead prefetch, on the right path and on wrong ones. */
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
