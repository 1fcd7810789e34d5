import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { deployHere, deployment, deploymentOf, measureDeployment } from '../../../lib/experiments/deployment.js';
import { RunStore } from '../../../lib/store/run-store.js';
import { deploymentData } from '../figures/deployment-data.js';

let root: string;
beforeEach(() => { root = fs.mkdtempSync(path.join(os.tmpdir(), 'deployment-')); });
afterEach(() => fs.rmSync(root, { recursive: true }));

const { machine, observation } = deploymentData;
const options = (payloadBytes: number) => ({ payloadBytes });

/** One look, as `measureDeployment` writes it; `requests` tells the looks of a test apart. */
async function look(store: RunStore, repeat: number, payloadBytes: number, requests: number, seen: object = observation): Promise<void> {
  const spec = {
    envoyYaml: 'yaml', envoyBuildId: 'b', backend: { name: 'node', version: '20' },
    load: { mode: 'exactly' as const, connections: 1, path: `/${payloadBytes}`, requests: 20 }, collector: { name: 'deployment', version: '1' },
  };
  await store.record(deployment, spec, { policy: { id: 'http', label: 'HTTP Router', frame: 'http' }, repeat }, async (dir) => {
    fs.writeFileSync(path.join(dir, 'observation.json'), JSON.stringify({ ...seen, requests: { ...observation.requests, sent: requests } }));
    return { provenance: { machine, envoyVersion: '1.40.0', projectVersion: '0', tools: {}, commands: [] }, warnings: [] };
  });
}

test('the latest look counts, and only one with the answers asked for', async () => {
  const store = new RunStore('here', root);
  await look(store, 0, 100, 1);
  await new Promise((resolve) => setTimeout(resolve, 5));
  await look(store, 1, 100, 2);
  await look(store, 0, 5000, 3);
  expect(deploymentOf(store).observation.requests.sent).toBe(2);
  expect(deploymentOf(store, options(5000))).toMatchObject({ origin: 'live', observation: { requests: { sent: 3 } } });
});

test('this machine\'s own look goes before a recording\'s, which a read-only session falls back to', async () => {
  const store = new RunStore('here', root);
  await look(store, 0, 100, 1);
  fs.cpSync(path.join(root, 'local', 'here'), path.join(root, 'elsewhere-2099-01-01'), { recursive: true });
  expect(deploymentOf(store).origin).toBe('live');
  expect(deploymentOf(new RunStore(null, root)).origin).toBe('elsewhere-2099-01-01');
});

test('without any look the message says what to do', () => {
  expect(() => deploymentOf(new RunStore('here', root))).toThrow('no deployment of http with answers of 100 bytes is recorded; deploy it first: `npm run reproduce -- --only fig03`');
});

test('what an older recording did not probe counts as not available, not as a crash', async () => {
  const { strace: _left, ...known } = observation.capabilities;
  const store = new RunStore('here', root);
  await look(store, 0, 100, 1, { ...observation, capabilities: known });
  expect(deploymentOf(store).observation.capabilities.strace).toMatchObject({ available: false, reason: 'not probed when this was recorded' });
});

test('a session that only reads recordings deploys nothing and says so', async () => {
  expect(await deployHere({}, 'recorded')).toMatch(/^Not deploying \(WORKBENCH_MODE=recorded\)/);
});

test('a TCP policy is refused, since its sidecars count no requests', async () => {
  await expect(measureDeployment({ policy: 'tcp' })).rejects.toThrow('policy tcp is a TCP one');
});
