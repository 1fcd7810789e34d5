/**
 * Skylake and its successors up to Cascade Lake and Cooper Lake, client and server: fetch and branch events are the same.
 * Codes: intel/perfmon SKX/events/skylakex_core.json, version 1.37, and CLX/events/cascadelakex_core.json, version 1.25.
 * No event tells indirect branches from others.
 */
import { cyclesAndInstructions, type EventTable } from './event-table.js';
import { branchesByOutcome, slotsByCounters } from './until-ice-lake.js';

export const skylake: EventTable = {
  id: 'skylake',
  cores: ['Skylake', 'Skylake-SP', 'Cascade Lake', 'Cooper Lake', 'Kaby Lake', 'Comet Lake'],
  source: 'intel/perfmon, SKX core events, version 1.37, and CLX, version 1.25',
  generalCounters: 4,
  fixedCounters: true,
  notes: [],
  events: [
    ...cyclesAndInstructions,
    ...slotsByCounters,
    { name: 'recoveryCycles', source: 'INT_MISC.RECOVERY_CYCLES', encoding: { event: 0x0d, umask: 0x01 }, counter: 'general', meaning: 'cycles in which issuing waits after a misprediction or machine clear' },
    { name: 'resteerCycles', source: 'INT_MISC.CLEAR_RESTEER_CYCLES', encoding: { event: 0x0d, umask: 0x80 }, counter: 'general', meaning: 'cycles from such an event to the first micro-operation of the right path' },
    { name: 'baclears', source: 'BACLEARS.ANY', encoding: { event: 0xe6, umask: 0x01 }, counter: 'general', meaning: 'fetch redirected at decode: a branch that no predictor knew' },
    { name: 'l1iMisses', source: 'ICACHE_64B.IFTAG_MISS', encoding: { event: 0x83, umask: 0x02 }, counter: 'general', meaning: 'lookups of 64-byte lines that missed the L1 instruction cache, on wrong paths too' },
    { name: 'l1iHits', source: 'ICACHE_64B.IFTAG_HIT', encoding: { event: 0x83, umask: 0x01 }, counter: 'general', meaning: 'lookups that hit it' },
    { name: 'l1iRetiredMisses', source: 'FRONTEND_RETIRED.L1I_MISS', encoding: { event: 0xc6, umask: 0x01, frontend: 0x12 }, counter: 'general', meaning: 'retired instructions that had missed it' },
    { name: 'dataStallCycles', source: 'ICACHE_16B.IFDATA_STALL', encoding: { event: 0x80, umask: 0x04 }, counter: 'general', meaning: 'cycles in which fetch waits for a line of code' },
    { name: 'dataStalls', source: 'ICACHE_16B.IFDATA_STALL:c1:e1', encoding: { event: 0x80, umask: 0x04, cmask: 1, edge: true }, counter: 'general', meaning: 'how often it began to wait' },
    { name: 'tagStallCycles', source: 'ICACHE_64B.IFTAG_STALL', aliases: ['ICACHE_TAG.STALLS'], encoding: { event: 0x83, umask: 0x04 }, counter: 'general', meaning: 'cycles in which fetch waits for a translation' },
    { name: 'l2CodeReads', source: 'L2_RQSTS.ALL_CODE_RD', encoding: { event: 0x24, umask: 0xe4 }, counter: 'general', meaning: 'code lines asked of the L2 cache, prefetches included' },
    { name: 'l2CodeMisses', source: 'L2_RQSTS.CODE_RD_MISS', encoding: { event: 0x24, umask: 0x24 }, counter: 'general', meaning: 'those of them that it lacked' },
    { name: 'l2RetiredMisses', source: 'FRONTEND_RETIRED.L2_MISS', encoding: { event: 0xc6, umask: 0x01, frontend: 0x13 }, counter: 'general', meaning: 'retired instructions whose code the L2 cache lacked' },
    { name: 'itlbStlbHits', source: 'ITLB_MISSES.STLB_HIT', aliases: ['iTLB-loads'], encoding: { event: 0x85, umask: 0x20 }, counter: 'general', meaning: 'instruction TLB misses that the second level knew' },
    { name: 'itlbWalksCompleted', source: 'ITLB_MISSES.WALK_COMPLETED', aliases: ['iTLB-load-misses'], encoding: { event: 0x85, umask: 0x0e }, counter: 'general', meaning: 'page walks for code that ended with a translation' },
    { name: 'itlbWalkCycles', source: 'ITLB_MISSES.WALK_ACTIVE', encoding: { event: 0x85, umask: 0x10, cmask: 1 }, counter: 'general', meaning: 'cycles with a page walk for code' },
    { name: 'itlbRetiredMisses', source: 'FRONTEND_RETIRED.ITLB_MISS', encoding: { event: 0xc6, umask: 0x01, frontend: 0x14 }, counter: 'general', meaning: 'retired instructions that had missed the instruction TLB' },
    { name: 'stlbRetiredMisses', source: 'FRONTEND_RETIRED.STLB_MISS', encoding: { event: 0xc6, umask: 0x01, frontend: 0x15 }, counter: 'general', meaning: 'retired instructions that had missed its second level, too' },
    ...branchesByOutcome,
    { name: 'branchesConditional', source: 'BR_INST_RETIRED.CONDITIONAL', aliases: ['BR_INST_RETIRED.COND'], encoding: { event: 0xc4, umask: 0x01 }, counter: 'general', meaning: 'conditional branches' },
    { name: 'branchesConditionalNotTaken', source: 'BR_INST_RETIRED.NOT_TAKEN', aliases: ['BR_INST_RETIRED.COND_NTAKEN'], encoding: { event: 0xc4, umask: 0x10 }, counter: 'general', meaning: 'conditional branches not taken' },
    { name: 'branchMissesReturn', source: 'BR_MISP_RETIRED.RET', encoding: { event: 0xc5, umask: 0x08 }, counter: 'general', meaning: 'mispredicted returns; in the lists of servers only' },
    { name: 'branchMissesCall', source: 'BR_MISP_RETIRED.NEAR_CALL', encoding: { event: 0xc5, umask: 0x02 }, counter: 'general', meaning: 'mispredicted calls' },
  ],
  groups: [
    ['cycles', 'instructions', 'uopsNotDelivered', 'uopsIssued', 'slotsRetired'],
    ['cycles', 'instructions', 'recoveryCycles', 'cyclesWithoutUops', 'resteerCycles'],
    ['cycles', 'instructions', 'l1iMisses', 'l1iHits', 'l1iRetiredMisses'],
    ['cycles', 'instructions', 'dataStallCycles', 'dataStalls', 'tagStallCycles'],
    ['cycles', 'instructions', 'l2CodeReads', 'l2CodeMisses', 'l2RetiredMisses'],
    ['cycles', 'instructions', 'itlbStlbHits', 'itlbWalksCompleted', 'itlbRetiredMisses'],
    ['cycles', 'instructions', 'branches', 'branchMisses', 'baclears'],
    ['cycles', 'instructions', 'branchesConditional', 'branchMissesConditional', 'branchesConditionalNotTaken'],
    ['cycles', 'instructions', 'branchesNearTaken', 'branchMissesNearTaken', 'itlbWalkCycles'],
    ['cycles', 'instructions', 'branchesReturn', 'branchMissesReturn', 'stlbRetiredMisses'],
    ['cycles', 'instructions', 'branchesCall', 'branchMissesCall'],
  ],
};
