/**
 * A predictor of indirect targets of the ITTAGE class: the last target by branch, and tagged tables of targets by branch
 * and ever longer history; the longest match that is sure of itself predicts (Seznec, "A 64-Kbytes ITTAGE indirect branch
 * predictor", JILP 2011). Updated at once, as tage.ts.
 */
import { spread } from './hash.js';
import type { IndirectPredictorSize } from './parameters.js';
import type { PathHistory } from './path-history.js';

const none = -1;
const surest = 3;
/** Branches after which nothing counts as useful any more, so that old entries can be replaced. */
const ageing = 2 ** 16;

export class IndirectPredictor {
  private readonly base: Int32Array;
  private readonly baseBits: number;
  /** Tables one after another. */
  private readonly targets: Int32Array;
  private readonly tags: Uint16Array;
  /** How sure of its target an entry is, 0 to 3. */
  private readonly sureness: Uint8Array;
  private readonly useful: Uint8Array;
  private readonly tables: number;
  private readonly indexBits: number;
  private readonly tagBits: number;
  private readonly folds: Int32Array;

  /** Of the branch predicted last. */
  private baseSlot = 0;
  private readonly slots: Int32Array;
  private readonly wanted: Int32Array;
  private provider = -1;
  private providerSays = none;
  private alternateSays = none;
  private said = none;
  private updates = 0;

  constructor({ baseEntries, entries, tagBits, histories }: IndirectPredictorSize, private readonly history: PathHistory) {
    this.base = new Int32Array(baseEntries);
    this.baseBits = Math.log2(baseEntries);
    this.tables = histories.length;
    this.indexBits = Math.log2(entries);
    this.tagBits = tagBits;
    this.targets = new Int32Array(entries * this.tables);
    this.tags = new Uint16Array(entries * this.tables);
    this.sureness = new Uint8Array(entries * this.tables);
    this.useful = new Uint8Array(entries * this.tables);
    this.folds = Int32Array.from(histories.flatMap((length) => [this.indexBits, tagBits].map((width) => history.fold(length, width))));
    this.slots = new Int32Array(this.tables);
    this.wanted = new Int32Array(this.tables);
    this.empty();
  }

  /** Where a branch will go, -1 when nothing is known of it; `update` has to follow. */
  predict(branch: number): number {
    this.look(branch);
    const isSure = this.provider >= 0 && this.sureness[this.slots[this.provider]] > 0;
    return (this.said = isSure || this.alternateSays === none ? this.providerSays : this.alternateSays);
  }

  /** Where the branch predicted last went. */
  update(target: number): void {
    if (this.provider >= 0) this.updateProvider(this.slots[this.provider], target);
    if (this.said !== target) this.allocate(target);
    this.base[this.baseSlot] = target;
    if (++this.updates % ageing === 0) this.useful.fill(0);
  }

  /** Forgets everything. */
  empty(): void {
    this.base.fill(none);
    this.targets.fill(none);
    this.sureness.fill(0);
    this.useful.fill(0);
  }

  private look(branch: number): void {
    const { folds, slots, wanted, indexBits, tagBits } = this;
    const { folded } = this.history;
    this.baseSlot = spread(branch, this.baseBits);
    this.provider = -1;
    this.providerSays = this.base[this.baseSlot];
    this.alternateSays = this.providerSays;
    const indexMask = (1 << indexBits) - 1;
    const tagMask = (1 << tagBits) - 1;
    for (let table = 0; table < this.tables; table++) {
      const slot = (table << indexBits) + ((branch ^ (branch >>> (indexBits - table)) ^ folded[folds[2 * table]]) & indexMask);
      const tag = (spread(branch, tagBits) ^ folded[folds[2 * table + 1]]) & tagMask;
      slots[table] = slot;
      wanted[table] = tag;
      if (this.tags[slot] !== tag || this.targets[slot] === none) continue;
      this.alternateSays = this.providerSays;
      this.provider = table;
      this.providerSays = this.targets[slot];
    }
  }

  private updateProvider(slot: number, target: number): void {
    const { sureness, targets } = this;
    const isRight = this.providerSays === target;
    if (isRight) sureness[slot] = Math.min(surest, sureness[slot] + 1);
    else if (sureness[slot] > 0) sureness[slot]--;
    else targets[slot] = target;
    if (this.providerSays !== this.alternateSays) this.useful[slot] = isRight ? 1 : 0;
  }

  private allocate(target: number): void {
    const { slots, useful } = this;
    for (let table = this.provider + 1; table < this.tables; table++) {
      const slot = slots[table];
      if (useful[slot] > 0) continue;
      this.tags[slot] = this.wanted[table];
      this.targets[slot] = target;
      this.sureness[slot] = 0;
      return;
    }
    for (let table = this.provider + 1; table < this.tables; table++) useful[slots[table]] = 0;
  }
}
