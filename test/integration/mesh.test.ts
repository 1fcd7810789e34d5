import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isStore, serviceOf } from '../../lib/apps/call-graph.js';
import { graphById } from '../../lib/apps/graph-file.js';
import { hopsOf, traversalCount, traversalsOf } from '../../lib/apps/traversals.js';
import { cpuBetween } from '../../lib/counters/schedstat.js';
import type { ApplicationSpec } from '../../lib/deploy/application.js';
import { probeMesh } from '../../lib/deploy/mesh/availability.js';
import { crossingsOf } from '../../lib/deploy/mesh/crossings.js';
import { startInNamespaces, type DeployedMesh, type MeshOptions } from '../../lib/deploy/mesh/namespaces.js';
import { allowedCpus, planCpus } from '../../lib/host/cpus.js';
import { run, start, type Daemon } from '../../lib/host/process.js';
import { networkOf, machineNetwork } from './support/network-left.js';
import { daemonsOf, descendantsOf, runFoldersOf, stillAlive, until } from './support/small-campaign.js';

const probed = await probeMesh();
if (!probed.available) console.warn(`not tested, since ${probed.reason}: ${probed.remedy}`);
const here = describe.skipIf(!probed.available);

function up(id: string, profile: ApplicationSpec['profile'], more: Partial<ApplicationSpec> = {}, options: MeshOptions = {}): Promise<DeployedMesh> {
  return startInNamespaces({ graph: graphById(id), profile, nodes: 1, ...more }, options);
}

/** Requests so far, by application. */
const asked = new Map<DeployedMesh, number>();

async function ask(app: DeployedMesh, headers: Record<string, string> = {}): Promise<Response> {
  asked.set(app, (asked.get(app) ?? 0) + 1);
  const { host, port } = app.target.address;
  const response = await fetch(`http://${host}:${port}${app.path}`, { headers });
  await response.arrayBuffer();
  return response;
}

function podOf({ pods }: DeployedMesh, service: string) {
  return pods.find((pod) => pod.service === service)!;
}

async function statsOf(app: DeployedMesh, service: string): Promise<Record<string, number>> {
  return podOf(app, service).sidecar!.stats();
}

