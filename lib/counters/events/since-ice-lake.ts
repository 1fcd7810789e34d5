/** Events that Ice Lake brought and its successors kept, codes and all. */
import type { CounterEvent } from './event-table.js';

/**
 * Slots on fixed counter 3, what became of them by the metrics register (Linux's own names: kernel events/intel/core.c),
 * and the same by general counters.
 */
export const slotsAndMetrics: readonly CounterEvent[] = [
  { name: 'slots', source: 'slots', counter: 'slots', meaning: 'issue slots of this thread (TOPDOWN.SLOTS)' },
  { name: 'metricRetiring', source: 'topdown-retiring', counter: 'metrics', meaning: 'slots of what retired, by the metrics register' },
  { name: 'metricBadSpeculation', source: 'topdown-bad-spec', counter: 'metrics', meaning: 'slots wasted on wrong paths, by the metrics register' },
  { name: 'metricFrontend', source: 'topdown-fe-bound', counter: 'metrics', meaning: 'slots that the frontend left empty, by the metrics register' },
  { name: 'metricBackend', source: 'topdown-be-bound', counter: 'metrics', meaning: 'slots that the backend could not take, by the metrics register' },
  { name: 'slotsGeneral', source: 'TOPDOWN.SLOTS_P', encoding: { event: 0xa4, umask: 0x01 }, counter: 'general', meaning: 'issue slots of this thread, on a general counter' },
  { name: 'slotsRetired', source: 'UOPS_RETIRED.SLOTS', encoding: { event: 0xc2, umask: 0x02 }, counter: 'general', meaning: 'issue slots of what retired' },
  { name: 'slotsBackend', source: 'TOPDOWN.BACKEND_BOUND_SLOTS', encoding: { event: 0xa4, umask: 0x02 }, counter: 'general', meaning: 'issue slots that the backend could not take' },
];

/** Code 0x01 means taken conditional branches here; on older cores it means all conditional ones. */
export const branchesByKind: readonly CounterEvent[] = [
  { name: 'branches', source: 'BR_INST_RETIRED.ALL_BRANCHES', encoding: { event: 0xc4, umask: 0x00 }, counter: 'general', meaning: 'branches' },
  { name: 'branchesConditional', source: 'BR_INST_RETIRED.COND', encoding: { event: 0xc4, umask: 0x11 }, counter: 'general', meaning: 'conditional branches' },
  { name: 'branchesConditionalTaken', source: 'BR_INST_RETIRED.COND_TAKEN', encoding: { event: 0xc4, umask: 0x01 }, counter: 'general', meaning: 'conditional branches taken' },
  { name: 'branchesConditionalNotTaken', source: 'BR_INST_RETIRED.COND_NTAKEN', encoding: { event: 0xc4, umask: 0x10 }, counter: 'general', meaning: 'conditional branches not taken' },
  { name: 'branchesIndirect', source: 'BR_INST_RETIRED.INDIRECT', encoding: { event: 0xc4, umask: 0x80 }, counter: 'general', meaning: 'indirect jumps and calls; not returns' },
  { name: 'branchesNearTaken', source: 'BR_INST_RETIRED.NEAR_TAKEN', encoding: { event: 0xc4, umask: 0x20 }, counter: 'general', meaning: 'taken branches, far ones left out' },
  { name: 'branchesReturn', source: 'BR_INST_RETIRED.NEAR_RETURN', encoding: { event: 0xc4, umask: 0x08 }, counter: 'general', meaning: 'returns' },
  { name: 'branchesCall', source: 'BR_INST_RETIRED.NEAR_CALL', encoding: { event: 0xc4, umask: 0x02 }, counter: 'general', meaning: 'calls, direct and indirect' },
  { name: 'branchMisses', source: 'BR_MISP_RETIRED.ALL_BRANCHES', encoding: { event: 0xc5, umask: 0x00 }, counter: 'general', meaning: 'mispredicted branches' },
  { name: 'branchMissesConditional', source: 'BR_MISP_RETIRED.COND', encoding: { event: 0xc5, umask: 0x11 }, counter: 'general', meaning: 'mispredicted conditional branches' },
  { name: 'branchMissesConditionalTaken', source: 'BR_MISP_RETIRED.COND_TAKEN', encoding: { event: 0xc5, umask: 0x01 }, counter: 'general', meaning: 'mispredicted conditional branches that were taken' },
  { name: 'branchMissesConditionalNotTaken', source: 'BR_MISP_RETIRED.COND_NTAKEN', encoding: { event: 0xc5, umask: 0x10 }, counter: 'general', meaning: 'mispredicted conditional branches that were not taken' },
  { name: 'branchMissesIndirect', source: 'BR_MISP_RETIRED.INDIRECT', encoding: { event: 0xc5, umask: 0x80 }, counter: 'general', meaning: 'mispredicted indirect jumps and calls; not returns' },
  { name: 'branchMissesNearTaken', source: 'BR_MISP_RETIRED.NEAR_TAKEN', encoding: { event: 0xc5, umask: 0x20 }, counter: 'general', meaning: 'mispredicted branches that were taken' },
  { name: 'branchMissesReturn', source: 'BR_MISP_RETIRED.RET', encoding: { event: 0xc5, umask: 0x08 }, counter: 'general', meaning: 'mispredicted returns' },
  { name: 'branchMissesCall', source: 'BR_MISP_RETIRED.INDIRECT_CALL', encoding: { event: 0xc5, umask: 0x02 }, counter: 'general', meaning: 'mispredicted indirect calls' },
];
