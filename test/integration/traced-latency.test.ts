import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { addTimes, noTime, sidecarLatency, type SidecarLatency } from '../../lib/analysis/sidecar-latency.js';
import type { Collector } from '../../lib/counters/collector.js';
import { strace } from '../../lib/counters/strace.js';
import { syscallEvents } from '../../lib/counters/syscall-events.js';
import type { CallRecording } from '../../lib/counters/system-call.js';
import { readListenerAddress } from '../../lib/deploy/envoy-admin.js';
import { startEcho } from '../../lib/deploy/backend.js';
import { policyById } from '../../lib/deploy/catalogue.js';
import { startSidecar } from '../../lib/deploy/envoy.js';
import type { Backend, Sidecar, UserConfig } from '../../lib/deploy/types.js';
import { readLatency, recordLatency, type TracerLatency } from '../../lib/experiments/traced-latency.js';
import { planCpus } from '../../lib/host/cpus.js';
import { start } from '../../lib/host/process.js';
import { readSockets } from '../../lib/host/sockets.js';
import { connect } from '../../lib/load/sequential.js';
import { sendExactly } from '../../lib/load/load.js';

const cpus = planCpus();
const requests = 60;
let echo: Backend;
let folder: string;
let sidecar: Sidecar | undefined;

beforeAll(async () => {
  echo = await startEcho({ cpus });
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'traced-latency-'));
});
afterAll(async () => {
  await sidecar?.stop();
  await echo.stop();
  fs.rmSync(folder, { recursive: true, force: true });
});

const newDir = () => fs.mkdtempSync(path.join(folder, 'run-'));
async function up(id: string): Promise<Sidecar> {
  await sidecar?.stop();
  sidecar = await startSidecar(policyById(id), { upstream: echo.address, cpus });
  await sendOver(sidecar);
  return sidecar;
}
const sendOver = async ({ address, tls }: Sidecar) => (await sendExactly({ address, tls }, { requests, connections: 1, path: '/100' }, { cpus: cpus.others })).requests;
async function skipWithout(collector: Collector<CallRecording>, { skip }: Pick<TestContext, 'skip'>): Promise<void> {
  const answer = await collector.probe();
  skip(!answer.available, answer.available ? '' : answer.reason);
}
const tracerOf = ({ pid, workerTid }: Sidecar) => /^TracerPid:\s*(\d+)$/m.exec(fs.readFileSync(`/proc/${pid}/task/${workerTid}/status`, 'utf8'))?.[1];

function sumOf({ traversals, idleNs, unassigned }: SidecarLatency): number {
  const all = traversals.flatMap(({ request, response }) => [request, response]).flatMap(({ time, after }) => [time, after]).concat(unassigned).reduce(addTimes, noTime);
  return all.kernelNs + all.userNs + all.lostNs + all.waitNs + idleNs;
}

