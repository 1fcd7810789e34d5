import { describe, expect, it } from 'vitest';
import { fig18 } from '../../../lib/figures/fig18.js';
import { claims } from '../../../lib/paper/claims.js';
import { assembleClaims } from '../../../lib/report/verdicts.js';
import type { PolicyCost } from './cost-data.js';
import { pace, sampled, sizesData } from './sizes-data.js';

const [small, middle, large] = [16, 2 ** 14, 2 ** 20];
/** Six rounds around a cost; the same rounds are slow for every policy. */
const rounds = (us: number) => [1, 1.01, 0.99, 1.02, 0.98, 1].map((factor) => us * factor);

/** Samples enough that their shares are sure. */
const plain = (id: string, us: number, write: number): PolicyCost => ({
  id, cpuUs: rounds(us), instructions: { 'Sidecar Read': 4000, 'HTTP Protocol Parse': id === 'tcp' ? 0 : 50_000, 'Sidecar Filter': id === 'http-mix-1' ? 900 : 0 },
  samples: { 'OS Read': [0, 0.2e6], 'Sidecar Read': [0.1e6, 0], 'OS Write': [0, write * 1e6], 'Event Poll': [(0.7 - write) * 1e6, 0] },
});
const costs = {
  [small]: [plain('tcp', 20, 0.3), { id: 'tls', cpuUs: rounds(25) }, plain('http-mix-1', 80, 0.2), plain('http', 70, 0.2)],
  [middle]: [plain('tcp', 30, 0.4), { id: 'tls', cpuUs: rounds(40) }, plain('http-mix-1', 90, 0.3), plain('http', 80, 0.3)],
  [large]: [plain('tcp', 400, 0.5), { id: 'tls', cpuUs: rounds(900) }, plain('http-mix-1', 500, 0.5), plain('http', 490, 0.5)],
};
const data = sizesData(costs, { paces: [small, middle, large].flatMap((bytes) => ['tcp', 'tls', 'http', 'http-mix-1'].map((id) => pace(id, bytes))) });
/** Each data once: its intervals take most of the time. */
const items = new Map<typeof data, ReturnType<typeof fig18>>();
const drawnOf = (of: typeof data) => items.get(of) ?? items.set(of, fig18(of)).get(of)!;
const drawn = drawnOf(data);
const verdict = (of: typeof data, id: string, reading: string) => drawnOf(of).judgements.find((each) => each.id === id && each.reading === reading)!;

