import { describe, expect, it } from 'vitest';
import { fig06 } from '../../../lib/figures/fig06.js';
import { validateFigure } from '../../../lib/figures/plotly-jsdom.js';
import { assembleClaims } from '../../../lib/report/verdicts.js';
import { capacityData, type PolicyCapacity } from './cost-data.js';

const tcp: PolicyCapacity = { id: 'tcp', kneePerS: 24_000, cpuUs: 40, p99Ms: [[1, 2, 30], [1.1, 2.1, 31], [0.9, 1.9, 29]] };
const http: PolicyCapacity = { id: 'http', kneePerS: 10_000, cpuUs: 100, p99Ms: [[1, 2, 40], [1, 2, 41], [1, 2, 39]] };
const logging: PolicyCapacity = { id: 'logging', kneePerS: 9_000, cpuUs: 110, p99Ms: [[1, 2.04, 40], [1, 2.04, 41], [1, 2.04, 39]] };
const judged = (policies: PolicyCapacity[], reading: string) => fig06([capacityData(policies)]).judgements.find((each) => each.id === 'C04' && each.reading === reading)!;
const capacityRow = (policy: PolicyCapacity) => fig06([capacityData([policy])]).rows.find(({ series }) => series === 'maximum throughput')!;

describe('Figure 6', () => {
  const other = capacityData([http, { ...tcp, id: 'http-mix-1' }], { recording: { name: 'b', origin: 'b' }, cpuModel: 'Other CPU' });
  const two = fig06([capacityData([tcp, http, logging]), other]);

  it('is a figure that Plotly has nothing to say against, with one machine and with two', async () => {
    expect(await validateFigure(two.figure!)).toEqual([]);
    expect(await validateFigure(fig06([capacityData([tcp])]).figure!)).toEqual([]);
  });

  it('has one line a policy and machine, and each policy once in the legend, wherever it was measured', () => {
    const traces = two.figure!.data as { name: string; showlegend: boolean; xaxis: string }[];
    expect(traces.map(({ name, xaxis }) => `${name} ${xaxis}`)).toEqual(['TCP Router x', 'HTTP Router x', 'Logging x', 'HTTP Router x2', 'HTTP Mix 1 x2']);
    expect(traces.filter(({ showlegend }) => showlegend).map(({ name }) => name)).toEqual(['TCP Router', 'HTTP Router', 'Logging', 'HTTP Mix 1']);
  });

  it('has one logarithmic scale for all machines, and names them with where the data is from', () => {
    expect(two.figure!.layout).toMatchObject({ yaxis: { type: 'log' }, yaxis2: { type: 'log', matches: 'y' } });
    expect(two.figure!.layout.annotations!.map(({ text }) => text)).toEqual(['Tiny CPU<br>(tiny-2026-01-01)', 'Other CPU<br>(b)']);
  });

  it('draws the median of the good repeats, and hollow what is at the knee or has only marked ones, and says so', () => {
    const colours = (policy: PolicyCapacity) => {
      const [trace] = fig06([capacityData([policy])]).figure!.data as unknown as { y: number[]; marker: { color: string[] } }[];
      return { y: trace.y, hollow: trace.marker.color.map((colour) => colour === '#FFFFFF') };
    };
    expect(colours(tcp)).toEqual({ y: [1, 2, 30], hollow: [false, false, true] });
    expect(colours({ ...tcp, markedRepeats: [0] })).toEqual({ y: [1, 2, 30], hollow: [false, false, true] });
    expect(colours({ ...tcp, p99Ms: [[5, 6, 7], [1, 2, 3]], markedRepeats: [0] }).y).toEqual([1, 2, 3]);
    expect(colours({ ...tcp, markedRepeats: [0, 1, 2] }).hollow).toEqual([true, true, true]);
    expect(two.figure!.layout.meta.method).toContain('hollow: at the knee, or marked by a warning');
  });

  it('gives every value its unit, method, origin and runs', () => {
    for (const row of two.rows) expect(row).toMatchObject({ unit: expect.stringMatching(/^(us|requests\/s)$/), method: expect.stringMatching(/^measured/), origin: expect.any(String), runs: [expect.stringContaining('capacity/')] });
    expect(two.rows.filter(({ series }) => series === 'HTTP Router, p99 latency')).toHaveLength(18);
  });
});

describe('maximum throughput', () => {
  it('is the knee where the sidecar was the limit', () => {
    expect(capacityRow(tcp)).toMatchObject({ value: 24_000, method: 'measured: throughput' });
  });

  it('is modelled from CPU time where the generator gave out first, and a note says so', () => {
    const limited: PolicyCapacity = { ...tcp, limitedBy: 'generator' };
    expect(capacityRow(limited)).toMatchObject({ value: 25_000, method: 'modelled' });
    expect(fig06([capacityData([limited])]).notes[0]).toMatch(/for TCP Router the generator gave out before the sidecar.*modelled/);
  });

  it('is unavailable, with the reason, after a marked search or when no rate was sustained', () => {
    expect(capacityRow({ ...tcp, kneeWarning: '5 requests were answered 429' })).toMatchObject({ value: null, method: 'unavailable', reason: '5 requests were answered 429' });
    expect(capacityRow({ ...tcp, kneePerS: 0 })).toMatchObject({ value: null, method: 'unavailable', reason: 'no rate was sustained' });
  });
});