describe.each<[string, Collector<CallRecording>]>([['strace', strace], ['syscall-events', syscallEvents]])('%s', (_, collector) => {
  it.for(['http', 'tcp'])('finds every request sent through %s, and where all of the time went', async (id, ctx) => {
    await skipWithout(collector, ctx);
    const worker = await up(id);
    const dir = newDir();
    await collector.record(worker, dir, () => sendOver(worker), cpus.others);
    const latency = sidecarLatency(collector.read(dir));
    expect(latency.traversals).toHaveLength(requests);
    expect(latency.cutOff).toBe(0);
    expect(Math.abs(sumOf(latency) - latency.windowNs)).toBeLessThan(1);
    expect(latency.traversals.filter(({ isFirst }) => isFirst)).toHaveLength(1);
    for (const { request, response } of latency.traversals.filter(({ isFirst, opensUpstream }) => !isFirst && !opensUpstream)) {
      for (const { calls } of [request.time, response.time]) {
        expect(calls.sendto ?? calls.writev).toBe(1);
        expect(calls.readv).toBeGreaterThanOrEqual(1);
      }
    }
  });

  it('counts the connection of each request as part of it when every request brings its own', async (ctx) => {
    await skipWithout(collector, ctx);
    const worker = await up('http');
    const dir = newDir();
    await collector.record(worker, dir, async () => {
      for (let i = 0; i < 5; i++) {
        const client = connect(worker.address);
        await client.get('/100');
        client.close();
      }
    }, cpus.others);
    const { traversals } = sidecarLatency(collector.read(dir));
    expect(traversals.map(({ isFirst }) => isFirst)).toEqual(Array(5).fill(true));
    for (const { request } of traversals) expect(request.time.calls.accept4).toBeGreaterThanOrEqual(1);
  });

  it('lets the worker go, also after a load that failed', async (ctx) => {
    await skipWithout(collector, ctx);
    const worker = await up('http');
    await expect(collector.record(worker, newDir(), async () => { throw new Error('the load failed'); }, cpus.others)).rejects.toThrow('the load failed');
    expect(tracerOf(worker)).toBe('0');
    expect(await sendOver(worker)).toBe(requests);
  });

  it('says what is wrong when there is no such thread', async (ctx) => {
    await skipWithout(collector, ctx);
    const worker = await up('http');
    await expect(collector.record({ ...worker, workerTid: 2 ** 22 + 1 }, newDir(), async () => 0, cpus.others)).rejects.toThrow(/no thread 4194305|ended before it was told to enable/);
  });
});

/** Two listeners, as a pod's sidecar has them: to its own service, and for what the service asks of others. */
const podConfig = (servicePort: number, otherPort: number) => `
static_resources:
  listeners:
${[['inbound', 'service'], ['outbound', 'other']].map(([name, cluster]) => `
  - name: ${name}
    address: { socket_address: { address: 127.0.0.1, port_value: 0 } }
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          '@type': type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: ${name}
          http_filters: [{ name: envoy.filters.http.router, typed_config: { '@type': type.googleapis.com/envoy.extensions.filters.http.router.v3.Router } }]
          route_config: { virtual_hosts: [{ name: all, domains: ['*'], routes: [{ match: { prefix: / }, route: { cluster: ${cluster} } }] }] }`).join('')}
  clusters:
${[['service', servicePort], ['other', otherPort]].map(([name, port]) => `
  - name: ${name}
    load_assignment: { cluster_name: ${name}, endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: ${port} } } } }] }] }`).join('')}
`;
/** Answers /PORT with what it gets from there. */
const service = `
const http = require('http');
const agent = new http.Agent({ keepAlive: true });
const answer = (request, response) => http.get({ port: Number(request.url.slice(1)), host: '127.0.0.1', path: '/100', agent }, (other) => other.pipe(response));
const server = http.createServer(answer).listen(0, '127.0.0.1', () => console.log('port ' + server.address().port));`;

it('a service that asks another is crossed four times a request, in the order of the paper', async (ctx) => {
  await skipWithout(strace, ctx);
  await sidecar?.stop();
  const asking = await start([process.execPath, '-e', service], { name: 'service', cpus: cpus.others, logFile: path.join(folder, 'service.log') });
  try {
    const portOf = () => Number(/port (\d+)/.exec(asking.output())?.[1]);
    while (asking.alive() && !portOf()) await new Promise((resolve) => setTimeout(resolve, 10));
    const config: UserConfig = { frame: 'user', id: 'pod', label: 'pod', yaml: podConfig(portOf(), echo.address.port), listener: 'inbound', clusters: ['other'] };
    const worker = sidecar = await startSidecar(config, { upstream: echo.address, cpus });
    const outbound = await readListenerAddress(worker.admin, 'outbound');
    const client = connect(worker.address);
    const ask = async () => { for (let i = 0; i < requests; i++) await client.get(`/${outbound.port}`); };
    await ask();
    const dir = newDir();
    await strace.record(worker, dir, ask, cpus.others);
    client.close();
    const latency = sidecarLatency(strace.read(dir), ({ port }) => (port === outbound.port ? 'outbound' : 'inbound'));
    expect(latency.traversals.map(({ request, response }) => [request.path, response.path])).toEqual(
      Array.from({ length: requests }, () => [['request_ingress', 'request_egress'], ['fanout_egress', 'fanout_ingress']]).flat(),
    );
    expect(latency.traversals.map(({ upstream }) => upstream?.port)).toEqual(Array.from({ length: requests }, () => [portOf(), echo.address.port]).flat());
    expect(Math.abs(sumOf(latency) - latency.windowNs)).toBeLessThan(1);
  } finally {
    await asking.stop();
  }
});

