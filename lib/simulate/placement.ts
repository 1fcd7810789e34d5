/**
 * Which 2 MB regions to map huge so that a mixed TLB misses least: exact by branch and bound, or the best found with
 * its gap.
 *
 * Misses with the chosen regions C, from the patterns of lib/simulate/reuse-patterns.ts:
 *   small(C) = first uses of 4 kB pages outside C + patterns whose region is outside C and of whose pages between
 *              fewer than `excess` lie in C,
 *   huge(C)  = first uses of the regions in C + huge patterns whose region and at least `excess` others are in C.
 * `small` falls and `huge` grows as C grows; huge patterns play no part up to as many regions as there are entries.
 *
 * The bound. Let C be chosen and D, at most k regions of those still allowed, be added. A small pattern ends only if its
 * own region is in D, or D holds at least e of its pages, e being what is left of its excess. Either way
 *   [own in D] + sum over r in D of min(pages of r, e) / e >= 1,
 * so the misses saved by D are at most the sum over r in D of
 *   gain(r) = first uses saved + sum over patterns of count * ([own = r] + min(pages of r, e) / e),
 * hence at most the k largest gains; huge(C and D) >= huge(C) + first uses. Subsets are enumerated by their first region
 * in the order of gain, the rest coming from those after it; a branch is left when its bound is no better than the best
 * set known. Patterns that k allowed regions cannot end are dropped from it. With one region left to add the loop
 * that computes the gains computes the saved misses exactly. Nothing is left out, so a search that ends is exact.
 */
import { hugePageBytes, type Geometry } from './geometry.js';
import { reusePatterns, type ReusePattern, type ReusePatterns } from './reuse-patterns.js';
import type { Transitions } from './transitions.js';

export interface PlacementOptions {
  /** Answers are given for 0 up to so many huge pages. */
  atMost: number;
  /** Numbers of the regions that may be mapped huge; all when left out. */
  eligible?: readonly number[];
  /** As in lib/simulate/simulator.ts. */
  emptyAtCalls?: boolean;
  /**
   * How many patterns the search for one number of pages may look at before it settles for the best found: unlimited
   * for up to 8 pages, 300 million above, when left out.
   */
  effort?: number;
}

export interface Placement {
  /** Huge pages allowed; a better placement may use fewer when they outnumber their entries. */
  pages: number;
  /** Numbers (address / 2 MB) of the regions to map huge, ascending. */
  regions: number[];
  /** First-level misses in the whole trace. */
  misses: number;
  /** No placement misses less; equal to `misses` when `isExact`. */
  lowerBound: number;
  isExact: boolean;
  memory: PlacementMemory;
}

export interface PlacementMemory {
  /** In huge pages, used or not. */
  hugeBytes: number;
  /** In touched pages of 4 kB outside. */
  smallBytes: number;
  /** More than if every touched page were one of 4 kB. */
  addedBytes: number;
}

const exactPages = 8;
const boundedEffort = 3e8;
const pageBytes = 4096;

/** The best placements of 0 to `atMost` huge pages for transitions between 4 kB pages. */
export function placeHugePages(transitions: Transitions, geometry: Geometry, options: PlacementOptions): Placement[] {
  return placePatterns(reusePatterns(transitions, geometry, options), options);
}

/** The same from patterns gathered before. */
export function placePatterns(patterns: ReusePatterns, { atMost, eligible, effort }: PlacementOptions): Placement[] {
  const allowed = [...patterns.regions.keys()].filter((region) => !eligible || eligible.includes(patterns.regions[region]));
  const placements: Placement[] = [];
  let best: number[] = [];
  for (let pages = 0; pages <= atMost; pages++) {
    const search = new Search(patterns, pages, effort ?? (pages <= exactPages ? Infinity : boundedEffort));
    const { chosen, misses, lowerBound } = search.run(allowed, best);
    best = chosen;
    placements.push({
      pages, misses, lowerBound, isExact: lowerBound === misses,
      regions: chosen.map((region) => patterns.regions[region]).sort((a, b) => a - b),
      memory: memoryOf(patterns, chosen),
    });
  }
  return placements;
}

/**
 * Misses of any placement.
 * @param chosen indices into `patterns.regions`
 */
