/** The paper's applications on loopback, without sidecars. What they do is read off the wire between them. */
import * as fs from 'node:fs';
import * as http from 'node:http';
import * as os from 'node:os';
import { afterEach, describe, expect, test } from 'vitest';
import { serviceOf, type CallGraph } from '../../lib/apps/call-graph.js';
import { emulatorBundle } from '../../lib/apps/emulator-bundle.js';
import { graphById, graphs, parseGraph } from '../../lib/apps/graph-file.js';
import { seedingOf } from '../../lib/apps/programs.js';
import { storeAvailability } from '../../lib/apps/stores.js';
import { hopsOf, type Hop } from '../../lib/apps/traversals.js';
import type { Address } from '../../lib/deploy/types.js';
import { projectPath } from '../../lib/host/paths.js';
import { run } from '../../lib/host/process.js';
import { bringUp, type OnLoopback } from './support/on-loopback.js';
import { pathWithout } from './support/path-without.js';
import type { WireCall } from './support/wire-calls.js';

let app: OnLoopback | null = null;
afterEach(async () => {
  await app?.stop();
  app = null;
});

/** A client that keeps its one connection where the server lets it. */
const client = new http.Agent({ keepAlive: true, maxSockets: 1 });

function ask({ host, port }: Address, path: string, headers: Record<string, string> = {}): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    http.get({ host, port, path, headers, agent: client }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => { body += text; }).once('end', () => resolve({ status: response.statusCode!, body }));
    }).once('error', reject);
  });
}

const pathOfEntry = (graph: CallGraph): string => serviceOf(graph, graph.entry.service).operations![graph.entry.operation].path!;

/** What stands in the graph and can be seen from outside. */
const ofHop = ({ caller, callee, requestBytes, responseBytes }: Hop) => ({ caller: caller ?? 'client', callee, requestBytes, responseBytes });
const ofCall = ({ caller, callee, requestBytes, responseBytes }: WireCall) => ({ caller, callee, requestBytes, responseBytes });
/** Clients of Redis greet it once. */
const isGreeting = ({ asked }: WireCall) => /^(hello|client|info)\b/i.test(asked);

const variants: [string, string | undefined][] = [
  ['bookinfo', undefined], ['bookinfo', 'reviews-v1'], ['bookinfo', 'since-2024-06'],
  ['online-boutique', undefined], ['hotel-reservation', undefined], ['hotel-reservation', 'until-2023-10'],
];

test.each(variants)('%s (%s) makes the calls of its graph, in order, with its bytes and over its connections, for every request', async (id, variant) => {
  const graph = graphById(id, variant);
  const hops = hopsOf(graph);
  app = await bringUp(graph);
  for (let i = 0; i < 3; i++) {
    const before = app.calls().length;
    const { status, body } = await ask(app.address, pathOfEntry(graph));
    expect([status, body.length]).toEqual([200, hops[0].responseBytes]);
    expect(app.calls().slice(before).filter((call) => !isGreeting(call)).map(ofCall)).toEqual(hops.map(ofHop));
  }
  for (const { callee, newConnection } of hops) expect([callee, connectionsTo(callee)]).toEqual([callee, newConnection ? 3 : 1]);
});

const connectionsTo = (callee: string): number => app!.connections.filter((connection) => connection.callee === callee).length;

test.each([undefined, 'memcached'])('parallel calls overlap and a store answers them (two-tier, %s)', async (variant) => {
  const graph = graphById('two-tier', variant);
  serviceOf(graph, 'stock').operations!.level.computeUs = 50_000; // so that who waited for it would be seen
  app = await bringUp(graph);
  await ask(app.address, '/shelf'); // connects
  const before = app.calls().length;
  expect((await ask(app.address, '/shelf')).status).toBe(200);
  const calls = app.calls().slice(before);
  const sorted = (list: object[]) => list.map((one) => JSON.stringify(one)).sort();
  expect(sorted(calls.map(ofCall))).toEqual(sorted(hopsOf(graph).map(ofHop)));
  const [stock, firstOfPrices] = ['stock', 'prices'].map((callee) => calls.find((call) => call.callee === callee)!);
  expect(firstOfPrices.began).toBeLessThan(stock.ended);
});

