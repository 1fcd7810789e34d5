/** All benchmarks by name, and how a choice of them is run. */
import { anchors } from './anchors.js';
import { applications } from './applications.js';
import { figures, reproduce } from './commands.js';
import { constantRate } from './constant-rate.js';
import { coreModel } from './core-model.js';
import { disturbance, slowDown } from './disturbance.js';
import { instructions } from './instructions.js';
import { names } from './names.js';
import { recovery } from './recovery.js';
import { failed, type BenchRow } from './row.js';
import { withScene, type Scene } from './scene.js';
import { sql } from './sql.js';
import { stacks } from './stacks.js';
import { stepping } from './stepping.js';
import { tlbSimulation } from './tlb-simulation.js';
import { tracing } from './tracing.js';

/** These have the machine for themselves. */
const measuring: Record<string, (scene: Scene) => Promise<BenchRow[]>> = {
  // First, while our own code is not yet compiled.
  recovery,
  names,
  anchors,
  instructions,
  stacks,
  rate: constantRate,
  disturbance,
  slowdown: slowDown,
  'tlb-simulation': tlbSimulation,
  'core-model': coreModel,
  tracing,
  stepping,
  sql,
  applications,
};

/** These start whole commands, which take the machine themselves. */
const commands: Record<string, () => Promise<BenchRow[]>> = { figures, reproduce };

/** Takes a quarter of an hour and sets up a second clone: only when asked for. */
const onRequest = ['reproduce'];

/**
 * Names of the benchmarks to run, in their order.
 * @param only those named; all but the ones on request when empty.
 * @param also further ones beside.
 * @throws Error naming one that there is not.
 */
export function chooseBenchmarks(only: readonly string[], also: readonly string[] = []): string[] {
  const all = [...Object.keys(measuring), ...Object.keys(commands)];
  const unknown = [...only, ...also].find((name) => !all.includes(name));
  if (unknown !== undefined) throw new Error(`no benchmark "${unknown}"; there are ${all.join(', ')}`);
  const chosen = only.length > 0 ? only : all.filter((name) => !onRequest.includes(name));
  return all.filter((name) => chosen.includes(name) || also.includes(name));
}

/**
 * Runs benchmarks one after another; one that breaks gives a row that says so, and the others go on.
 * @param starting told before each.
 * @throws Error when another process measures on this machine, or there is no usable Envoy.
 */
export async function runBenchmarks(chosen: readonly string[], starting: (name: string) => void): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  const add = async (name: string, body: () => Promise<BenchRow[]>) => {
    starting(name);
    rows.push(...await body().catch((error: Error) => [failed(name, error)]));
  };
  const onScene = chosen.filter((name) => name in measuring);
  if (onScene.length > 0) {
    await withScene(async (scene) => {
      for (const name of onScene) await add(name, () => measuring[name](scene));
    });
  }
  for (const name of chosen.filter((other) => other in commands)) await add(name, commands[name]);
  return rows;
}
