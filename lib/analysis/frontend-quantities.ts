/** What Figures 8-10 and 15-17 and Table 4 show, from one run's counts: pure functions. */
import type { EventName, EventTableId } from '../counters/events/event-table.js';
import type { EventValues } from '../counters/frontend-counts.js';
import { topDownOf, type TopDown } from '../counters/top-down.js';

/**
 * Null where the CPU does not count an event of it. MPKI: misses in a thousand retired instructions. Shares of cycles or
 * slots are 0 to 1, and those of cycles overlap.
 */
export interface FrontendQuantities extends TopDown {
  instructionsPerCycle: number | null;
  /** Lookups that missed the L1 instruction cache, on wrong paths too (Figure 9). */
  l1iMpki: number | null;
  /** Retired instructions that had missed it (Figure 9, C17). */
  l1iRetiredMpki: number | null;
  /** Of all that missed it, the part that retired. */
  l1iRetiredShare: number | null;
  /** Code lines that the L2 cache lacked. */
  l2CodeMpki: number | null;
  /** First-level misses of the instruction TLB: those that its second level knew, and those that walked the page tables. */
  itlbMpki: number | null;
  /** Those that walked. */
  itlbWalkMpki: number | null;
  branchMpki: number | null;
  /** Branches among all instructions. */
  branchShare: number | null;
  /** Of the cycles: fetch waits for a line of code. Unlike `icacheMisses` without the two cycles each that Skylake's formula adds. */
  icacheStallShare: number | null;
  /** Of the cycles: fetch waits for a translation. */
  itlbStallShare: number | null;
}

/** @param table `FrontendCounts.table`. */
export function frontendQuantities(table: EventTableId, values: EventValues): FrontendQuantities {
  const ratio = (above: number | undefined, below: EventName) => finite((above ?? NaN) / (values[below] ?? NaN));
  const mpki = (misses: number | undefined) => ratio(1000 * (misses ?? NaN), 'instructions');
  const ofCycles = (event: EventName) => ratio(values[event], 'cycles');
  const walks = values.itlbWalksCompleted ?? values.itlbWalks;
  return {
    ...(topDownOf(table, values) ?? noTopDown),
    instructionsPerCycle: ofCycles('instructions'),
    l1iMpki: mpki(values.l1iMisses),
    l1iRetiredMpki: mpki(values.l1iRetiredMisses),
    l1iRetiredShare: ratio(values.l1iRetiredMisses, 'l1iMisses'),
    l2CodeMpki: mpki(values.l2CodeMisses),
    itlbMpki: mpki((values.itlbStlbHits ?? NaN) + (walks ?? NaN)),
    itlbWalkMpki: mpki(walks ?? values.itlbMisses),
    branchMpki: mpki(values.branchMisses),
    branchShare: ratio(values.branches, 'instructions'),
    icacheStallShare: ofCycles('dataStallCycles'),
    itlbStallShare: ofCycles('tagStallCycles'),
  };
}

const noTopDown: TopDown = {
  retiring: null, badSpeculation: null, frontend: null, backend: null,
  fetchLatency: null, icacheMisses: null, itlbMisses: null, branchResteers: null,
};

/** A column of Table 4. */
export type BranchKind = 'all' | 'conditionalTaken' | 'conditionalNotTaken' | 'indirect' | 'nearTaken' | 'returns' | 'calls';

/** Of one request; null where the CPU does not tell the kind apart. */
export interface BranchCounts {
  executed: number | null;
  missed: number | null;
}

/** Branches of one request by kind (Table 4). @param requests answered while they were counted. */
export function branchesPerRequest(values: EventValues, requests: number): Record<BranchKind, BranchCounts> {
  const executedTaken = difference(values.branchesConditional, values.branchesConditionalNotTaken);
  const perRequest = (count: number | null | undefined) => finite((count ?? NaN) / requests);
  const counts = (executed: number | null | undefined, missed: number | undefined) => ({ executed: perRequest(executed), missed: perRequest(missed) });
  return {
    all: counts(values.branches, values.branchMisses),
    conditionalTaken: counts(values.branchesConditionalTaken ?? executedTaken, values.branchMissesConditionalTaken),
    conditionalNotTaken: counts(values.branchesConditionalNotTaken, values.branchMissesConditionalNotTaken),
    indirect: counts(values.branchesIndirect, values.branchMissesIndirect),
    nearTaken: counts(values.branchesNearTaken, values.branchMissesNearTaken),
    returns: counts(values.branchesReturn, values.branchMissesReturn),
    calls: counts(values.branchesCall, values.branchMissesCall),
  };
}

/** Haswell and Skylake count all conditional branches and those not taken. */
function difference(all: number | undefined, part: number | undefined): number | null {
  return all === undefined || part === undefined ? null : all - part;
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
