import { table } from 'arquero';
import { describe, expect, test } from 'vitest';
import { graphById } from '../../../lib/apps/graph-file.js';
import { onlyNodes, type LoadRow, type PodRow } from '../../../lib/experiments/applications-data.js';
import type { InvocationsData } from '../../../lib/experiments/invocations-data.js';
import { addedHops } from '../../../lib/figures/added-hops.js';
import { engines } from '../../../lib/figures/engines.js';
import { fig05 } from '../../../lib/figures/fig05.js';
import { fig12 } from '../../../lib/figures/fig12.js';
import { fig12Repeats } from '../../../lib/figures/fig12-repeats.js';
import { fig14 } from '../../../lib/figures/fig14.js';
import type { Item } from '../../../lib/figures/item.js';
import { topology } from '../../../lib/figures/topology.js';
import { applicationsData, columnsOf, traversals, traversalUs } from './applications-data.js';

const graphs = Object.fromEntries(['bookinfo', 'hotel-reservation'].map((id) => [id, graphById(id)]));

function valueOf({ rows }: Item, series: string, x: string, unit?: string): number | null {
  const found = rows.filter((row) => row.series === series && row.x === x && (unit === undefined || row.unit === unit));
  expect(found, `${series} at ${x}`).toHaveLength(1);
  return found[0].value;
}

function verdictOf({ judgements }: Item, id: string, reading: string): string {
  return judgements.find((each) => each.id === id && each.reading === reading)!.verdict;
}

describe('Figure 5', () => {
  const figure = fig05(applicationsData());

  test('has the p90 latency and the throughput of every application, profile and number of nodes', () => {
    const sidecars = 7 * traversalUs.default;
    expect(valueOf(figure, 'sidecars, default', 'BookInfo, 5 nodes, at 50 % of the knee')).toBeCloseTo((2000 + 3 * sidecars) / 1000);
    expect(valueOf(figure, 'no sidecars', 'Hotel Reservation, 1 node, at full speed')).toBeCloseTo(1000);
  });

  test('takes what sidecars add as the difference of the profiles, and the share of it that is their CPU time apart', () => {
    const row = figure.table!.rows.find(({ application, nodes, profile }) => application === 'BookInfo' && nodes === 1 && profile === 'demo')!;
    expect(row.share).toMatch(/^3\.15 /);
    expect(row.inside).toMatch(/^1\.05 /);
  });

  test('judges that latency is added, and that it does not depend on the number of nodes', () => {
    expect(verdictOf(figure, 'C01', 'adds')).toBe('reproduced');
    expect(verdictOf(figure, 'C02', 'constant')).toBe('reproduced');
    const dearer = fig05(applicationsData({ sidecars: (_, nodes) => (nodes === 5 ? 1.5 : 1) }));
    expect(verdictOf(dearer, 'C02', 'constant')).toBe('differs');
  });

  test('leaves shares of an emulated application open', () => {
    expect(verdictOf(figure, 'C03', 'loss')).toBe('inconclusive');
    expect(figure.judgements.find(({ id }) => id === 'C03')!.reason).toContain('emulated');
  });

  test('plots no value of loads that were marked, and says why', () => {
    const marked = fig05(applicationsData({ warning: ({ application, profile, load }) => (application === 'bookinfo' && profile === 'demo' && load === 'knee' ? '40 of 50 requests/s' : '') }));
    const row = marked.rows.find(({ series, x }) => series === 'sidecars, demo' && x === 'BookInfo, 1 node, at the knee')!;
    expect(row).toMatchObject({ value: null, method: 'unavailable', reason: '40 of 50 requests/s' });
  });

  test('says that nodes of one machine share its cores', () => {
    expect(figure.notes.join(' ')).toMatch(/one kernel and share one core/);
  });
});

const counted: InvocationsData = {
  origin: 'test-2026-11-30', cpuModel: 'Test CPU', envoyVersion: '1.40.0', instructions: undefined as never,
  perRequest: (application, profile) => ({ value: traversals(application) * (profile === 'demo' ? 600e3 : 400e3), interval: null, n: 1 }),
  perRequestOf: (_, profile, service) => ({ value: (service === 'productpage' ? 3 : 1) * (profile === 'demo' ? 600e3 : 400e3), interval: null, n: 1 }),
  runsOf: () => ['counted'],
};

