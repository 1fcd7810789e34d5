import * as fs from 'node:fs';
import * as net from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startEcho } from '../../lib/deploy/backend.js';
import { policyById } from '../../lib/deploy/catalogue.js';
import { ensureCertificate } from '../../lib/deploy/certificate.js';
import { findEnvoy, installEnvoyRelease, startSidecar, validateConfig } from '../../lib/deploy/envoy.js';
import { renderPolicy } from '../../lib/deploy/render.js';
import type { Backend, EnvoyBinary, Sidecar } from '../../lib/deploy/types.js';
import { userConfig } from '../../lib/deploy/user-config.js';
import { allowedCpus, planCpus } from '../../lib/host/cpus.js';
import { workbenchPath } from '../../lib/host/paths.js';
import { CommandFailed } from '../../lib/host/process.js';

let echo: Backend;
let envoy: EnvoyBinary;
let folder: string;

beforeAll(async () => {
  echo = await startEcho();
  envoy = await findEnvoy();
});
afterAll(() => echo.stop());
beforeEach(() => { folder = fs.mkdtempSync(path.join(os.tmpdir(), 'envoy-test-')); });
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

const http = policyById('http');
const up = (more = {}) => ({ envoy, upstream: echo.address, ...more });

async function bytesThrough({ address }: Sidecar): Promise<number> {
  return (await (await fetch(`http://${address.host}:${address.port}/100`)).text()).length;
}

/** What is in .workbench/run of this very process; other workbenches may run meanwhile. */
function ownRunFolders(): string[] {
  return fs.readdirSync(workbenchPath('run')).filter((name) => name.includes(`-${process.pid}-`) && name.startsWith('envoy'));
}

describe('startSidecar', () => {
  it('has the worker alone on its core and every other thread off it', async () => {
    const cpus = planCpus();
    const sidecar = await startSidecar(http, up({ cpus }));
    const threads = fs.readdirSync(`/proc/${sidecar.pid}/task`).map(Number);
    const cpusOf = (tid: number) => allowedCpus(fs.readFileSync(`/proc/${sidecar.pid}/task/${tid}/status`, 'utf8'));
    expect(fs.readFileSync(`/proc/${sidecar.pid}/task/${sidecar.workerTid}/comm`, 'utf8')).toBe('wrk:worker_0\n');
    expect(cpusOf(sidecar.workerTid)).toEqual([cpus.worker]);
    for (const tid of threads.filter((tid) => tid !== sidecar.workerTid)) expect(cpusOf(tid)).toEqual(cpus.others);
    await sidecar.stop();
  });
  it('lets several run at once, and leaves nothing after stop: no process, no file, no shared memory', async () => {
    const sharedMemory = fs.readdirSync('/dev/shm');
    const sidecars = await Promise.all([1, 2, 3].map(() => startSidecar(http, up())));
    expect(await Promise.all(sidecars.map(bytesThrough))).toEqual([100, 100, 100]);
    expect(new Set(sidecars.map((sidecar) => sidecar.address.port)).size).toBe(3);
    expect(fs.readdirSync('/dev/shm').filter((name) => !sharedMemory.includes(name))).toEqual([]);
    await Promise.all(sidecars.map((sidecar) => sidecar.stop()));
    expect(sidecars.map((sidecar) => [sidecar.alive(), fs.existsSync(`/proc/${sidecar.pid}`)])).toEqual(Array(3).fill([false, false]));
    expect(ownRunFolders()).toEqual([]);
  });
  it('names a taken port, whether another server or another sidecar has it', async () => {
    const server = net.createServer().listen(0, '127.0.0.1');
    const port = await new Promise<number>((resolve) => server.on('listening', () => resolve((server.address() as net.AddressInfo).port)));
    const taken = { host: '127.0.0.1', port };
    await expect(startSidecar(http, up({ listener: taken }))).rejects.toThrow(`port 127.0.0.1:${port} is taken; choose another, or 0`);
    await new Promise((resolve) => server.close(resolve));
    const sidecar = await startSidecar(http, up({ listener: taken }));
    expect(sidecar.address).toEqual(taken);
    await expect(startSidecar(http, up({ listener: taken }))).rejects.toThrow('is taken');
    await sidecar.stop();
  });
  it('fails at once with Envoy\'s own reason when it exits at start, and leaves nothing', async () => {
    const missing = { cert: path.join(folder, 'none.pem'), key: path.join(folder, 'none.pem') };
    await expect(startSidecar(policyById('tls'), up({ certificate: missing }))).rejects.toThrow(/^envoy-tls exited at start \(code 1\): .*none\.pem/);
    expect(ownRunFolders()).toEqual([]);
  });
  it('says how long it waited for one that never serves, and ends it', async () => {
    const silent = path.join(folder, 'envoy');
    fs.writeFileSync(silent, '#!/bin/sh\nexec sleep 60\n', { mode: 0o755 });
    await expect(startSidecar(http, up({ envoy: { ...envoy, path: silent }, readyTimeoutMs: 300 })))
      .rejects.toThrow('envoy-http was not ready after 0.3 s: it said nothing; give it longer with readyTimeoutMs');
    expect(ownRunFolders()).toEqual([]);
  });
  it('knows when Envoy was killed', async () => {
    const sidecar = await startSidecar(http, up());
    process.kill(sidecar.pid, 'SIGKILL');
    await expect.poll(sidecar.alive).toBe(false);
    await sidecar.stop();
    expect(ownRunFolders()).toEqual([]);
  });
  it('pins the worker under Valgrind too', async (context) => {
    if (!fs.existsSync('/usr/bin/valgrind')) context.skip('valgrind is not installed');
    const sidecar = await startSidecar(http, up({ wrap: ['valgrind', '--tool=none'] }));
    expect(await bytesThrough(sidecar)).toBe(100);
    const status = fs.readFileSync(`/proc/${sidecar.pid}/task/${sidecar.workerTid}/status`, 'utf8');
    expect(allowedCpus(status)).toEqual([planCpus().worker]);
    await sidecar.stop();
  });
  it('removes what a workbench that was killed left below .workbench/run', async () => {
    const left = workbenchPath('run', 'envoy-999999999-1-abcdef');
    fs.mkdirSync(left, { recursive: true });
    await (await startSidecar(http, up())).stop();
    expect(fs.existsSync(left)).toBe(false);
  });
});

