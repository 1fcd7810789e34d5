/** Are the wanted anchors found, each in one function, in the Envoy in use and in older releases? */
import { resolveAnchors } from '../analysis/anchors.js';
import { nameFunctions } from '../analysis/function-names.js';
import { envoyReleases, installEnvoyRelease } from '../deploy/envoy-binary.js';
import type { EnvoyBinary } from '../deploy/types.js';
import { judged, unavailable, type BenchRow, type Reach } from './row.js';
import type { Scene } from './scene.js';

const reach: Reach = { text: 'all, or each missing one explained', holds: (unexplained) => unexplained === 0 };

export async function anchors({ testbed }: Scene): Promise<BenchRow[]> {
  const rows = [await ofEnvoy(testbed.envoy)];
  for (const { version } of envoyReleases()) rows.push(await ofRelease(version));
  return rows;
}

function nameOfRow(version: string): string {
  return `wanted anchors found and unique (Envoy ${version})`;
}

async function ofRelease(version: string): Promise<BenchRow> {
  let envoy: EnvoyBinary;
  try {
    envoy = await installEnvoyRelease(version);
  } catch (error) {
    return unavailable(nameOfRow(version), reach, { available: false, reason: `not installed: ${(error as Error).message}`, remedy: 'connect to the Internet once' });
  }
  return ofEnvoy(envoy);
}

async function ofEnvoy({ path, version }: EnvoyBinary): Promise<BenchRow> {
  const { outcomes } = resolveAnchors(await nameFunctions(path));
  const lost = outcomes.filter(({ status }) => status !== 'found');
  const unexplained = lost.filter(({ consequence }) => consequence === '');
  return judged(nameOfRow(version), reach, [unexplained.length], `${outcomes.length - lost.length} of ${outcomes.length}`, [
    ...lost.map(({ consequence }) => consequence).filter((text) => text !== ''),
    ...unexplained.map(({ rule, status }) => `${rule} is ${status}, without a word on what follows from it`),
  ]);
}
