import * as fs from 'node:fs';
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { checkCluster } from '../../../../lib/deploy/kubernetes/checks.js';
import { KubernetesClient } from '../../../../lib/deploy/kubernetes/client.js';

const ended: (() => void)[] = [];
afterEach(() => { for (const end of ended.splice(0)) end(); });

/** A client of a server that says of itself what a Kubernetes of that version does, and nothing else. */
async function clusterOf(minor: string): Promise<KubernetesClient> {
  const server = http.createServer((request, response) => {
    response.setHeader('content-type', 'application/json');
    if (request.url === '/version') response.end(JSON.stringify({ major: '1', minor, gitVersion: `v1.${parseInt(minor, 10)}.3` }));
    else response.writeHead(404).end(JSON.stringify({ kind: 'Status', message: 'the server could not find the requested resource' }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'checks-')), 'config');
  ended.push(() => { server.close(); fs.rmSync(path.dirname(file), { recursive: true }); });
  const { port } = server.address() as AddressInfo;
  fs.writeFileSync(file, JSON.stringify({
    apiVersion: 'v1', kind: 'Config', 'current-context': 'c', contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
    clusters: [{ name: 'c', cluster: { server: `http://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true } }], users: [{ name: 'u', user: {} }],
  }));
  return KubernetesClient.fromFile(file);
}

test('a Kubernetes that is too old is refused by its version, with the oldest that will do', async () => {
  const old = await clusterOf('19');
  await expect(checkCluster(old, { nodes: 1, profile: 'none' })).rejects.toThrow('the cluster runs Kubernetes v1.19.3, older than 1.22; use a newer one (the paper\'s is 1.28)');
});

test('versions as providers write them are read, and go on to the next question', async () => {
  const managed = await clusterOf('28+');
  await expect(checkCluster(managed, { nodes: 1, profile: 'none' })).rejects.not.toThrow(/older than/);
});
