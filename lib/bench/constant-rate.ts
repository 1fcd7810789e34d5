/** Do the load generators keep a constant rate that the sidecar can bear? */
import type { Sidecar } from '../deploy/types.js';
import { busyLoad } from '../experiments/components.js';
import type { Availability } from '../host/availability.js';
import { buildNative } from '../load/generators.js';
import { startLoad } from '../load/load.js';
import type { GeneratorName, LoadOutcome, LoadSpec } from '../load/types.js';
import { between, count, fixed, judged, unavailable, type BenchRow } from './row.js';
import { targetOf, withSidecar, type Scene } from './scene.js';

const rounds = 3;
const durationS = 3;
/** Of the closed-loop maximum of the same generator, near which the knee lies. */
const shareOfMaximum = 0.5;
const reach = between(0.99, 1.01, fixed(2));

export async function constantRate(scene: Scene): Promise<BenchRow[]> {
  return withSidecar(scene, 'http', async (sidecar) => {
    const rows: BenchRow[] = [];
    for (const generator of ['native', 'npm'] as const) rows.push(await ofGenerator(scene, sidecar, generator));
    return rows;
  });
}

async function ofGenerator(scene: Scene, sidecar: Sidecar, generator: GeneratorName): Promise<BenchRow> {
  const what = `constant rate below the knee (http, ${generator} generator): achieved / intended`;
  const able: Availability = generator === 'native' ? await buildNative() : { available: true, version: '' };
  if (!able.available) return unavailable(what, reach, able);
  const maximum = await load(scene, sidecar, { mode: 'closed', durationS: 1.5 }, generator);
  const ratePerS = shareOfMaximum * maximum.achievedRatePerS;
  const ratios: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const outcome = await load(scene, sidecar, { mode: 'open', ratePerS, durationS }, generator);
    ratios.push(outcome.achievedRatePerS / ratePerS);
  }
  const [low, high] = [Math.min(...ratios), Math.max(...ratios)].map(fixed(4));
  return judged(what, reach, ratios, `${low}-${high}, ${rounds} x ${durationS} s at ${count(ratePerS)} requests/s`);
}

async function load(
  { testbed, newDir }: Scene, sidecar: Sidecar, spec: Pick<LoadSpec, 'mode' | 'ratePerS' | 'durationS'>, generator: GeneratorName,
): Promise<LoadOutcome> {
  // With the experiments' own warm-up: a generator that is late at the start catches up in the measured part.
  const { connections, path, warmUpS = 0 } = busyLoad(spec.durationS);
  const whole = { connections, path, warmUpS, ...spec };
  const running = await startLoad(targetOf(sidecar), whole, { cpus: testbed.cpus.others, dir: newDir(), generator });
  try {
    return await running.finish();
  } finally {
    await running.stop();
  }
}
