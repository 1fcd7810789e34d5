/** Runs a TLB or cache of any geometry over transitions, access by access. */
import { checkGeometry, hugePageBytes, type EntryArray, type Geometry } from './geometry.js';
import { LruLevel, PolicyLevel, type Level } from './level.js';
import { enlarged, segmentsOf, type TransitionChunk, type Transitions, type UnitTable } from './transitions.js';

export interface SimulationOptions {
  /** Numbers (address / 2 MB) of the regions mapped with huge pages; needs a geometry with `huge`. */
  hugeRegions?: readonly number[];
  /** True: a system call leaves nothing behind, the upper bound of misses. False: it touches nothing, the lower. */
  emptyAtCalls?: boolean;
}

export interface SimulationResult {
  /** Records fed. */
  accesses: number;
  misses: number;
  /** Of those, missed by the second level as well: page walks, in a TLB. 0 without second level. */
  secondMisses: number;
  /** By unit id. */
  missesOf: Uint32Array;
  /** By unit id: misses of an entry that had been there before and was thrown out ("swaps" of Fig 11b). */
  swapsOf: Uint32Array;
  /** By request: its misses in the first level, and of those in the second. */
  missesOfRequest: number[];
  secondMissesOfRequest: number[];
}

/** Simulates transitions in memory. @throws Error on a geometry that cannot be. */
export function simulate({ units, chunks }: Transitions, geometry: Geometry, options: SimulationOptions = {}): SimulationResult {
  const simulator = new Simulator(units, geometry, options);
  for (const chunk of chunks) simulator.feed(chunk);
  return simulator.result();
}

/** Both bounds: what the kernel leaves in the TLB or cache during a system call is not in a trace of user code. */
export function simulateBounds(transitions: Transitions, geometry: Geometry, options: Omit<SimulationOptions, 'emptyAtCalls'> = {}): { kept: SimulationResult; emptied: SimulationResult } {
  return {
    kept: simulate(transitions, geometry, { ...options, emptyAtCalls: false }),
    emptied: simulate(transitions, geometry, { ...options, emptyAtCalls: true }),
  };
}

/** A simulation that is fed chunk by chunk. */
export class Simulator {
  private readonly first: Level;
  private readonly second: Level | null;
  private readonly missed: ((entry: number) => void) | null;
  private readonly hugeRegions: Set<number>;
  private readonly entryOfRegion = new Map<number, number>();
  /** Entries count from 1: a unit's own, or that of the huge page it lies in. Without huge pages unit u is entry u + 1. */
  private entries = 0;
  private knownUnits = 0;
  private entryOf = new Int32Array(1024);
  /** By entry. */
  private setOf = new Int32Array(1024);
  private secondSetOf = new Uint32Array(1024);
  /** By unit. */
  private misses = new Uint32Array(1024);
  private accesses = 0;
  private missCount = 0;
  private secondMissCount = 0;
  private request = -1;
  private requestMissesBefore = [0, 0];
  private readonly missesOfRequest: number[] = [];
  private readonly secondMissesOfRequest: number[] = [];

  /** @param units of the transitions that will be fed; may grow meanwhile. @throws Error on a geometry that cannot be. */
  constructor(private readonly units: UnitTable, private readonly geometry: Geometry, private readonly options: SimulationOptions = {}) {
    checkGeometry(geometry);
    this.hugeRegions = new Set(options.hugeRegions);
    if (this.hugeRegions.size > 0 && !geometry.huge) throw new Error(`${this.hugeRegions.size} huge pages asked for of a geometry without entries for them; give it \`huge\``);
    this.first = level([geometry.first, ...(geometry.huge ? [geometry.huge] : [])], geometry);
    this.second = geometry.second ? level([geometry.second], geometry) : null;
    this.missed = this.second && ((entry) => this.askSecond(entry));
  }

  feed(chunk: TransitionChunk): void {
    this.learnUnits();
    for (const { from, to, afterCall, border } of segmentsOf(chunk)) {
      if (afterCall && this.options.emptyAtCalls) {
        this.first.empty();
        this.second?.empty();
      }
      if (border !== null) this.enterRequest(border);
      this.accesses += to - from;
      this.missCount += this.touch(chunk.ids, from, to);
    }
  }

