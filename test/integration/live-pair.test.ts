import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEcho } from '../../lib/deploy/backend.js';
import { policyById } from '../../lib/deploy/catalogue.js';
import { findEnvoy } from '../../lib/deploy/envoy.js';
import { startLivePair } from '../../lib/deploy/live-pair.js';
import { observePair, type PairObservation } from '../../lib/deploy/observe-pair.js';
import type { HttpPolicy } from '../../lib/deploy/policy.js';
import type { Backend } from '../../lib/deploy/types.js';
import { deploymentOf, measureDeployment } from '../../lib/experiments/deployment.js';
import { planCpus } from '../../lib/host/cpus.js';
import { workbenchPath } from '../../lib/host/paths.js';
import { tracesOfHome } from '../../lib/store/pack.js';
import { RunStore } from '../../lib/store/run-store.js';

let echo: Backend;
beforeAll(async () => { echo = await startEcho(); });
afterAll(() => echo.stop());

const http = policyById('http') as HttpPolicy;

async function observed(policy = http): Promise<PairObservation> {
  const pair = await startLivePair(policy, echo);
  try {
    return await observePair(pair, { payloadBytes: 1000, requests: 7, rounds: 5 });
  } finally {
    await pair.stop();
  }
}

/** Of this very process; other workbenches may run meanwhile. */
function ownRunFolders(): string[] {
  return fs.readdirSync(workbenchPath('run')).filter((name) => name.startsWith(`envoy-${process.pid}-`));
}

describe('a live pair', () => {
  it('passes every request through both sidecars, by each one\'s own counters', async () => {
    const { requests } = await observed();
    expect(requests).toEqual({ sent: 7, egress: { received: 7, passedOn: 7 }, ingress: { received: 7, passedOn: 7 } });
  });
  it('is connected as a chain, each connection to the port its receiver listens on', async () => {
    const { connections, listening } = await observed();
    const portOf = (name: string) => listening.find(({ owner, purpose }) => owner === name && purpose === 'traffic')?.address.port;
    expect(connections.map(({ from, to, toPort }) => ({ from, to, toPort }))).toEqual([
      { from: 'service A', to: 'sidecar A', toPort: portOf('sidecar A') },
      { from: 'sidecar A', to: 'sidecar B', toPort: portOf('sidecar B') },
      { from: 'sidecar B', to: 'service B', toPort: echo.address.port },
    ]);
  });
  it('has both worker threads on the core of workers', async () => {
    const { members } = await observed();
    const workers = members.filter(({ program }) => program === 'envoy').map(({ thread: { name, cpu } }) => ({ name, cpu }));
    expect(workers).toEqual(Array(2).fill({ name: 'wrk:worker_0', cpu: planCpus().worker }));
    expect(members.map(({ pid }) => pid)).toEqual([process.pid, expect.any(Number), expect.any(Number), echo.pid]);
  });
  it('is timed once a round by each path', async () => {
    const { timesUs } = await observed(policyById('http-mix-1') as HttpPolicy);
    expect(Object.values(timesUs).map((times) => times.filter((us) => us > 0).length)).toEqual([5, 5, 5]);
  });
  it('leaves no process and no file after stop, and not the backend\'s, which is not its own', async () => {
    const { members } = await observed();
    const [, egress, ingress] = members.map(({ pid }) => fs.existsSync(`/proc/${pid}`));
    expect([egress, ingress, echo.alive()]).toEqual([false, false, true]);
    expect(ownRunFolders()).toEqual([]);
  });
  it('takes the first sidecar down when the second does not start', async () => {
    const good = await findEnvoy();
    const binaries = [good, { ...good, path: '/nowhere/envoy' }];
    const options = { get envoy() { return binaries.shift(); } };
    await expect(startLivePair(http, echo, options)).rejects.toThrow(/^envoy-http exited at start/);
    expect(binaries).toEqual([]);
    expect(ownRunFolders()).toEqual([]);
  });
  it('does not start with TLS, which its first sidecar cannot speak to the second', async () => {
    await expect(startLivePair(policyById('tls-http') as HttpPolicy, echo)).rejects.toThrow('policy tls-http has TLS');
  });
});

describe('measureDeployment', () => {
  it('looks again only when asked; each look is a further repeat that tells nothing of whose machine it is', async () => {
    const root = fs.mkdtempSync(path.join(os.tmpdir(), 'deployment-test-'));
    try {
      const store = new RunStore('here', root);
      const { run: first } = await measureDeployment({ fresh: false }, { store });
      const { run: second } = await measureDeployment({ fresh: true }, { store });
      const third = await measureDeployment({ fresh: false }, { store });
      expect(third).toMatchObject({ recorded: true, run: { id: second.id } });
      expect([first.repeat, second.repeat, second.key]).toEqual([0, 1, first.key]);
      const { runs, observation } = deploymentOf(store);
      expect(runs).toEqual([second.id]);
      expect(observation.timesUs.both).toHaveLength(200);
      expect(tracesOfHome(second.dir)).toEqual([]);
      expect(fs.readFileSync(path.join(second.dir, 'observation.json'), 'utf8')).not.toMatch(/"[^"]*(?<![\w.:/])\/(usr|opt|home|root|tmp|work)\//);
    } finally {
      fs.rmSync(root, { recursive: true });
    }
  });
});
