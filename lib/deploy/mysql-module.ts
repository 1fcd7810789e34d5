/** The dynamic module that does mysql_proxy's work in an Envoy without it: where set-up puts it, and whether it is there. */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Availability } from '../host/availability.js';
import { projectPath, workbenchPath } from '../host/paths.js';
import { run } from '../host/process.js';
import type { MysqlModule } from './policies/mysql-proxy.js';

/** The module of this clone's sources, built or not. */
export function mysqlModule(): MysqlModule {
  return { file: workbenchPath('sql-module', 'libmysql_filter.so'), source: digest() };
}

/** Whether set-up built it. */
export function mysqlModuleAvailability(): Availability {
  const { file, source } = mysqlModule();
  if (fs.existsSync(file)) return { available: true, version: source };
  return { available: false, reason: `the MySQL filter is not built (${path.basename(file)} is missing)`, remedy };
}

/** Whether there is what it takes to build it. */
export async function rustAvailability(): Promise<Availability> {
  const { exitCode, stdout } = await run(['cargo', '--version'], { allow: 'any' });
  if (exitCode === 0) return { available: true, version: stdout.split(' ')[1] };
  return { available: false, reason: 'cargo is not installed', remedy };
}

const remedy = 'install Rust 1.82 or newer (https://rustup.rs; Debian 13: the package cargo), then run `npm run doctor`';

/** Of everything the module is made from. */
function digest(): string {
  const hash = createHash('sha256');
  const folder = projectPath('environment', 'sql-module');
  for (const file of ['Cargo.lock', 'Cargo.toml', ...sourcesOf('decoder'), ...sourcesOf('filter')]) hash.update(fs.readFileSync(path.join(folder, file)));
  return hash.digest('hex').slice(0, 12);
}

function sourcesOf(crate: string): string[] {
  const files = fs.readdirSync(projectPath('environment', 'sql-module', crate, 'src')).sort();
  return [path.join(crate, 'Cargo.toml'), ...files.map((file) => path.join(crate, 'src', file))];
}
