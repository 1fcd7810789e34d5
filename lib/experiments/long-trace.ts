/**
 * Experiment `long-trace`: as many requests as it takes to see from which one on the rates of a simulated core are flat.
 * Every request differs, so that none is learned by heart.
 */
import { prepare, type CoreInput } from '../simulate/core/program.js';
import type { RunStore } from '../store/run-store.js';
import { configOf, repeated, type Plan } from './plan.js';
import { openRecordedTrace } from './recorded-trace.js';
import { variedLoad } from './traces.js';
import { isGood } from './warnings.js';

export const longTrace = 'long-trace';

const requests = 200;
const connections = 8;

export interface LongTrace {
  /** As figures call it. */
  policy: string;
  run: string;
  input: CoreInput;
}

/** @param policy id; bare HTTP unless told. */
export function longTracePlan(policy = 'http'): Plan {
  return {
    experiment: longTrace,
    runs: repeated([{ experiment: longTrace, config: configOf(policy), collector: 'trace', load: variedLoad(requests, connections) }], 1, 11),
  };
}

/**
 * The newest there is, this machine's own first; null when there is none.
 * @throws Error naming the file when it is damaged.
 */
export async function longTraceOf(store: RunStore): Promise<LongTrace | null> {
  for (const recording of store.recordings()) {
    const [newest] = store.runs(recording, longTrace).filter(isGood).sort((a, b) => b.startedAt.localeCompare(a.startedAt));
    if (!newest) continue;
    return { policy: newest.policy.label, run: newest.id, input: await prepare({ ...await openRecordedTrace(recording, newest), grouping: 'ours' }) };
  }
  return null;
}
