import { describe, expect, it } from 'vitest';
import { paperFig7, policyById } from '../../../lib/deploy/catalogue.js';
import { fig07 } from '../../../lib/figures/fig07.js';
import { fig07Pods } from '../../../lib/figures/fig07-pods.js';
import { claims } from '../../../lib/paper/claims.js';
import { assembleClaims } from '../../../lib/report/verdicts.js';
import { componentsData, type PolicyCost } from './cost-data.js';

const tcp = (id: string): PolicyCost => ({
  id, cpuUs: [20, 21, 22], instructions: { 'Sidecar Read': 4_000, 'Sidecar Filter': id === 'tcp' ? 0 : 500, 'Event Poll': 6_000 },
  samples: { 'OS Read': [0, 200], 'Sidecar Filter': [id === 'tcp' ? 0 : 50, 0], 'Event Poll': [150, 0], 'OS Write': [0, 600] },
});
const http = (id: string): PolicyCost => ({
  id, cpuUs: [60, 62, 64], instructions: { 'HTTP Protocol Parse': 60_000, 'Sidecar Filter': id === 'http' ? 0 : 2_000, 'Event Poll': 6_000 },
  samples: { 'OS Read': [0, 100], 'HTTP Protocol Parse': [500, 0], 'Sidecar Filter': [id === 'http' ? 0 : 50, 0], 'Event Poll': [50, 0], 'OS Write': [0, id === 'http' ? 350 : 300] },
});
// In another order than the paper's, as a store returns them.
const everything = componentsData([...paperFig7].reverse().map((id) => (policyById(id).frame === 'tcp' ? tcp(id) : http(id))));
const drawn = fig07(everything);
const verdict = (data: typeof everything, id: string, reading: string) => (data === everything ? drawn : fig07(data)).judgements.find((each) => each.id === id && each.reading === reading)!;

describe('Figure 7', () => {
  it('says under which policies the worker was kept waiting, and how busy it was', () => {
    expect(everything.cpu.array('utilisation')[0]).toBe(0.5);
    expect(drawn.notes.join('\n')).toContain('it was busy (median): TCP Router 50 %, Accept All 50 %');
  });

  it('is no picture when nothing could be measured', () => expect(fig07(componentsData([{ id: 'http' }])).figure).toBeNull());

  it('has every component once in the legend, also one that only one panel shows', () => {
    const counted = componentsData([{ ...http('logging'), samples: { 'OS Write': [0, 10], 'Event Poll': [10, 0] } }]);
    const entries = (fig07(counted).figure!.data as { name: string; showlegend: boolean }[]).filter(({ showlegend }) => showlegend).map(({ name }) => name);
    expect(entries.sort()).toEqual(['Event Poll', 'HTTP Protocol Parse', 'OS Write', 'Sidecar Filter']);
  });

  it('has the policies in the order of the paper, or in the order asked for', () => {
    const order = (ids?: string[]) => (fig07(everything, 'authors', ids).figure!.layout.xaxis as { categoryarray: string[] }).categoryarray;
    expect(order()).toEqual(paperFig7.map((id) => policyById(id).label));
    expect(order(['http', 'not-measured', 'tcp'])).toEqual(['HTTP Router', 'TCP Router']);
  });

  it('draws the paper\'s IPC behind every policy by its protocol, in any order', () => {
    const shapes = fig07(everything, 'authors', ['http', 'tcp']).figure!.layout.shapes!;
    expect(shapes.map(({ x0, x1, y0, y1 }) => [x0, x1, y0, y1])).toEqual([[-0.5, 0.5, 0, 0.6], [0.5, 1.5, 0.7, 0.9]]);
  });

  it('gives every value its unit, method, origin and runs; components add up to the CPU time', () => {
    const rows = drawn.rows.filter(({ x }) => x === 'HTTP Mix 1');
    for (const row of rows) expect(row).toMatchObject({ origin: 'tiny-2026-01-01', value: expect.any(Number), runs: expect.arrayContaining([expect.stringContaining('http-mix-1')]) });
    expect(new Set(rows.map(({ unit, method }) => `${unit}: ${method}`))).toEqual(new Set([
      'user instructions/request: measured: exact instruction counts', 'us CPU/request: measured: sampled stacks', 'user instructions per cycle: modelled',
    ]));
    const cpu = rows.filter(({ unit }) => unit === 'us CPU/request');
    expect(cpu.reduce((sum, { value }) => sum + value!, 0)).toBeCloseTo(62, 9);
    const write = cpu.find(({ series }) => series === 'OS Write')!;
    expect(write.interval![0]).toBeLessThan(18.6);
    expect(write.interval![1]).toBeGreaterThan(18.6);
  });

  it('has no value and a reason for what was not measured, never a 0', () => {
    const { rows } = fig07(componentsData([{ id: 'http', instructions: { 'Event Poll': 100 } }]));
    expect(rows.filter(({ unit, value }) => unit === 'user instructions/request' && value === null)).toEqual([]);
    const others = rows.filter(({ unit }) => unit !== 'user instructions/request');
    expect(others).toHaveLength(11);
    for (const row of others) expect(row).toMatchObject({ value: null, method: 'unavailable', reason: expect.stringMatching(/./) });
  });

  it('says from how few repeats its intervals are', () => {
    expect(drawn.notes).toContain('CPU time: n = 3 repeats, whose interval holds the median with 75 % at most, not 95 %.');
    const six = componentsData([{ ...http('http'), cpuUs: [1, 2, 3, 4, 5, 6] }]);
    expect(fig07(six).notes.join()).not.toContain('n = ');
  });
});