describe('Figure 12', () => {
  const figure = fig12(applicationsData(), counted);

  test('makes cycles of CPU time and the clock, services and sidecars apart', () => {
    expect(valueOf(figure, 'sidecars, default: sidecars', 'BookInfo, 1 node')).toBeCloseTo((7 * traversalUs.default * 2e9) / 1e12);
    expect(valueOf(figure, 'sidecars, default: services', 'BookInfo, 1 node')).toBeCloseTo(2);
  });

  test('has no instructions of the whole application without hardware counters, and says so', () => {
    const rows = figure.rows.filter(({ series }) => series === 'instructions of services, sidecars and kernel');
    expect(rows.length).toBeGreaterThan(0);
    expect(rows.every(({ value, reason }) => value === null && /hardware counters/.test(reason!))).toBe(true);
    expect(verdictOf(figure, 'C31', 'instructions-caption')).toBe('unavailable');
  });

  test('takes cycles and instructions from hardware counters where a recording has them', () => {
    const data = applicationsData();
    const counts = ['none', 'default', 'demo'].flatMap((profile) => [1, 5].flatMap((nodes) => [0, 1, 2, 3, 4, 5].flatMap((repeat) => (['services', 'sidecars'] as const).filter((part) => part === 'services' || profile !== 'none')
      .map((part) => ({ application: 'bookinfo', profile, nodes, repeat, part, cycles: part === 'services' ? 10e6 : 4e6, instructions: part === 'services' ? 6e6 : 3e6, run: 'counted' })))));
    const figure = fig12({ ...data, counts }, counted);
    const row = figure.rows.find(({ series, x, unit }) => series === 'sidecars, default: sidecars' && x === 'BookInfo, 1 node' && unit === 'million instructions/request')!;
    expect(row).toMatchObject({ value: 3, method: 'measured: hardware counters' });
    const judged = figure.judgements.find(({ id, reading }) => id === 'C31' && reading === 'instructions-caption')!;
    expect(judged).toMatchObject({ value: 50, method: 'measured: hardware counters', verdict: 'inconclusive' });
  });

  test('judges by what sidecars add whether the number of nodes matters', () => {
    expect(verdictOf(figure, 'C33', 'constant')).toBe('reproduced');
    expect(verdictOf(fig12(applicationsData({ sidecars: (_, nodes) => nodes }), counted), 'C33', 'constant')).toBe('differs');
    expect(verdictOf(fig12(onlyNodes(applicationsData(), [1]), counted), 'C33', 'constant')).toBe('unavailable');
  });

  test('judges on the numbers of nodes that were repeated often enough, and says which were not', () => {
    const all = applicationsData();
    const once = (all.loads.objects() as LoadRow[]).filter(({ nodes, repeat }) => nodes === 5 && repeat === 0).map((row) => ({ ...row, nodes: 3, referenceCpuUs: row.referenceCpuUs / 2 }));
    const more = { ...all, loads: table(columnsOf([...(all.loads.objects() as LoadRow[]), ...once])) };
    for (const [item, claim] of [[fig12(more, counted), 'C33'], [fig05(more), 'C02']] as const) {
      expect([claim, verdictOf(item, claim, 'constant')]).toEqual([claim, 'reproduced']);
      expect(item.notes).toContain(`${claim} is judged on 1 and 5 nodes; 3 were repeated fewer than 6 times.`);
    }
  });
});

describe('how far repeats of Figure 12 are apart', () => {
  /** Each repeat on a machine so many times slower. */
  const speeds = [1, 1.3, 0.9, 1, 1.1, 1];
  const data = applicationsData();
  const slowed = (data.loads.objects() as LoadRow[]).map((row) => ({ ...row, sidecarCpuUs: row.sidecarCpuUs * speeds[row.repeat], referenceCpuUs: row.referenceCpuUs * speeds[row.repeat] }));
  const drifting = { ...data, loads: table(columnsOf(slowed)) };
  const item = fig12Repeats(drifting);

  test('is in the table as measured and steadied, with how many lie within 5 %', () => {
    const row = item.table!.rows.find(({ application, profile, nodes }) => application === 'BookInfo' && profile === 'demo' && nodes === 5)!;
    expect(row).toMatchObject({ measuredSpread: '5.0, 30.0', steadySpread: '0.0, 0.0', close: '3 → 6 of 6' });
    expect(item.notes.join(' ')).toContain('at full speed in 8 of 8 (as measured: 0)');
  });

  test('has a value for each deployment with sidecars and for both ways', () => {
    expect(valueOf(item, 'CPU time of sidecars, as measured: largest deviation of a repeat', 'Hotel Reservation, default, 1 node')).toBeCloseTo(30);
    expect(valueOf(item, "CPU time of sidecars, steadied by the services' CPU time in the same window: largest deviation of a repeat", 'Hotel Reservation, default, 1 node')).toBeCloseTo(0);
  });

  test('does not keep the number of nodes from being judged, which a note holds against CPU time as measured', () => {
    const figure = fig12(drifting, counted);
    expect(verdictOf(figure, 'C33', 'constant')).toBe('reproduced');
    expect(figure.notes.join(' ')).toMatch(/By CPU time of sidecars as measured it is \w+: .*0 % /);
  });
});