describe('Figure 18', () => {
  it('has a column a policy in the order of the figure, and no policy that was not measured', () => {
    const titles = (item: typeof drawn) => item.figure!.layout.annotations!.map(({ text }) => text).filter((text) => text !== 'unavailable');
    expect(titles(drawn)).toEqual(['TCP Router', 'TLS', 'HTTP Router', 'HTTP Mix 1']);
    expect(titles(fig18(data, ['tls', 'tcp']))).toEqual(['TLS', 'TCP Router']);
  });

  it('says where a panel has nothing to show, and why in the rows', () => {
    expect(drawn.figure!.layout.annotations!.filter(({ text }) => text === 'unavailable')).toHaveLength(2); // instructions and IPC of TLS
    const counted = drawn.rows.filter(({ series, unit }) => series.startsWith('TLS,') && unit === 'user instructions/request');
    expect(counted).toHaveLength(3);
    for (const row of counted) expect(row).toMatchObject({ value: null, method: 'unavailable', reason: expect.stringContaining('crypto instructions') });
  });

  it('has every series once in the legend', () => {
    const entries = (drawn.figure!.data as { name: string; showlegend: boolean }[]).filter(({ showlegend }) => showlegend).map(({ name }) => name);
    expect(new Set(entries).size).toBe(entries.length);
    expect(entries).toContain('whole request');
  });

  it('draws no zero on a logarithmic axis, but keeps it in the rows', () => {
    const names = (drawn.figure!.data as { name: string; xaxis: string; yaxis: string; y: number[] }[]).filter(({ xaxis, yaxis }) => xaxis === 'x' && yaxis === 'y').map(({ name }) => name);
    expect(names).toEqual(['Sidecar Read', 'whole request']);
    expect(drawn.rows.find(({ series, x, unit }) => series === 'TCP Router, HTTP Protocol Parse' && x === small && unit === 'user instructions/request')!.value).toBe(0);
  });

  it('gives components that add up to the CPU time of the request', () => {
    const own = drawn.rows.filter(({ series, x, unit }) => series.startsWith('HTTP Router, ') && x === large && unit === 'us CPU/request');
    const parts = own.filter(({ series }) => !series.endsWith(' all')).reduce((sum, { value }) => sum + value!, 0);
    expect(parts).toBeCloseTo(own.find(({ series }) => series.endsWith(' all'))!.value!, 6);
  });

  it('states the cost of a further byte with its interval for every policy', () => {
    const perByte = drawn.rows.filter(({ unit }) => unit === 'ns CPU/byte');
    expect(perByte.map(({ series }) => series)).toEqual(['TCP Router', 'TLS', 'HTTP Router', 'HTTP Mix 1'].map((label) => `${label}, each further byte`));
    for (const { value, interval } of perByte) {
      expect(interval![0]).toBeLessThanOrEqual(value!);
      expect(interval![1]).toBeGreaterThanOrEqual(value!);
    }
    expect(perByte[0].value).toBeCloseTo(1000 * 380 / 2 ** 20, 1);
    expect(drawn.table!.rows[0].cpu).toMatch(/^0\.3\d\d \(0\.3\d\d to 0\.3\d\d\)$/);
  });

  it('tells what set the pace: nothing, or a watermark, or client and backend', () => {
    expect(drawn.notes.join()).toContain('No buffer watermark was reached in any of 12 runs');
    expect(drawn.notes.join()).toContain('neither client nor backend set the pace');
    const limited = fig18({ ...data, paces: [pace('tcp', small, { workerShare: 0.7 }), pace('tcp', large, { pausesPerMiB: 0.5 })] });
    expect(limited.notes.join()).toContain('reached in 1 of 2 runs: Envoy stopped reading up to 0.50 times a MiB (TCP Router at 1 MiB)');
    expect(limited.notes.join()).toContain('busy 70 % of the time at least (TCP Router at 16 B)');
  });

  it('tells the cost of a handshake from that of a connection', () => {
    const item = fig18(sizesData(costs, {}, [{ id: 'tcp', cpuUs: rounds(120) }, { id: 'tls', cpuUs: rounds(625) }]));
    const of = (series: string) => item.rows.find((row) => row.series === series)!;
    expect(of('opening a connection, TCP').value).toBeCloseTo(100, 6);
    expect(of('TLS handshake')).toMatchObject({ value: expect.closeTo(500, 6), unit: 'us CPU/connection' });
    expect(drawn.rows.filter(({ unit }) => unit === 'us CPU/connection')).toEqual([]);
  });

  it('tells encrypting the response from decrypting the request, by what TLS adds to writing and to reading', () => {
    const samples = (read: number, write: number): PolicyCost['samples'] => ({ 'Sidecar Read': [read, 0], 'Sidecar Write': [write, 0] });
    const secured = sizesData({ [large]: [{ id: 'tcp', cpuUs: rounds(100), samples: samples(5e6, 5e6) }, { id: 'tls', cpuUs: rounds(300), samples: samples(2e6, 8e6) }] });
    const item = fig18(secured);
    const of = (what: string) => item.rows.find(({ series }) => series.startsWith(`TLS, ${what}`))!;
    expect(of('decrypting')).toMatchObject({ value: expect.closeTo(10, 9), x: large, method: 'measured: sampled stacks' });
    expect(of('encrypting').value).toBeCloseTo(190, 9);
    expect(item.notes.join()).toMatch(/TLS at 1 MiB: reading costs 10\.0 \(.*\) µs more .* writing 190\.0/);
  });

  it('names the version and cipher that were agreed on', () => {
    const item = fig18({ ...data, agreed: [{ policy: 'tls', versions: { 'TLSv1.3': 8 }, ciphers: { TLS_AES_256_GCM_SHA384: 8 } }] });
    expect(item.table!.rows.map(({ tls }) => tls)).toEqual(['-', 'TLSv1.3, TLS_AES_256_GCM_SHA384', '-', '-']);
  });

  it('is no picture when nothing was measured', () => expect(fig18(sizesData({ [small]: [{ id: 'http' }] })).figure).toBeNull());
});

