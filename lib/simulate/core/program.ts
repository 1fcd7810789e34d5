import type { Anchor } from '../../analysis/anchors.js';
import type { Grouping } from '../../paper/components.js';
import type { RunDecoder } from '../../trace/decode.js';
import type { RequestSpan } from '../../trace/requests.js';
import type { Trace } from '../../trace/trace.js';

/** A trace in memory as a core replays it, any number of times. Opaque outside lib/simulate/core. */
export interface CoreInput {
  /** Run ids in order of execution. */
  sequence: Uint32Array;
}

export interface PrepareInput {
  trace: Trace;
  /** Whole requests, in order. */
  spans: readonly Pick<RequestSpan, 'start' | 'end'>[];
  decoder: RunDecoder;
  /** Of the program with that build id. */
  anchors: readonly Anchor[];
  buildId: string;
  grouping: Grouping;
}

export declare function prepare(input: PrepareInput): Promise<CoreInput>;