/** Looks again until it holds; spans and log lines take their seconds. */
async function eventually<T>(look: () => Promise<T>, holds: (found: T) => boolean): Promise<T> {
  for (let tries = 0; ; tries++) {
    const found = await look();
    if (holds(found) || tries === 300) return found;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** What a program in the mount and network namespaces of a pod's service says. */
async function inside(app: DeployedMesh, service: string, ...argv: string[]): Promise<string> {
  return (await run(['nsenter', '--mount', '--net', '-t', String(podOf(app, service).servicePids[0]), ...argv])).stdout;
}

here('BookInfo with demo on two nodes', () => {
  let app: DeployedMesh;
  let folder: string;
  beforeAll(async () => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mesh-'));
    app = await up('bookinfo', 'demo', { nodes: 2 });
  });
  afterAll(async () => {
    await app.stop();
    fs.rmSync(folder, { recursive: true });
  });

  /** Bytes that crossed an interface during `body`. */
  async function sniffed(namespace: string, device: string, body: () => Promise<unknown>): Promise<string> {
    const file = path.join(folder, `${namespace}-${device}`);
    const sniffer: Daemon = await start(['ip', 'netns', 'exec', namespace, 'python3', path.resolve('test/integration/support/sniff.py'), device],
      { name: 'sniffer', stdoutFile: file, logFile: `${file}.log` });
    await until('the sniffer', () => sniffer.output().includes('sniffing'));
    await body();
    await new Promise((resolve) => setTimeout(resolve, 100));
    await sniffer.stop();
    return fs.readFileSync(file, 'latin1');
  }
  const nodeNamespace = () => app.namespaceOf('details').replace(/pod-details$/, 'node0');

  it('answers through every sidecar on the way, in and out, and none sees a call twice', async () => {
    const before = Object.fromEntries(await Promise.all(app.pods.map(async ({ service }) => [service, crossingsOf(await statsOf(app, service))] as const)));
    expect((await ask(app)).status).toBe(200);
    for (const { service, inbound, outbound } of traversalsOf(app.spec.graph)) {
      const after = crossingsOf(await statsOf(app, service));
      expect([service, after.inboundRequests - before[service].inboundRequests, after.outboundRequests - before[service].outboundRequests]).toEqual([service, inbound, outbound]);
      // Envoy's own calls, were they redirected, would arrive as connections to somewhere else.
      expect([after.inboundConnections, after.outboundConnections]).toEqual([0, 0]);
    }
  });

  it('sends calls where the caller meant them: to the Service’s address, which becomes the pod’s', async () => {
    await ask(app);
    const log = await eventually(async () => fs.readFileSync(app.accessLogOf('productpage'), 'utf8'), (text) => text.includes('/details/0') && text.includes('/productpage'));
    const details = podOf(app, 'details').address;
    const virtual = /^(\S+)/.exec(await inside(app, 'productpage', 'getent', 'hosts', 'details'))![1];
    const line = log.split('\n').find((each) => each.includes('/details/0'))!;
    expect(virtual).not.toBe(details.host);
    expect(line).toMatch(/^\[\d{4}-\d\d-\d\dT[\d:.]+Z\] "GET \/details\/0 HTTP\/1\.1" 200 - via_upstream - "-" 0 178 \d+ \d+ "-" "[^"]*" "[0-9a-f-]{36}" "details:9080"/);
    expect(line).toContain(`"${details.host}:9080" outbound|9080||details.default.svc.cluster.local`);
    expect(line).toContain(` ${virtual}:9080 `);
    expect(log).toMatch(/"GET \/productpage HTTP\/1\.1" 200 .* inbound\|9080\|\| 127\.0\.0\.6:/);
  });

  it('knows services by every name that Kubernetes gives them, in its pods alone', async () => {
    for (const name of ['ratings', 'ratings.default', 'ratings.default.svc', 'ratings.default.svc.cluster.local']) {
      expect(await inside(app, 'reviews', 'getent', 'hosts', name)).toContain('ratings.default.svc.cluster.local');
    }
    expect(fs.readFileSync('/etc/hosts', 'utf8')).not.toContain('ratings');
  });

  it('carries peer metadata between sidecars, and shows it to no service', async () => {
    const link = await sniffed(nodeNamespace(), 'node1', () => ask(app));
    const values = [...link.matchAll(/x-envoy-peer-metadata: (\S+)\r\n/g)].map(([, value]) => Buffer.from(value, 'base64').toString('latin1'));
    // Productpage asks details on the other node, which answers with its own; more calls may cross.
    expect(values.some((value) => value.includes('productpage-v1-'))).toBe(true);
    expect(values.some((value) => value.includes('details-v1-'))).toBe(true);
    expect(link).toMatch(/x-envoy-peer-metadata-id: sidecar~\d+\.\d+\.\d+\.\d+~productpage-v1-/);
    for (const service of ['productpage', 'details']) {
      const loopback = await sniffed(app.namespaceOf(service), 'lo', () => ask(app));
      expect(loopback).toContain('/details/0');
      expect(loopback).not.toContain('x-envoy-peer-metadata');
    }
  });

  it('tells a client of its pods only where that speaks as a sidecar does', async () => {
    expect((await ask(app)).headers.get('x-envoy-peer-metadata')).toBeNull();
    const { headers } = await ask(app, { 'x-envoy-peer-metadata': 'bWU=', 'x-envoy-peer-metadata-id': 'sidecar~me' });
    expect(Buffer.from(headers.get('x-envoy-peer-metadata')!, 'base64').toString('latin1')).toContain('productpage-v1');
    expect(headers.get('x-envoy-peer-metadata-id')).toMatch(/^sidecar~/);
  });

  it('sends a span for every crossing', async () => {
    for (let i = 0; i < 3; i++) await ask(app);
    const expected = asked.get(app)! * traversalCount(app.spec.graph);
    const { spans, services } = await eventually(() => app.spans(), (found) => found.spans >= expected);
    expect(spans).toBe(expected);
    expect(Object.keys(services).sort()).toEqual(['details.default', 'productpage.default', 'ratings.default', 'reviews.default']);
  });

  it('has its pods on the core that is theirs, and tells what each spends', async () => {
    for (const { servicePids, sidecar } of app.pods) {
      for (const pid of [...servicePids, sidecar!.pid]) expect(allowedCpus(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))).toEqual([planCpus().worker]);
    }
    const before = await app.readCpu();
    for (let i = 0; i < 20; i++) await ask(app);
    const after = await app.readCpu();
    after.forEach(({ app: service, sidecar, worker }, i) => {
      expect(cpuBetween(before[i].app, service).runNs).toBeGreaterThan(0);
      const [all, one] = [cpuBetween(before[i].sidecar!, sidecar!).runNs, cpuBetween(before[i].worker!, worker!).runNs];
      expect(one).toBeGreaterThan(0);
      expect(all).toBeGreaterThanOrEqual(one);
    });
  });
});

