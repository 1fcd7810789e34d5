/** Envoy's admin page: what a running Envoy says of itself. */
import * as fs from 'node:fs';
import type { Address } from './types.js';

/**
 * The admin page's address from the file of `--admin-address-path`.
 * @returns null while Envoy has not written it.
 */
export function readAdminAddress(file: string): Address | null {
  if (!fs.existsSync(file)) return null;
  const parts = /^(.+):(\d+)\s*$/.exec(fs.readFileSync(file, 'utf8'));
  return parts ? { host: parts[1], port: Number(parts[2]) } : null;
}

/** Whether Envoy is live and its one worker has started. */
export async function isServing(admin: Address): Promise<boolean> {
  if (!(await fetch(url(admin, '/ready'))).ok) return false;
  return (await readStats(admin))['listener_manager.workers_started'] === 1;
}

/** Counters and gauges by full name. */
export async function readStats(admin: Address): Promise<Record<string, number>> {
  const { stats } = await readJson<{ stats: { name?: string; value?: unknown }[] }>(admin, '/stats?format=json');
  const numbers = stats.filter((stat): stat is { name: string; value: number } => typeof stat.value === 'number');
  return Object.fromEntries(numbers.map(({ name, value }) => [name, value]));
}

interface ListenerStatus {
  name: string;
  local_address: { socket_address: { address: string; port_value: number } };
}

/**
 * Where a listener really listens, after the kernel chose its port.
 * @throws Error when there is no listener of that name.
 */
export async function readListenerAddress(admin: Address, name: string): Promise<Address> {
  const { listener_statuses: statuses } = await readJson<{ listener_statuses: ListenerStatus[] }>(admin, '/listeners?format=json');
  const status = statuses.find((candidate) => candidate.name === name);
  if (!status) throw new Error(`Envoy has no listener "${name}"; it has: ${statuses.map((s) => s.name).join(', ') || 'none'}`);
  const { address, port_value } = status.local_address.socket_address;
  return { host: address, port: port_value };
}

async function readJson<T>(admin: Address, page: string): Promise<T> {
  return (await (await fetch(url(admin, page))).json()) as T;
}

function url({ host, port }: Address, page: string): string {
  return `http://${host}:${port}${page}`;
}
