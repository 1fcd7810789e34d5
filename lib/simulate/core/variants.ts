/** The same core with one thing changed. */
import type { Component } from '../../paper/components.js';
import { regionBits, regionPageBits } from './code-map.js';
import type { CoreParameters } from './parameters.js';
import type { CoreInput } from './program.js';
import type { ReplayOptions } from './replay.js';

/** A core with something changed. */
export interface Variant {
  id: string;
  label: string;
  /** Numbers of the core that differ. */
  core?: Partial<CoreParameters>;
  /** Options of the replay that differ; those that depend on the code are made from it. */
  options?: (input: CoreInput) => ReplayOptions;
}

/** Regions whose pages are entered most, as many as a program would ask huge pages for. */
const hugePages = 8;
const parser: Component = 'HTTP Protocol Parse';

/** The questions that the paper raises. */
export const variants: readonly Variant[] = [
  { id: 'l2-256k', label: 'L2 of 256 kB', core: { l2: { sets: 512, ways: 8 } } },
  { id: 'l2-1280k', label: 'L2 of 1.25 MB', core: { l2: { sets: 1024, ways: 20 } } },
  { id: 'l1i-64k', label: 'L1-I of 64 kB', core: { l1i: { sets: 64, ways: 16 } } },
  { id: 'target-buffer', label: 'branch target buffer of 16,384 entries', core: { targetBuffer: { sets: 4096, ways: 4 } } },
  { id: 'perfect-indirect', label: 'every indirect branch predicted', options: () => ({ perfectIndirect: true }) },
  { id: 'indirect-8x', label: 'indirect predictor eight times as large, looking back 93 branches', core: { indirect: { baseEntries: 16_384, entries: 4096, tagBits: 14, histories: [4, 11, 32, 93] } } },
  { id: 'next-line', label: 'next-line prefetch', core: { nextLines: 1 } },
  { id: 'no-prefetch', label: 'no prefetch at all', core: { nextLines: 0, runAhead: 0 } },
  { id: 'parser-isolated', label: 'parser on a core of its own', options: () => ({ isolated: parser }) },
  { id: 'huge-pages', label: `huge pages for the ${hugePages} busiest regions`, options: (input) => ({ hugeRegions: busiestRegions(input).slice(0, hugePages) }) },
  { id: 'huge-pages-all', label: 'huge pages for all code', options: (input) => ({ hugeRegions: busiestRegions(input) }) },
];

/** Numbers (address / 2 MB) of the regions that code is executed in, the one whose pages are entered most often first. */
export function busiestRegions({ program, sequence }: CoreInput): number[] {
  const entries = new Float64Array(program.code.regions.length);
  let last = -1;
  for (let at = 0; at < sequence.length; at++) {
    const page = program.start[sequence[at]] >> (regionBits - regionPageBits);
    if (page !== last) entries[page >> regionPageBits]++;
    last = page;
  }
  return [...entries.keys()].filter((place) => entries[place] > 0).sort((a, b) => entries[b] - entries[a]).map((place) => program.code.regions[place]);
}