export function missesOfPlacement(patterns: ReusePatterns, chosen: readonly number[]): number {
  const isChosen = patterns.regions.map((_, region) => chosen.includes(region));
  const firstUses = isChosen.reduce((sum, huge, region) => sum + (huge ? patterns.firstHugeUses : patterns.firstUses)[region], 0);
  const chosenPages = ({ others }: ReusePattern) => others.reduce((sum, { region, pages }) => sum + (isChosen[region] ? pages : 0), 0);
  const small = patterns.small.reduce((sum, pattern) => sum + (!isChosen[pattern.region] && chosenPages(pattern) < pattern.excess ? pattern.count : 0), 0);
  return firstUses + small + hugeConflicts(patterns, isChosen);
}

function hugeConflicts({ huge }: ReusePatterns, isChosen: readonly boolean[]): number {
  return huge.reduce((sum, { region, count, others, excess }) => {
    if (!isChosen[region]) return sum;
    return sum + (others.filter((other) => isChosen[other.region]).length >= excess ? count : 0);
  }, 0);
}

function memoryOf({ touchedPages }: ReusePatterns, chosen: readonly number[]): PlacementMemory {
  const all = touchedPages.reduce((sum, pages) => sum + pages, 0);
  const inside = chosen.reduce((sum, region) => sum + touchedPages[region], 0);
  const hugeBytes = chosen.length * hugePageBytes;
  return { hugeBytes, smallBytes: (all - inside) * pageBytes, addedBytes: hugeBytes - inside * pageBytes };
}

/** Small patterns as columns: the pages between of pattern p are at [start[p], start[p + 1]), most pages first. */
interface Columns {
  own: Uint32Array;
  count: Float64Array;
  start: Uint32Array;
  region: Uint32Array;
  pages: Uint32Array;
}

/** Patterns still missing at a depth of the search, and what is left of their excess. */
interface Alive {
  size: number;
  pattern: Uint32Array;
  excess: Uint32Array;
}

class Search {
  private readonly columns: Columns;
  /** By depth, the number of regions chosen. */
  private readonly alive: Alive[];
  private readonly chosen: number[] = [];
  private best: number[] = [];
  private bestMisses = Infinity;
  /** Least bound of what was left unexplored for want of effort. */
  private unexplored = Infinity;
  private readonly hasConflicts: boolean;

  constructor(private readonly patterns: ReusePatterns, private readonly pages: number, private effort: number) {
    const { small, huge } = patterns;
    this.columns = columnsOf(small);
    this.alive = Array.from({ length: pages + 1 }, () => ({ size: 0, pattern: new Uint32Array(small.length), excess: new Uint32Array(small.length) }));
    this.alive[0].size = small.length;
    small.forEach(({ excess }, i) => {
      this.alive[0].pattern[i] = i;
      this.alive[0].excess[i] = excess;
    });
    this.hasConflicts = huge.some(({ excess }) => pages > excess);
  }

  /** @param start a placement to beat */
  run(allowed: readonly number[], start: readonly number[]): { chosen: number[]; misses: number; lowerBound: number } {
    this.best = [...start];
    this.bestMisses = missesOfPlacement(this.patterns, start);
    const { firstUses, small } = this.patterns;
    const missing = small.reduce((sum, { count }) => sum + count, firstUses.reduce((sum, uses) => sum + uses, 0));
    if (this.pages > 0) this.extend(allowed, missing);
    return { chosen: this.best, misses: this.bestMisses, lowerBound: Math.min(this.bestMisses, this.unexplored) };
  }

  /** @param missing misses with `chosen`, except conflicts of huge entries */
  private extend(allowed: readonly number[], missing: number): void {
    const left = this.pages - this.chosen.length;
    const { gains, single } = this.gainsOf(allowed, left);
    for (const region of allowed) this.consider([...this.chosen, region], missing - single[region]);
    if (left === 1) return;
    const conflicts = this.conflictsOf(this.chosen);
    const order = [...allowed].sort((a, b) => gains[b] - gains[a]);
    for (let i = 0; i < order.length; i++) {
      let bound = missing + conflicts;
      for (let j = i; j < Math.min(i + left, order.length); j++) bound -= gains[order[j]];
      // Sums of fractions: a bound that rounding lifted by less than one miss must not hide a better placement.
      bound = Math.ceil(bound - 1e-6);
      if (bound >= this.bestMisses) return;
      if (this.effort <= 0) {
        this.unexplored = Math.min(this.unexplored, bound);
        return;
      }
      this.choose(order[i]);
      this.extend(order.slice(i + 1), missing - single[order[i]]);
      this.chosen.pop();
    }
  }