describe('Figure 14', () => {
  const figure = fig14(applicationsData(), counted, graphs);

  test('counts an invocation as half a traversal, and shows both', () => {
    const cycles = (traversalUs.default * 2e9) / 1e6;
    expect(valueOf(figure, 'sidecars, default: cycles', 'BookInfo, reviews', 'cycles/invocation')).toBeCloseTo(cycles / 2);
    expect(valueOf(figure, 'sidecars, default: cycles', 'BookInfo, reviews', 'cycles/traversal')).toBeCloseTo(cycles);
    expect(valueOf(figure, 'sidecars, demo: instructions', 'BookInfo, productpage', 'user instructions/invocation')).toBeCloseTo(300e3);
  });

  test('finds the invocations of a BookInfo page as the sidecars counted them', () => {
    for (const reading of ['productpage', 'review', 'rating', 'detail']) expect(verdictOf(figure, 'C37', reading)).toBe('reproduced');
  });

  test('judges the same cost under different applications by the median application', () => {
    expect(verdictOf(figure, 'C45', 'independent')).toBe('reproduced');
    expect(verdictOf(fig14(applicationsData({ sidecars: (application) => (application === 'bookinfo' ? 2 : 1) }), counted, graphs), 'C45', 'independent')).toBe('differs');
  });
});

describe('an application as deployed', () => {
  const item = topology(applicationsData(), graphs.bookinfo, 'default', 5);

  test('shares the cost of all sidecars out over the calls of a request', () => {
    expect(item.rows.reduce((sum, { value }) => sum + value!, 0)).toBeCloseTo(7 * traversalUs.default);
    expect(valueOf(item, 'sidecars, default: CPU time of sidecars on the hop, steadied', 'client to productpage')).toBeCloseTo(traversalUs.default);
    expect(valueOf(item, 'sidecars, default: CPU time of sidecars on the hop, steadied', 'reviews to ratings')).toBeCloseTo(2 * traversalUs.default);
  });

  test('says what to do about a deployment that was not made', () => {
    expect(() => topology(applicationsData(), graphs.bookinfo, 'default', 3)).toThrow('not deployed with sidecars, default on 3 nodes; deploy it first');
  });
});

describe('a cluster beside one machine', () => {
  const check = { application: 'bookinfo', profile: 'default', nodes: 1, repeat: 0, run: 'r' };
  const kubelet = [{ ...check, service: 'reviews', schedulerNs: 100, kubeletNs: 103 }, { ...check, service: 'ratings', schedulerNs: 100, kubeletNs: 109 }];
  const cluster = { ...applicationsData({ sidecars: () => 1.2 }), engine: 'kubernetes', notes: ['stock Envoy'], kubelet };
  const item = engines(applicationsData(), cluster, graphs);

  test('compares the CPU time of a traversal, sidecar by sidecar and application by application', () => {
    expect(valueOf(item, 'sidecars, default, one machine', 'BookInfo, reviews', 'us CPU/traversal')).toBeCloseTo(traversalUs.default);
    expect(valueOf(item, 'sidecars, default, Kubernetes', 'BookInfo, reviews', 'us CPU/traversal')).toBeCloseTo(1.2 * traversalUs.default);
    expect(item.table!.rows.find(({ application, profile }) => application === 'Hotel Reservation' && profile === 'demo')!.ratio).toMatch(/^1\.2 /);
  });

  test('shows what the kubelet counts for what the scheduler does, where it was asked', () => {
    const ratioOf = (profile: string) => item.table!.rows.find((row) => row.application === 'BookInfo' && row.profile === profile)!.kubelet;
    expect(ratioOf('default')).toBe('1.06');
    expect(ratioOf('demo')).toBe('-');
  });

  test('compares sidecars by services too, which a cluster on a slower machine leaves as they are', () => {
    const slower = cluster.pods.objects().map((row) => ({ ...(row as PodRow), sidecarCpuUs: 2 * (row as PodRow).sidecarCpuUs!, referenceCpuUs: 2 * (row as PodRow).referenceCpuUs }));
    const { table: compared } = engines(applicationsData(), { ...cluster, pods: table(columnsOf(slower)) }, graphs);
    expect(compared!.rows.find(({ application, profile }) => application === 'BookInfo' && profile === 'default')).toMatchObject({ ratio: expect.stringMatching(/^2\.4 /), relative: expect.stringMatching(/^1\.2 /) });
  });

  test('says what the cluster\'s sidecars are', () => expect(item.notes).toContain('stock Envoy'));
});

test('a further call costs two traversals', () => {
  const row = addedHops(applicationsData(), graphs, 3).find(({ application, profile }) => application === 'BookInfo' && profile === 'default')!;
  for (const column of ['CPU time of sidecars, modelled (µs/request)', 'the same, steadied (µs/request)']) expect(row[column]).toMatch(new RegExp(`^${3 * 2 * traversalUs.default} `));
});
