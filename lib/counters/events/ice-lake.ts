/**
 * Ice Lake, client and server, and Rocket Lake: the only ones here, with Sapphire Rapids, that count every kind of branch of
 * the paper's Table 4. Codes: intel/perfmon ICX/events/icelakex_core.json, version 1.30.
 * Top-down can be had in two ways, by general counters and from the metrics register; both are recorded.
 */
import { cyclesAndInstructions, type EventTable } from './event-table.js';
import { branchesByKind, slotsAndMetrics } from './since-ice-lake.js';

export const iceLake: EventTable = {
  id: 'ice-lake',
  cores: ['Ice Lake', 'Ice Lake-SP', 'Rocket Lake'],
  source: 'intel/perfmon, ICX core events, version 1.30',
  generalCounters: 8,
  fixedCounters: true,
  notes: [],
  events: [
    ...cyclesAndInstructions,
    ...slotsAndMetrics,
    { name: 'uopsNotDelivered', source: 'IDQ_UOPS_NOT_DELIVERED.CORE', encoding: { event: 0x9c, umask: 0x01 }, counter: 'general', meaning: 'issue slots that the frontend left empty while the backend could take more' },
    { name: 'cyclesWithoutUops', source: 'IDQ_UOPS_NOT_DELIVERED.CYCLES_0_UOPS_DELIV.CORE', encoding: { event: 0x9c, umask: 0x01, cmask: 5 }, counter: 'general', meaning: 'cycles in which it left all of them empty' },
    { name: 'uopsDropped', source: 'INT_MISC.UOP_DROPPING', encoding: { event: 0x0d, umask: 0x10 }, counter: 'general', meaning: 'slots lost to what the frontend delivered but issuing could not take' },
    { name: 'clears', source: 'INT_MISC.CLEARS_COUNT', encoding: { event: 0x0d, umask: 0x01, cmask: 1, edge: true }, counter: 'general', meaning: 'mispredictions and machine clears' },
    { name: 'resteerCycles', source: 'INT_MISC.CLEAR_RESTEER_CYCLES', encoding: { event: 0x0d, umask: 0x80 }, counter: 'general', meaning: 'cycles from such an event to the first micro-operation of the right path' },
    { name: 'baclears', source: 'BACLEARS.ANY', encoding: { event: 0xe6, umask: 0x01 }, counter: 'low', meaning: 'fetch redirected at decode: a branch that no predictor knew' },
    { name: 'l1iMisses', source: 'ICACHE_64B.IFTAG_MISS', encoding: { event: 0x83, umask: 0x02 }, counter: 'low', meaning: 'lookups of 64-byte lines that missed the L1 instruction cache, on wrong paths too' },
    { name: 'l1iHits', source: 'ICACHE_64B.IFTAG_HIT', encoding: { event: 0x83, umask: 0x01 }, counter: 'low', meaning: 'lookups that hit it' },
    { name: 'l1iRetiredMisses', source: 'FRONTEND_RETIRED.L1I_MISS', encoding: { event: 0xc6, umask: 0x01, frontend: 0x12 }, counter: 'general', meaning: 'retired instructions that had missed it' },
    { name: 'dataStallCycles', source: 'ICACHE_16B.IFDATA_STALL', aliases: ['ICACHE_DATA.STALLS'], encoding: { event: 0x80, umask: 0x04 }, counter: 'low', meaning: 'cycles in which fetch waits for a line of code' },
    { name: 'tagStallCycles', source: 'ICACHE_64B.IFTAG_STALL', aliases: ['ICACHE_TAG.STALLS'], encoding: { event: 0x83, umask: 0x04 }, counter: 'low', meaning: 'cycles in which fetch waits for a translation' },
    { name: 'l2CodeReads', source: 'L2_RQSTS.ALL_CODE_RD', encoding: { event: 0x24, umask: 0xe4 }, counter: 'low', meaning: 'code lines asked of the L2 cache, prefetches included' },
    { name: 'l2CodeMisses', source: 'L2_RQSTS.CODE_RD_MISS', encoding: { event: 0x24, umask: 0x24 }, counter: 'low', meaning: 'those of them that it lacked' },
    { name: 'l2RetiredMisses', source: 'FRONTEND_RETIRED.L2_MISS', encoding: { event: 0xc6, umask: 0x01, frontend: 0x13 }, counter: 'general', meaning: 'retired instructions whose code the L2 cache lacked' },
    { name: 'itlbStlbHits', source: 'ITLB_MISSES.STLB_HIT', aliases: ['iTLB-loads'], encoding: { event: 0x85, umask: 0x20 }, counter: 'low', meaning: 'instruction TLB misses that the second level knew' },
    { name: 'itlbWalksCompleted', source: 'ITLB_MISSES.WALK_COMPLETED', aliases: ['iTLB-load-misses'], encoding: { event: 0x85, umask: 0x0e }, counter: 'low', meaning: 'page walks for code that ended with a translation' },
    { name: 'itlbWalkCycles', source: 'ITLB_MISSES.WALK_ACTIVE', encoding: { event: 0x85, umask: 0x10, cmask: 1 }, counter: 'low', meaning: 'cycles with a page walk for code' },
    { name: 'itlbRetiredMisses', source: 'FRONTEND_RETIRED.ITLB_MISS', encoding: { event: 0xc6, umask: 0x01, frontend: 0x14 }, counter: 'general', meaning: 'retired instructions that had missed the instruction TLB' },
    { name: 'stlbRetiredMisses', source: 'FRONTEND_RETIRED.STLB_MISS', encoding: { event: 0xc6, umask: 0x01, frontend: 0x15 }, counter: 'general', meaning: 'retired instructions that had missed its second level, too' },
    ...branchesByKind,
  ],
  groups: [
    ['slots', 'metricRetiring', 'metricBadSpeculation', 'metricFrontend', 'metricBackend', 'cycles', 'instructions', 'uopsDropped', 'clears'],
    ['cycles', 'instructions', 'slotsGeneral', 'uopsNotDelivered', 'cyclesWithoutUops', 'uopsDropped', 'slotsRetired', 'slotsBackend', 'clears'],
    ['cycles', 'instructions', 'l1iMisses', 'l1iHits', 'dataStallCycles', 'l1iRetiredMisses', 'resteerCycles'],
    ['cycles', 'instructions', 'tagStallCycles', 'baclears', 'itlbStlbHits', 'itlbRetiredMisses'],
    ['cycles', 'instructions', 'itlbWalksCompleted', 'itlbWalkCycles', 'stlbRetiredMisses'],
    ['cycles', 'instructions', 'l2CodeReads', 'l2CodeMisses', 'l2RetiredMisses'],
    ['cycles', 'instructions', 'branches', 'branchesConditionalTaken', 'branchesConditionalNotTaken', 'branchesIndirect', 'branchesNearTaken', 'branchesReturn', 'branchesCall'],
    ['cycles', 'instructions', 'branchMisses', 'branchMissesConditionalTaken', 'branchMissesConditionalNotTaken', 'branchMissesIndirect', 'branchMissesNearTaken', 'branchMissesReturn', 'branchMissesCall'],
  ],
};
