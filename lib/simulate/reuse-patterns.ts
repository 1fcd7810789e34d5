/**
 * What decides the misses of 4 kB pages once some 2 MB regions are mapped huge, gathered in one pass.
 *
 * Mapping a region huge takes its pages out of the 4 kB array. By LRU's stack property an access to a remaining page
 * misses exactly if at least `ways` other remaining pages of its set were used since its last use. So an access matters
 * only if it misses without huge pages, and whether it still does depends on two things: its own region, and from which
 * regions the pages between came. Accesses that agree in both are one pattern with a count; a recorded trace of a
 * thousand requests has millions of misses, but only some thousand patterns.
 *
 * The huge entries, fully associative, see the accesses to chosen regions: one to region r misses if at least `ways`
 * other chosen ones were used since r was. These are patterns too, with one "page" for each region.
 */
import { hugePageBytes, type Geometry } from './geometry.js';
import { segmentsOf, type Transitions } from './transitions.js';

/** Accesses that are alike; regions are indices into `ReusePatterns.regions`. */
export interface ReusePattern {
  /** Of the page, or the region, that is used again. */
  region: number;
  count: number;
  /** Pages between, of other regions than its own: how many each has. More than `excess` is written as `excess`. */
  others: { region: number; pages: number }[];
  /** A 4 kB access: so many of the pages between have to go for it to hit. A huge one: the array's ways. */
  excess: number;
}

export interface ReusePatterns {
  /** Region numbers (address / 2 MB), in order of first touch. */
  regions: number[];
  /** By region: accesses to a page of 4 kB that find nothing because nobody used it yet (since the state was emptied). */
  firstUses: Float64Array;
  /** The same for the region as one huge page. */
  firstHugeUses: Float64Array;
  /** By region: its touched 4 kB pages. */
  touchedPages: Float64Array;
  /** Accesses to 4 kB pages that miss while all of them are 4 kB. */
  small: ReusePattern[];
  /** Accesses to regions that would miss, were all of them huge. */
  huge: ReusePattern[];
}

/**
 * Gathers the patterns of page transitions (units of 4 kB).
 * @param geometry exact LRU; huge entries fully associative
 * @throws Error on any other.
 */
export function reusePatterns(transitions: Transitions, geometry: Geometry, { emptyAtCalls = false } = {}): ReusePatterns {
  const { huge, first, policy } = geometry;
  if (policy || !huge || huge.sets !== 1) throw new Error('patterns of reuse exist for exact LRU with a fully associative array of huge entries; give such a geometry');
  const { units } = transitions;
  const regionNumbers = Array.from(units.numbers.subarray(0, units.size), (number) => Math.floor(number * units.unitBytes / hugePageBytes));
  const regions = [...new Set(regionNumbers)];
  const index = new Map(regions.map((number, i) => [number, i]));
  const regionOf = Uint32Array.from(regionNumbers, (number) => index.get(number)!);
  const same = Uint32Array.from(regions.keys());

  const pages = new ReuseLists(units.numbers.subarray(0, units.size), regionOf, first.sets, first.ways);
  const whole = new ReuseLists(Float64Array.from(regions), same, 1, huge.ways);
  for (const chunk of transitions.chunks) {
    for (const { from, to, afterCall } of segmentsOf(chunk)) {
      if (afterCall && emptyAtCalls) {
        pages.empty();
        whole.empty();
      }
      for (let i = from, last = -1; i < to; i++) {
        const id = chunk.ids[i];
        pages.use(id);
        if (regionOf[id] !== last) whole.use(last = regionOf[id]);
      }
    }
  }
  const touchedPages = new Float64Array(regions.length);
  for (const region of regionOf) touchedPages[region]++;
  return {
    regions,
    firstUses: pages.firstUses,
    firstHugeUses: whole.firstUses,
    touchedPages,
    small: pages.patterns.all(({ distance, ways }) => distance - ways + 1),
    huge: whole.patterns.all(({ ways }) => ways),
  };
}

/** The units of each set, last used first, and what lies between two uses of one. */
class ReuseLists {
  readonly patterns: PatternTable;
  readonly firstUses: Float64Array;
  /** Ids plus 1; 0 is nobody. */
  private readonly lists: Uint32Array;
  private readonly startOf: Uint32Array;
  private readonly room: number;