  private consider(chosen: number[], missing: number): void {
    if (missing >= this.bestMisses) return;
    const misses = missing + this.conflictsOf(chosen);
    if (misses >= this.bestMisses) return;
    this.bestMisses = misses;
    this.best = chosen;
  }

  private conflictsOf(chosen: readonly number[]): number {
    if (!this.hasConflicts || chosen.length <= 1) return 0;
    return hugeConflicts(this.patterns, this.patterns.regions.map((_, region) => chosen.includes(region)));
  }

  /**
   * By region: at most what it saves among `left` regions, and exactly what it saves alone. Drops the patterns that
   * `left` of the allowed regions cannot end.
   */
  private gainsOf(allowed: readonly number[], left: number): { gains: Float64Array; single: Float64Array } {
    const { regions, firstUses, firstHugeUses } = this.patterns;
    const { own, count, start, region, pages } = this.columns;
    const alive = this.alive[this.chosen.length];
    const isAllowed = new Uint8Array(regions.length);
    const gains = new Float64Array(regions.length);
    for (const each of allowed) {
      isAllowed[each] = 1;
      gains[each] = firstUses[each] - firstHugeUses[each];
    }
    const single = gains.slice();
    this.effort -= alive.size;
    let kept = 0;
    for (let i = 0; i < alive.size; i++) {
      const pattern = alive.pattern[i];
      const excess = alive.excess[i];
      const end = start[pattern + 1];
      let reach = 0;
      for (let at = start[pattern], taken = 0; at < end && taken < left && reach < excess; at++) {
        if (isAllowed[region[at]] === 0) continue;
        reach += pages[at];
        taken++;
      }
      const ownAllowed = isAllowed[own[pattern]];
      if (reach < excess && ownAllowed === 0) continue;
      alive.pattern[kept] = pattern;
      alive.excess[kept++] = excess;
      const times = count[pattern];
      gains[own[pattern]] += times;
      single[own[pattern]] += times;
      if (reach < excess) continue;
      for (let at = start[pattern]; at < end; at++) {
        const other = region[at];
        if (pages[at] >= excess) {
          gains[other] += times;
          single[other] += times;
        } else gains[other] += times * pages[at] / excess;
      }
    }
    alive.size = kept;
    return { gains, single };
  }

  /** Adds a region: the patterns that outlive it go one depth down. */
  private choose(added: number): void {
    const { own, start, region, pages } = this.columns;
    const alive = this.alive[this.chosen.length];
    const next = this.alive[this.chosen.length + 1];
    this.chosen.push(added);
    let size = 0;
    for (let i = 0; i < alive.size; i++) {
      const pattern = alive.pattern[i];
      if (own[pattern] === added) continue;
      let excess = alive.excess[i];
      for (let at = start[pattern]; at < start[pattern + 1]; at++) {
        if (region[at] === added) {
          excess -= Math.min(pages[at], excess);
          break;
        }
      }
      if (excess === 0) continue;
      next.pattern[size] = pattern;
      next.excess[size++] = excess;
    }
    next.size = size;
  }
}

function columnsOf(patterns: readonly ReusePattern[]): Columns {
  const sorted = patterns.map(({ others }) => [...others].sort((a, b) => b.pages - a.pages));
  const start = new Uint32Array(patterns.length + 1);
  sorted.forEach((others, i) => { start[i + 1] = start[i] + others.length; });
  return {
    own: Uint32Array.from(patterns, ({ region }) => region),
    count: Float64Array.from(patterns, ({ count }) => count),
    start,
    region: Uint32Array.from(sorted.flatMap((others) => others.map(({ region }) => region))),
    pages: Uint32Array.from(sorted.flatMap((others) => others.map(({ pages }) => pages))),
  };
}
