import { describe, expect, it } from 'vitest';
import { branchesPerRequest, frontendQuantities } from '../../../lib/analysis/frontend-quantities.js';
import type { EventValues } from '../../../lib/counters/frontend-counts.js';

const values: EventValues = {
  cycles: 2_000_000, instructions: 1_000_000, l1iMisses: 60_000, l1iRetiredMisses: 15_000, l2CodeMisses: 2_000, itlbStlbHits: 3_000, itlbWalksCompleted: 500,
  branches: 180_000, branchMisses: 4_000, dataStallCycles: 240_000, tagStallCycles: 100_000,
};

describe('quantities of a run', () => {
  it('are misses in a thousand instructions, and shares of cycles and of each other', () => {
    expect(frontendQuantities('skylake', values)).toMatchObject({
      instructionsPerCycle: 0.5, l1iMpki: 60, l1iRetiredMpki: 15, l1iRetiredShare: 0.25, l2CodeMpki: 2, itlbMpki: 3.5, itlbWalkMpki: 0.5,
      branchMpki: 4, branchShare: 0.18, icacheStallShare: 0.12, itlbStallShare: 0.05,
    });
  });

  it('are null where the CPU counts no such thing, never zero', () => {
    const { l1iRetiredMisses: _none, tagStallCycles: _neither, ...haswell } = values;
    expect(frontendQuantities('haswell', haswell)).toMatchObject({ l1iMpki: 60, l1iRetiredMpki: null, l1iRetiredShare: null, itlbStallShare: null, frontend: null });
    expect(new Set(Object.values(frontendQuantities('ice-lake', {})))).toEqual(new Set([null]));
  });

  it('are fewer with perf\'s generic events: no top-down, and page walks as all that is known of the TLB', () => {
    expect(frontendQuantities('generic', { cycles: 1000, instructions: 500, l1iMisses: 10, itlbMisses: 1 })).toMatchObject({
      l1iMpki: 20, itlbMpki: null, itlbWalkMpki: 2, frontend: null, icacheMisses: null,
    });
  });

  it('do not divide by nothing', () => {
    expect(frontendQuantities('skylake', { cycles: 0, instructions: 0, l1iMisses: 0 })).toMatchObject({ instructionsPerCycle: null, l1iMpki: null });
  });
});

describe('branches of a request', () => {
  it('are executed and missed by kind', () => {
    const counts: EventValues = { branches: 56_500, branchMisses: 4_500, branchesConditionalTaken: 12_140, branchMissesConditionalTaken: 1_300, branchesIndirect: 3_600, branchMissesIndirect: 2_000 };
    expect(branchesPerRequest(counts, 10)).toMatchObject({
      all: { executed: 5_650, missed: 450 }, conditionalTaken: { executed: 1_214, missed: 130 }, indirect: { executed: 360, missed: 200 }, returns: { executed: null, missed: null },
    });
  });

  it('on cores that count all conditional branches: taken ones are what is left of those not taken, their misses unknown', () => {
    expect(branchesPerRequest({ branchesConditional: 300, branchesConditionalNotTaken: 200, branchMissesConditional: 9 }, 1).conditionalTaken).toEqual({ executed: 100, missed: null });
  });

  it('are unknown without requests', () => {
    expect(branchesPerRequest({ branches: 1 }, 0).all).toEqual({ executed: null, missed: null });
  });
});
