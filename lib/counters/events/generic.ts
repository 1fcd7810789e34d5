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
  events: [
    ...cyclesAndInstructions,
    { name: 'branches', source: 'branches', counter: 'general', meaning: 'branches' },
    { name: 'branchMisses', source: 'branch-misses', counter: 'general', meaning: 'mispredicted branches' },
    { name: 'l1iMisses', source: 'L1-icache-load-misses', counter: 'general', meaning: 'what the kernel takes for misses of the L1 instruction cache on this CPU' },
    { name: 'itlbMisses', source: 'iTLB-load-misses', counter: 'general', meaning: 'what the kernel takes for misses of the instruction TLB on this CPU: mostly of its last level' },
    { name: 'stalledCyclesFrontend', source: 'stalled-cycles-frontend', counter: 'general', meaning: 'cycles in which the frontend delivered nothing' },
    { name: 'stalledCyclesBackend', source: 'stalled-cycles-backend', counter: 'general', meaning: 'cycles in which the backend took nothing' },
  ],
  groups: [
    ['cycles', 'instructions', 'branches', 'branchMisses'],
    ['cycles', 'instructions', 'l1iMisses', 'itlbMisses'],
    ['cycles', 'instructions', 'stalledCyclesFrontend', 'stalledCyclesBackend'],
  ],
};
