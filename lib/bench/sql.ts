/** Does the SQL policy stand broken bytes, and a million queries without growing? */
import * as fs from 'node:fs';
import { sqlPolicyHere } from '../deploy/sql-policy.js';
import type { Availability } from '../host/availability.js';
import { projectPath, workbenchPath } from '../host/paths.js';
import { run } from '../host/process.js';
import { sendExactly } from '../load/load.js';
import { selectByKey } from '../load/sql.js';
import { rustAvailability } from '../deploy/mysql-module.js';
import { atMost, count, fixed, judged, noneWrong, unavailable, type BenchRow } from './row.js';
import { targetOf, type Scene } from './scene.js';

const inputs = 1_000_000;
const queries = 1_000_000;
const connections = 4;

const what = {
  fuzz: `${count(inputs)} broken conversations through the MySQL decoder, twice each`,
  errors: `${count(queries)} queries through the SQL policy`,
  growth: 'growth of Envoy\'s memory over the second half of them',
};
const little = atMost(1, (mb) => `${fixed(1)(mb)} MB`);

/** The decoder by itself, built for it; the queries through the whole sidecar. */
export async function sql(scene: Scene): Promise<BenchRow[]> {
  return [await fuzzing(), ...await longLoad(scene)];
}

async function fuzzing(): Promise<BenchRow> {
  const rust = await rustAvailability();
  if (!rust.available) return unavailable(what.fuzz, noneWrong, rust);
  const argv = ['cargo', 'run', '--quiet', '--release', '--locked', '-p', 'decoder', '--example', 'fuzz',
    '--manifest-path', projectPath('environment', 'sql-module', 'Cargo.toml'), '--target-dir', workbenchPath('sql-module', 'target'), '--', String(inputs)];
  const { exitCode, stdout, stderr } = await run(argv, { allow: 'any' });
  return judged(what.fuzz, noneWrong, [exitCode === 0 ? 0 : 1], exitCode === 0 ? 'none wrong' : stderr.trim().split('\n').slice(-1)[0], [stdout.trim()]);
}

async function longLoad({ testbed, newDir }: Scene): Promise<BenchRow[]> {
  const policy = await sqlPolicyHere(testbed.envoy);
  if (!policy.available) return lacking(policy);
  const sidecar = await testbed.sidecar(policy.policy);
  try {
    const options = { cpus: testbed.cpus.others, dir: newDir() };
    const half = () => sendExactly(targetOf(sidecar), { requests: queries / 2, connections, path: selectByKey }, options);
    const first = await half();
    const before = residentMb(sidecar.pid);
    const second = await half();
    const grown = residentMb(sidecar.pid) - before;
    const errors = first.errors + second.errors;
    return [
      judged(what.errors, noneWrong, [errors], `${count(errors)} errors`, [policy.version]),
      judged(what.growth, little, [grown], `${fixed(2)(grown)} MB`),
    ];
  } finally {
    await sidecar.stop();
  }
}

function lacking(reason: Extract<Availability, { available: false }>): BenchRow[] {
  return [unavailable(what.errors, noneWrong, reason), unavailable(what.growth, little, reason)];
}

function residentMb(pid: number): number {
  const kb = /^VmRSS:\s+(\d+) kB$/m.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(kb?.[1]) / 1000;
}
