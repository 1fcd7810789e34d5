/** Instruction TLB misses of a traced policy, per request and as two bounds, with and without huge pages. */
import { median, type Interval } from './statistics.js';
import { hugePageBytes, type Geometry } from '../simulate/geometry.js';
import { placeHugePages, type Placement } from '../simulate/placement.js';
import { simulateBounds, type SimulationResult } from '../simulate/simulator.js';
import type { Transitions } from '../simulate/transitions.js';
import type { TraceHeader } from '../trace/trace.js';

/** Median over the requests: lower with the TLB's state kept at system calls, upper with it emptied. */
export interface Bounds {
  kept: number;
  emptied: number;
}

export interface TlbMisses {
  /** First level, of both page sizes. */
  misses: Bounds;
  /** Those that the second level misses too; zeros without one. */
  walks: Bounds;
}

export function tlbMisses(pages: Transitions, geometry: Geometry, hugeRegions?: readonly number[]): TlbMisses {
  const { kept, emptied } = simulateBounds(pages, geometry, { hugeRegions });
  const bounds = (pick: (result: SimulationResult) => number[]): Bounds => ({ kept: median(pick(kept)), emptied: median(pick(emptied)) });
  return { misses: bounds(({ missesOfRequest }) => missesOfRequest), walks: bounds(({ secondMissesOfRequest }) => secondMissesOfRequest) };
}

/** As an interval, whichever bound is the lower. */
export function intervalOf({ kept, emptied }: Bounds): Interval {
  return [Math.min(kept, emptied), Math.max(kept, emptied)];
}

/** A choice of huge pages and what it does to a policy's misses. */
export interface HugePageEffect {
  placement: Placement;
  misses: Bounds;
  /** Per cent of the misses without huge pages, bound by bound. */
  reduction: Bounds;
}

/** The best placements of 0 to `atMost` huge pages, by misses with the state kept. */
export function hugePageEffects(pages: Transitions, geometry: Geometry, atMost: number): HugePageEffect[] {
  const choices = placeHugePages(pages, geometry, { atMost }).map((placement) => ({ placement, misses: tlbMisses(pages, geometry, placement.regions).misses }));
  return choices.map(({ placement, misses }) => ({ placement, misses, reduction: reductionOf(misses, choices[0].misses) }));
}

/** All code on huge pages: the memory of every touched region. @param none misses without any huge page. */
export function allHuge(pages: Transitions, geometry: Geometry, none: Bounds): { misses: Bounds; reduction: Bounds; regions: number } {
  const regions = regionsTouched(pages);
  const { misses } = tlbMisses(pages, geometry, regions);
  return { misses, reduction: reductionOf(misses, none), regions: regions.length };
}

export function regionsTouched({ units }: Transitions): number[] {
  return [...new Set(Array.from(units.numbers.subarray(0, units.size), (number) => Math.floor(number * units.unitBytes / hugePageBytes)))];
}

function reductionOf(misses: Bounds, none: Bounds): Bounds {
  return { kept: 100 * (1 - misses.kept / none.kept), emptied: 100 * (1 - misses.emptied / none.emptied) };
}

/** Code of one object as one range, e.g. to ask what its load address does. */
export function rangeOf({ code }: Pick<TraceHeader, 'code'>, object: string): { start: number; end: number } | null {
  const own = code.filter((mapped) => mapped.object === object);
  return own.length === 0 ? null : { start: Math.min(...own.map(({ start }) => start)), end: Math.max(...own.map(({ end }) => end)) };
}
