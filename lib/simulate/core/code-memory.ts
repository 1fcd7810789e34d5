/** Caches and TLBs that code comes through. Each core has one; an isolated component has its own. */
import { pageLineBits, regionPageBits, type CodeMap } from './code-map.js';
import { Counter } from './events.js';
import { LruArray } from './lru-array.js';
import type { CoreParameters } from './parameters.js';

/** Tells a huge page's entry in the second-level TLB from that of a small page. */
const hugeTag = 1 << 30;
// Imported names are read through getters in the CommonJS that runs here: too slow for every line.
const counters = Counter;
const [pageShift, regionShift] = [pageLineBits, regionPageBits];

/** Which counters count what is asked for. */
export interface Asker {
  lines: number;
  prefetches: number;
  pages: number;
  /** -1 for none. */
  walks: number;
}

export const rightPath: Asker = { lines: Counter.l1iMisses, prefetches: Counter.l1iPrefetches, pages: Counter.itlbMisses, walks: Counter.itlbWalks };
export const wrongPath: Asker = { lines: Counter.l1iWrongPathMisses, prefetches: Counter.l1iWrongPathPrefetches, pages: Counter.itlbWrongPathMisses, walks: -1 };

/** Lines and pages are numbers of short addresses (code-map.ts). What is missing goes to the account of whoever asks. */
export class CodeMemory {
  /** By line: when it was, or will be, in L1-I; says nothing of a line that is not in it. */
  private readonly readyAt: Float64Array;
  private readonly l1i: LruArray;
  private readonly l2: LruArray;
  private readonly itlb: LruArray;
  private readonly itlbHuge: LruArray;
  private readonly stlb: LruArray;
  /** By place of a region: the tag of its huge page, 0 where it has none. */
  private readonly hugePage: Int32Array;

  constructor(private readonly core: CoreParameters, { lines, regions }: CodeMap, hugeRegions: readonly number[]) {
    this.l1i = new LruArray(core.l1i);
    this.l2 = new LruArray(core.l2);
    this.itlb = new LruArray(core.itlb);
    this.itlbHuge = new LruArray(core.itlbHuge);
    this.stlb = new LruArray(core.stlb);
    this.readyAt = new Float64Array(lines);
    const huge = new Set(hugeRegions);
    this.hugePage = Int32Array.from(regions, (region) => (huge.has(region) ? hugeTag | region : 0));
  }

  /**
   * Uses a line, bringing it in, and those behind it as far as next-line prefetch goes, when it is not there.
   * @param asked when
   * @returns when it is, or was, there
   */
  use(line: number, asked: number, account: Float64Array, asker: Asker): number {
    if (this.l1i.access(line)) return this.readyAt[line];
    account[asker.lines]++;
    this.bring(line, asked, account);
    const last = Math.min(line + this.core.nextLines, line | ((1 << pageShift) - 1));
    for (let next = line + 1; next <= last; next++) {
      if (this.l1i.has(next)) continue;
      this.l1i.access(next);
      this.bring(next, asked, account);
      account[asker.prefetches]++;
    }
    return this.readyAt[line];
  }

  /** @returns cycles until the translation is there */
  translate(page: number, account: Float64Array, asker: Asker): number {
    const huge = this.hugePage[page >> regionShift];
    if (huge === 0 ? this.itlb.access(page) : this.itlbHuge.access(huge)) return 0;
    account[asker.pages]++;
    if (this.stlb.access(huge === 0 ? page : huge)) return this.core.stlbCycles;
    if (asker.walks >= 0) account[asker.walks]++;
    return this.core.walkCycles;
  }

  empty(): void {
    for (const array of [this.l1i, this.l2, this.itlb, this.itlbHuge, this.stlb]) array.empty();
  }

  private bring(line: number, asked: number, account: Float64Array): void {
    const isInL2 = this.l2.access(line);
    if (!isInL2) account[counters.l2Misses]++;
    this.readyAt[line] = asked + (isInL2 ? this.core.l2Cycles : this.core.llcCycles);
  }
}