test('details sends head and body apart until June 2024, together since', async () => {
  for (const [variant, pieces] of [[undefined, 2], ['since-2024-06', 1]] as const) {
    app = await bringUp(graphById('bookinfo', variant), { without: ['productpage', 'reviews', 'ratings'] });
    const details = app.at.get('details')!;
    const written = await withStrace(app.daemons.get('details')!.pid, () => ask(details, '/details/0'));
    expect([variant, written.filter((call) => /HTTP\/1\.1 200|xxxx/.test(call)).length]).toEqual([variant, pieces]);
    await app.stop();
  }
});

test('headers of a request go on to every service that is called', async () => {
  app = await bringUp(graphById('bookinfo'));
  await ask(app.address, '/productpage', { 'x-request-id': 'abc-123', 'x-b3-traceid': '463ac35c9f6413ad', 'x-other': 'stays' });
  for (const { callee, chunks } of app.connections.filter(({ caller }) => caller !== 'client')) {
    const head = chunks[0].bytes.toString();
    expect(head, callee).toMatch(/^x-request-id: abc-123\r\n/im);
    expect(head, callee).toMatch(/^x-b3-traceid: 463ac35c9f6413ad\r\n/im);
    expect(head, callee).not.toContain('x-other');
  }
});

test('computing takes CPU time of the service', async () => {
  const graph = parseGraph(JSON.stringify({
    format: 1, id: 'busy', label: 'Busy', source: 'test', entry: { service: 'one', operation: 'work' },
    services: [{ name: 'one', protocol: 'http', port: 80, operations: { work: { path: '/', responseBytes: 1, computeUs: 50_000 } } }],
  }), 'busy.json');
  app = await bringUp(graph);
  const ticks = (): number => fs.readFileSync(`/proc/${app!.daemons.get('one')!.pid}/stat`, 'utf8').split(' ').slice(13, 15).reduce((sum, part) => sum + Number(part), 0);
  const before = ticks();
  for (let i = 0; i < 10; i++) await ask(app.address, '/');
  expect((ticks() - before) * 10).toBeGreaterThanOrEqual(450);
});

describe('stores', () => {
  test('Redis counts the keys it is asked for, and has those of the seed', async () => {
    app = await bringUp(graphById('two-tier'));
    for (let i = 0; i < 5; i++) await ask(app.address, '/shelf');
    const { host, port } = app.at.get('cache')!;
    const { stdout } = await run(['redis-cli', '-h', host, '-p', String(port), 'info', 'stats']);
    // Two calls of four keys a request; the miss is the question whether it is up, before it was filled.
    expect(stdout).toMatch(/keyspace_hits:40\r?\nkeyspace_misses:1\r?\n/);
  });

  test('memcached has the rates and profiles of a warm search, and never the reservations', async () => {
    app = await bringUp(graphById('hotel-reservation'));
    await ask(app.address, pathOfEntry(graphById('hotel-reservation')));
    const reads = app.calls().filter(({ callee }) => callee.startsWith('memcached'));
    expect(reads.map(({ callee, asked, responseBytes }) => [callee, asked.split(' ').length - 1, responseBytes])).toEqual([
      ['memcached-rate', 5, 26_700], ['memcached-reserve', 135, 0], ['memcached-reserve', 135, 0], ['memcached-profile', 27, 12_906],
    ]);
  });

  test.each(['redis', 'memcached'] as const)('%s says its version', async (kind) => {
    expect(await storeAvailability(kind)).toMatchObject({ available: true, version: expect.stringMatching(/^\d+\.\d+/) });
  });

  test('that are not installed say how to get them', async () => {
    const [path, folder] = [process.env.PATH, fs.mkdtempSync(`${os.tmpdir()}/no-redis-`)];
    try {
      process.env.PATH = pathWithout(folder, 'redis-server', 'redis-check-rdb');
      const how = 'redis-server is not installed; install the package redis-tools (as root, `npm run doctor` does)';
      await expect(bringUp(graphById('two-tier'))).rejects.toThrow(how);
    } finally {
      process.env.PATH = path;
      fs.rmSync(folder, { recursive: true });
    }
  });

  test('that cannot be reached in time make seeding fail with their address', async () => {
    const seeding = await seedingOf(graphById('two-tier'), 'cache', { host: '127.0.0.1', port: 1 });
    await expect(run(seeding!.argv, { env: seeding!.env })).rejects.toThrow(/redis at 127\.0\.0\.1:1 does not answer within 10 s: .*ECONNREFUSED/);
  });
});

