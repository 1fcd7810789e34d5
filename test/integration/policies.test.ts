import * as fs from 'node:fs';
import * as http from 'node:http';
import * as https from 'node:https';
import * as os from 'node:os';
import * as path from 'node:path';
import * as tls from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEcho } from '../../lib/deploy/backend.js';
import { policies, policyById } from '../../lib/deploy/catalogue.js';
import { findEnvoy, startSidecar, validateConfig, type SidecarOptions } from '../../lib/deploy/envoy.js';
import { rateLimitedCounter } from '../../lib/deploy/policies/local-ratelimit.js';
import { compose, type HttpPolicy, type Policy } from '../../lib/deploy/policy.js';
import type { Backend, EnvoyBinary, Sidecar, SidecarConfig } from '../../lib/deploy/types.js';
import { allowedCpus, planCpus } from '../../lib/host/cpus.js';

let echo: Backend;
let envoy: EnvoyBinary;

beforeAll(async () => {
  echo = await startEcho();
  envoy = await findEnvoy();
});
afterAll(() => echo.stop());

/** Runs `body` with a sidecar in front of the echo server; the sidecar never outlives it. */
async function withSidecar<T>(config: SidecarConfig, body: (sidecar: Sidecar) => Promise<T>, options: Partial<SidecarOptions> = {}): Promise<T> {
  const sidecar = await startSidecar(config, { envoy, upstream: echo.address, ...options });
  try {
    return await body(sidecar);
  } finally {
    await sidecar.stop();
  }
}

interface Answer {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: string;
}

/** One request on a connection of its own, or of `agent`. */
function get(sidecar: Sidecar, url: string, headers: Record<string, string> = {}, agent: http.Agent | false = false): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = { ...sidecar.address, path: url, headers, agent, rejectUnauthorized: false };
    const request = (sidecar.tls ? https : http).get(options, (response) => {
      let body = '';
      response.on('data', (chunk) => { body += chunk; });
      response.on('end', () => resolve({ status: response.statusCode!, headers: response.headers, body }));
    });
    request.on('error', reject);
  });
}

/** The values a header arrived with at the backend, one entry for each time it was sent. */
async function headerAtBackend(sidecar: Sidecar, name: string): Promise<string[]> {
  const pairs = JSON.parse((await get(sidecar, '/headers')).body) as [string, string][];
  return pairs.filter(([key]) => key === name).map(([, value]) => value);
}

function httpPolicy(filters: HttpPolicy['filters'], more: Partial<HttpPolicy> = {}): HttpPolicy {
  return { id: 'test', label: 'Test', frame: 'http', filters, ...more };
}

