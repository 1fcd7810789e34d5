/** The same requests traced by our recorder and counted by callgrind: whole recordings, so that nothing hides at borders. */
import { callgrind } from '../counters/callgrind.js';
import { callgrindMisses } from '../simulate/callgrind-cache.js';
import type { Run } from '../store/run-store.js';
import { countBranches } from '../trace/branches.js';
import type { RunDecoder } from '../trace/decode.js';
import type { Trace } from '../trace/trace.js';
import type { PolicyInfo } from './components-data.js';
import { repetitionsIn } from './trace-collectors.js';

export interface CallgrindComparison {
  policy: PolicyInfo;
  /** Of the trace, and callgrind's. */
  runs: [string, string];
  quantities: ComparedQuantity[];
}

/** Both per request. */
export interface ComparedQuantity {
  label: string;
  trace: number;
  callgrind: number;
}

/**
 * @param traced run of the Valgrind tool `trace`, with its trace and the code it ran.
 * @param counted run of callgrind with as many of the same requests.
 * @throws Error when the trace is damaged, or the two do not hold equally many requests.
 */
export async function compareWithCallgrind(traced: Run, trace: Trace, decoder: RunDecoder, counted: Run): Promise<CallgrindComparison> {
  const requests = counted.spec.load.requests ?? 0;
  if (requests === 0 || requests !== traced.spec.load.requests) throw new Error(`${counted.id} counts ${requests} requests, ${traced.id} traces ${traced.spec.load.requests}; record both again`);
  const counts = callgrind.read(counted.dir);
  const repetitions = repetitionsIn(traced.dir);
  const misses = await callgrindMisses(trace, { firstInstructionBytes: (id) => decoder.run(id).lengths[0] });
  const [branches] = await countBranches(trace, decoder, [{ start: 0, end: Infinity }]);
  const quantity = (label: string, ours: number, event: string): ComparedQuantity => ({ label, trace: ours / requests, callgrind: counts[event] / requests });
  return {
    policy: traced.policy, runs: [traced.id, counted.id],
    quantities: [
      // Whether a string instruction repeats once more is a conditional branch to Valgrind.
      ...(repetitions === null ? [] : [
        quantity('instructions, repetitions counted', branches.instructions + repetitions, 'Ir'),
        quantity('conditional branches, repetitions counted', branches.conditional + repetitions, 'Bc'),
      ]),
      quantity('misses of a 32 kB instruction cache', misses, 'I1mr'),
      quantity('indirect jumps and calls', branches.indirect, 'Bi'),
    ],
  };
}
