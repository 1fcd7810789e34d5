/**
 * The branch target buffer: where each taken branch went last. It also tells the front end that there is a branch at
 * all, before anything is decoded (Lee & Smith, "Branch Prediction Strategies and Branch Target Buffer Design", IEEE
 * Computer 1984). Set-associative, LRU, full tags: two branches are never mistaken for each other.
 */
import type { EntryArray } from '../geometry.js';
import { spread } from './hash.js';

const none = -1;

export class TargetBuffer {
  /** Branches of each set in order of use, and their targets. */
  private readonly branches: Int32Array;
  private readonly targets: Int32Array;
  private readonly ways: number;
  private readonly setBits: number;

  constructor({ sets, ways }: EntryArray) {
    this.branches = new Int32Array(sets * ways).fill(none);
    this.targets = new Int32Array(sets * ways).fill(none);
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

  /** A branch was taken: its entry is the last used one of its set. */
  taken(branch: number, target: number): void {
    const { branches, targets } = this;
    const first = this.firstOf(branch);
    let slot = first;
    while (slot < first + this.ways - 1 && branches[slot] !== branch) slot++;
    for (; slot > first; slot--) {
      branches[slot] = branches[slot - 1];
      targets[slot] = targets[slot - 1];
    }
    branches[first] = branch;
    targets[first] = target;
  }

  /** Forgets everything. */
  empty(): void {
    this.branches.fill(none);
  }

  /** Branches lie at any byte, many of them aligned: the lowest bits alone would leave sets unused. */
  private firstOf(branch: number): number {
    return spread(branch, this.setBits) * this.ways;
  }
}
