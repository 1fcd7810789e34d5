/**
 * What perf translates by itself for any CPU (kernel arch/x86/events): all there is for AMD's and for cores without a table.
 * AMD since Zen has six counters and no fixed one; four events with cycles and instructions among them fit Intel's, too.
 */
import { cyclesAndInstructions, type EventTable } from './event-table.js';

export const generic: EventTable = {
  id: 'generic',
  cores: [],
  source: 'perf\'s generic events (perf list hw cache; kernel arch/x86/events)',
  generalCounters: 6,
  fixedCounters: false,
  notes: ['what perf counts as misses of L1 instruction cache and instruction TLB is the kernel\'s choice for this CPU'],
  events: [
    ...cyclesAndInstructions,
    { name: 'branches', source: 'branches', counter: 'general', meaning: 'branches' },
    { name: 'branchMisses', source: 'branch-misses', counter: 'general', meaning: 'mispredicted branches' },
    { name: 'l1iMisses', source: 'L1-icache-load-misses', counter: 'general', meaning: 'what the kernel takes for misses of the L1 instruction cache on this CPU' },
    { name: 'itlbMisses', source: 'iTLB-load-misses', counter: 'general', meaning: 'what the kernel takes for misses of the instruction TLB on this CPU: mostly of its last level' },
  ],
  groups: [
    ['cycles', 'instructions', 'branches', 'branchMisses'],
    ['cycles', 'instructions', 'l1iMisses', 'itlbMisses'],
  ],
};
