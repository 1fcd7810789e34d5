/** Haswell-EP, the paper's older machine (Xeon E5-2683 v3). */
import { instructionTlbs } from '../geometry.js';
import { describeCore, published, unconfirmed } from './parameters.js';
import { unpublished } from './stand-ins.js';

const manual = 'Intel 64 and IA-32 Optimization Reference Manual, Haswell';
const topDown = 'pmu-tools, hsx_server_ratios.py (TMA 5.1)';
const tlb = instructionTlbs['Haswell: whole core with second level'];

/** Up to the 29 taken branches that Horn, "Reading privileged memory with a side-channel", Project Zero 2018, finds. */
const histories = [4, 8, 15, 29];

export const haswell = describeCore('haswell', 'Haswell', {
  ...unpublished,
  direction: { ...unpublished.direction, value: { ...unpublished.direction.value, histories } },
  indirect: { ...unpublished.indirect, value: { ...unpublished.indirect.value, histories } },
  l1i: published({ sets: 64, ways: 8 }, 'the paper, Table 1 (32 kB); AnandTech, "Testing Intel Ice Lake" (8-way since Sandy Bridge)'),
  l2: published({ sets: 512, ways: 8 }, `the paper, Table 1 (256 kB); ${manual} (8-way)`),
  itlb: published(tlb.first, 'the paper, Table 1'),
  itlbHuge: published(tlb.huge, 'libhermit, issue 67; Mynavi, 2015-08-26: 8 per thread'),
  stlb: published(tlb.second, 'libhermit, issue 67; Mynavi, 2015-08-26: 1024 entries, 8-way, for 4 kB and 2 MB'),
  l2Cycles: unconfirmed(11, `${manual}: fastest latency`),
  llcCycles: unconfirmed(53, 'Molka et al., "Cache coherence protocol and memory performance of the Intel Haswell-EP architecture", ICPP 2015: 21.2 ns at 2.5 GHz'),
  stlbCycles: published(14, `${topDown}: ITLB_Misses charges 14 cycles to a hit in the second level`),
  fetchBytes: unconfirmed(16, `${manual}: fetch of 16 aligned bytes a cycle`),
  decodeWidth: published(4, 'WikiChip, Skylake (client), key changes: 5 micro-operations from the decoders, up from 4'),
  issueWidth: published(4, topDown),
  targetBuffer: published({ sets: 1024, ways: 4 }, 'Godbolt, "Inside the Ivy Bridge and Haswell BTB", xania.org 2016: 4096 entries, 4-way, on a Xeon E5-2697 v3'),
  mispredictionCycles: unconfirmed(19, 'WikiChip, Haswell: 14 to 19 stages, the longer way where code comes from the decoders; LLVM, X86SchedHaswell.td, has 16'),
  refillCycles: published(12, `${topDown}: Branch_Resteers charges 12 cycles to a misprediction`),
  decodeResteerCycles: published(12, `${topDown}: Branch_Resteers charges 12 cycles to BACLEARS.ANY`),
});
