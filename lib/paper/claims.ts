/**
 * What the paper claims, one entry a claim that data can judge, with every reading the paper gives of it.
 * Source: "Understanding Sidecars in Cloud Orchestration", SESAME'25, doi:10.1145/3721465.3721862.
 *
 * How a reading is judged was fixed before anything was measured (the rules themselves: lib/report/verdicts.ts):
 * - `shape`: a difference has a sign, or is at most 10 % ("same", "constant", "flat");
 * - `ratio`: the claimed range widened by a factor 1.25 each way, shares of a whole by 5 points;
 * - `abs`: a count or time that depends on machine and Envoy version: within a factor of 2, both of them named.
 *
 * "Up to X" is read as the largest value over the cases, so X is compared with the largest one measured.
 * "In every case" is read literally: one case wholly outside decides.
 */

export type Kind = 'shape' | 'ratio' | 'abs';

interface Statement {
  /** Unique within its claim. */
  id: string;
  /** Where the paper says so. */
  place: string;
  /** What is compared, in words. */
  quantity: string;
  /** The value as the paper prints it, or as it follows from what it prints. */
  printed: string;
  /** True when it is about cycles: instruction counts alone cannot judge it, CPU time only by a model. */
  cycles?: true;
}

/** A number with bounds; null where the paper leaves that side open ("< 5 %", "more than half"). */
export interface RangeReading extends Statement {
  kind: 'ratio' | 'abs';
  range: [number | null, number | null];
  unit: string;
  /** A part of a whole in per cent: widened by points, not by a factor. */
  share?: true;
}

/** A difference: its sign (`greater`, `less`: first named minus second named), or its absence (`same`). */
export interface ShapeReading extends Statement {
  kind: 'shape';
  expected: 'greater' | 'less' | 'same';
}

export type Reading = RangeReading | ShapeReading;

/** Experiments of lib/experiments that claims wait for. */
export type Experiment = 'applications' | 'capacity' | 'components' | 'frontend' | 'generations' | 'sizes' | 'traces';

export interface Claim {
  /** `C01` to `C48`. */
  id: string;
  /** The figure or table (`fig07`, `tab03`), or `abstract`. */
  item: string;
  /** Section of the paper; `A` and `B` are its appendices. */
  section: string;
  claim: string;
  /** Separate aspects, or the same number as different places print it: each is judged by itself. */
  readings: Reading[];
  /** Where the paper contradicts itself, or prints what cannot be meant. */
  contradiction?: string;
  experiment: Experiment;
}

/** The claim with this id. @throws Error when there is none. */
export function claimById(id: string): Claim {
  const found = claims.find((claim) => claim.id === id);
  if (!found) throw new Error(`no claim "${id}"; there are ${claims[0].id} to ${claims[claims.length - 1].id}`);
  return found;
}

/** One reading of a claim; its id may be left out when the claim has only one. @throws Error when there is none. */
export function readingOf(claim: Claim, id?: string): Reading {
  const ids = claim.readings.map((reading) => reading.id).join(', ');
  if (id === undefined && claim.readings.length > 1) throw new Error(`${claim.id} has several readings; name one of ${ids}`);
  const found = id === undefined ? claim.readings[0] : claim.readings.find((reading) => reading.id === id);
  if (!found) throw new Error(`${claim.id} has no reading "${id}"; it has ${ids}`);
  return found;
}

/** The kinds of judgement a claim needs, each once. */
export function kindsOf(claim: Claim): Kind[] {
  return [...new Set(claim.readings.map((reading) => reading.kind))];
}

