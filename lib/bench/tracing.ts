/** What does recording an instruction trace cost, against Valgrind's own empty tool, and how large is the trace? */
import * as path from 'node:path';
import { ratioEstimate, type Estimate } from '../analysis/statistics.js';
import type { Sidecar } from '../deploy/types.js';
import { sendExactly } from '../load/load.js';
import { connectVaried } from '../load/varied.js';
import { slowClockWrap } from '../trace/slow-clock.js';
import { probeValgrindTrace, recordValgrindTrace, valgrindTraceWrap } from '../trace/valgrind.js';
import { atLeast, atMost, fixed, judged, printed, unavailable, type BenchRow } from './row.js';
import { targetOf, withSidecar, type Scene } from './scene.js';

const rounds = 8;
const requestsARound = 600;
const connections = 8;

/** As `valgrindTraceWrap`, with the tool that does nothing. */
const emptyTool = async () => [...await slowClockWrap(), 'valgrind', '--quiet', '--tool=none', '--vgdb=no', '--vex-guest-chase=no'];

const what = {
  on: 'requests/s under Valgrind while tracing (http), x those under its empty tool',
  off: 'requests/s under Valgrind while not tracing (http), x those under its empty tool',
  size: 'trace on disk (http, requests that differ)',
};
const reach = { on: atLeast(0.5, fixed(2)), off: printed, size: atMost(0.1, (value) => `${value} B/instruction`) };

/** The same batches through an Envoy under each tool, in turn. */
export async function tracing(scene: Scene): Promise<BenchRow[]> {
  const able = await probeValgrindTrace();
  if (!able.available) return (['on', 'off', 'size'] as const).map((name) => unavailable(what[name], reach[name], able));
  const rates = { empty: [] as number[], off: [] as number[], on: [] as number[] };
  const wrap = await valgrindTraceWrap();
  const bytesPerInstruction = await withSidecar(scene, 'http', (empty) => withSidecar(scene, 'http', async (traced) => {
    const client = connectVaried(targetOf(traced), connections);
    try {
      await client.send(connections);
      for (const sidecar of [empty, traced]) await rateOfBatch(scene, sidecar);
      for (let round = 0; round < rounds; round++) {
        rates.empty.push(await rateOfBatch(scene, empty));
        rates.off.push(await rateOfBatch(scene, traced));
        rates.on.push((await record(scene, traced, () => rateOfBatch(scene, traced))).result);
      }
      const { totals } = await record(scene, traced, () => client.send(requestsARound));
      return totals.fileBytes / totals.instructions;
    } finally {
      client.close();
    }
  }, wrap), await emptyTool());
  const row = (name: 'on' | 'off') => {
    const estimate = ratioEstimate(rates[name], rates.empty, { paired: true });
    return judged(what[name], reach[name], [estimate.value], describe(estimate));
  };
  return [row('on'), row('off'), judged(what.size, reach.size, [bytesPerInstruction], `${bytesPerInstruction.toFixed(4)} B/instruction`)];
}

function record<T>(scene: Scene, sidecar: Sidecar, body: () => Promise<T>) {
  return recordValgrindTrace(sidecar, { file: path.join(scene.newDir(), 'trace'), cpus: scene.testbed.cpus.others, body });
}

/** Closed loop: the worker as busy as it can be kept, so that only its own speed counts. */
async function rateOfBatch({ testbed }: Scene, sidecar: Sidecar): Promise<number> {
  const batch = { requests: requestsARound, connections, path: '/100' };
  return (await sendExactly(targetOf(sidecar), batch, { cpus: testbed.cpus.others })).achievedRatePerS;
}

/** `0.75 [0.71, 0.80], 8 rounds`: median of the rounds' ratios and its 95 % interval. */
function describe({ value, interval, n }: Estimate): string {
  const bounds = interval ? ` [${interval.map(fixed(2)).join(', ')}]` : '';
  return `${value.toFixed(2)}${bounds}, ${n} rounds`;
}
