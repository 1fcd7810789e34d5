/**
 * Haswell, client and server. Codes: intel/perfmon HSX/events/haswellx_core.json, version 29.
 * It counts neither tag stalls nor what retired instructions missed, and of mispredicted branches no kind but
 * conditional and taken ones.
 */
import { cyclesAndInstructions, type EventTable } from './event-table.js';
import { branchesByOutcome, slotsByCounters } from './until-ice-lake.js';

export const haswell: EventTable = {
  id: 'haswell',
  cores: ['Haswell'],
  source: 'intel/perfmon, HSX core events, version 29',
  generalCounters: 4,
  fixedCounters: true,
  notes: [],
  events: [
    ...cyclesAndInstructions,
    ...slotsByCounters,
    { name: 'recoveryCycles', source: 'INT_MISC.RECOVERY_CYCLES', encoding: { event: 0x0d, umask: 0x03, cmask: 1 }, counter: 'general', meaning: 'cycles in which issuing waits after a misprediction or machine clear' },
    { name: 'machineClears', source: 'MACHINE_CLEARS.COUNT', encoding: { event: 0xc3, umask: 0x01, cmask: 1, edge: true }, counter: 'general', meaning: 'pipeline flushes that no branch caused' },
    { name: 'baclears', source: 'BACLEARS.ANY', encoding: { event: 0xe6, umask: 0x1f }, counter: 'general', meaning: 'fetch redirected at decode: a branch that no predictor knew' },
    { name: 'l1iMisses', source: 'ICACHE.MISSES', encoding: { event: 0x80, umask: 0x02 }, counter: 'general', meaning: 'fetches that missed the L1 instruction cache, on wrong paths too' },
    { name: 'l1iHits', source: 'ICACHE.HIT', encoding: { event: 0x80, umask: 0x01 }, counter: 'general', meaning: 'fetches that hit it' },
    { name: 'dataStallCycles', source: 'ICACHE.IFDATA_STALL', encoding: { event: 0x80, umask: 0x04 }, counter: 'general', meaning: 'cycles in which fetch waits for a line of code' },
    { name: 'l2CodeReads', source: 'L2_RQSTS.ALL_CODE_RD', encoding: { event: 0x24, umask: 0xe4 }, counter: 'general', meaning: 'code lines asked of the L2 cache, prefetches included' },
    { name: 'l2CodeMisses', source: 'L2_RQSTS.CODE_RD_MISS', encoding: { event: 0x24, umask: 0x24 }, counter: 'general', meaning: 'those of them that it lacked' },
    { name: 'itlbStlbHits', source: 'ITLB_MISSES.STLB_HIT', aliases: ['iTLB-loads'], encoding: { event: 0x85, umask: 0x60 }, counter: 'general', meaning: 'instruction TLB misses that the second level knew' },
    { name: 'itlbWalks', source: 'ITLB_MISSES.MISS_CAUSES_A_WALK', aliases: ['iTLB-load-misses'], encoding: { event: 0x85, umask: 0x01 }, counter: 'general', meaning: 'those that began a page walk' },
    { name: 'itlbWalksCompleted', source: 'ITLB_MISSES.WALK_COMPLETED', encoding: { event: 0x85, umask: 0x0e }, counter: 'general', meaning: 'page walks for code that ended with a translation' },
    { name: 'itlbWalkCycles', source: 'ITLB_MISSES.WALK_DURATION', encoding: { event: 0x85, umask: 0x10 }, counter: 'general', meaning: 'cycles of page walks for code' },
    ...branchesByOutcome,
    { name: 'branchesConditional', source: 'BR_INST_RETIRED.CONDITIONAL', encoding: { event: 0xc4, umask: 0x01 }, counter: 'general', meaning: 'conditional branches' },
    { name: 'branchesConditionalNotTaken', source: 'BR_INST_RETIRED.NOT_TAKEN', encoding: { event: 0xc4, umask: 0x10 }, counter: 'general', meaning: 'conditional branches not taken' },
  ],
  groups: [
    ['cycles', 'instructions', 'uopsNotDelivered', 'uopsIssued', 'slotsRetired'],
    ['cycles', 'instructions', 'recoveryCycles', 'cyclesWithoutUops', 'machineClears'],
    ['cycles', 'instructions', 'l1iMisses', 'l1iHits', 'dataStallCycles'],
    ['cycles', 'instructions', 'itlbStlbHits', 'itlbWalks', 'itlbWalkCycles'],
    ['cycles', 'instructions', 'itlbWalksCompleted', 'l2CodeReads', 'l2CodeMisses'],
    ['cycles', 'instructions', 'branches', 'branchMisses', 'baclears'],
    ['cycles', 'instructions', 'branchesConditional', 'branchMissesConditional', 'branchesConditionalNotTaken'],
    ['cycles', 'instructions', 'branchesNearTaken', 'branchMissesNearTaken', 'branchesReturn'],
    ['cycles', 'instructions', 'branchesCall'],
  ],
};