describe('hardware counters in Figure 7', () => {
  /** IPC of all code 0.6 in every repeat. */
  const repeats = (n: number, kernel: [number, number] | [null, null]) => Array.from({ length: n }, (_, i) => [100 + i, 80 + 0.8 * i, ...kernel] as [number, number, number | null, number | null]);
  const counters = (id: string, kernel: [number, number] | [null, null]): PolicyCost => ({ ...(policyById(id).frame === 'tcp' ? tcp(id) : http(id)), counters: repeats(6, kernel) });

  it('leave a figure without them as it was: no row, no legend, no other title', () => {
    const { rows, figure } = fig07(everything);
    expect(rows.filter(({ series }) => /^(cycles|instructions|IPC), /.test(series))).toEqual([]);
    expect((figure!.data as { yaxis: string; showlegend: boolean }[]).filter(({ yaxis }) => yaxis === 'y3').map(({ showlegend }) => showlegend)).toEqual([false]);
    expect(figure!.layout.yaxis3!.title).toMatchObject({ text: 'user IPC<br>(grey: paper, all code)' });
  });

  it('judge C10 only where they saw the kernel; of user code they are printed beside, as counted', () => {
    expect(verdict(componentsData([counters('http', [100, 40])]), 'C10', 'http')).toMatchObject({ verdict: 'reproduced', label: 'reproduced', method: 'measured: hardware counters' });
    expect(verdict(componentsData([counters('http', [null, null])]), 'C10', 'http')).toMatchObject({
      verdict: 'unavailable', reason: expect.stringMatching(/no run in which hardware counters could see the kernel; user code alone runs at 0\.80 to 0\.80 \(measured: hardware counters\)/),
    });
  });

  it('judge how IPC changes when they saw every pair the model has; with fewer, the model does, and never both', () => {
    const all = ['http', 'http-mix-1', 'http-mix-2'];
    const some = componentsData(all.map((id) => (id === 'http-mix-2' ? http(id) : counters(id, [100, 40]))));
    expect(verdict(some, 'C46', 'http')).toMatchObject({ method: 'modelled', runs: expect.not.arrayContaining([expect.stringContaining('-h/')]) });
    const falling = componentsData(all.map((id, i) => counters(id, [100, 40 - 10 * i])));
    expect(verdict(falling, 'C46', 'http')).toMatchObject({ verdict: 'reproduced', method: 'measured: hardware counters' });
    expect(verdict(falling, 'C46', 'http').runs.every((run) => run.includes('-h/'))).toBe(true);
  });
});

