/** One level of a TLB or cache: which entries it holds, and which one gives way to a new one. */
import { enlarged } from './transitions.js';
import type { PolicyMaker, ReplacementPolicy } from './replacement.js';

export interface Level {
  /** Touches an entry of a set, bringing it in when it is not there. @returns whether it was there. */
  access(entry: number, set: number): boolean;
  /** Forgets all entries. */
  empty(): void;
  /** Makes room for entries up to this number. */
  reserve(entries: number): void;
}

/** More would leave too few bits for the time. */
export const mostWays = 2 ** 14;

/** In slots: nothing there yet. Real entries start at 1. */
const noEntry = 0;
/** Where an entry is that is not here. */
const nowhere = 0;

/**
 * The entry that was not used for longest goes: exact LRU, a hit costing one store.
 *
 * Every way of every set is a slot. A slot's stamp is the time of its last use with the way in its lowest bits, so that
 * the smallest stamp of a set also says which way it is: the oldest is found without a branch to mispredict. All arrays
 * are signed: where signed and unsigned numbers meet, the JavaScript engine computes with floating point.
 */
export class LruLevel implements Level {
  private readonly ways: Int32Array;
  private readonly wayBits: number;
  private readonly entryIn: Int32Array;
  private readonly stamps: Int32Array;
  private slotOf = new Int32Array(1024);
  /** Grows by a step, above the bits of a way, with each access. */
  private time = 0;

  /** @param ways of each set */
  constructor(ways: readonly number[]) {
    this.ways = Int32Array.from(ways);
    this.wayBits = Math.ceil(Math.log2(Math.max(...ways)));
    // Slots of set s start at (s + 1) << wayBits, which leaves slot 0 for nowhere.
    const slots = (ways.length + 1) << this.wayBits;
    this.entryIn = new Int32Array(slots);
    this.stamps = new Int32Array(slots);
    this.empty();
  }

  access(entry: number, set: number): boolean {
    this.reserveTime(1);
    this.time += 1 << this.wayBits;
    const slot = this.slotOf[entry];
    const here = slot !== nowhere;
    this.stamp(here ? slot : this.replaceOldest(entry, set));
    return here;
  }

  /**
   * Touches units [from, to) one after another.
   * @param entryOf by unit; null where unit u is entry u + 1: a look-up less for each record
   * @param setOf by entry
   * @param misses by unit: increased where a unit's entry was not here
   * @param missed told the entry too, where somebody wants to know
   * @returns number of misses
   */
  accessAll(units: Uint16Array | Uint32Array, from: number, to: number, entryOf: Int32Array | null, setOf: Int32Array, misses: Uint32Array, missed: ((entry: number) => void) | null): number {
    const most = 2 ** 30 >> this.wayBits;
    let count = 0;
    for (let start = from; start < to; start += most) {
      const end = Math.min(to, start + most);
      this.reserveTime(end - start);
      count += this.accessPiece(units, start, end, entryOf, setOf, misses, missed);
    }
    return count;
  }

  private accessPiece(units: Uint16Array | Uint32Array, from: number, to: number, entryOf: Int32Array | null, setOf: Int32Array, misses: Uint32Array, missed: ((entry: number) => void) | null): number {
    const { wayBits, stamps, slotOf } = this;
    const step = 1 << wayBits;
    let { time } = this;
    let count = 0;
    for (let i = from; i < to; i++) {
      const unit = units[i];
      const entry = entryOf === null ? unit + 1 : entryOf[unit];
      let slot = slotOf[entry];
      time += step;
      if (slot === nowhere) {
        slot = this.replaceOldest(entry, setOf[entry]);
        count++;
        misses[unit]++;
        if (missed !== null) missed(entry);
      }
      stamps[slot] = time | (slot & (step - 1));
    }
    this.time = time;
    return count;
  }

  private replaceOldest(entry: number, set: number): number {
    const { stamps, wayBits, slotOf, entryIn } = this;
    const start = (set + 1) << wayBits;
    const end = start + this.ways[set];
    // From both ends: neither waits for the other.
    let oldest = stamps[start];
    let oldestBehind = stamps[end - 1];
    for (let low = start + 1, high = end - 2; low <= high; low++, high--) {
      oldest = smaller(oldest, stamps[low]);
      oldestBehind = smaller(oldestBehind, stamps[high]);
    }
    oldest = smaller(oldest, oldestBehind);
    const slot = start + (oldest & ((1 << wayBits) - 1));
    slotOf[entryIn[slot]] = nowhere;
    entryIn[slot] = entry;
    slotOf[entry] = slot;
    return slot;
  }

  private stamp(slot: number): void {
    this.stamps[slot] = this.time | (slot & ((1 << this.wayBits) - 1));
  }

  empty(): void {
    for (const entry of this.entryIn) this.slotOf[entry] = nowhere;
    this.entryIn.fill(noEntry);
    const wayMask = (1 << this.wayBits) - 1;
    for (let slot = 0; slot < this.stamps.length; slot++) this.stamps[slot] = slot & wayMask;
  }

  reserve(entries: number): void {
    if (entries > this.slotOf.length) this.slotOf = enlarged(this.slotOf, entries);
  }

  /** Makes sure that so many accesses can be stamped within 31 bits, renumbering the stamps when they are used up. */
  private reserveTime(accesses: number): void {
    const step = 1 << this.wayBits;
    if (this.time + accesses * step < 2 ** 31) return;
    for (let set = 0; set < this.ways.length; set++) this.renumber((set + 1) * step, step);
    this.time = step * step;
  }

  /** Numbers the stamps of one set anew, from 0, in their order. */
  private renumber(start: number, step: number): void {
    const order = Array.from({ length: step }, (_, way) => start + way).sort((a, b) => this.stamps[a] - this.stamps[b]);
    order.forEach((slot, rank) => { this.stamps[slot] = rank * step + slot - start; });
  }
}

/** Of two numbers of 31 bits, without a branch. */
function smaller(a: number, b: number): number {
  const difference = (b - a) | 0;
  return (a + (difference & (difference >> 31))) | 0;
}

/** Any other policy. */
export class PolicyLevel implements Level {
  private wayOf = new Int32Array(1024).fill(-1);
  /** Entries of each set, by way. */
  private readonly sets: Uint32Array[];
  private readonly policy: ReplacementPolicy;

  /** @param ways of each set */
  constructor(ways: readonly number[], makePolicy: PolicyMaker) {
    this.sets = ways.map((count) => new Uint32Array(count));
    this.policy = makePolicy(ways);
  }

  access(entry: number, set: number): boolean {
    const way = this.wayOf[entry];
    if (way >= 0) {
      this.policy.hit(set, way);
      return true;
    }
    const entries = this.sets[set];
    const free = entries.indexOf(noEntry);
    const chosen = free >= 0 ? free : this.policy.victim(set);
    if (free < 0) this.wayOf[entries[chosen]] = -1;
    entries[chosen] = entry;
    this.wayOf[entry] = chosen;
    this.policy.filled(set, chosen);
    return false;
  }

  empty(): void {
    this.wayOf.fill(-1);
    for (const entries of this.sets) entries.fill(noEntry);
    this.policy.empty();
  }

  reserve(entries: number): void {
    const known = this.wayOf.length;
    if (entries <= known) return;
    this.wayOf = enlarged(this.wayOf, entries);
    this.wayOf.fill(-1, known);
  }
}
