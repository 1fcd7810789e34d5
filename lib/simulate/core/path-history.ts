/**
 * The path that led here: two bits of every taken branch and its target, the newest first. Predictors look at their own
 * length of it, folded to the width of an index or tag; the folded images are kept up to date branch by branch (Michaud,
 * "A PPM-like, tag-based predictor", JILP 2005). That only taken branches count, with two bits each, is how Intel's cores
 * are found to do it (Yavarzadeh et al., "Half&Half", IEEE S&P 2023).
 */
import { spread } from './hash.js';

const bitsPerBranch = 2;

export class PathHistory {
  /** By number given by `fold`. */
  readonly folded: Int32Array = new Int32Array(64);
  private readonly widths: number[] = [];
  private readonly lengths: number[] = [];
  /** How far the bits that leave have been turned by then. */
  private readonly turns: number[] = [];
  private ring = new Uint8Array(2);
  private newest = 0;

  /**
   * Asks for an image, before the first branch.
   * @param length taken branches
   * @param width bits, from 2
   * @returns its number
   */
  fold(length: number, width: number): number {
    if (this.widths.length === this.folded.length) throw new Error(`more than ${this.folded.length} folded histories asked for; give the predictors fewer tables`);
    if (!(length >= 1 && width >= bitsPerBranch && width <= 30)) throw new Error(`a history of ${length} branches in ${width} bits asked for; give at least 1 branch, and 2 to 30 bits`);
    while (this.ring.length <= length) this.ring = new Uint8Array(2 * this.ring.length);
    this.widths.push(width);
    this.lengths.push(length);
    this.turns.push(bitsPerBranch * length % width);
    return this.widths.length - 1;
  }

  /** A branch was taken. */
  taken(branch: number, target: number): void {
    const { folded, ring, widths, lengths, turns } = this;
    const ringMask = ring.length - 1;
    const bits = spread(branch ^ (target << 7) ^ (target >>> 5), bitsPerBranch);
    for (let i = 0; i < widths.length; i++) {
      const width = widths[i];
      const left = ring[(this.newest - lengths[i] + 1) & ringMask];
      folded[i] = turned(folded[i], bitsPerBranch, width) ^ bits ^ turned(left, turns[i], width);
    }
    this.newest = (this.newest + 1) & ringMask;
    ring[this.newest] = bits;
  }
}

/** Rotated to the left within `width` bits. */
function turned(value: number, by: number, width: number): number {
  return ((value << by) | (value >>> (width - by))) & ((1 << width) - 1);
}