/** Runs `body`, then returns what the sidecar wrote into its access log meanwhile, but for the line of its start. */
async function accessLogOf(policy: Policy, body: (sidecar: Sidecar) => Promise<unknown>): Promise<string[]> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'access-log-'));
  const accessLogFile = path.join(folder, 'access.log');
  try {
    await withSidecar(policy, body, { accessLogFile });
    return fs.readFileSync(accessLogFile, 'utf8').trim().split('\n').slice(1);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

describe.each(policies.map((policy) => [policy.id, policy] as const))('%s', (_id, policy) => {
  it('is accepted by Envoy, starts, and passes 100 bytes and 1 MiB through', async () => {
    await withSidecar(policy, async (sidecar) => {
      await validateConfig(envoy, sidecar.yaml);
      const [small, large] = [await get(sidecar, '/100'), await get(sidecar, '/1048576')];
      expect([small.status, small.body.length, large.status, large.body.length]).toEqual([200, 100, 200, 1048576]);
    });
  });
});

describe('IP tagging', () => {
  it('brings all ten tags to the backend in one header', async () => {
    const values = await withSidecar(policyById('ip-tag-10'), (sidecar) => headerAtBackend(sidecar, 'x-envoy-ip-tags'));
    expect(values).toHaveLength(1);
    expect(values[0].split(',').sort()).toEqual(Array.from({ length: 10 }, (_, i) => `client-in-range-${i}`));
  });
  it('names only the ranges the client is in', async () => {
    const policy = httpPolicy([{ kind: 'ip-tagging', tags: [{ name: 'loopback', cidr: '127.0.0.0/8' }, { name: 'lan', cidr: '10.0.0.0/8' }] }]);
    expect(await withSidecar(policy, (sidecar) => headerAtBackend(sidecar, 'x-envoy-ip-tags'))).toEqual(['loopback']);
  });
});

describe('rate limit', () => {
  it('answers 429 with x-local-rate-limit once the bucket is empty, and one such answer shows in the counters', async () => {
    await withSidecar(httpPolicy([{ kind: 'local-ratelimit', tokensPerSecond: 1 }]), async (sidecar) => {
      expect((await sidecar.stats())[rateLimitedCounter]).toBe(0);
      const answers = await Promise.all([get(sidecar, '/100'), get(sidecar, '/100')]);
      const limited = answers.filter((answer) => answer.status === 429);
      expect(limited).toHaveLength(1);
      expect(limited[0].headers['x-local-rate-limit']).toBe('true');
      expect((await sidecar.stats())[rateLimitedCounter]).toBe(1);
    });
  });
  it('limits nothing with the bucket that is measured', async () => {
    await withSidecar(policyById('ratelimit'), async (sidecar) => {
      const agent = new http.Agent({ keepAlive: true, maxSockets: 32 });
      await Promise.all(Array.from({ length: 2000 }, () => get(sidecar, '/1', {}, agent)));
      agent.destroy();
      expect((await sidecar.stats())[rateLimitedCounter]).toBe(0);
    });
  });
});

describe('network RBAC', () => {
  const tcpPolicy = (action: 'ALLOW' | 'DENY', sourceIps: string[] | 'any'): Policy =>
    ({ id: 'test', label: 'Test', frame: 'tcp', filters: [{ kind: 'rbac-network', action, sourceIps }] });

  it('closes the connection of a client on the reject list without an answer', async () => {
    await withSidecar(tcpPolicy('DENY', ['10.0.0.1', '127.0.0.1']), async (sidecar) => {
      await expect(get(sidecar, '/100')).rejects.toThrow(/hang up|ECONNRESET/);
      expect((await sidecar.stats())['network_rbac.rbac.denied']).toBeGreaterThanOrEqual(1);
    });
  });
  it('closes that of a client missing on an accept list', async () => {
    await withSidecar(tcpPolicy('ALLOW', ['10.0.0.1']), async (sidecar) => {
      await expect(get(sidecar, '/100')).rejects.toThrow(/hang up|ECONNRESET/);
    });
  });
  it('is evaluated on every read, not once a connection', async () => {
    await withSidecar(policyById('rbac-reject-100'), async (sidecar) => {
      const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
      for (let i = 0; i < 5; i++) await get(sidecar, '/100', {}, agent);
      const stats = await sidecar.stats(); // before the client closes, which is a read more
      agent.destroy();
      expect(stats['tcp.tcp.downstream_cx_total']).toBe(1);
      expect(stats['network_rbac.rbac.allowed']).toBe(5);
    });
  });
});

describe('HTTP RBAC', () => {
  it('answers 403 outside the allowed path and passes requests inside', async () => {
    const policy = httpPolicy([{ kind: 'rbac-http', action: 'ALLOW', pathPrefix: '/1' }]);
    await withSidecar(policy, async (sidecar) => {
      expect([(await get(sidecar, '/100')).status, (await get(sidecar, '/200')).status]).toEqual([200, 403]);
    });
  });
  it('answers 403 on a port that is not listed', async () => {
    const policy = httpPolicy([{ kind: 'rbac-http', action: 'ALLOW', pathPrefix: '/', ports: [1, [2, 3]] }]);
    expect(await withSidecar(policy, async (sidecar) => (await get(sidecar, '/100')).status)).toBe(403);
  });
  it('denies what it lists when its action is DENY', async () => {
    const policy = httpPolicy([{ kind: 'rbac-http', action: 'DENY', pathPrefix: '/2' }]);
    await withSidecar(policy, async (sidecar) => {
      expect([(await get(sidecar, '/100')).status, (await get(sidecar, '/200')).status]).toEqual([200, 403]);
    });
  });
});

describe('access log', () => {
  it('has exactly one line a request', async () => {
    const lines = await accessLogOf(policyById('logging'), async (sidecar) => {
      for (let i = 1; i <= 5; i++) await get(sidecar, `/${i}`);
    });
    expect(lines.map((line) => /"GET (\S+) HTTP\/1.1" (\d+)/.exec(line)?.slice(1))).toEqual(
      ['/1', '/2', '/3', '/4', '/5'].map((url) => [url, '200']),
    );
  });
  it('shows the metadata that Header Read made: the header\'s value, or that it was missing', async () => {
    const showing: Policy = httpPolicy([], { id: 'show', accessLog: { format: '%DYNAMIC_METADATA(envoy.lb)%\n' } });
    const lines = await accessLogOf(compose('test', 'Test', [policyById('header-read'), showing]), async (sidecar) => {
      await get(sidecar, '/100', { 'x-version': '1.2' });
      await get(sidecar, '/100');
    });
    expect(lines.map((line) => JSON.parse(line))).toEqual([{ version: '1.2' }, { default: 'true' }]);
  });
  it('is flushed by a thread off the worker\'s core', async () => {
    await withSidecar(policyById('logging'), async (sidecar) => {
      await get(sidecar, '/100');
      const flushing = fs.readdirSync(`/proc/${sidecar.pid}/task`).filter((tid) =>
        fs.readFileSync(`/proc/${sidecar.pid}/task/${tid}/comm`, 'utf8') === 'AccessLogFlush\n');
      const status = fs.readFileSync(`/proc/${sidecar.pid}/task/${flushing[0]}/status`, 'utf8');
      expect(allowedCpus(status)).toEqual(planCpus().others);
    });
  });
});

describe('Header Read', () => {
  it('leaves the header in the request', async () => {
    await withSidecar(policyById('header-read'), async (sidecar) => {
      const { body } = await get(sidecar, '/headers', { 'x-version': '7' });
      expect(JSON.parse(body)).toContainEqual(['x-version', '7']);
    });
  });
});

describe('request ids', () => {
  it('reach the backend in HTTP Mix 2 and in no exact composition', async () => {
    const idOf = (id: string) => withSidecar(policyById(id), (sidecar) => headerAtBackend(sidecar, 'x-request-id'));
    expect(await idOf('http-mix-2')).toHaveLength(1);
    expect(await idOf('http-mix-2-exact')).toHaveLength(0);
  });
});

describe('TLS', () => {
  const negotiated = (policy: Policy, client: tls.ConnectionOptions = {}) => withSidecar(policy, (sidecar) =>
    new Promise<{ version: string | null; cipher: string }>((resolve, reject) => {
      const socket = tls.connect({ ...sidecar.address, rejectUnauthorized: false, ...client }, () => {
        resolve({ version: socket.getProtocol(), cipher: socket.getCipher().name });
        socket.destroy();
      });
      socket.on('error', reject);
    }));
  const tls12: Policy = { ...policyById('tls'), tls: { version: 'TLSv1_2', cipherSuites: ['ECDHE-RSA-AES128-GCM-SHA256'] } };

  it('is 1.3 by default, on the TCP and the HTTP frame', async () => {
    expect((await negotiated(policyById('tls'))).version).toBe('TLSv1.3');
    expect((await negotiated(policyById('tls-http'))).version).toBe('TLSv1.3');
  });
  it('is the version and the cipher asked for', async () => {
    expect(await negotiated(tls12)).toEqual({ version: 'TLSv1.2', cipher: 'ECDHE-RSA-AES128-GCM-SHA256' });
  });
  it('is not spoken with a client that offers another cipher', async () => {
    await expect(negotiated(tls12, { ciphers: 'ECDHE-RSA-AES256-GCM-SHA384', maxVersion: 'TLSv1.2' })).rejects.toThrow(/handshake/i);
  });
});
