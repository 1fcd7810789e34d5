/** How many sampled call stacks reach the start of the thread, recorded as the experiments do? */
import { perfRecord } from '../counters/perf-record.js';
import { wholeShare } from '../counters/stacks.js';
import { policyById } from '../deploy/catalogue.js';
import { busyLoad } from '../experiments/components.js';
import { measure } from '../experiments/measure.js';
import { atLeast, count, judged, percent, unavailable, type BenchRow } from './row.js';
import type { Scene } from './scene.js';

const durationS = 5;
const reach = atLeast(0.98, percent(0));

export async function stacks({ testbed }: Scene): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const policy of ['http', 'tcp']) {
    const what = `sampled stacks complete (${policy})`;
    const able = await perfRecord.probe();
    if (!able.available) {
      rows.push(unavailable(what, reach, able));
      continue;
    }
    const run = await measure(testbed, { experiment: 'bench', config: policyById(policy), collector: 'perf-record', load: busyLoad(durationS), repeat: 0 });
    const profile = perfRecord.read(run.dir);
    const samples = profile.stacks.reduce((sum, stack) => sum + stack.samples, 0);
    const share = wholeShare(profile);
    rows.push(judged(what, reach, [share], `${percent(2)(share)} of ${count(samples)} (${profile.stacks[0].event})`, run.warnings.map(({ text }) => text)));
  }
  return rows;
}
