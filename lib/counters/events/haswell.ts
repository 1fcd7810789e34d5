/**
 * Haswell, client and server. Codes: intel/perfmon HSX/events/haswellx_core.json, version 29.
 * It counts neither tag stalls nor what retired instructions missed, and of mispredicted branches no kind but
 * conditional and taken ones.
 */
import { cyclesAndInstructions, type EventTable } from './event-table.js';

export const haswell: EventTable = {
  id: 'haswell',
  cores: ['Haswell'],
  source: 'intel/perfmon, HSX core events, version 29',
  generalCounters: 4,
  fixedCounters: true,
  notes: [],
  events: [
    ...cyclesAndInstructions,
    { name: 'uopsNotDelivered', source: 'IDQ_UOPS_NOT_DELIVERED.CORE', encoding: { event: 0x9c, umask: 0x01 }, counter: 'general', meaning: 'issue slots that the frontend left empty while the backend could take more' },
    { name: 'cyclesWithoutUops', source: 'IDQ_UOPS_NOT_DELIVERED.CYCLES_0_UOPS_DELIV.CORE', encoding: { event: 0x9c, umask: 0x01, cmask: 4 }, counter: 'general', meaning: 'cycles in which it left all of them empty' },
    { name: 'uopsIssued', source: 'UOPS_ISSUED.ANY', encoding: { event: 0x0e, umask: 0x01 }, counter: 'general', meaning: 'micro-operations issued, on wrong paths too' },
    { name: 'slotsRetired', source: 'UOPS_RETIRED.RETIRE_SLOTS', encoding: { event: 0xc2, umask: 0x02 }, counter: 'general', meaning: 'issue slots of what retired' },
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
    { name: 'branches', source: 'BR_INST_RETIRED.ALL_BRANCHES', encoding: { event: 0xc4, umask: 0x00 }, counter: 'general', meaning: 'branches' },
    { name: 'branchesConditional', source: 'BR_INST_RETIRED.CONDITIONAL', encoding: { event: 0xc4, umask: 0x01 }, counter: 'general', meaning: 'conditional branches' },
    { name: 'branchesConditionalNotTaken', source: 'BR_INST_RETIRED.NOT_TAKEN', encoding: { event: 0xc4, umask: 0x10 }, counter: 'general', meaning: 'conditional branches not taken' },
    { name: 'branchesNearTaken', source: 'BR_INST_RETIRED.NEAR_TAKEN', encoding: { event: 0xc4, umask: 0x20 }, counter: 'general', meaning: 'taken branches, far ones left out' },
    { name: 'branchesReturn', source: 'BR_INST_RETIRED.NEAR_RETURN', encoding: { event: 0xc4, umask: 0x08 }, counter: 'general', meaning: 'returns' },
    { name: 'branchesCall', source: 'BR_INST_RETIRED.NEAR_CALL', encoding: { event: 0xc4, umask: 0x02 }, counter: 'general', meaning: 'calls, direct and indirect' },
    { name: 'branchMisses', source: 'BR_MISP_RETIRED.ALL_BRANCHES', encoding: { event: 0xc5, umask: 0x00 }, counter: 'general', meaning: 'mispredicted branches' },
    { name: 'branchMissesConditional', source: 'BR_MISP_RETIRED.CONDITIONAL', encoding: { event: 0xc5, umask: 0x01 }, counter: 'general', meaning: 'mispredicted conditional branches' },
    { name: 'branchMissesNearTaken', source: 'BR_MISP_RETIRED.NEAR_TAKEN', encoding: { event: 0xc5, umask: 0x20 }, counter: 'general', meaning: 'mispredicted branches that were taken' },
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
