/**
 * A direction predictor of the TAGE class: a base predictor of two-bit counters by branch, and tagged tables by branch
 * and ever longer history; the longest match predicts (Seznec & Michaud, "A case for (partially) TAgged GEometric history
 * length branch prediction", JILP 2006). Intel does not publish its predictors, but those of recent cores are found to be
 * of this kind (Yavarzadeh et al., "Half&Half", IEEE S&P 2023). Tables are updated at once, with the outcome; on a real
 * core that happens some branches later.
 */
import { spread } from './hash.js';
import type { DirectionPredictorSize } from './parameters.js';
import type { PathHistory } from './path-history.js';
import { ShiftRegister } from './shift-register.js';

/** Signed counters of three bits, taken from 0; weak are -1 and 0. */
const counterMost = 3;
const counterLeast = -4;
const weaklyNotTaken = 1;
const usefulMost = 3;
/** Branches after which every usefulness is halved, so that old entries can be replaced. */
const ageing = 2 ** 18;

export class Tage {
  private readonly base: Uint8Array;
  private readonly baseBits: number;
  /** Tables one after another. */
  private readonly counters: Int8Array;
  private readonly tags: Uint16Array;
  private readonly useful: Uint8Array;
  private readonly tables: number;
  private readonly indexBits: number;
  private readonly tagBits: number;
  /** Of each table: numbers of its folded histories, for the index and two for the tag. */
  private readonly folds: Int32Array;

  /** Of the branch predicted last: its slot in the base, and its slot and tag in each table. */
  private baseSlot = 0;
  private readonly slots: Int32Array;
  private readonly wanted: Int32Array;
  /** Table that predicted, and the next that would have; -1 for the base. */
  private provider = -1;
  private alternate = -1;
  private providerSays = false;
  private alternateSays = false;
  private said = false;

  /** Above 0, the alternate is trusted rather than an entry that is new. */
  private trustAlternate = 0;
  private updates = 0;
  private readonly chance = new ShiftRegister();

  constructor({ baseEntries, entries, tagBits, histories }: DirectionPredictorSize, private readonly history: PathHistory) {
    this.base = new Uint8Array(baseEntries);
    this.baseBits = Math.log2(baseEntries);
    this.tables = histories.length;
    this.indexBits = Math.log2(entries);
    this.tagBits = tagBits;
    this.counters = new Int8Array(entries * this.tables);
    this.tags = new Uint16Array(entries * this.tables);
    this.useful = new Uint8Array(entries * this.tables);
    this.folds = Int32Array.from(histories.flatMap((length) => [this.indexBits, tagBits, tagBits - 1].map((width) => history.fold(length, width))));
    this.slots = new Int32Array(this.tables);
    this.wanted = new Int32Array(this.tables);
    this.empty();
  }

  /** Whether a branch will be taken; `update` has to follow. */
  predict(branch: number): boolean {
    this.look(branch);
    this.alternateSays = this.alternate < 0 ? this.base[this.baseSlot] > 1 : this.counters[this.slots[this.alternate]] >= 0;
    if (this.provider < 0) {
      this.providerSays = this.alternateSays;
      return (this.said = this.alternateSays);
    }
    this.providerSays = this.counters[this.slots[this.provider]] >= 0;
    return (this.said = this.trustAlternate > 0 && this.isNew(this.slots[this.provider]) ? this.alternateSays : this.providerSays);
  }

  /** What the base alone says of a branch, whatever led to it. */
  basePrediction(branch: number): boolean {
    return this.base[spread(branch, this.baseBits)] > 1;
  }

  /** The outcome of the branch predicted last. */
  update(taken: boolean): void {
    if (this.provider >= 0) this.judgeNew(taken);
    if (this.said !== taken && this.provider < this.tables - 1) this.allocate(taken);
    if (this.provider < 0) this.train(this.base, this.baseSlot, taken);
    else this.updateProvider(this.slots[this.provider], taken);
    if (++this.updates % ageing === 0) for (let i = 0; i < this.useful.length; i++) this.useful[i] >>= 1;
  }

  /** Forgets everything. */
  empty(): void {
    this.base.fill(weaklyNotTaken);
    this.counters.fill(0);
    this.tags.fill(0);
    this.useful.fill(0);
    this.trustAlternate = 0;
  }

  /** Finds slots, tags and the two longest matches. */
  private look(branch: number): void {
    const { folds, slots, wanted, indexBits, tagBits } = this;
    const { folded } = this.history;
    this.baseSlot = spread(branch, this.baseBits);
    this.provider = -1;
    this.alternate = -1;
    const indexMask = (1 << indexBits) - 1;
    const tagMask = (1 << tagBits) - 1;
    for (let table = 0; table < this.tables; table++) {
      const index = (branch ^ (branch >>> indexBits) ^ (branch >>> (table + 1)) ^ folded[folds[3 * table]]) & indexMask;
      const slot = (table << indexBits) + index;
      const tag = (spread(branch, tagBits) ^ folded[folds[3 * table + 1]] ^ (folded[folds[3 * table + 2]] << 1)) & tagMask;
      slots[table] = slot;
      wanted[table] = tag;
      if (this.tags[slot] !== tag) continue;
      this.alternate = this.provider;
      this.provider = table;
    }
  }

  private isNew(slot: number): boolean {
    return this.useful[slot] === 0 && (this.counters[slot] === 0 || this.counters[slot] === -1);
  }

  /** Learns whether entries that are new are to be trusted. */
  private judgeNew(taken: boolean): void {
    if (!this.isNew(this.slots[this.provider]) || this.providerSays === this.alternateSays) return;
    this.trustAlternate = clamped(this.trustAlternate + (this.alternateSays === taken ? 1 : -1), -8, 7);
  }

  private updateProvider(slot: number, taken: boolean): void {
    const { counters, useful } = this;
    // While the entry has not been of use, what it would be replaced by goes on learning.
    if (useful[slot] === 0) this.updateAlternate(taken);
    counters[slot] = clamped(counters[slot] + (taken ? 1 : -1), counterLeast, counterMost);
    if (this.providerSays !== this.alternateSays) useful[slot] = clamped(useful[slot] + (this.providerSays === taken ? 1 : -1), 0, usefulMost);
  }

  private updateAlternate(taken: boolean): void {
    if (this.alternate < 0) return this.train(this.base, this.baseSlot, taken);
    const slot = this.slots[this.alternate];
    this.counters[slot] = clamped(this.counters[slot] + (taken ? 1 : -1), counterLeast, counterMost);
  }

  private train(base: Uint8Array, slot: number, taken: boolean): void {
    base[slot] = clamped(base[slot] + (taken ? 1 : -1), 0, 3);
  }

  /** A new entry in a table of longer history; where all are of use, they become less so. */
  private allocate(taken: boolean): void {
    const { slots, useful } = this;
    let first = this.provider + 1;
    // Now and then not in the next one, so that not all branches fight for the same table.
    if (first < this.tables - 1 && this.chance.next() % 4 === 0) first++;
    for (let table = first; table < this.tables; table++) {
      const slot = slots[table];
      if (useful[slot] > 0) continue;
      this.tags[slot] = this.wanted[table];
      this.counters[slot] = taken ? 0 : -1;
      return;
    }
    for (let table = first; table < this.tables; table++) useful[slots[table]]--;
  }
}

function clamped(value: number, least: number, most: number): number {
  return value < least ? least : value > most ? most : value;
}
