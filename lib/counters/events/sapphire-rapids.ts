/**
 * Sapphire Rapids and Emerald Rapids. Codes: intel/perfmon SPR/events/sapphirerapids_core.json,
 * version 1.39, and EMR/events/emeraldrapids_core.json, version 1.24.
 * No event counts lookups of the L1 instruction cache any more: code lines asked of the L2 cache stand in for its misses, as
 * they do in the kernel's own L1-icache-load-misses (arch/x86/events/intel/core.c).
 */
import { cyclesAndInstructions, type EventTable } from './event-table.js';
import { branchesByKind, slotsAndMetrics } from './since-ice-lake.js';

export const sapphireRapids: EventTable = {
  id: 'sapphire-rapids',
  cores: ['Sapphire Rapids', 'Emerald Rapids'],
  source: 'intel/perfmon, SPR core events, version 1.39, and EMR, version 1.24',
  generalCounters: 8,
  fixedCounters: true,
  notes: ['this core counts no misses of the L1 instruction cache: code lines asked of the L2 cache stand in for them, prefetches included'],
  events: [
    ...cyclesAndInstructions,
    ...slotsAndMetrics,
    { name: 'metricFetchLatency', source: 'topdown-fetch-lat', counter: 'metrics', meaning: 'slots of cycles in which the frontend delivered nothing, by the metrics register' },
    { name: 'uopsNotDelivered', source: 'IDQ_BUBBLES.CORE', aliases: ['IDQ_UOPS_NOT_DELIVERED.CORE'], encoding: { event: 0x9c, umask: 0x01 }, counter: 'general', meaning: 'issue slots that the frontend left empty while the backend could take more' },
    { name: 'cyclesWithoutUops', source: 'IDQ_BUBBLES.CYCLES_0_UOPS_DELIV.CORE', aliases: ['IDQ_UOPS_NOT_DELIVERED.CYCLES_0_UOPS_DELIV.CORE'], encoding: { event: 0x9c, umask: 0x01, cmask: 6 }, counter: 'general', meaning: 'cycles in which it left all of them empty' },
    { name: 'uopsDropped', source: 'INT_MISC.UOP_DROPPING', encoding: { event: 0xad, umask: 0x10 }, counter: 'general', meaning: 'slots lost to what the frontend delivered but issuing could not take' },
    { name: 'resteerCycles', source: 'INT_MISC.CLEAR_RESTEER_CYCLES', encoding: { event: 0xad, umask: 0x80 }, counter: 'general', meaning: 'cycles from a misprediction or machine clear to the first micro-operation of the right path' },
    { name: 'unknownBranchCycles', source: 'INT_MISC.UNKNOWN_BRANCH_CYCLES', encoding: { event: 0xad, umask: 0x40, frontend: 0x07 }, counter: 'general', meaning: 'cycles of bubbles after a branch that no predictor knew' },
    { name: 'baclears', source: 'BACLEARS.ANY', encoding: { event: 0x60, umask: 0x01 }, counter: 'low', meaning: 'fetch redirected at decode: a branch that no predictor knew' },
    { name: 'l1iMisses', source: 'L2_RQSTS.ALL_CODE_RD', encoding: { event: 0x24, umask: 0xe4 }, counter: 'low', meaning: 'code lines asked of the L2 cache, prefetches included, for want of an event of the L1 instruction cache' },
    { name: 'l1iRetiredMisses', source: 'FRONTEND_RETIRED.L1I_MISS', encoding: { event: 0xc6, umask: 0x01, frontend: 0x12 }, counter: 'general', meaning: 'retired instructions that had missed the L1 instruction cache' },
    { name: 'dataStallCycles', source: 'ICACHE_DATA.STALLS', encoding: { event: 0x80, umask: 0x04 }, counter: 'low', meaning: 'cycles in which fetch waits for a line of code' },
    { name: 'tagStallCycles', source: 'ICACHE_TAG.STALLS', encoding: { event: 0x83, umask: 0x04 }, counter: 'low', meaning: 'cycles in which fetch waits for a translation' },
    { name: 'l2CodeMisses', source: 'L2_RQSTS.CODE_RD_MISS', encoding: { event: 0x24, umask: 0x24 }, counter: 'low', meaning: 'code lines that the L2 cache lacked' },
    { name: 'l2RetiredMisses', source: 'FRONTEND_RETIRED.L2_MISS', encoding: { event: 0xc6, umask: 0x01, frontend: 0x13 }, counter: 'general', meaning: 'retired instructions whose code the L2 cache lacked' },
    { name: 'itlbStlbHits', source: 'ITLB_MISSES.STLB_HIT', aliases: ['iTLB-loads'], encoding: { event: 0x11, umask: 0x20 }, counter: 'low', meaning: 'instruction TLB misses that the second level knew' },
    { name: 'itlbWalksCompleted', source: 'ITLB_MISSES.WALK_COMPLETED', aliases: ['iTLB-load-misses'], encoding: { event: 0x11, umask: 0x0e }, counter: 'low', meaning: 'page walks for code that ended with a translation' },
    { name: 'itlbWalkCycles', source: 'ITLB_MISSES.WALK_ACTIVE', encoding: { event: 0x11, umask: 0x10, cmask: 1 }, counter: 'low', meaning: 'cycles with a page walk for code' },
    { name: 'itlbRetiredMisses', source: 'FRONTEND_RETIRED.ITLB_MISS', encoding: { event: 0xc6, umask: 0x01, frontend: 0x14 }, counter: 'general', meaning: 'retired instructions that had missed the instruction TLB' },
    { name: 'stlbRetiredMisses', source: 'FRONTEND_RETIRED.STLB_MISS', encoding: { event: 0xc6, umask: 0x01, frontend: 0x15 }, counter: 'general', meaning: 'retired instructions that had missed its second level, too' },
    ...branchesByKind,
  ],
  groups: [
    ['slots', 'metricRetiring', 'metricBadSpeculation', 'metricFrontend', 'metricBackend', 'metricFetchLatency', 'cycles', 'instructions', 'uopsDropped'],
    ['cycles', 'instructions', 'slotsGeneral', 'uopsNotDelivered', 'cyclesWithoutUops', 'uopsDropped', 'slotsRetired', 'slotsBackend'],
    ['cycles', 'instructions', 'l1iMisses', 'l2CodeMisses', 'dataStallCycles', 'l1iRetiredMisses', 'resteerCycles'],
    ['cycles', 'instructions', 'tagStallCycles', 'baclears', 'itlbStlbHits', 'itlbRetiredMisses'],
    ['cycles', 'instructions', 'itlbWalksCompleted', 'itlbWalkCycles', 'stlbRetiredMisses'],
    ['cycles', 'instructions', 'l2RetiredMisses'],
    ['cycles', 'instructions', 'unknownBranchCycles'],
    ['cycles', 'instructions', 'branches', 'branchesConditionalTaken', 'branchesConditionalNotTaken', 'branchesIndirect', 'branchesNearTaken', 'branchesReturn', 'branchesCall'],
    ['cycles', 'instructions', 'branchMisses', 'branchMissesConditionalTaken', 'branchMissesConditionalNotTaken', 'branchMissesIndirect', 'branchMissesNearTaken', 'branchMissesReturn', 'branchMissesCall'],
  ],
};
