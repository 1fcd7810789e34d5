/** Which SQL policy an Envoy can run, and whether there is a database for it. */
import type { Availability } from '../host/availability.js';
import { sqlContrib, sqlModule } from './catalogue.js';
import { validateConfig } from './envoy.js';
import { mariadbAvailability } from './mariadb.js';
import { mysqlModule, mysqlModuleAvailability } from './mysql-module.js';
import type { TcpPolicy } from './policy.js';
import { renderPolicy, type Wiring } from './render.js';
import type { EnvoyBinary } from './types.js';

export type SqlPolicy = (Availability & { available: true; policy: TcpPolicy }) | (Availability & { available: false });

/** Asks the Envoy itself: its own mysql_proxy where it has it, else our module where it loads it. */
export async function sqlPolicyFor(envoy: EnvoyBinary): Promise<SqlPolicy> {
  const contrib = await refusal(envoy, sqlContrib);
  if (contrib === null) return { available: true, version: `mysql_proxy of Envoy ${envoy.version}`, policy: sqlContrib };
  const built = mysqlModuleAvailability();
  if (!built.available) return built;
  const reason = await refusal(envoy, sqlModule);
  if (reason === null) return { available: true, version: `module ${built.version}`, policy: sqlModule };
  return { available: false, reason: `neither mysql_proxy nor the module: ${reason}`, remedy: 'use the pinned Envoy, for which the module is made, or one with the contrib extensions' };
}

/** The same, where there is a database to put behind it. */
export async function sqlPolicyHere(envoy: EnvoyBinary): Promise<SqlPolicy> {
  const database = await mariadbAvailability();
  return database.available ? sqlPolicyFor(envoy) : database;
}

/** Why an Envoy does not take a policy; null when it does. */
async function refusal(envoy: EnvoyBinary, policy: TcpPolicy): Promise<string | null> {
  const anywhere = { host: '127.0.0.1', port: 0 };
  const wiring: Wiring = { listener: anywhere, admin: anywhere, upstream: anywhere, certificate: { cert: '', key: '' }, mysqlModule: mysqlModule() };
  return validateConfig(envoy, renderPolicy(policy, wiring)).then(() => null, (error: Error) => error.message);
}
