import type { CoreInput } from './program.js';
import type { CoreParameters } from './parameters.js';
import type { FrontendEvents } from './events.js';
import type { Component } from '../../paper/components.js';

export interface ReplayOptions {
  /** True: a system call leaves nothing in caches and TLBs, the upper bound. False: it touches nothing, the lower. */
  emptyAtCalls?: boolean;
  /** Numbers (address / 2 MB) of the regions mapped with huge pages. */
  hugeRegions?: readonly number[];
  /** Whether what is fetched after a misprediction goes through the caches; true unless told. */
  wrongPath?: boolean;
  /** Every indirect jump and call is predicted. */
  perfectIndirect?: boolean;
  /** This component's code has caches and TLBs of its own, as on another core. */
  isolated?: Component;
  /** Requests replayed first and not counted; 8 unless told (one a connection of the shipped traces), fewer where there are fewer than twice as many. */
  warmUp?: number;
}

export interface ReplayResult {
  /** Counted requests, in order. */
  requests: FrontendEvents[];
  /** Those before them, from a cold core on. */
  warmUp: FrontendEvents[];
  /** Mean of `requests`. */
  mean: FrontendEvents;
  /** The same by component, adding up to `mean`; components without instructions are left out. */
  byComponent: Map<Component, FrontendEvents>;
}

/** @throws Error on a core that cannot be, or without requests. */
export declare function replay(input: CoreInput, core: CoreParameters, options?: ReplayOptions): ReplayResult;
export type { BranchMisses, FrontendEvents } from './events.js';
