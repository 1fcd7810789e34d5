/**
 * Code addresses in 31 bits. Each region of 2 MB that code lies in gets a place, in order of address, and a free one
 * behind it for what runs over its end. The lowest 21 bits of an address stay as they are, and with them its set in
 * every cache and TLB.
 */
import { hugePageBytes } from '../geometry.js';

export const regionBits = 21;
export const lineBits = 6;
/** Lines of a page, and pages of a region, as powers of two. */
export const pageLineBits = 6;
export const regionPageBits = 9;

const mostRegions = 2 ** (31 - regionBits) - 1;

export class CodeMap {
  /** Region (address / 2 MB) at each place. */
  readonly regions: readonly number[];
  private readonly placeOf: Map<number, number>;

  /** @param addresses any of each region that code lies in. @throws Error when there are more than fit. */
  constructor(addresses: Iterable<number>) {
    const touched = new Set<number>();
    for (const address of addresses) touched.add(regionOf(address)).add(regionOf(address) + 1);
    this.regions = [...touched].sort((a, b) => a - b);
    if (this.regions.length > mostRegions) throw new Error(`code lies in ${this.regions.length} regions of 2 MB, up to ${mostRegions} can be replayed; give a trace of one program`);
    this.placeOf = new Map(this.regions.map((region, place) => [region, place]));
  }

  /** How many lines of 64 bytes short addresses can lie in. */
  get lines(): number {
    return this.regions.length << (regionBits - lineBits);
  }

  /** The short form of an address; -1 when it lies in none of the regions. */
  short(address: number): number {
    const place = this.placeOf.get(regionOf(address));
    return place === undefined ? -1 : place * hugePageBytes + address % hugePageBytes;
  }
}

function regionOf(address: number): number {
  return Math.floor(address / hugePageBytes);
}