  constructor(numbers: Float64Array, private readonly regionOf: Uint32Array, sets: number, private readonly ways: number) {
    const sizes = new Uint32Array(sets);
    for (const number of numbers) sizes[number % sets]++;
    this.room = Math.max(...sizes);
    this.lists = new Uint32Array(sets * this.room);
    this.startOf = Uint32Array.from(numbers, (number) => (number % sets) * this.room);
    const regionCount = Math.max(-1, ...regionOf) + 1;
    this.firstUses = new Float64Array(regionCount);
    this.patterns = new PatternTable(regionCount, ways);
  }

  use(id: number): void {
    const { lists } = this;
    const start = this.startOf[id];
    const unit = id + 1;
    let moving = unit;
    let place = start;
    for (; moving !== 0; place++) {
      const met = lists[place];
      lists[place] = moving;
      if (met === unit) break;
      moving = met;
    }
    const distance = place - start;
    if (moving === 0) this.firstUses[this.regionOf[id]]++;
    else if (distance >= this.ways) this.patterns.add(lists, start + 1, start + distance + 1, this.regionOf, this.regionOf[id]);
  }

  empty(): void {
    this.lists.fill(0);
  }
}

interface Met {
  region: number;
  count: number;
  distance: number;
  ways: number;
  /** Pairs of region and pages. */
  others: Uint32Array;
  /** Another one with the same hash. */
  next: Met | null;
}

/** Patterns met so far, found again by a hash of what they consist of, compared in full. */
class PatternTable {
  private readonly met = new Map<number, Met>();
  private readonly pages: Uint32Array;
  private readonly touched: Uint32Array;

  constructor(regionCount: number, private readonly ways: number) {
    this.pages = new Uint32Array(regionCount);
    this.touched = new Uint32Array(regionCount);
  }

  /** @param lists ids plus 1 of the units between, at [from, to) */
  add(lists: Uint32Array, from: number, to: number, regionOf: Uint32Array, region: number): void {
    const { pages, touched } = this;
    let size = 0;
    let hash = region;
    for (let place = from; place < to; place++) {
      const other = regionOf[lists[place] - 1];
      if (other === region) continue;
      if (pages[other]++ === 0) touched[size++] = other;
      hash += scattered(other);
    }
    const key = (Math.imul(hash, 31) + to - from) | 0;
    const found = this.find(this.met.get(key) ?? null, region, to - from, size);
    if (found) found.count++;
    else {
      const others = new Uint32Array(2 * size);
      touched.subarray(0, size).sort().forEach((other, i) => others.set([other, pages[other]], 2 * i));
      this.met.set(key, { region, count: 1, distance: to - from, ways: this.ways, others, next: this.met.get(key) ?? null });
    }
    for (let i = 0; i < size; i++) pages[touched[i]] = 0;
  }

  private find(candidate: Met | null, region: number, distance: number, size: number): Met | null {
    for (; candidate; candidate = candidate.next) {
      const { others } = candidate;
      if (candidate.region !== region || candidate.distance !== distance || others.length !== 2 * size) continue;
      let i = 0;
      while (i < others.length && this.pages[others[i]] === others[i + 1]) i += 2;
      if (i === others.length) return candidate;
    }
    return null;
  }

  /** All patterns, those made one that differ only in pages beyond the excess. */
  all(excessOf: (met: Met) => number): ReusePattern[] {
    const merged = new Map<string, ReusePattern>();
    for (const first of this.met.values()) {
      for (let met: Met | null = first; met; met = met.next) {
        const excess = excessOf(met);
        const others: ReusePattern['others'] = [];
        for (let i = 0; i < met.others.length; i += 2) others.push({ region: met.others[i], pages: Math.min(met.others[i + 1], excess) });
        const key = `${met.region} ${excess} ${others.map(({ region, pages }) => `${region}:${pages}`).join()}`;
        const known = merged.get(key);
        if (known) known.count += met.count;
        else merged.set(key, { region: met.region, count: met.count, others, excess });
      }
    }
    return [...merged.values()];
  }
}

/** Spreads small numbers over 32 bits (the finaliser of MurmurHash3). */
function scattered(value: number): number {
  let mixed = Math.imul(value + 1, 0x9e3779b1);
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  return mixed ^ (mixed >>> 13);
}