describe('a callee that is down', () => {
  test.each([
    ['bookinfo', undefined, 'ratings', /^productpage: reviews at 127\.\S+:\d+ answered 502: reviews: ratings at 127\.\S+:\d+ cannot be asked: .*ECONNREFUSED/],
    ['two-tier', undefined, 'prices', /^shop: prices at 127\.\S+:\d+ answered UNAVAILABLE: .*ECONNREFUSED/],
    ['two-tier', undefined, 'cache', /^shop: prices at .* answered UNAVAILABLE: prices: cache at 127\.\S+:\d+ cannot be asked: .*ECONNREFUSED/],
    ['two-tier', 'memcached', 'cache', /^shop: prices at .* answered UNAVAILABLE: prices: cache at 127\.\S+:\d+ cannot be asked: .*ECONNREFUSED/],
  ])('makes a request of %s (%s) fail with its name, %s', async (id, variant, missing, reason) => {
    const graph = graphById(id, variant);
    app = await bringUp(graph, { without: [missing] });
    for (let i = 0; i < 2; i++) {
      const { status, body } = await ask(app.address, pathOfEntry(graph));
      expect([status, body]).toEqual([502, expect.stringMatching(reason)]);
    }
  });

  test('a path that a service has not is not found', async () => {
    app = await bringUp(graphById('two-tier'));
    expect(await ask(app.address, '/nowhere')).toEqual({ status: 404, body: 'shop has nothing at /nowhere; it has /shelf' });
  });
});

test('all services of the three applications together take less than 2 GB of memory', async () => {
  let kb = 0;
  for (const id of graphs.slice(0, 3)) {
    const graph = graphById(id);
    app = await bringUp(graph);
    for (let i = 0; i < 50; i++) await ask(app.address, pathOfEntry(graph));
    for (const { pid } of app.daemons.values()) kb += Number(/^Pss:\s+(\d+)/m.exec(fs.readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))![1]);
    await app.stop();
  }
  expect(kb).toBeLessThan(2e6);
});

test('the bundle is made once, whoever asks for it at once, and then kept', async () => {
  fs.rmSync(await emulatorBundle());
  const [bundle, same] = await Promise.all([emulatorBundle(), emulatorBundle()]);
  const { mtimeMs } = fs.statSync(bundle);
  expect([same, await emulatorBundle(), fs.statSync(bundle).mtimeMs]).toEqual([bundle, bundle, mtimeMs]);
});

/** Writes of a process while `body` runs. */
async function withStrace(pid: number, body: () => Promise<unknown>): Promise<string[]> {
  const file = projectPath('.workbench', 'log', `strace-${pid}.txt`);
  const tracing = run(['strace', '-f', '-e', 'trace=write,writev,sendto,sendmsg', '-s', '400', '-o', file, '-p', String(pid)], { allow: 'any' });
  await expect.poll(() => /^TracerPid:\s+[1-9]/m.test(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))).toBe(true);
  await body();
  process.kill(Number(/^TracerPid:\s+(\d+)/m.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))![1]), 'SIGINT');
  await tracing;
  const lines = fs.readFileSync(file, 'utf8').split('\n');
  fs.rmSync(file);
  return lines;
}