describe('verdicts on Figure 18', () => {
  const own = claims.filter(({ item }) => item === 'fig18').flatMap(({ id, readings }) => readings.map((reading) => `${id} ${reading.id}`)).sort();
  const counters = (changes: Partial<Record<'OS Read' | 'OS Write', number[]>>) => ({
    ...data, sampledIpc: (['OS Read', 'OS Write'] as const).flatMap((component) => (changes[component] ?? [0.8, 0.8, 0.25]).flatMap((ipc, i) => sampled('http', [small, middle, large][i], component, ipc))),
  });

  it('are one for every reading of its claims, with data and without', () => {
    for (const of of [data, counters({}), sizesData({ [small]: [{ id: 'http' }] }), sizesData({})]) {
      const { judgements } = drawnOf(of);
      expect(judgements.map(({ id, reading }) => `${id} ${reading}`).sort()).toEqual(own);
      expect(() => assembleClaims(judgements)).not.toThrow();
    }
    expect(fig18(sizesData({})).judgements.map(({ verdict: each }) => each)).toEqual(own.map(() => 'unavailable'));
  });

  it('find header-only filters and parsing unchanged by exact counts', () => {
    expect(verdict(data, 'C42', 'headers')).toMatchObject({ verdict: 'reproduced', value: 0, method: 'measured: exact instruction counts' });
    expect(verdict(data, 'C48', 'flat')).toMatchObject({ verdict: 'reproduced', reason: expect.stringMatching(/^2 of 2 cases/) });
    const growing = sizesData({ ...costs, [large]: [{ ...plain('http', 490, 0.5), instructions: { 'HTTP Protocol Parse': 80_000 } }] });
    expect(verdict(growing, 'C48', 'flat')).toMatchObject({ verdict: 'differs', value: expect.closeTo(60, 6), reason: expect.stringContaining('1 MiB against 16 B') });
  });

  it('take what TLS adds to TCP, not what its requests cost', () => {
    expect(verdict(data, 'C42', 'tls')).toMatchObject({ verdict: 'reproduced', value: expect.closeTo(495, 6), method: 'measured: CPU time' });
    const flat = sizesData({ [small]: [plain('tcp', 20, 0.3), { id: 'tls', cpuUs: rounds(25) }], [large]: [plain('tcp', 400, 0.3), { id: 'tls', cpuUs: rounds(403) }] });
    expect(verdict(flat, 'C42', 'tls').verdict).toBe('differs');
  });

  it('judge growth of the kernel by its CPU time, and say so', () => {
    expect(verdict(data, 'C43', 'grow')).toMatchObject({ verdict: 'reproduced', reason: expect.stringContaining('CPU time, TCP Router, OS Read') });
  });

  it('have no IPC of the kernel without counters', () => {
    for (const reading of ['ipc-holds', 'ipc-falls', 'ipc-at-1mb']) expect(verdict(data, 'C43', reading)).toMatchObject({ verdict: 'unavailable', reason: expect.stringContaining('only be counted by hardware') });
    expect(verdict(data, 'C44', 'tls-write').verdict).toBe('unavailable');
  });

  it('judge IPC of the kernel by the counters where stacks were sampled on them', () => {
    const measured = counters({});
    expect(verdict(measured, 'C43', 'ipc-holds')).toMatchObject({ verdict: 'reproduced', method: 'measured: hardware counters' });
    expect(verdict(measured, 'C43', 'ipc-falls').verdict).toBe('reproduced');
    expect(verdict(measured, 'C43', 'ipc-at-1mb').verdict).toBe('reproduced');
    const holding = counters({ 'OS Write': [0.8, 0.8, 0.81] });
    expect(verdict(holding, 'C43', 'ipc-falls')).toMatchObject({ verdict: 'differs', reason: expect.stringContaining('OS Write, 1 MiB against 16 KiB') });
  });

  it('model the IPC of the sidecar\'s own reads and writes, and never of TLS', () => {
    // The same instructions in more time at every larger size: IPC falls.
    expect(verdict(data, 'C44', 'sidecar')).toMatchObject({ verdict: 'differs', method: 'modelled', reason: expect.stringContaining('user code, TCP Router, Sidecar Read') });
    const steady = sizesData({ [small]: [plain('tcp', 20, 0.3)], [large]: [{ ...plain('tcp', 400, 0.3), instructions: { 'Sidecar Read': 80_000 } }] });
    expect(verdict(steady, 'C44', 'sidecar')).toMatchObject({ label: 'reproduced, modelled' });
  });
});