describe('verdicts on Figure 6', () => {
  it('are one for every reading of C04 to C06', () => {
    const { judgements } = fig06([capacityData([tcp, http])]);
    expect(judgements.map(({ id, reading }) => `${id} ${reading}`)).toEqual(['C04 throughput', 'C04 latency', 'C05 throughput', 'C06 latency']);
    expect(() => assembleClaims(judgements)).not.toThrow();
  });

  it('compare knees when both were reached: one search has no interval and decides nothing', () => {
    expect(judged([tcp, http], 'throughput')).toMatchObject({ value: 2.4, interval: null, method: 'measured: throughput', verdict: 'inconclusive' });
  });

  it('compare CPU time when one was not, and say that it is modelled', () => {
    const twice = (policy: PolicyCapacity) => ({ ...policy, p99Ms: [...policy.p99Ms, ...policy.p99Ms] });
    expect(judged([{ ...twice(tcp), limitedBy: 'generator' }, twice(http)], 'throughput')).toMatchObject({ value: 2.5, label: 'reproduced, modelled' });
  });

  it('stay open on fewer repeats than an interval of 95 % needs, and say how they would be', () => {
    expect(judged([{ ...tcp, limitedBy: 'generator' }, http], 'throughput'))
      .toMatchObject({ verdict: 'inconclusive', reason: expect.stringMatching(/repeats are too few .*so far \(reproduced\)/) });
  });

  it('never rest on a marked search or point', () => {
    expect(judged([{ ...tcp, kneeWarning: 'noise' }, http], 'throughput').verdict).toBe('unavailable');
    expect(judged([http, { ...logging, markedRepeats: [0, 1, 2] }], 'latency').verdict).toBe('unavailable');
  });

  it('compare latency below the knee with the bare protocol, repeat by repeat', () => {
    // A drift that both share: unpaired, the interval would be far wider than 10 %.
    const drift = [1, 3, 5, 1, 3, 5];
    const drifting = (policy: PolicyCapacity, factor: number) => ({ ...policy, p99Ms: drift.map((ms) => [1, factor * ms, 9] as [number, number, number]) });
    expect(judged([drifting(http, 1), drifting(logging, 1.02)], 'latency')).toMatchObject({ verdict: 'reproduced', value: expect.closeTo(2, 6) });
    expect(judged([drifting(http, 1), drifting(logging, 2)], 'latency').verdict).toBe('differs');
  });

  it('are unavailable without the policies they speak of, and say what is missing', () => {
    const only = fig06([capacityData([tcp])]).judgements;
    expect(only.map(({ verdict }) => verdict)).toEqual(['unavailable', 'unavailable', 'unavailable', 'unavailable']);
    expect(only[0].reason).toContain('no knee of both TCP and HTTP');
  });
});

describe('verdicts on processor generations', () => {
  const on = (microarchitecture: string | null, policies: PolicyCapacity[]) =>
    capacityData(policies, { recording: { name: `on-${microarchitecture}`, origin: `on-${microarchitecture}` }, cpuModel: `${microarchitecture} CPU`, microarchitecture });
  const verdicts = (...machines: ReturnType<typeof on>[]) => fig06(machines).judgements.slice(2);
  const reason = (...machines: ReturnType<typeof on>[]) => verdicts(...machines)[0].reason;
  const repeated = (policy: PolicyCapacity, factor = 1) => ({ ...policy, p99Ms: Array.from({ length: 6 }, () => [1, 2 * factor, 9] as [number, number, number]) });

  it('name the machines there are, and what is missing', () => {
    expect(reason(on('Zen 4', [http]))).toMatch(/recorded: Zen 4 CPU \(Zen 4; on-Zen 4\); missing: both of them/);
    expect(reason(on('Zen 4', [http]), on('Haswell', [http]))).toMatch(/recorded: Zen 4 CPU .*, Haswell CPU .*; missing: a machine with Ice Lake-SP /);
    expect(reason(on('Cascade Lake', [http]), on('Ice Lake-SP', [http]))).toMatch(/missing: a machine with Haswell /);
    expect(reason(on(null, [http]))).toContain('core not known to us');
  });

  it('compare the newer with the older, whichever is drawn first', () => {
    const newer = on('Ice Lake-SP', [repeated({ ...http, kneePerS: 30_000 }, 0.8)]);
    const older = on('Haswell', [repeated(http)]);
    for (const machines of [[newer, older], [older, newer]]) {
      const [throughput, latency] = verdicts(...machines);
      // 30,000 / 10,000 of one search each; (2 - 1.6) / 2 of six points each.
      expect(throughput).toMatchObject({ id: 'C05', value: 3, interval: null, verdict: 'inconclusive', method: 'measured: throughput' });
      expect(latency).toMatchObject({ id: 'C06', value: expect.closeTo(20, 9), verdict: 'reproduced', method: 'measured: latency' });
    }
  });

  it('model throughput from CPU time where one knee was the generator\'s', () => {
    const newer = on('Ice Lake-SP', [repeated({ ...http, cpuUs: 50, limitedBy: 'generator' })]);
    expect(verdicts(newer, on('Haswell', [repeated(http)]))[0]).toMatchObject({ value: 2, label: 'differs, modelled' });
  });

  it('say so when the two have nothing good in common', () => {
    expect(verdicts(on('Ice Lake-SP', [tcp]), on('Haswell', [http])).map(({ reason: why }) => why)).toEqual([
      expect.stringContaining('have no policy in common whose knee has no warning'), expect.stringContaining('have no policy in common whose points at 0.6 of the knee'),
    ]);
  });
});
