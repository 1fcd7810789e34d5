/**
 * The branch target buffer: where each taken branch went last. It also tells the front end that there is a branch at
 * all, before anything is decoded (Lee & Smith, "Branch Prediction Strategies and Branch Target Buffer Design", IEEE
 * Computer 1984). Set-associative, full tags: two branches are never mistaken for each other.
 *
 * A branch that is new takes the place of any of its set, by chance. LRU would be wrong: of five branches in turn, in a
 * set of four ways, it loses all, while Haswell loses one in five (Godbolt, "Inside the Ivy Bridge and Haswell BTB",
 * xania.org 2016). How Haswell chooses is not known; chance loses every second one.
 */
import type { EntryArray } from '../geometry.js';
import { spread } from './hash.js';
import { ShiftRegister } from './shift-register.js';

const none = -1;

export class TargetBuffer {
  private readonly branches: Int32Array;
  private readonly targets: Int32Array;
  private readonly ways: number;
  private readonly setBits: number;
  private readonly chance = new ShiftRegister();

  constructor({ sets, ways }: EntryArray) {
    this.branches = new Int32Array(sets * ways).fill(none);
    this.targets = new Int32Array(sets * ways);
    this.ways = ways;
    this.setBits = Math.log2(sets);
  }

  /** Where a branch is said to go, -1 when it is not known. */
  targetOf(branch: number): number {
    const { branches } = this;
    const first = this.firstOf(branch);
    for (let slot = first; slot < first + this.ways; slot++) if (branches[slot] === branch) return this.targets[slot];
    return none;
  }

  /** A branch was taken. */
  taken(branch: number, target: number): void {
    const slot = this.slotFor(branch);
    this.branches[slot] = branch;
    this.targets[slot] = target;
  }

  /** Forgets everything. */
  empty(): void {
    this.branches.fill(none);
  }

  /** Its own, a free one, or any. */
  private slotFor(branch: number): number {
    const { branches } = this;
    const first = this.firstOf(branch);
    for (let slot = first; slot < first + this.ways; slot++) if (branches[slot] === branch || branches[slot] === none) return slot;
    return first + this.chance.next() % this.ways;
  }

  /** Branches lie at any byte, many of them aligned: the lowest bits alone would leave sets unused. */
  private firstOf(branch: number): number {
    return spread(branch, this.setBits) * this.ways;
  }
}