describe('verdicts on Figure 7', () => {
  const own = claims.filter(({ item }) => item === 'fig07').flatMap(({ id, readings }) => readings.map((reading) => `${id} ${reading.id}`)).sort();

  it('are one for every reading of its claims, with data and without', () => {
    for (const data of [everything, componentsData([{ id: 'http' }]), componentsData([])]) {
      const { judgements } = fig07(data);
      expect(judgements.map(({ id, reading }) => `${id} ${reading}`).sort()).toEqual(own);
      expect(() => assembleClaims(judgements)).not.toThrow();
    }
    expect(fig07(componentsData([{ id: 'http' }])).judgements.map((each) => each.verdict)).toEqual(own.map(() => 'unavailable'));
  });

  it('are given once, by the paper\'s own grouping', () => expect(fig07(everything, 'ours').judgements).toEqual([]));

  it('cannot tell IPC of all code without hardware counters, but print that of user code beside', () => {
    expect(verdict(everything, 'C10', 'http')).toMatchObject({ verdict: 'unavailable', value: null, reason: expect.stringMatching(/user code alone runs at \d\.\d\d to \d\.\d\d \(modelled\)/) });
    expect(verdict(componentsData([tcp('tcp')]), 'C10', 'http').reason).not.toContain('user code alone');
  });

  it('judge parsing by CPU time, modelled; by instructions alone they stay open', () => {
    expect(verdict(everything, 'C07', 'parsing')).toMatchObject({ label: 'reproduced, modelled' });
    const counted = componentsData([{ id: 'http', instructions: http('http').instructions }]);
    expect(verdict(counted, 'C07', 'parsing')).toMatchObject({ verdict: 'inconclusive', method: 'measured: exact instruction counts', reason: expect.stringContaining('instruction counts cannot judge') });
  });

  it('name the component that OS Write is compared with', () => {
    expect(verdict(everything, 'C08', 'tcp')).toMatchObject({ label: 'reproduced, modelled', reason: expect.stringContaining('TCP Router, against OS Read') });
  });

  it('keep TLS, an operator configuration, and the SQL module, which is ours, out of the TCP policies', () => {
    expect(verdict(everything, 'C09', 'instructions').reason).toMatch(/^12 of 12 cases/);
  });

  it('compare every component but the filter with the bare protocol, round by round', () => {
    // Each round is twice as slow as the one before; shares are known to 0.1 %.
    const cost = (id: string, us: number, parse: number): PolicyCost => ({
      id, cpuUs: [us, 2 * us, 4 * us, us, 2 * us, 4 * us], samples: { 'HTTP Protocol Parse': [parse * 1e6, 0], 'OS Write': [0, 1e6], 'Sidecar Filter': [id === 'http' ? 0 : 1e5, 0] },
    });
    const uniform = (parse: number, us = 105) => verdict(componentsData([cost('http', 100, 1), cost('logging', us, parse)]), 'C12', 'uniform');
    expect(uniform(1)).toMatchObject({ label: 'reproduced, modelled', reason: expect.stringMatching(/^2 of 2 cases/) });
    expect(uniform(2, 157.5)).toMatchObject({ label: 'differs, modelled', reason: expect.stringContaining('Logging, HTTP Protocol Parse') });
    expect(uniform(1).runs).toEqual(expect.arrayContaining(['components/http-c/0', 'components/logging-c/0']));
  });

  it('compare with the bare protocol only where it was measured', () => {
    expect(verdict(componentsData([http('logging')]), 'C12', 'uniform').verdict).toBe('unavailable');
  });

  it('find user IPC rising and falling by its difference', () => {
    const ipc = (id: string, perRequest: number): PolicyCost => ({ id, cpuUs: Array.from({ length: 6 }, () => 100), instructions: { 'Event Poll': perRequest }, samples: { 'Event Poll': [1e6, 1e6] } });
    const data = componentsData([ipc('rbac-reject-1000', 60_000), ipc('rbac-reject-100', 40_000), ipc('http', 60_000), ipc('http-mix-1', 50_000), ipc('http-mix-2', 55_000)]);
    expect(verdict(data, 'C11', 'rises')).toMatchObject({ label: 'reproduced, modelled', value: expect.closeTo(0.4, 9) });
    expect(verdict(data, 'C46', 'http')).toMatchObject({ label: 'differs, modelled', reason: expect.stringContaining('http-mix-2 minus http-mix-1') });
    expect(verdict(data, 'C46', 'tcp').verdict).toBe('unavailable');
  });
});

describe('a single sidecar as a pod beside one as a process', () => {
  const processes = componentsData([{ id: 'http', cpuUs: [60, 66, 72] }, { id: 'tcp', cpuUs: [20, 22, 24] }, { id: 'logging', cpuUs: [70, 77, 84] }], { origin: 'processes' });
  // A tenth dearer throughout: the machine was slower, or pods cost more. The ratio to HTTP is the same.
  const asPods = componentsData([{ id: 'tcp', cpuUs: [22, 24.2, 26.4] }, { id: 'http', cpuUs: [66, 72.6, 79.2] }], { origin: 'pods', notes: ['each was a pod'] });
  const item = fig07Pods(processes, asPods);

  it('compares round by round what was measured both ways, in the order of the paper', () => {
    expect(item.table!.rows.map(({ policy, ratio, relative }) => [policy, String(ratio).split(' ')[0], String(relative).split(' ')[0]])).toEqual([['TCP Router', '1.1', '1'], ['HTTP Router', '1.1', '1']]);
  });

  it('draws every value with its origin, once by itself and once by HTTP of its own round', () => {
    const values = item.rows.map(({ x, series, value, origin }) => [x, series.split(' ')[0], Number(value!.toPrecision(4)), origin]);
    expect(values).toEqual([
      ['TCP Router', 'process', 22, 'processes'], ['TCP Router', 'pod', 24.2, 'pods'], ['HTTP Router', 'process', 66, 'processes'], ['HTTP Router', 'pod', 72.6, 'pods'],
      ['TCP Router', 'process', 33.33, 'processes'], ['TCP Router', 'pod', 33.33, 'pods'], ['HTTP Router', 'process', 100, 'processes'], ['HTTP Router', 'pod', 100, 'pods'],
    ]);
  });

  it('says that they were pods', () => expect(item.notes).toContain('each was a pod'));
});
