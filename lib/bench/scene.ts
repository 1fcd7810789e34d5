/** What benchmarks that measure share: the testbed, folders of their own, sidecars that are taken down again. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { policyById } from '../deploy/catalogue.js';
import { makeRunFolder, removeRunFolder } from '../deploy/run-folder.js';
import type { Sidecar } from '../deploy/types.js';
import { countedLoad } from '../experiments/components.js';
import { withTestbed, type Testbed } from '../experiments/testbed.js';
import { sendExactly } from '../load/load.js';
import type { LoadOutcome, LoadTarget } from '../load/types.js';
import { RunStore } from '../store/run-store.js';

export interface Scene {
  testbed: Testbed;
  /** A new empty folder, gone after the bench. */
  newDir(): string;
}

/**
 * Runs benchmarks while nobody else measures on this machine. Whatever they record is thrown away: it is about the
 * workbench, not about sidecars.
 */
export async function withScene<T>(body: (scene: Scene) => Promise<T>): Promise<T> {
  const folder = makeRunFolder('bench');
  try {
    return await withTestbed({ store: new RunStore('bench', path.join(folder, 'data')) }, (testbed) =>
      body({ testbed, newDir: () => fs.mkdtempSync(path.join(folder, 'run-')) }));
  } finally {
    removeRunFolder(folder);
  }
}

/** Starts a sidecar for `body`, stops it after. */
export async function withSidecar<T>({ testbed }: Scene, policyId: string, body: (sidecar: Sidecar) => Promise<T>, wrap?: string[]): Promise<T> {
  const sidecar = await testbed.sidecar(policyById(policyId), wrap);
  try {
    return await body(sidecar);
  } finally {
    await sidecar.stop();
  }
}

export function targetOf({ address, tls }: Sidecar): LoadTarget {
  return { address, tls };
}

/**
 * The batch of requests with which the experiments count instructions.
 * @throws Error when a request of it fails: a count per request would be of something else then.
 */
export async function sendBatch({ testbed }: Scene, sidecar: Sidecar): Promise<LoadOutcome> {
  const { requests = 0, connections, ratePerS, path: where } = countedLoad(200);
  const outcome = await sendExactly(targetOf(sidecar), { requests, connections, ratePerS, path: where }, { cpus: testbed.cpus.others });
  if (outcome.requests !== requests) throw new Error(`${outcome.requests} of ${requests} requests were answered (${JSON.stringify(outcome.statuses)}); is the backend alive?`);
  return outcome;
}
