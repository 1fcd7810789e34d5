import * as fs from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { graphById } from '../../lib/apps/graph-file.js';
import { traversalsOf } from '../../lib/apps/traversals.js';
import { applicationEngine } from '../../lib/deploy/engines.js';
import { applications, applicationsPlan } from '../../lib/experiments/applications.js';
import { applicationsData, type LoadRow, type PodRow } from '../../lib/experiments/applications-data.js';
import { invocations, invocationsPlan } from '../../lib/experiments/invocations.js';
import { invocationsData } from '../../lib/experiments/invocations-data.js';
import { sidecarLatency, sidecarLatencyPlan } from '../../lib/experiments/sidecar-latency.js';
import { sidecarLatencyData } from '../../lib/experiments/sidecar-latency-data.js';
import { carryOutVisits, type Task, type Visit } from '../../lib/experiments/visits.js';
import { fig13 } from '../../lib/figures/fig13.js';
import { topology } from '../../lib/figures/topology.js';
import { newPlace, type Place } from './support/small-campaign.js';

const able = await applicationEngine().probe();
const here = describe.skipIf(!able.available);
const graph = graphById('two-tier');
let place: Place;

beforeAll(() => { place = newPlace(); });
afterAll(() => place.remove());

const recorded = (experiment: string) => place.store.runs(place.store.live(), experiment);
const measureAll = (visits: readonly Visit[]) => carryOutVisits(visits, { store: place.store });
/** As quick as it gets: what is measured does not matter here. */
const briefly = (visits: readonly Visit[]) => visits.map((visit) => ({ ...visit, tasks: visit.tasks.filter(({ load }) => load.mode === 'closed') }));

here('an application of one\'s own', () => {
  it('is measured with and without sidecars, once', async () => {
    const visits = briefly(applicationsPlan('quick', { applications: [{ graph }], profiles: ['none', 'default'], nodes: [2] }));
    const first = await measureAll(visits);
    expect(first.failed).toEqual([]);
    expect(first.measured).toHaveLength(4);
    const again = await measureAll(visits);
    expect(again.measured).toEqual([]);
    expect(again.recorded.map(({ id }) => id).sort()).toEqual(first.measured.map(({ id }) => id).sort());
  });

  it('has been asked so often before anything was measured, and once only', async () => {
    const [visit] = briefly(applicationsPlan('quick', { applications: [{ graph }], profiles: ['default'], nodes: [1] }));
    const front: (number | undefined)[] = [];
    const look: Task['measure'] = async ({ up }) => {
      await up();
      const app = await up();
      const counts = await app.countRequests();
      front.push(counts[app.pods.findIndex(({ service }) => service === graph.entry.service)]?.inbound);
      throw new Error('nothing to keep');
    };
    await carryOutVisits([{ ...visit, warmUp: { requests: 30, connections: 2 }, tasks: visit.tasks.slice(0, 1).map((task) => ({ ...task, measure: look })) }], { store: place.store });
    expect(front).toEqual([30]);
  });

  it('has in every run what its figures are drawn from, and how its sidecars were configured', () => {
    for (const run of recorded(applications)) {
      expect(fs.readdirSync(run.dir)).toEqual(expect.arrayContaining(['envoy.yaml.gz', 'load.json', 'pods.json', 'run.json', 'topology.json']));
      expect(run.spec.application).toMatchObject({ graph: 'two-tier', nodes: 2, engine: 'namespaces' });
    }
  });

  it('shows sidecars that counted each call of the graph, and what each pod spent', () => {
    const data = applicationsData({ origin: 'live' }, recorded(applications));
    const loads = data.loads.objects() as LoadRow[];
    expect(loads.filter(({ profile }) => profile === 'none').every(({ sidecarCpuUs, appCpuUs }) => sidecarCpuUs === 0 && appCpuUs > 0)).toBe(true);
    expect(loads.filter(({ profile }) => profile === 'default').every(({ sidecarCpuUs }) => sidecarCpuUs > 0)).toBe(true);
    const pods = (data.pods.objects() as PodRow[]).filter(({ profile }) => profile === 'default');
    const stores = graph.services.filter(({ protocol }) => protocol !== 'http' && protocol !== 'grpc').map(({ name }) => name);
    for (const { service, inbound } of traversalsOf(graph).filter((each) => !stores.includes(each.service))) {
      expect(pods.find((pod) => pod.service === service)!.inbound).toBeCloseTo(inbound, 1);
    }
    expect(topology(data, graph, 'default', 2).rows.length).toBeGreaterThan(1);
  });

  it('has the user instructions of every sidecar, and a store\'s has fewer than a service\'s', async () => {
    const [visit] = invocationsPlan('quick', { applications: [{ graph }], profiles: ['default'] });
    expect((await measureAll([visit])).failed).toEqual([]);
    const data = invocationsData(place.store.live(), recorded(invocations));
    const of = (service: string) => data.perRequestOf('two-tier', 'default', service)!.value;
    const store = graph.services.find(({ protocol }) => protocol === 'redis')!.name;
    expect(of(store)).toBeGreaterThan(1000);
    expect(of(store)).toBeLessThan(of(graph.entry.service));
    expect(data.perRequest('two-tier', 'default')!.value).toBeGreaterThan(of(graph.entry.service));
  });

  it('has the time that a request spends in each sidecar, direction by direction', async () => {
    const [visit] = sidecarLatencyPlan('quick', { application: { graph } });
    const front = { ...visit, tasks: visit.tasks.filter(({ observed }) => observed === graph.entry.service) };
    expect((await measureAll([front])).failed).toEqual([]);
    const figure = fig13(sidecarLatencyData({ origin: 'live' }, recorded(sidecarLatency)));
    const directions = new Set(figure.rows.map(({ x }) => String(x).split(', ')[1]));
    expect([...directions].sort()).toEqual(['fanout_egress', 'fanout_ingress', 'request_egress', 'request_ingress']);
  });
});

it('says what is missing where applications cannot be deployed', () => {
  if (able.available) expect(able.version).toMatch(/\d/);
  else expect(able).toMatchObject({ reason: expect.stringMatching(/./), remedy: expect.stringMatching(/./) });
});
