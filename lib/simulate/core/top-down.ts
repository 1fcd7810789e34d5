/** Top-down analysis, level 1, of simulated events. */
import type { FrontendEvents } from './events.js';
import type { CoreParameters } from './parameters.js';

/** Shares of slots, which sum to 1 without the back end. */
export interface TopDown {
  retiring: number;
  badSpeculation: number;
  frontend: number;
  /** Not modelled: a trace of code holds no data addresses and no dependences. The other three are therefore upper bounds. */
  backend: null;
}

/**
 * Splits the slots (cycles x issue width) of a replay as Yasin does ("A top-down method for performance analysis and
 * counters architecture", ISPASS 2014), an instruction taken for one micro-operation:
 *
 *     retiring         instructions / slots
 *     bad speculation  mispredictions x (mispredictionCycles - refillCycles) / cycles: wrong-path work is issued meanwhile
 *     frontend         the rest: icache and iTLB stalls, decode resteers, refilling after mispredictions (which
 *                      Branch_Resteers counts), and slots that fetch and decode do not fill
 *
 * @throws Error on events without cycles.
 */
export function topDown(events: FrontendEvents, core: CoreParameters): TopDown {
  const { cycles, instructions, branchMisses } = events;
  if (!(cycles > 0)) throw new Error(`${cycles} cycles cannot be split; give events of a request`);
  const retiring = instructions / (cycles * core.issueWidth);
  const badSpeculation = branchMisses.all * (core.mispredictionCycles - core.refillCycles) / cycles;
  return { retiring, badSpeculation, frontend: 1 - retiring - badSpeculation, backend: null };
}
