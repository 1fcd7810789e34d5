/** Counts branches as Intel's BR_INST_RETIRED does (Ice Lake event list, code C4), from a trace and its code. */
import { End, type RunDecoder } from './decode.js';
import { byRequest, type RequestSpan } from './requests.js';
import type { Trace } from './trace.js';

export interface BranchCounts {
  instructions: number;
  /** COND_TAKEN and COND_NTAKEN: the next run begins elsewhere than behind the branch, or there. */
  conditionalTaken: number;
  conditionalNotTaken: number;
  /** Direct jumps; Intel counts them in NEAR_TAKEN only. */
  jumps: number;
  indirectJumps: number;
  indirectCalls: number;
  /** NEAR_CALL: direct and indirect. */
  calls: number;
  /** NEAR_RETURN. */
  returns: number;
  /** INDIRECT: jumps and calls through a register or memory, without returns. */
  indirect: number;
  /** COND. */
  conditional: number;
  /** NEAR_TAKEN: every branch but the conditional ones not taken. */
  nearTaken: number;
  /** ALL_BRANCHES without system calls, which the processor counts as FAR_BRANCH. */
  all: number;
  systemCalls: number;
  /** Runs that end without branch, but are not followed by the next instruction: signal handlers, or gaps of the recorder. */
  breaks: number;
}

/**
 * Counts the branches of each request. Conditional branches at the very end of a trace are in no count, since nothing
 * tells whether they were taken.
 * @param spans of `findRequests`.
 * @returns one for each span.
 * @throws Error when the code is not that which was traced, or the trace file is damaged.
 */
export async function countBranches(trace: Trace, decoder: RunDecoder, spans: readonly Pick<RequestSpan, 'start' | 'end'>[]): Promise<BranchCounts[]> {
  const tallies = spans.map(() => new Tally());
  let previous = -1;
  let previousRequest = -1;
  for await (const { ids, from, to, request } of byRequest(trace, spans)) {
    const { address, bytes, instructions } = trace.runs;
    const tally = tallies[request];
    for (let at = from; at < to; at++) {
      const id = ids[at];
      if (previousRequest >= 0) tallies[previousRequest].leave(decoder.end(previous), address[id] === address[previous] + bytes[previous]);
      if (tally) tally.instructions += instructions[id];
      previous = id;
      previousRequest = request;
    }
  }
  if (previousRequest >= 0) tallies[previousRequest].leave(decoder.end(previous), null);
  return tallies.map((tally) => tally.counts());
}

class Tally {
  instructions = 0;
  private readonly fallen = new Float64Array(Object.keys(End).length);
  private readonly taken = new Float64Array(Object.keys(End).length);

  /** @param hasFallen to the instruction behind the run; null when unknown. */
  leave(end: End, hasFallen: boolean | null): void {
    if (hasFallen) this.fallen[end]++;
    else if (hasFallen === false || end !== End.conditional) this.taken[end]++;
  }

  counts(): BranchCounts {
    const of = (end: End) => this.taken[end] + this.fallen[end];
    const [jumps, indirectJumps, indirectCalls, returns] = [End.jump, End.indirectJump, End.indirectCall, End.return].map(of);
    const calls = of(End.call) + indirectCalls;
    const [conditionalTaken, conditionalNotTaken] = [this.taken[End.conditional], this.fallen[End.conditional]];
    const nearTaken = conditionalTaken + jumps + indirectJumps + calls + returns;
    return {
      instructions: this.instructions,
      conditionalTaken,
      conditionalNotTaken,
      jumps,
      indirectJumps,
      indirectCalls,
      calls,
      returns,
      indirect: indirectJumps + indirectCalls,
      conditional: conditionalTaken + conditionalNotTaken,
      nearTaken,
      all: nearTaken + conditionalNotTaken,
      systemCalls: of(End.systemCall),
      breaks: this.taken[End.none],
    };
  }
}
