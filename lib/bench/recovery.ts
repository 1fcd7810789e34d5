/** How long does it take to name the functions of Envoy, the first time and from the cache? */
import * as fs from 'node:fs';
import { nameFunctions } from '../analysis/function-names.js';
import { atMost, fixed, judged, seconds, type BenchRow } from './row.js';
import type { Scene } from './scene.js';

const rounds = 3;

/** The slowest round counts: the one in which our own code is not yet compiled, and a user has no other. */
export async function recovery({ testbed, newDir }: Scene): Promise<BenchRow[]> {
  const { path, version } = testbed.envoy;
  const times = { first: [] as number[], cached: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    const cacheDir = newDir();
    times.first.push(await secondsOf(() => nameFunctions(path, { cacheDir })));
    times.cached.push(await secondsOf(() => nameFunctions(path, { cacheDir })));
  }
  const what = `symbol recovery of Envoy ${version} (${fixed(0)(fs.statSync(path).size / 1e6)} MB)`;
  return [
    judged(`${what}, first time`, atMost(5, seconds(0)), times.first, `${seconds(2)(Math.max(...times.first))}, slowest of ${rounds}`),
    judged(`${what}, cached`, atMost(0.2, seconds(1)), times.cached, `${seconds(3)(Math.max(...times.cached))}, slowest of ${rounds}`),
  ];
}

async function secondsOf(body: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await body();
  return (performance.now() - started) / 1000;
}