it('sockets of a process in another network namespace are seen from here', async (ctx) => {
  const listen = "require('net').createServer().listen(8123, '127.0.0.1', () => console.log('listening'))";
  const pod = await start(['unshare', '--net', process.execPath, '-e', listen], { name: 'pod', logFile: path.join(folder, 'pod.log') });
  try {
    while (pod.alive() && !pod.output().includes('listening')) await new Promise((resolve) => setTimeout(resolve, 10));
    ctx.skip(!pod.alive(), 'no network namespaces here');
    expect(readSockets(pod.pid)).toMatchObject([{ state: 'listening', local: { host: '127.0.0.1', port: 8123 } }]);
  } finally {
    await pod.stop();
  }
});

describe('latency by both tools', () => {
  const show = ({ value, interval }: { value: number; interval: [number, number] | null }, digits = 1) => `${value.toFixed(digits)} [${interval?.map((bound) => bound.toFixed(digits)).join(', ')}]`;

  function print(name: string, { paths, cpuUs, schedstatUs, ofPlain, rounds, unassignedShare }: TracerLatency): void {
    for (const { path: half, raw, corrected } of paths) {
      console.log(`${name} ${half}, us: kernel ${show(raw.kernelUs)} -> ${show(corrected.kernelUs)}, user ${show(raw.userUs)} -> ${show(corrected.userUs)}, both ${show(raw.totalUs)} -> ${show(corrected.totalUs)}`);
    }
    console.log(`${name} adds, ns: inside a call ${rounds.map(({ overhead }) => overhead.insideNs.value.toFixed(0)).join(' ')}, outside ${rounds.map(({ overhead }) => overhead.outsideNs.value.toFixed(0)).join(' ')}; unassigned ${(100 * unassignedShare).toFixed(2)} %`);
    console.log(`${name} CPU us/request by calls ${show(cpuUs.raw)} -> ${show(cpuUs.corrected)}; scheduler, same rounds ${show(schedstatUs)}${ofPlain ? `; to untraced, with the time around sleeping: ${show(ofPlain.least, 2)} to ${show(ofPlain.most, 2)}` : ''}`);
  }

  it.for(['http', 'tcp'])('rests on the requests sent through %s, and says how it compares with the CPU time of untraced rounds', async (id, ctx) => {
    await skipWithout(strace, ctx);
    const worker = await up(id);
    const dir = newDir();
    const rounds = 3;
    await recordLatency(worker, dir, () => sendOver(worker), { rounds, cpus: cpus.others });
    const latency = readLatency(dir);
    console.log(`${id}: untraced CPU us/request by the scheduler ${show(latency.plainUs)}`);
    if (latency.aroundSleepUs) console.log(`${id}: of it around sleeping ${show(latency.aroundSleepUs.least)} to ${show(latency.aroundSleepUs.most)}`);
    for (const [name, found] of Object.entries({ strace: latency.strace, events: latency.events })) {
      if (!found) continue;
      print(`${id} ${name}`, found);
      expect(found).toMatchObject({ requests: rounds * requests, traversals: rounds * requests, cutOff: 0 });
      expect(found.paths.map(({ path: half, traversals }) => [half, traversals])).toEqual([['request_ingress', rounds * requests], ['request_egress', rounds * requests]]);
    }
    expect(latency.aroundSleepUs === null).toBe(latency.events === null);
    expect(latency.events === null).toBe(!(await syscallEvents.probe()).available);
    expect(tracerOf(worker)).toBe('0');
  });
});
