/** Events of Haswell that its successors kept until Ice Lake, codes and all. */
import type { CounterEvent } from './event-table.js';

/** What the frontend delivers and what becomes of it, in issue slots. */
export const slotsByCounters: readonly CounterEvent[] = [
  { name: 'uopsNotDelivered', source: 'IDQ_UOPS_NOT_DELIVERED.CORE', encoding: { event: 0x9c, umask: 0x01 }, counter: 'general', meaning: 'issue slots that the frontend left empty while the backend could take more' },
  { name: 'cyclesWithoutUops', source: 'IDQ_UOPS_NOT_DELIVERED.CYCLES_0_UOPS_DELIV.CORE', encoding: { event: 0x9c, umask: 0x01, cmask: 4 }, counter: 'general', meaning: 'cycles in which it left all of them empty' },
  { name: 'uopsIssued', source: 'UOPS_ISSUED.ANY', encoding: { event: 0x0e, umask: 0x01 }, counter: 'general', meaning: 'micro-operations issued, on wrong paths too' },
  { name: 'slotsRetired', source: 'UOPS_RETIRED.RETIRE_SLOTS', encoding: { event: 0xc2, umask: 0x02 }, counter: 'general', meaning: 'issue slots of what retired' },
];

export const branchesByOutcome: readonly CounterEvent[] = [
  { name: 'branches', source: 'BR_INST_RETIRED.ALL_BRANCHES', encoding: { event: 0xc4, umask: 0x00 }, counter: 'general', meaning: 'branches' },
  { name: 'branchesNearTaken', source: 'BR_INST_RETIRED.NEAR_TAKEN', encoding: { event: 0xc4, umask: 0x20 }, counter: 'general', meaning: 'taken branches, far ones left out' },
  { name: 'branchesReturn', source: 'BR_INST_RETIRED.NEAR_RETURN', encoding: { event: 0xc4, umask: 0x08 }, counter: 'general', meaning: 'returns' },
  { name: 'branchesCall', source: 'BR_INST_RETIRED.NEAR_CALL', encoding: { event: 0xc4, umask: 0x02 }, counter: 'general', meaning: 'calls, direct and indirect' },
  { name: 'branchMisses', source: 'BR_MISP_RETIRED.ALL_BRANCHES', encoding: { event: 0xc5, umask: 0x00 }, counter: 'general', meaning: 'mispredicted branches' },
  { name: 'branchMissesConditional', source: 'BR_MISP_RETIRED.CONDITIONAL', encoding: { event: 0xc5, umask: 0x01 }, counter: 'general', meaning: 'mispredicted conditional branches' },
  { name: 'branchMissesNearTaken', source: 'BR_MISP_RETIRED.NEAR_TAKEN', encoding: { event: 0xc5, umask: 0x20 }, counter: 'general', meaning: 'mispredicted branches that were taken' },
];
