/** The same code at other addresses: what its layout does to the misses. */
import type { Geometry } from './geometry.js';
import { hugePageBytes } from './geometry.js';
import { placeHugePages, type Placement, type PlacementOptions } from './placement.js';
import { accessesOf, regroup, type Transitions } from './transitions.js';

const pageBytes = 4096;

/** Addresses [start, end), e.g. a mapped object or a function. */
export interface AddressRange {
  start: number;
  end: number;
}

/** Lines seen as the pages they lie in. */
export function pagesOfLines(lines: Transitions): Transitions {
  const { numbers, unitBytes } = lines.units;
  return regroup(lines, pageBytes, (id) => Math.floor(numbers[id] * unitBytes / pageBytes));
}

/**
 * Pages as they would be, had the loader put an object elsewhere.
 * @param object where it is; whatever else is mapped stays
 * @param shiftBytes a multiple of 4096, as loaders use
 * @throws Error on any other.
 */
export function atLoadAddress(pages: Transitions, object: AddressRange, shiftBytes: number): Transitions {
  const { numbers, unitBytes } = pages.units;
  if (shiftBytes % unitBytes !== 0) throw new Error(`code shifted by ${shiftBytes} bytes; give a multiple of ${unitBytes}`);
  const moved = Array.from(numbers.subarray(0, pages.units.size), (number) =>
    (number * unitBytes >= object.start && number * unitBytes < object.end ? number + shiftBytes / unitBytes : number));
  if (new Set(moved).size !== moved.length) throw new Error(`shifted by ${shiftBytes} bytes the object would lie on other code; move it elsewhere`);
  return regroup(pages, unitBytes, (id) => moved[id]);
}

export interface LoadAddressEffect {
  shiftBytes: number;
  /** For 0 up to `atMost` huge pages. */
  placements: Placement[];
}

/**
 * Best placements at load addresses spread evenly over 2 MB: which pages share a region depends on nothing else.
 * @param object the one that moves
 * @param samples how many addresses, the recorded one first; at most 512
 */
export function placementsByLoadAddress(pages: Transitions, geometry: Geometry, object: AddressRange, samples: number, options: PlacementOptions): LoadAddressEffect[] {
  const step = Math.max(1, Math.floor(hugePageBytes / pageBytes / samples)) * pageBytes;
  return Array.from({ length: samples }, (_, i) => ({
    shiftBytes: i * step,
    placements: placeHugePages(atLoadAddress(pages, object, i * step), geometry, options),
  }));
}

/**
 * Pages as they would be, were touched code laid out densely, hottest first: what a profile-guided layout would reach.
 * Without functions each touched line moves by itself, the least that any layout can need. With them whole functions
 * move, lines untouched included, in the order of accesses per line; touched lines of no function follow, one by one.
 * A line that several functions share goes with the one that holds its first byte.
 * @param lines transitions of 64-byte lines
 * @returns transitions of pages, the first at a border of 2 MB
 */
export function packedByHeat(lines: Transitions, functions: readonly AddressRange[] = []): Transitions {
  const { numbers, unitBytes, size } = lines.units;
  const pieces = piecesOf(lines, functions).sort((a, b) => b.accesses / b.lines - a.accesses / a.lines);
  const newNumber = new Float64Array(size);
  let place = 0;
  for (const { first, lines: count, ids } of pieces) {
    for (const id of ids) newNumber[id] = place + numbers[id] - first;
    place += count;
  }
  return regroup(lines, pageBytes, (id) => Math.floor(newNumber[id] * unitBytes / pageBytes));
}

/** What moves as one: lines [first, first + lines), and the ids of the touched ones. */
interface Piece {
  first: number;
  lines: number;
  ids: number[];
  accesses: number;
}

function piecesOf(lines: Transitions, functions: readonly AddressRange[]): Piece[] {
  const { numbers, unitBytes, size } = lines.units;
  const sorted = [...functions].sort((a, b) => a.start - b.start);
  const accesses = accessesOf(lines);
  const pieces = new Map<number, Piece>();
  for (let id = 0; id < size; id++) {
    const holder = holderOf(sorted, numbers[id] * unitBytes, unitBytes);
    const first = holder ? Math.floor(holder.start / unitBytes) : numbers[id];
    const last = holder ? Math.floor((holder.end - 1) / unitBytes) : numbers[id];
    const key = holder ? holder.start : -1 - id;
    const piece = pieces.get(key) ?? { first, lines: last - first + 1, ids: [], accesses: 0 };
    piece.ids.push(id);
    piece.accesses += accesses[id];
    pieces.set(key, piece);
  }
  return [...pieces.values()];
}

/** The function that holds a line's first byte, else the first one that begins in it. */
function holderOf(sorted: readonly AddressRange[], address: number, bytes: number): AddressRange | null {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle].start <= address) low = middle + 1;
    else high = middle;
  }
  if (low > 0 && sorted[low - 1].end > address) return sorted[low - 1];
  return low < sorted.length && sorted[low].start < address + bytes ? sorted[low] : null;
}
