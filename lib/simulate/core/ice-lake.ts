/** Ice Lake-SP (Sunny Cove), the machine of the paper's figures (Xeon Silver 4314). */
import { instructionTlbs } from '../geometry.js';
import { describeCore, published, unconfirmed } from './parameters.js';
import { unpublished } from './stand-ins.js';

const manual = 'Intel 64 and IA-32 Optimization Reference Manual, Ice Lake';
const topDown = 'pmu-tools, icx_server_ratios.py (TMA 5.1)';
const tlb = instructionTlbs['Ice Lake: whole core with second level'];

export const iceLake = describeCore('ice-lake', 'Ice Lake', {
  ...unpublished,
  l1i: published({ sets: 64, ways: 8 }, 'the paper, Table 1 (32 kB); AnandTech, "Testing Intel Ice Lake": 8-way'),
  l2: published({ sets: 1024, ways: 20 }, 'the paper, Table 1 (1.25 MB); 20 ways are what makes a power of two of its sets'),
  itlb: published(tlb.first, 'the paper, Table 1: 128 entries, 8-way'),
  itlbHuge: unconfirmed(tlb.huge, 'WikiChip, Sunny Cove: 16 entries'),
  stlb: unconfirmed(tlb.second, 'WikiChip, Sunny Cove: 2048 entries, 16-way'),
  l2Cycles: unconfirmed(14, `${manual} (server): fastest latency`),
  llcCycles: unconfirmed(70, 'AnandTech, "Intel 3rd Gen Xeon Scalable" 2021: about 70 cycles within the mesh'),
  stlbCycles: unconfirmed(9, 'as on Skylake (WikiChip)'),
  fetchBytes: unconfirmed(16, `${manual}: fetch of 16 aligned bytes a cycle, doubled only in Golden Cove`),
  decodeWidth: unconfirmed(5, 'WikiChip, Sunny Cove: 5 micro-operations from the decoders'),
  issueWidth: published(5, topDown),
  targetBuffer: unconfirmed({ sets: 1024, ways: 5 }, 'Intel Architecture Day 2021: 5K entries before Golden Cove\'s 12K; ways ours'),
  mispredictionCycles: published(19, 'WikiChip, Sunny Cove: 14 to 19 stages, the longer way where code comes from the decoders'),
  refillCycles: published(10, `${topDown}: Branch_Resteers charges 10 cycles to refilling after BACLEARS.ANY; after mispredictions it is measured`),
  decodeResteerCycles: published(10, `${topDown}: Branch_Resteers charges 10 cycles to BACLEARS.ANY`),
});
