/** Cascade Lake, whose front end is that of Skylake-SP. */
import { instructionTlbs } from '../geometry.js';
import { describeCore, published, standIn, unconfirmed } from './parameters.js';
import { unpublished } from './stand-ins.js';

const manual = 'Intel 64 and IA-32 Optimization Reference Manual, Skylake Server';
const topDown = 'pmu-tools, clx_server_ratios.py (TMA 5.1)';

export const cascadeLake = describeCore('cascade-lake', 'Cascade Lake', {
  ...unpublished,
  l1i: published({ sets: 64, ways: 8 }, 'Intel Optimization Reference Manual, Skylake client caches: 32 kB, 8-way'),
  l2: unconfirmed({ sets: 1024, ways: 16 }, `${manual}: 1 MB, 16-way`),
  // A whole core's, as the paper's machines have it: the sibling thread is idle.
  itlb: published({ sets: 16, ways: 8 }, 'Intel community, thread 1371605, quoting the Optimization Reference Manual, table 2-15: 128 entries, 8-way, shared dynamically'),
  itlbHuge: published({ sets: 1, ways: 8 }, 'Intel community, thread 1371605, quoting the Optimization Reference Manual, table 2-15: 8 per thread'),
  stlb: published(instructionTlbs['Skylake, Cascade Lake: share with second level'].second, 'WikiChip, Skylake (client): 1536 entries, 12-way, for 4 kB and 2 MB'),
  l2Cycles: unconfirmed(14, `${manual}: fastest latency`),
  llcCycles: unconfirmed(70, `${manual}: 50 to 70 cycles`),
  stlbCycles: unconfirmed(9, 'WikiChip, Skylake (server): penalty of a hit in the second level'),
  fetchBytes: unconfirmed(16, `${manual}: fetch of 16 aligned bytes a cycle`),
  decodeWidth: published(5, 'WikiChip, Skylake (client), key changes: 5 micro-operations from the decoders, up from 4'),
  issueWidth: published(4, topDown),
  targetBuffer: standIn({ sets: 1024, ways: 4 }, 'as on Haswell; nobody says otherwise'),
  mispredictionCycles: published(19, 'WikiChip, Skylake: 14 to 19 stages, the longer way where code comes from the decoders; LLVM, X86SchedSkylakeServer.td, has 14'),
  refillCycles: published(9, `${topDown}: Branch_Resteers charges 9 cycles to refilling after BACLEARS.ANY; after mispredictions it is measured`),
  decodeResteerCycles: published(9, `${topDown}: Branch_Resteers charges 9 cycles to BACLEARS.ANY`),
});
