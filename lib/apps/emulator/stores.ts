/** Clients of the real stores: for services that ask them, and for filling them. */
import Redis from 'ioredis';
import { MemcacheClient } from 'memcache-client';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Address } from '../../deploy/types.js';
import { defaultKeyBytes, type Call, type StoreKind } from '../call-graph.js';
import type { SeedPlan } from './plan.js';
import { filler, type Caller } from './work.js';

interface Store {
  get(keys: string[]): Promise<unknown>;
  set(key: string, value: Buffer): Promise<unknown>;
  close(): void;
}

const startTimeoutMs = 10_000;

export function storeCaller(name: string, protocol: StoreKind, address: Address): Caller {
  let store: Store | null = null;
  const keysOf = new Map<Call, string[]>();
  return async (call) => {
    const asked = store ??= connect(protocol, address);
    if (!keysOf.has(call)) keysOf.set(call, Array.from({ length: call.keys ?? 1 }, (_, i) => keyName(i, call.keyBytes)));
    const keys = keysOf.get(call)!;
    try {
      if (call.operation === 'get') await asked.get(keys);
      else await asked.set(keys[0], filler(call.requestBytes ?? 0));
    } catch (error) {
      asked.close();
      if (store === asked) store = null; // the next call tries a new connection
      throw new Error(`${name} at ${address.host}:${address.port} cannot be asked: ${(error as Error).message}`);
    }
  };
}

/** @throws Error when the store does not answer within ten seconds. */
export async function seedStore({ protocol, address, seed }: SeedPlan): Promise<void> {
  const store = await untilAnswering(protocol, address);
  let key = 0;
  for (const { keys, keyBytes, valueBytes } of seed) {
    for (let i = 0; i < keys; i++) await store.set(keyName(key++, keyBytes), filler(valueBytes));
  }
  store.close();
}

async function untilAnswering(protocol: StoreKind, address: Address): Promise<Store> {
  for (const deadline = Date.now() + startTimeoutMs; ;) {
    const store = connect(protocol, address);
    const problem = await store.get([keyName(0)]).then(() => null, (error: Error) => error);
    if (!problem) return store;
    store.close();
    if (Date.now() > deadline) throw new Error(`${protocol} at ${address.host}:${address.port} does not answer within ${startTimeoutMs / 1000} s: ${problem.message}`);
    await sleep(20);
  }
}

function connect(protocol: StoreKind, { host, port }: Address): Store {
  return protocol === 'redis' ? connectRedis(host, port) : connectMemcached(host, port);
}

/** A failed connection fails its commands at once: whoever asks decides whether to try again. */
function connectRedis(host: string, port: number): Store {
  const client = new Redis({ host, port, retryStrategy: null as never, maxRetriesPerRequest: 0, enableReadyCheck: false, disableClientInfo: true });
  let problem: Error | null = null;
  client.on('error', (error) => { problem = error; });
  const because = <T>(answer: Promise<T>): Promise<T> => answer.catch((error: Error) => { throw problem ?? error; });
  return {
    get: (keys) => because<unknown>(keys.length === 1 ? client.get(keys[0]) : client.mget(keys)),
    set: (key, value) => because(client.set(key, value)),
    close: () => client.disconnect(),
  };
}

function connectMemcached(host: string, port: number): Store {
  const client = new MemcacheClient({ server: { server: `${host}:${port}`, maxConnections: 1 }, cmdTimeout: 5000 });
  return {
    get: (keys) => client.get(keys),
    set: (key, value) => client.set(key, value, { lifetime: 0 }),
    close: () => client.shutdown(),
  };
}

/** A key of a length: its number, padded. */
function keyName(index: number, bytes: number = defaultKeyBytes): string {
  return String(index).padStart(bytes, '0');
}
