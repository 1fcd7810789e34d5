/** Do instruction counts repeat: the same Envoy counted several times, and Envoys started afresh? */
import { instructionRegions, instructionWrap } from '../counters/instruction-regions.js';
import { atMost, count, judged, percent, unavailable, type BenchRow } from './row.js';
import { sendBatch, withSidecar, type Scene } from './scene.js';

const freshStarts = 3;
const repeats = 3;
const reach = atMost(0.01, percent(0));

export async function instructions(scene: Scene): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const policy of ['http', 'tcp']) rows.push(...await ofPolicy(scene, policy));
  return rows;
}

async function ofPolicy(scene: Scene, policy: string): Promise<BenchRow[]> {
  const names = [`user instructions a request (${policy}): ${repeats} counts of one Envoy`, `user instructions a request (${policy}): ${freshStarts} fresh Envoys`];
  const able = await instructionRegions.probe();
  if (!able.available) return names.map((name) => unavailable(name, reach, able));
  const starts: number[][] = [];
  for (let start = 0; start < freshStarts; start++) starts.push(await countsOfOneEnvoy(scene, policy));
  const [within, across] = [starts.map(spread), [spread(starts.map(([first]) => first))]];
  return [within, across].map((values, i) =>
    judged(names[i], reach, values, `${percent(2)(Math.max(...values))} apart at most (of ${count(starts[0][0])})`));
}

/** Instructions per request, after a first batch that warms code paths and pools. */
async function countsOfOneEnvoy(scene: Scene, policy: string): Promise<number[]> {
  const wrap = await instructionWrap(scene.testbed.envoy.path, scene.newDir());
  return withSidecar(scene, policy, async (sidecar) => {
    await sendBatch(scene, sidecar);
    const counts: number[] = [];
    for (let repeat = 0; repeat < repeats; repeat++) {
      const dir = scene.newDir();
      const { requests } = await instructionRegions.record(sidecar, dir, () => sendBatch(scene, sidecar), scene.testbed.cpus.others);
      counts.push(instructionRegions.read(dir).instructions / requests);
    }
    return counts;
  }, wrap);
}

/** How far the highest lies above the lowest, as a share of the lowest. */
function spread(values: number[]): number {
  return Math.max(...values) / Math.min(...values) - 1;
}