here('mutual TLS and RBAC', () => {
  let app: DeployedMesh;
  beforeAll(async () => { app = await up('bookinfo', 'default', { nodes: 2, mtls: true, rbac: true }); });
  afterAll(() => app.stop());

  it('encrypts between sidecars, and lets clients in that have none', async () => {
    expect((await ask(app)).status).toBe(200);
    const details = await statsOf(app, 'details');
    expect(details['listener.0.0.0.0_15006.ssl.handshake']).toBeGreaterThanOrEqual(1);
    expect((await statsOf(app, 'productpage'))['cluster.outbound|9080||details.default.svc.cluster.local.ssl.handshake']).toBeGreaterThanOrEqual(1);
  });
  it('asks the rule of every request that comes in', async () => {
    const rule = 'http.inbound_0.0.0.0_9080.rbac.allowed';
    const before = (await statsOf(app, 'reviews'))[rule] ?? 0;
    await ask(app);
    expect((await statsOf(app, 'reviews'))[rule] - before).toBe(1);
  });
});

here('without sidecars, over five nodes', () => {
  let app: DeployedMesh;
  beforeAll(async () => { app = await up('online-boutique', 'none', { nodes: 5 }); });
  afterAll(() => app.stop());

  it('answers, and no Envoy runs', async () => {
    expect((await ask(app)).status).toBe(200);
    expect(app.pods.map(({ sidecar }) => sidecar)).toEqual(app.pods.map(() => null));
    await expect(async () => app.spans()).rejects.toThrow('nobody takes in spans here');
  });
  it('has its pods on all nodes in turn, and those reach each other across two bridges', async () => {
    expect(app.pods.map(({ node }) => node)).toEqual(app.pods.map((_, i) => i % 5));
    // Each router on the way counts one off: two nodes lie between pods of different ones.
    const hops = await inside(app, 'frontend', 'python3', '-c', [
      'import socket',
      `s = socket.socket(); s.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 2); s.settimeout(2)`,
      `t = socket.socket(); t.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 3); t.settimeout(2)`,
      `at = ("${podOf(app, 'adservice').address.host}", ${podOf(app, 'adservice').address.port})`,
      'print(s.connect_ex(at) == 0, t.connect_ex(at) == 0)',
    ].join('\n'));
    expect(hops.trim()).toBe('False True');
  });
});

here.each(['bookinfo', 'online-boutique', 'hotel-reservation'])('%s with sidecars', (id) => {
  it('answers 200, every sidecar counts what the graph says, and nothing is left of it', async () => {
    const machine = await machineNetwork();
    const app = await up(id, 'default', { nodes: 3 });
    const processes = descendantsOf(process.pid);
    const requests = 3;
    for (let i = 0; i < requests; i++) expect((await ask(app)).status).toBe(200);
    const { graph } = app.spec;
    const hops = hopsOf(graph);
    for (const { service, inbound, outbound } of traversalsOf(graph)) {
      const read = hops.filter(({ caller, callee }) => caller === service && !isStore(serviceOf(graph, callee)) && !serviceOf(graph, callee).calledByPodAddress).length;
      const counted = crossingsOf(await statsOf(app, service));
      if (isStore(serviceOf(graph, service))) expect([service, counted.inboundConnections > 0]).toEqual([service, inbound > 0]);
      else expect([service, counted.inboundRequests]).toEqual([service, requests * inbound]);
      expect([service, counted.outboundRequests]).toEqual([service, requests * read]);
      expect([service, counted.outboundConnections > 0]).toEqual([service, outbound > read]);
    }
    expect(await app.ending()).toBeNull();
    expect(app.normalised).not.toContain(app.target.address.host);
    await app.stop();
    expect(stillAlive(processes)).toEqual([]);
    expect([networkOf(process.pid), daemonsOf(process.pid), runFoldersOf(process.pid).filter((name) => name.startsWith('mesh'))]).toEqual([[], [], []]);
    expect(await machineNetwork()).toEqual(machine);
  });
});

here('when something goes wrong', () => {
  it('a sidecar that dies is named with how it ended', async () => {
    const app = await up('bookinfo', 'default');
    process.kill(podOf(app, 'ratings').sidecar!.pid, 'SIGKILL');
    expect(await eventually(() => app.ending(), (how) => how !== null)).toMatch(/^sidecar of ratings killed by SIGKILL/);
    await app.stop();
  });
  it('an Envoy that does not start fails the start with its words, and leaves nothing', async () => {
    await expect(up('bookinfo', 'default', {}, { wrapSidecar: (service) => (service === 'reviews' ? ['sh', '-c', 'echo no such luck >&2; exit 3'] : undefined) }))
      .rejects.toThrow('sidecar of reviews exited at start (code 3): no such luck');
    expect([networkOf(process.pid), daemonsOf(process.pid)]).toEqual([[], []]);
  });
  it('without a collector spans are lost, and requests do not care', async () => {
    const app = await up('bookinfo', 'demo', {}, { collector: false });
    expect((await ask(app)).status).toBe(200);
    expect((await run(['nsenter', '--mount', '-t', String(podOf(app, 'details').servicePids[0]), 'cat', '/etc/hosts'])).stdout).not.toContain('zipkin');
    await app.stop();
  });
});
