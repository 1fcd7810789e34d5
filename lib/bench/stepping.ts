/** How fast is the single-step recorder, against a C program that steps the same thread and records nothing? */
import * as path from 'node:path';
import { median, ratioEstimate } from '../analysis/statistics.js';
import type { Sidecar } from '../deploy/types.js';
import { projectPath } from '../host/paths.js';
import { run } from '../host/process.js';
import { startLoad } from '../load/load.js';
import { clientDescriptors } from '../trace/client-descriptors.js';
import { probe, startSingleStep } from '../trace/single-step.js';
import { atLeast, count, fixed, judged, unavailable, type BenchRow } from './row.js';
import { targetOf, withSidecar, type Scene } from './scene.js';

const rounds = 6;
/** Some seconds each: long against the start, in which each address is met for the first time. */
const requestsARound = 2;
const connections = 8;
const what = 'single-step recorder against a C stepper (http), steps/s';
const reach = atLeast(0.9, fixed(2));

/** Rounds of both in turn on one worker that always has something to do. */
export async function stepping(scene: Scene): Promise<BenchRow[]> {
  const able = await probe();
  if (!able.available) return [unavailable(what, reach, able)];
  const stepper = path.join(scene.newDir(), 'stepper');
  await run(['gcc', '-O2', '-o', stepper, projectPath('environment', 'stepper', 'stepper.c')]);
  return withSidecar(scene, 'http', async (sidecar) => {
    const rates = { ours: [] as number[], c: [] as number[] };
    for (let round = 0; round < rounds; round++) {
      // A load of its own for each round: one does not last for all.
      await underLoad(scene, sidecar, async () => {
        const ours = await ofRecorder(scene, sidecar);
        rates.ours.push(ours.perS);
        rates.c.push(await ofC(scene, sidecar, stepper, ours.steps));
      });
    }
    const ratio = ratioEstimate(rates.ours, rates.c, { paired: true });
    const interval = ratio.interval ? ` [${ratio.interval.map(fixed(2)).join(', ')}]` : '';
    return [judged(what, reach, [ratio.value], `${fixed(2)(ratio.value)}${interval}: ${count(median(rates.ours))} of ${count(median(rates.c))}, ${rounds} rounds`)];
  });
}

/** More connections than are served while it is stepped, so that it never waits. */
async function underLoad<T>({ testbed, newDir }: Scene, sidecar: Sidecar, body: () => Promise<T>): Promise<T> {
  const load = await startLoad(targetOf(sidecar), { mode: 'closed', connections, path: '/100', warmUpS: 1, durationS: 1 }, { cpus: testbed.cpus.others, dir: newDir() });
  try {
    await load.warm;
    return await body();
  } finally {
    await load.stop();
  }
}

async function ofRecorder({ testbed, newDir }: Scene, sidecar: Sidecar): Promise<{ perS: number; steps: number }> {
  const file = path.join(newDir(), 'trace');
  const { outcome } = await startSingleStep(sidecar, { clientDescriptors: clientDescriptors(sidecar), requests: requestsARound, file, cpu: testbed.cpus.worker });
  const { steps, seconds } = await outcome;
  return { perS: steps / seconds, steps };
}

async function ofC({ testbed }: Scene, sidecar: Sidecar, stepper: string, steps: number): Promise<number> {
  const { stdout } = await run([stepper, String(sidecar.workerTid), String(steps)], { cpus: [testbed.cpus.worker], timeoutMs: 300_000 });
  return Number(stdout);
}