  result(): SimulationResult {
    this.enterRequest(this.request);
    const missesOf = this.misses.slice(0, this.units.size);
    return {
      accesses: this.accesses,
      misses: this.missCount,
      secondMisses: this.secondMissCount,
      missesOf,
      swapsOf: this.swaps(missesOf),
      missesOfRequest: this.missesOfRequest,
      secondMissesOfRequest: this.secondMissesOfRequest,
    };
  }

  /** @returns number of misses */
  private touch(ids: Uint16Array | Uint32Array, from: number, to: number): number {
    const { first, entryOf, setOf, misses, missed } = this;
    if (first instanceof LruLevel) return first.accessAll(ids, from, to, this.hugeRegions.size > 0 ? entryOf : null, setOf, misses, missed);
    let count = 0;
    for (let i = from; i < to; i++) {
      const entry = entryOf[ids[i]];
      if (first.access(entry, setOf[entry])) continue;
      count++;
      misses[ids[i]]++;
      missed?.(entry);
    }
    return count;
  }

  private askSecond(entry: number): void {
    if (!this.second!.access(entry, this.secondSetOf[entry])) this.secondMissCount++;
  }

  /** An entry's first miss is that of the first of its units to be touched, and ids are in that order. */
  private swaps(missesOf: Uint32Array): Uint32Array {
    const seen = new Set<number>();
    return missesOf.map((misses, id) => {
      const entry = this.entryOf[id];
      if (seen.has(entry) || misses === 0) return misses;
      seen.add(entry);
      return misses - 1;
    });
  }

  /** Closes the account of the request before; entering the same one again only brings it up to date. */
  private enterRequest(request: number): void {
    if (this.request >= 0) {
      this.missesOfRequest[this.request] = (this.missesOfRequest[this.request] ?? 0) + this.missCount - this.requestMissesBefore[0];
      this.secondMissesOfRequest[this.request] = (this.secondMissesOfRequest[this.request] ?? 0) + this.secondMissCount - this.requestMissesBefore[1];
    }
    this.requestMissesBefore = [this.missCount, this.secondMissCount];
    this.request = request;
  }

  private learnUnits(): void {
    this.reserve(this.units.size + 1);
    const { first, huge } = this.geometry;
    for (; this.knownUnits < this.units.size; this.knownUnits++) {
      const number = this.units.numbers[this.knownUnits];
      const region = Math.floor(number * this.units.unitBytes / hugePageBytes);
      const isHuge = huge !== undefined && this.hugeRegions.has(region);
      this.entryOf[this.knownUnits] = isHuge ? this.entryOfHuge(region, first.sets, huge) : this.newEntry(number, number % first.sets);
    }
  }

  private entryOfHuge(region: number, setsBefore: number, huge: EntryArray): number {
    const known = this.entryOfRegion.get(region);
    if (known !== undefined) return known;
    const entry = this.newEntry(region, setsBefore + region % huge.sets);
    this.entryOfRegion.set(region, entry);
    return entry;
  }

  private newEntry(number: number, set: number): number {
    const entry = ++this.entries;
    this.setOf[entry] = set;
    if (this.geometry.second) this.secondSetOf[entry] = number % this.geometry.second.sets;
    return entry;
  }

  private reserve(units: number): void {
    this.first.reserve(units);
    this.second?.reserve(units);
    if (units <= this.entryOf.length) return;
    for (const name of ['entryOf', 'setOf'] as const) this[name] = enlarged(this[name], units);
    for (const name of ['secondSetOf', 'misses'] as const) this[name] = enlarged(this[name], units);
  }
}

function level(arrays: readonly EntryArray[], { policy }: Geometry): Level {
  const ways = arrays.flatMap(({ sets, ways: each }) => Array.from({ length: sets }, () => each));
  return policy ? new PolicyLevel(ways, policy) : new LruLevel(ways);
}
