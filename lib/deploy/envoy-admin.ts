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

/**
 * Counters and gauges by full name.
 * @throws Error naming the page when it holds none.
 */
export async function readStats(admin: Address): Promise<Record<string, number>> {
  return parseStats(await read(admin, statsPage), url(admin, statsPage));
}

/** The page that `parseStats` takes. */
export const statsPage = '/stats?format=json';

/**
 * @param source of the text, for messages.
 * @throws Error naming it when it holds no stats.
 */
export function parseStats(text: string, source: string): Record<string, number> {
  const stats = listIn<{ name?: string; value?: unknown }>(text, 'stats', source);
  const numbers = stats.filter((stat): stat is { name: string; value: number } => typeof stat.value === 'number');
  return Object.fromEntries(numbers.map(({ name, value }) => [name, value]));
}

interface ListenerStatus {
  name: string;
  /** Without a socket address for a listener on a pipe. */
  local_address?: { socket_address?: { address: string; port_value: number } };
}

/**
 * Where a listener really listens, after the kernel chose its port.
 * @throws Error when there is no listener of that name, or the page does not list any.
 */
export async function readListenerAddress(admin: Address, name: string): Promise<Address> {
  const page = '/listeners?format=json';
  const statuses = listIn<ListenerStatus>(await read(admin, page), 'listener_statuses', url(admin, page));
  const status = statuses.find((candidate) => candidate.name === name);
  if (!status) throw new Error(`Envoy has no listener "${name}"; it has: ${statuses.map((s) => s.name).join(', ') || 'none'}`);
  const at = status.local_address?.socket_address;
  if (!at) throw new Error(`Envoy's listener "${name}" has no TCP address but ${JSON.stringify(status.local_address)}; give it a socket_address`);
  return { host: at.address, port: at.port_value };
}

async function read(admin: Address, page: string): Promise<string> {
  return (await fetch(url(admin, page))).text();
}

/** The list called `key` on a page. */
function listIn<T>(text: string, key: string, source: string): T[] {
  const list = (parseJson(text) as Record<string, unknown> | null)?.[key];
  if (!Array.isArray(list)) throw new Error(`${source}:1: no list "${key}" in ${JSON.stringify(text.slice(0, 60))}; is that an Envoy's admin page?`);
  return list as T[];
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // told by whoever looks for something in it
  }
}

function url({ host, port }: Address, page: string): string {
  return `http://${host}:${port}${page}`;
}