/** All claims, in the order of their ids. */
export const claims: readonly Claim[] = [
  {
    id: 'C01',
    item: 'fig05',
    section: '3.1',
    claim: 'Sidecars add to the p90 latency of every application.',
    readings: [
      { id: 'adds', kind: 'shape', expected: 'greater', place: 'section 3.1, Fig 5', quantity: 'p90 latency with sidecars minus without, each application', printed: 'every application' },
      { id: 'amount', kind: 'abs', range: [5, 25], unit: 'ms', place: 'section 3.1', quantity: 'added p90 latency, each application', printed: '5-25 ms' },
    ],
    experiment: 'applications',
  },
  {
    id: 'C02',
    item: 'fig05',
    section: '3.1',
    claim: 'The latency penalty of sidecars does not change with the size of the cluster.',
    readings: [
      { id: 'constant', kind: 'shape', expected: 'same', place: 'section 3.1, Fig 5 caption', quantity: 'added p90 latency, 2 to 5 nodes against 1', printed: 'constant, 1 to 5 nodes' },
    ],
    experiment: 'applications',
  },
  {
    id: 'C03',
    item: 'fig05',
    section: '3.1',
    claim: 'Sidecars lower the maximum throughput of applications.',
    readings: [
      { id: 'loss', kind: 'ratio', share: true, range: [45, 45], unit: '%', place: 'section 3.1', quantity: 'largest loss of maximum throughput over the applications', printed: 'up to 45 %' },
    ],
    experiment: 'applications',
  },
  {
    id: 'C04',
    item: 'fig06',
    section: '3.2',
    claim: 'Going from TCP to HTTP policies lowers the maximum throughput; within one protocol latency varies little.',
    readings: [
      { id: 'throughput', kind: 'ratio', range: [2.4, 2.4], unit: 'x', place: 'sections 1 and 3.2, Fig 6 caption', quantity: 'maximum throughput, TCP policies over HTTP policies', printed: '2.4x' },
      { id: 'latency', kind: 'shape', expected: 'same', place: 'section 3.2', quantity: 'tail latency, each policy against its bare protocol', printed: 'little variance' },
    ],
    experiment: 'capacity',
  },
  {
    id: 'C05',
    item: 'fig06',
    section: '3.2',
    claim: 'A processor five generations newer raises the maximum throughput.',
    readings: [
      { id: 'throughput', kind: 'ratio', range: [3, 3], unit: 'x', place: 'section 3.2', quantity: 'maximum throughput, newer over older processor', printed: '3x' },
    ],
    experiment: 'generations',
  },
  {
    id: 'C06',
    item: 'fig06',
    section: '3.2',
    claim: 'The newer processor also improves tail latency.',
    readings: [
      { id: 'latency', kind: 'ratio', share: true, range: [20, 20], unit: '%', place: 'section 3.2', quantity: 'tail latency saved, newer against older processor', printed: 'around 20 %' },
    ],
    experiment: 'generations',
  },
  {
    id: 'C07',
    item: 'fig07',
    section: '5.2',
    claim: 'HTTP policies spend half of their cycles on protocol parsing.',
    readings: [
      { id: 'parsing', kind: 'ratio', share: true, cycles: true, range: [50, 50], unit: '%', place: 'section 5.2', quantity: 'HTTP protocol parsing, share of cycles', printed: '50 %' },
    ],
    experiment: 'components',
  },
  {
    id: 'C08',
    item: 'fig07',
    section: '5.2',
    claim: 'OS write is the next largest component of HTTP policies, and the largest of TCP policies.',
    readings: [
      { id: 'http', kind: 'shape', expected: 'greater', cycles: true, place: 'section 5.2', quantity: 'HTTP policies: OS write minus the largest of the others but parsing', printed: 'next largest' },
      { id: 'tcp', kind: 'shape', expected: 'greater', cycles: true, place: 'section 5.2', quantity: 'TCP policies: OS write minus the largest of the others', printed: 'dominates' },
    ],
    experiment: 'components',
  },
  {
    id: 'C09',
    item: 'fig07',
    section: '5.2',
    claim: 'Filters are a small part of what a request costs.',
    readings: [
      { id: 'instructions', kind: 'ratio', share: true, range: [null, 5], unit: '%', place: 'section 5.2', quantity: 'filter, share of instructions, each policy', printed: '< 5 % of instructions' },
      { id: 'cycles-caption', kind: 'ratio', share: true, cycles: true, range: [1, 10], unit: '%', place: 'Fig 7 caption', quantity: 'filter, share of cycles, each policy', printed: '1-10 % of cycles' },
      { id: 'cycles-text', kind: 'ratio', share: true, cycles: true, range: [15, 15], unit: '%', place: 'section 5.2', quantity: 'filter, largest share of cycles over the policies', printed: 'up to 15 % of cycles' },
    ],
    contradiction: 'The caption of Fig 7 bounds the cycles of filters by 10 %, the text by 15 %.',
    experiment: 'components',
  },
  {
    id: 'C10',
    item: 'fig07',
    section: '5.2',
    claim: 'Instructions per cycle are few, and fewer for HTTP policies than for TCP policies.',
    readings: [
      { id: 'tcp', kind: 'ratio', cycles: true, range: [0.7, 0.9], unit: 'instructions per cycle', place: 'section 5.2', quantity: 'IPC of TCP policies', printed: '0.7-0.9' },
      { id: 'http', kind: 'ratio', cycles: true, range: [null, 0.6], unit: 'instructions per cycle', place: 'section 5.2', quantity: 'IPC of HTTP policies', printed: '< 0.6' },
    ],
    experiment: 'components',
  },
  {
    id: 'C11',
    item: 'fig07',
    section: '5.2',
    claim: 'IPC rises again for a very large, much reused filter.',
    readings: [
      { id: 'rises', kind: 'shape', expected: 'greater', cycles: true, place: 'section 5.2', quantity: 'IPC of Reject 1000 minus Reject 100', printed: 'increases' },
    ],
    experiment: 'components',
  },
  {
    id: 'C12',
    item: 'fig07',
    section: '5.2',
    claim: 'Components other than the filter cost the same in every policy of one protocol.',
    readings: [
      { id: 'uniform', kind: 'shape', expected: 'same', cycles: true, place: 'section 5.2', quantity: 'cost of each other component, each policy against its bare protocol', printed: 'uniform' },
    ],
    experiment: 'components',
  },
  {
    id: 'C13',
    item: 'tab03',
    section: '5.2',
    claim: 'The cycles of filters add up when filters are composed.',
    readings: [
      { id: 'mix-1', kind: 'ratio', share: true, cycles: true, range: [1.72, 1.72], unit: '%', place: 'Table 3', quantity: 'HTTP Mix 1: (filter cycles - sum of its filters) / filter cycles', printed: '12.9k against 12.68k summed (1.72 %)' },
      { id: 'mix-2', kind: 'ratio', share: true, cycles: true, range: [-2.33, -2.33], unit: '%', place: 'Table 3', quantity: 'HTTP Mix 2: (filter cycles - sum of its filters) / filter cycles', printed: '41.83k against 42.8k summed (-2.33 %)' },
    ],
    contradiction:
      'The sum compared with Mix 2 takes IP Tag (1), while the published Mix 2 configuration has ten tags, an HTTP RBAC filter, a listener filter and two default options more.',
    experiment: 'components',
  },
  {
    id: 'C14',
    item: 'tab03',
    section: '5.2',
    claim: 'The cost of bare HTTP plus the cost of the filters estimates the total.',
    readings: [
      { id: 'printed', kind: 'ratio', share: true, cycles: true, range: [-9.6, 1.23], unit: '%', place: 'Table 3, percentages as printed', quantity: '(total - estimate) / total, each policy', printed: '-9.6 to +1.23 %' },
      { id: 'recomputed', kind: 'ratio', share: true, cycles: true, range: [-6.93, 10.66], unit: '%', place: 'Table 3, from its printed cycles', quantity: '(total - estimate) / total, each policy', printed: '-6.93 to +10.66 %' },
    ],
    contradiction:
      'Only the first printed percentage follows from the printed cycles. The estimates of the mixes use the measured filter cycles of the mix itself (350.5 + 12.9, 350.5 + 41.8), so nothing was held out. The totals of Rate Limit and IP Tag lie below bare HTTP: the noise of the table exceeds its effects.',
    experiment: 'components',
  },
  {
    id: 'C15',
    item: 'fig08',
    section: '5.3',
    claim: 'The frontend takes more than half of the pipeline slots, whatever the filter and the load; the backend is next for data-heavy filters.',
    readings: [
      { id: 'frontend', kind: 'ratio', share: true, range: [50, null], unit: '%', place: 'section 5.3', quantity: 'frontend bound, share of slots, each policy and load', printed: 'more than half' },
      { id: 'backend', kind: 'shape', expected: 'greater', place: 'Fig 8 caption', quantity: 'data-heavy filters: backend bound minus the larger of retiring and speculation', printed: 'backend follows' },
    ],
    experiment: 'frontend',
  },
  {
    id: 'C16',
    item: 'fig09',
    section: '5.3',
    claim: 'Misses of the L1 instruction cache are very frequent.',
    readings: [
      { id: 'mpki', kind: 'ratio', range: [45, 75], unit: 'MPKI', place: 'section 1', quantity: 'L1-I misses per kilo-instruction, each policy', printed: '45-75' },
    ],
    experiment: 'frontend',
  },
  {
    id: 'C17',
    item: 'fig09',
    section: '5.3',
    claim: 'Few of the missing lines belong to instructions that retire.',
    readings: [
      { id: 'retired', kind: 'ratio', share: true, range: [25, 25], unit: '%', place: 'section 5.3, Fig 9 caption', quantity: 'L1-I misses of retired instructions, share of all L1-I misses', printed: '25 %' },
    ],
    experiment: 'frontend',
  },
  {
    id: 'C18',
    item: 'fig09',
    section: '5.3',
    claim: 'Mispredicted branches are few.',
    readings: [
      { id: 'text', kind: 'ratio', range: [null, 5], unit: 'MPKI', place: 'section 5.3, Fig 9', quantity: 'branch misses per kilo-instruction, each policy', printed: '< 5' },
      { id: 'tables', kind: 'ratio', range: [22.6, null], unit: 'MPKI', place: 'Tables 3 and 4, section 5.2', quantity: 'branch misses per kilo-instruction, Rate Limit', printed: '> 22 (4.5k misses in 331.7k cycles at IPC < 0.6)' },
    ],
    contradiction: 'Table 4 has 4.5k misses in a Rate Limit request; 331.7k cycles (Table 3) at IPC < 0.6 are at most 199k instructions, so more than 22 MPKI.',
    experiment: 'frontend',
  },
  {
    id: 'C19',
    item: 'fig10',
    section: '5.3',
    claim: 'A visible part of the cycles is stalled on instruction fetch.',
    readings: [
      { id: 'caption', kind: 'ratio', share: true, cycles: true, range: [9, 12], unit: '%', place: 'Fig 10 caption', quantity: 'cycles stalled on instruction fetch, each policy', printed: '9-12 %' },
      { id: 'text', kind: 'ratio', share: true, cycles: true, range: [13, 13], unit: '%', place: 'section 5.3', quantity: 'cycles stalled on instruction fetch, largest over the policies', printed: 'up to 13 %' },
      { id: 'introduction', kind: 'ratio', share: true, cycles: true, range: [25, 25], unit: '%', place: 'section 1', quantity: 'cycles waiting for valid instructions, largest over the policies', printed: 'up to 25 %' },
    ],
    contradiction: 'Caption, text and introduction give three bounds: 12, 13 and 25 %.',
    experiment: 'frontend',
  },
  {
    id: 'C20',
    item: 'tab04',
    section: '5.3',
    claim: 'A request through the Rate Limit policy retires and misses these branches, by type.',
    readings: [
      { id: 'all', kind: 'abs', range: [56.5e3, 56.5e3], unit: 'branches per request', place: 'Table 4', quantity: 'all retired', printed: '56.5k' },
      { id: 'all-missed', kind: 'abs', range: [4.5e3, 4.5e3], unit: 'misses per request', place: 'Table 4', quantity: 'all retired, missed', printed: '4.5k' },
      { id: 'conditional-taken', kind: 'abs', range: [12.14e3, 12.14e3], unit: 'branches per request', place: 'Table 4', quantity: 'conditional taken', printed: '12.14k' },
      { id: 'conditional-taken-missed', kind: 'abs', range: [1.3e3, 1.3e3], unit: 'misses per request', place: 'Table 4', quantity: 'conditional taken, missed', printed: '1.3k' },
      { id: 'conditional-not-taken', kind: 'abs', range: [20.64e3, 20.64e3], unit: 'branches per request', place: 'Table 4', quantity: 'conditional not taken', printed: '20.64k' },
      { id: 'conditional-not-taken-missed', kind: 'abs', range: [1e3, 1e3], unit: 'misses per request', place: 'Table 4', quantity: 'conditional not taken, missed', printed: '1k' },
      { id: 'indirect', kind: 'abs', range: [3.6e3, 3.6e3], unit: 'branches per request', place: 'Table 4', quantity: 'indirect', printed: '3.6k' },
      { id: 'indirect-missed', kind: 'abs', range: [2e3, 2e3], unit: 'misses per request', place: 'Table 4', quantity: 'indirect, missed', printed: '2k' },
      { id: 'near-taken', kind: 'abs', range: [35.4e3, 35.4e3], unit: 'branches per request', place: 'Table 4', quantity: 'near taken', printed: '35.4k' },
      { id: 'near-taken-missed', kind: 'abs', range: [3.6e3, 3.6e3], unit: 'misses per request', place: 'Table 4', quantity: 'near taken, missed', printed: '3.6k' },
    ],
    experiment: 'frontend',
  },
  {
    id: 'C21',
    item: 'tab04',
    section: '5.3',
    claim: 'Branches are a small part of the instructions, and mostly conditional.',
    readings: [
      { id: 'text', kind: 'ratio', share: true, range: [null, 20], unit: '%', place: 'section 5.3', quantity: 'branches, share of instructions', printed: '< 20 %' },
      { id: 'tables', kind: 'ratio', share: true, range: [28.4, null], unit: '%', place: 'Tables 3 and 4, section 5.2', quantity: 'branches, share of instructions, Rate Limit', printed: '> 28 % (56.5k branches in 331.7k cycles at IPC < 0.6)' },
      { id: 'conditional', kind: 'ratio', share: true, range: [50, null], unit: '%', place: 'section 5.3', quantity: 'conditional branches, share of branches', printed: 'mostly conditional' },
    ],
    contradiction: '56.5k branches (Table 4) in at most 199k instructions (331.7k cycles of Table 3 at IPC < 0.6) are more than 28 %, not less than 20 %.',
    experiment: 'frontend',
  },
  {
    id: 'C22',
    item: 'tab04',
    section: '5.3',
    claim: 'Indirect branches are few and cause most of the misses.',
    readings: [
      { id: 'share-text', kind: 'ratio', share: true, range: [null, 5], unit: '%', place: 'section 5.3', quantity: 'indirect branches, share of branches', printed: '< 5 %' },
      { id: 'share-table', kind: 'ratio', share: true, range: [6.4, 6.4], unit: '%', place: 'Table 4: 3.6k of 56.5k', quantity: 'indirect branches, share of branches', printed: '6.4 %' },
      { id: 'misses-text', kind: 'ratio', share: true, range: [50, null], unit: '%', place: 'section 5.3', quantity: 'indirect branches, share of branch misses', printed: '> 50 %' },
      { id: 'misses-table', kind: 'ratio', share: true, range: [44.4, 44.4], unit: '%', place: 'Table 4: 2k of 4.5k', quantity: 'indirect branches, share of branch misses', printed: '44 %' },
    ],
    contradiction: 'Table 4 itself gives 6.4 % of the branches and 44 % of the misses.',
    experiment: 'frontend',
  },
  {
    id: 'C23',
    item: 'fig11a',
    section: '5.4',
    claim: 'One request touches little code, spread over many pages.',
    readings: [
      { id: 'size-section', kind: 'abs', range: [275, 300], unit: 'kB', place: 'section 5.4', quantity: 'code touched per request, each policy', printed: '275-300 kB' },
      { id: 'size-introduction', kind: 'abs', range: [200, 270], unit: 'kB', place: 'section 1', quantity: 'code touched per request, each policy', printed: '200-270 kB' },
      { id: 'pages-section', kind: 'abs', range: [350, 350], unit: 'pages', place: 'section 5.4', quantity: '4 kB code pages touched per request', printed: 'about 350' },
      { id: 'pages-introduction', kind: 'abs', range: [300, null], unit: 'pages', place: 'section 1', quantity: '4 kB code pages touched per request', printed: 'over 300' },
    ],
    contradiction: 'Section 5.4 and the introduction give ranges that do not overlap.',
    experiment: 'traces',
  },
  {
    id: 'C24',
    item: 'fig11a',
    section: '5.4',
    claim: 'HTTP protocol parsing alone touches more code than an L1 instruction cache holds.',
    readings: [
      { id: 'size', kind: 'abs', range: [40, 50], unit: 'kB', place: 'section 5.4', quantity: 'code touched by HTTP protocol parsing per request', printed: '40-50 kB' },
    ],
    experiment: 'traces',
  },
  {
    id: 'C25',
    item: 'fig11b',
    section: '5.4',
    claim: 'A request misses the instruction TLB this often.',
    readings: [
      { id: 'misses', kind: 'abs', range: [1500, 1500], unit: 'misses per request', place: 'section 5.4', quantity: 'iTLB misses, measured', printed: 'about 1.5k' },
      { id: 'walks', kind: 'abs', range: [1200, 1200], unit: 'walks per request', place: 'section 5.4', quantity: 'iTLB misses that walk the page table, measured', printed: 'about 1.2k' },
      { id: 'simulated', kind: 'abs', range: [1100, 1100], unit: 'misses per request', place: 'section 5.4', quantity: 'iTLB misses, simulated (64 entries, 8 ways, 4 kB pages, LRU)', printed: 'about 1.1k' },
    ],
    experiment: 'traces',
  },
  {
    id: 'C26',
    item: 'fig11b',
    section: '5.4',
    claim: 'Accesses to the instruction TLB concentrate on few pages.',
    readings: [
      { id: 'concentration', kind: 'ratio', share: true, range: [95, null], unit: '%', place: 'section 5.4', quantity: 'iTLB accesses that go to the 20 most used pages', printed: '> 95 % in under 20 pages' },
    ],
    experiment: 'traces',
  },
  {
    id: 'C27',
    item: 'fig11b',
    section: '5.4',
    claim: 'Yet these hot pages are evicted from the instruction TLB again and again.',
    readings: [
      { id: 'pages', kind: 'abs', range: [19, 19], unit: 'pages', place: 'section 5.4', quantity: 'hot pages evicted within a request', printed: '19' },
      { id: 'evictions', kind: 'abs', range: [6, 60], unit: 'evictions per request', place: 'section 5.4', quantity: 'evictions of each of these pages', printed: '6-60 times' },
    ],
    experiment: 'traces',
  },
  {
    id: 'C28',
    item: 'fig11c',
    section: '5.4',
    claim: 'Placing all code on 2 MB pages removes most iTLB misses.',
    readings: [
      { id: 'reduction', kind: 'ratio', share: true, range: [80, 80], unit: '%', place: 'section 5.4', quantity: 'largest part of the iTLB misses removed', printed: 'up to 80 %' },
    ],
    experiment: 'traces',
  },
  {
    id: 'C29',
    item: 'fig11c',
    section: '5.4',
    claim: 'A few well-chosen 2 MB pages beside 4 kB pages remove as many.',
    readings: [
      { id: 'five', kind: 'ratio', share: true, range: [80, 80], unit: '%', place: 'section 5.4', quantity: 'largest part of the iTLB misses removed by 5 huge pages', printed: 'up to 80 % with 5' },
      { id: 'six', kind: 'ratio', share: true, range: [90, 90], unit: '%', place: 'section 5.4', quantity: 'largest part of the iTLB misses removed by 6 huge pages', printed: 'up to 90 % with 6' },
      { id: 'introduction', kind: 'ratio', share: true, range: [50, 85], unit: '%', place: 'section 1', quantity: 'part of the iTLB misses removed by 4 to 6 huge pages', printed: '50-85 % with 4-6' },
      { id: 'conclusion', kind: 'ratio', share: true, range: [85, 85], unit: '%', place: 'section 7', quantity: 'largest part of the iTLB misses removed', printed: 'up to 85 %' },
    ],
    contradiction: 'Section 5.4 reaches 90 %, introduction and conclusion at most 85 %.',
    experiment: 'traces',
  },
  {
    id: 'C30',
    item: 'fig11c',
    section: '5.4',
    claim: 'The memory cost of those huge pages is moderate.',
    readings: [
      { id: 'memory', kind: 'abs', range: [8.5, 11], unit: 'MB', place: 'section 5.4', quantity: 'additional memory with 5 to 6 huge pages', printed: '8.5-11 MB' },
    ],
    experiment: 'traces',
  },
  {
    id: 'C31',
    item: 'fig12',
    section: 'A.1',
    claim: 'The default profile costs this much more than no mesh.',
    readings: [
      { id: 'instructions-caption', kind: 'ratio', range: [13, 76], unit: '%', place: 'Fig 12 caption', quantity: 'instructions added, each application', printed: '13-76 %' },
      { id: 'cycles-caption', kind: 'ratio', cycles: true, range: [21, 91], unit: '%', place: 'Fig 12 caption', quantity: 'cycles added, each application', printed: '21-91 %' },
      { id: 'instructions-text', kind: 'ratio', range: [13, 75], unit: '%', place: 'section A.1', quantity: 'instructions added, each application', printed: '13-75 %' },
      { id: 'cycles-text', kind: 'ratio', cycles: true, range: [20, 85], unit: '%', place: 'section A.1', quantity: 'cycles added, each application', printed: '20-85 %' },
    ],
    contradiction: 'Caption and text differ slightly.',
    experiment: 'applications',
  },
  {
    id: 'C32',
    item: 'fig12',
    section: 'A.1',
    claim: 'The demo profile costs this much more than no mesh.',
    readings: [
      { id: 'instructions', kind: 'ratio', range: [23, 162], unit: '%', place: 'Fig 12 caption', quantity: 'instructions added, each application', printed: '23-162 %' },
      { id: 'cycles', kind: 'ratio', cycles: true, range: [28, 128], unit: '%', place: 'Fig 12 caption', quantity: 'cycles added, each application', printed: '28-128 %' },
    ],
    experiment: 'applications',
  },
  {
    id: 'C33',
    item: 'fig12',
    section: 'A.1',
    claim: 'The overhead of a profile does not change with the size of the cluster.',
    readings: [
      { id: 'constant', kind: 'shape', expected: 'same', place: 'Fig 12 caption', quantity: 'cost added, 2 to 5 nodes against 1', printed: 'constant' },
    ],
    experiment: 'applications',
  },
  {
    id: 'C34',
    item: 'fig13',
    section: 'A.2',
    claim: "System calls are a small part of a sidecar's latency, and its user-space time does not vary across services.",
    readings: [
      { id: 'kernel', kind: 'ratio', share: true, range: [20, 20], unit: '%', place: 'Fig 13 caption', quantity: 'time in the kernel, share of the latency of a sidecar', printed: '20 %' },
      { id: 'user', kind: 'shape', expected: 'same', place: 'Fig 13 caption', quantity: 'user-space time, each service against the median service', printed: 'does not vary' },
    ],
    experiment: 'applications',
  },
  {
    id: 'C35',
    item: 'fig13',
    section: 'A.2',
    claim: 'A request spends this long in one sidecar; that of ProductPage is slower (socket set-up, 6 kB of HTML).',
    readings: [
      { id: 'time-printed', kind: 'abs', range: [200, 250], unit: 'ms', place: 'section A.2, unit as printed', quantity: 'time in a sidecar, each service but ProductPage', printed: '200-250 ms' },
      { id: 'time-plausible', kind: 'abs', range: [200, 250], unit: 'us', place: 'section A.2, in microseconds', quantity: 'time in a sidecar, each service but ProductPage', printed: '200-250, read as µs' },
      { id: 'productpage-printed', kind: 'abs', range: [200, 400], unit: 'ms', place: 'section A.2, unit as printed', quantity: 'time the sidecar of ProductPage takes more', printed: '+200-400 ms' },
      { id: 'productpage-plausible', kind: 'abs', range: [200, 400], unit: 'us', place: 'section A.2, in microseconds', quantity: 'time the sidecar of ProductPage takes more', printed: '+200-400, read as µs' },
    ],
    contradiction: 'Milliseconds cannot be meant: Fig 5 adds 5-25 ms for a whole application. Microseconds are plausible.',
    experiment: 'applications',
  },
  {
    id: 'C36',
    item: 'fig14',
    section: 'A.2',
    claim: 'One sidecar invocation costs roughly the same for every service.',
    readings: [
      { id: 'default-instructions', kind: 'abs', range: [200e3, 300e3], unit: 'instructions per invocation', place: 'section A.2', quantity: 'default profile, each service', printed: '200-300k' },
      { id: 'default-cycles', kind: 'abs', cycles: true, range: [500e3, 600e3], unit: 'cycles per invocation', place: 'section A.2', quantity: 'default profile, each service', printed: '500-600k' },
      { id: 'demo-instructions', kind: 'abs', range: [400e3, 500e3], unit: 'instructions per invocation', place: 'section A.2', quantity: 'demo profile, each service', printed: '400-500k' },
      { id: 'demo-cycles', kind: 'abs', cycles: true, range: [650e3, 800e3], unit: 'cycles per invocation', place: 'section A.2', quantity: 'demo profile, each service', printed: '650-800k' },
    ],
    experiment: 'applications',
  },
  {
    id: 'C37',
    item: 'fig14',
    section: 'A.2',
    claim: 'One page of BookInfo invokes sidecars this often, both directions counted.',
    readings: [
      { id: 'productpage', kind: 'abs', range: [6, 6], unit: 'invocations per page', place: 'section A.2', quantity: 'ProductPage', printed: '6' },
      { id: 'review', kind: 'abs', range: [4, 4], unit: 'invocations per page', place: 'section A.2', quantity: 'Review', printed: '4' },
      { id: 'rating', kind: 'abs', range: [2, 2], unit: 'invocations per page', place: 'section A.2', quantity: 'Rating', printed: '2' },
      { id: 'detail', kind: 'abs', range: [2, 2], unit: 'invocations per page', place: 'section A.2', quantity: 'Detail', printed: '2' },
    ],
    experiment: 'applications',
  },
  {
    id: 'C38',
    item: 'fig15',
    section: 'B.1',
    claim: 'The older processor has the lower L1-I MPKI.',
    readings: [
      { id: 'lower', kind: 'shape', expected: 'less', place: 'section B.1', quantity: 'L1-I MPKI, older minus newer processor, each policy', printed: 'lower' },
      { id: 'amount', kind: 'ratio', range: [40, 40], unit: '%', place: 'abstract', quantity: 'largest increase of L1-I MPKI from the older to the newer processor', printed: 'up to 40 %' },
    ],
    experiment: 'generations',
  },
  {
    id: 'C39',
    item: 'fig16',
    section: 'B.1',
    claim: 'The older processor stalls more on instruction fetch.',
    readings: [
      { id: 'more', kind: 'shape', expected: 'greater', cycles: true, place: 'section B.1', quantity: 'cycles stalled on instruction fetch, older minus newer processor, each policy', printed: 'much higher' },
      { id: 'caption', kind: 'ratio', share: true, cycles: true, range: [17, 21], unit: '%', place: 'Fig 16 caption', quantity: 'cycles stalled on instruction fetch, older processor, each policy', printed: '17-21 %' },
      { id: 'text', kind: 'ratio', share: true, cycles: true, range: [12, 25], unit: '%', place: 'section B.1', quantity: 'cycles stalled on instruction fetch, older processor, each policy', printed: '12-25 %' },
    ],
    contradiction: 'Caption (17-21 %) and text (12-25 %) differ.',
    experiment: 'generations',
  },
  {
    id: 'C40',
    item: 'fig17',
    section: 'B.1',
    claim: "The older processor's top-down split is like the newer one's.",
    readings: [
      { id: 'similar', kind: 'shape', expected: 'same', place: 'Fig 17 caption', quantity: 'frontend and backend bound, older against newer processor, each policy', printed: 'similar' },
    ],
    experiment: 'generations',
  },
  {
    id: 'C41',
    item: 'abstract',
    section: 'abstract',
    claim: 'Growing the private cache from 256 kB to 1.25 MB changes frontend stalls little.',
    readings: [
      { id: 'abstract', kind: 'ratio', share: true, cycles: true, range: [10, 10], unit: '%', place: 'abstract', quantity: 'part of the frontend stalls removed by the larger cache', printed: '10 %' },
      { id: 'figures-points', kind: 'ratio', share: true, cycles: true, range: [5, 12], unit: 'points', place: 'captions of Figs 10 and 16: 17-21 % to 9-12 %', quantity: 'drop of the stalled share of cycles', printed: '5-12 points' },
      { id: 'figures-relative', kind: 'ratio', share: true, cycles: true, range: [29, 57], unit: '%', place: 'captions of Figs 10 and 16: 17-21 % to 9-12 %', quantity: 'part of the frontend stalls removed by the larger cache', printed: '29-57 %' },
    ],
    contradiction: 'Figs 10 and 16 show a fall from 17-21 % to 9-12 % of the cycles: 29-57 % less, not 10 %.',
    experiment: 'generations',
  },
  {
    id: 'C42',
    item: 'fig18',
    section: 'B.2',
    claim: 'Filters that read headers only do not change with message size; TLS grows with it.',
    readings: [
      { id: 'headers', kind: 'shape', expected: 'same', place: 'section B.2', quantity: 'header-only filters, largest against smallest message', printed: 'no variance' },
      { id: 'tls', kind: 'shape', expected: 'greater', place: 'section B.2', quantity: 'TLS, largest minus smallest message', printed: 'steep increase' },
    ],
    experiment: 'sizes',
  },
  {
    id: 'C43',
    item: 'fig18',
    section: 'B.2',
    claim: 'OS read and OS write grow with message size; their IPC holds up to 16 kB and then falls.',
    readings: [
      { id: 'grow', kind: 'shape', expected: 'greater', place: 'section B.2', quantity: 'instructions of OS read and OS write, largest minus smallest message', printed: 'growth' },
      { id: 'ipc-holds', kind: 'shape', expected: 'same', cycles: true, place: 'section B.2', quantity: 'IPC of OS read and OS write, 16 kB against smallest message', printed: 'consistent until 16 kB' },
      { id: 'ipc-falls', kind: 'shape', expected: 'less', cycles: true, place: 'section B.2', quantity: 'IPC of OS read and OS write, 1 MB minus 16 kB', printed: 'sharp decrease' },
      { id: 'ipc-at-1mb', kind: 'ratio', cycles: true, range: [0.25, 0.25], unit: 'instructions per cycle', place: 'section B.2', quantity: 'IPC of OS read and OS write at 1 MB', printed: 'almost 0.25' },
    ],
    contradiction: "The text starts the sweep at 16 kB, where it says the fall begins; the authors' scripts start at 16 B.",
    experiment: 'sizes',
  },
  {
    id: 'C44',
    item: 'fig18',
    section: 'B.2',
    claim: 'Sidecar read and write keep a nearly constant IPC over message sizes; TLS keeps the IPC of its write.',
    readings: [
      { id: 'sidecar', kind: 'shape', expected: 'same', cycles: true, place: 'section B.2', quantity: 'IPC of sidecar read and write, each size against the smallest', printed: 'nearly constant' },
      { id: 'tls-write', kind: 'shape', expected: 'same', cycles: true, place: 'section B.2', quantity: 'IPC of OS write under TLS, each size against the smallest', printed: 'elevated and constant' },
    ],
    experiment: 'sizes',
  },
  {
    id: 'C45',
    item: 'abstract',
    section: 'abstract',
    claim: 'The absolute overhead of sidecars depends on filters and topology, not on the application.',
    readings: [
      { id: 'independent', kind: 'shape', expected: 'same', place: 'abstract, section A.2', quantity: 'cost of a sidecar invocation, each application against the median application', printed: 'independent of the workload' },
    ],
    experiment: 'applications',
  },
  {
    id: 'C46',
    item: 'fig07',
    section: '5.2',
    claim: 'Within one protocol IPC falls gradually as filters get more complex.',
    readings: [
      { id: 'tcp', kind: 'shape', expected: 'less', cycles: true, place: 'section 5.2', quantity: 'IPC, each TCP policy up to Reject 100 minus the simpler one before it', printed: 'gradual decrease' },
      { id: 'http', kind: 'shape', expected: 'less', cycles: true, place: 'section 5.2', quantity: 'IPC, each HTTP mix minus the simpler policy before it', printed: 'gradual decrease' },
    ],
    experiment: 'components',
  },
  {
    id: 'C47',
    item: 'tab03',
    section: '5.2',
    claim: 'The sum of the filters is a close upper bound of their composition.',
    readings: [
      { id: 'text', kind: 'shape', expected: 'greater', cycles: true, place: 'section 5.2', quantity: 'sum of the filters minus their composition, each mix', printed: 'close upper bound' },
      { id: 'mix-1', kind: 'shape', expected: 'less', cycles: true, place: 'Table 3', quantity: 'HTTP Mix 1: sum of the filters minus their composition', printed: '12.68k < 12.9k' },
      { id: 'mix-2', kind: 'shape', expected: 'greater', cycles: true, place: 'Table 3', quantity: 'HTTP Mix 2: sum of the filters minus their composition', printed: '42.8k > 41.83k' },
    ],
    contradiction: 'Mix 1 costs 12.9k in Table 3, more than the 12.68k of its parts.',
    experiment: 'components',
  },
  {
    id: 'C48',
    item: 'fig18',
    section: 'B.2',
    claim: 'Protocol parsing does not change with message size.',
    readings: [
      { id: 'flat', kind: 'shape', expected: 'same', place: 'section B.2', quantity: 'cost of HTTP protocol parsing, largest against smallest message', printed: 'low variability' },
    ],
    experiment: 'sizes',
  },
];