describe('validateConfig', () => {
  it('says what Envoy does not accept', async () => {
    const wiring = { listener: { host: '127.0.0.1', port: 0 }, admin: { host: '127.0.0.1', port: 0 }, upstream: echo.address, certificate: { cert: '', key: '' } };
    const yaml = renderPolicy(http, wiring).replace('connect_timeout: 0.25s', 'conect_timeout: 0.25s');
    await expect(validateConfig(envoy, yaml)).rejects.toThrow(/Envoy \d+\.\d+\.\d+ refuses the configuration: .*conect_timeout/);
  });
});

describe('findEnvoy', () => {
  it('reads version and build id of the pinned binary', () => {
    expect(envoy).toMatchObject({ version: expect.stringMatching(/^\d+\.\d+\.\d+$/), buildId: expect.stringMatching(/^[0-9a-f]{40}$/) });
  });
  it('refuses a program that is not an Envoy, and one that is not there', async () => {
    await expect(findEnvoy('/usr/bin/env')).rejects.toThrow('/usr/bin/env --version is not an Envoy\'s');
    await expect(findEnvoy('/no/envoy')).rejects.toThrow('no Envoy at /no/envoy');
  });
});

describe.each(['1.38.3', '1.36.2'])('Envoy %s', (version) => {
  it('installs from its pinned hash, and runs http and tcp', async (context) => {
    const older = await installEnvoyRelease(version).catch((error: unknown) => {
      if (error instanceof CommandFailed && /No matching distribution|connection|timed out|resolution/i.test(error.result.stderr)) return context.skip(`cannot be downloaded here: ${error.message}`);
      throw error;
    });
    expect(older.version).toBe(version);
    for (const id of ['http', 'tcp']) {
      const sidecar = await startSidecar(policyById(id), up({ envoy: older }));
      expect(await bytesThrough(sidecar)).toBe(100);
      await sidecar.stop();
    }
  });
});

describe('an envoy.yaml of the user\'s own', () => {
  const shop = (listeners = '') => `
# Served to the network in production; rebound here.
static_resources:
  listeners:${listeners}
    - address: { socket_address: { address: 0.0.0.0, port_value: 443 } }
      filter_chains:
        - filters:
            - name: envoy.filters.network.http_connection_manager
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                stat_prefix: shop
                request_headers_timeout: 3s
                http_filters:
                  - name: envoy.filters.http.router
                    typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }
                route_config:
                  request_headers_to_add: [{ header: { key: x-shop, value: "yes" } }]
                  virtual_hosts:
                    - name: all
                      domains: ["*"]
                      routes: [{ match: { prefix: / }, route: { cluster: cart } }]
  clusters:
    - name: cart
      type: STRICT_DNS
      connect_timeout: 1s
      load_assignment:
        cluster_name: cart
        endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address: { address: cart.shop.example, port_value: 80 } } } }] }]
`;
  const write = (yaml: string) => {
    const file = path.join(folder, 'shop.yaml');
    fs.writeFileSync(file, yaml);
    return file;
  };

  it('runs in place of a policy, its own settings untouched', async () => {
    const sidecar = await startSidecar(userConfig(write(shop())), up());
    const headers = await (await fetch(`http://${sidecar.address.host}:${sidecar.address.port}/headers`)).json();
    expect(headers).toContainEqual(['x-shop', 'yes']);
    expect(sidecar.address.host).toBe('127.0.0.1');
    expect(sidecar.normalisedYaml).toContain('request_headers_timeout: 3s');
    await sidecar.stop();
  });
  it('speaks TLS where it says so, with files named relative to itself', async () => {
    const { cert, key } = await ensureCertificate();
    fs.copyFileSync(cert, path.join(folder, 'c.pem'));
    fs.copyFileSync(key, path.join(folder, 'k.pem'));
    const socket = `
          transport_socket:
            name: tls
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext
              common_tls_context: { tls_certificates: [{ certificate_chain: { filename: c.pem }, private_key: { filename: k.pem } }] }
  clusters:`;
    const sidecar = await startSidecar(userConfig(write(shop().replace('\n  clusters:', socket))), up());
    expect(sidecar.tls).toBe(true);
    await sidecar.stop();
  });
  it('with several listeners runs the chosen one', async () => {
    const metrics = `
    - name: metrics
      address: { socket_address: { address: 0.0.0.0, port_value: 15090 } }
      filter_chains: [{ filters: [{ name: t, typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy, stat_prefix: m, cluster: cart } }] }]`;
    const sidecar = await startSidecar(userConfig(write(shop(metrics)), { listener: 'metrics' }), up());
    expect(await bytesThrough(sidecar)).toBe(100);
    expect((await sidecar.stats())['tcp.m.downstream_cx_total']).toBe(1);
    await sidecar.stop();
  });
});
