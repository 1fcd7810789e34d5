import { describe, expect, it } from 'vitest';
import { policyById } from '../../../lib/deploy/catalogue.js';
import { repeatsNote } from '../../../lib/figures/repeats-note.js';
import { tab01 } from '../../../lib/figures/tab01.js';
import { tab02 } from '../../../lib/figures/tab02.js';
import { tab03 } from '../../../lib/figures/tab03.js';
import { claims } from '../../../lib/paper/claims.js';
import { components } from '../../../lib/paper/components.js';
import { assembleClaims } from '../../../lib/report/verdicts.js';
import { store, recording } from '../experiments/recording.js';
import { componentsData, type PolicyCost } from './cost-data.js';

/** What each filter adds to bare HTTP, in per cent of it; compositions are exactly their sum. */
const added: Record<string, number> = {
  http: 0, 'header-read': 3, ratelimit: 2, 'ip-tag-1': 1, logging: 6, 'http-mix-1': 3, 'http-mix-2': 12, 'http-mix-2-exact': 12, 'mix-header-ratelimit': 5,
};
const cost = (id: string, more = added[id]): PolicyCost => ({
  id,
  // Drift from round to round that is far larger than any filter, as a machine that slows down.
  cpuUs: [0, 40, 100, 0, 40, 100].map((drift) => 100 + drift + more),
  instructions: { 'HTTP Protocol Parse': 100_000 + 600 * more, 'Sidecar Filter': 400 * more },
  samples: { 'HTTP Protocol Parse': [1e6, 0], 'Sidecar Filter': [1e4 * more, 0] },
});
const additive = componentsData(Object.keys(added).map((id) => cost(id)));
const additiveTable = tab03(additive);
const made = (data = additive) => (data === additive ? additiveTable : tab03(data));
const rowsOf = (policy: string, data = additive) => new Map(made(data).rows.filter(({ x }) => x === policyById(policy).label).map((row) => [row.series, row]));
const tableOf = (policy: string, data = additive) => made(data).table!.rows.find((row) => row.policy === policyById(policy).label)!;

describe('Table 3', () => {
  it('deviates by exactly 0 when filters add up exactly, in instructions and in CPU time', () => {
    for (const policy of ['http-mix-1', 'http-mix-2', 'http-mix-2-exact', 'mix-header-ratelimit']) {
      const rows = rowsOf(policy);
      expect(rows.get('(total - predicted) / total, user instructions')!.value).toBeCloseTo(0, 9);
      expect(rows.get('(total - predicted) / total, CPU time')).toMatchObject({ value: expect.closeTo(0, 9), interval: [expect.closeTo(0, 9), expect.closeTo(0, 9)], method: 'modelled' });
    }
  });

  it('keeps drift of the machine out of marginal costs by comparing round by round', () => {
    expect(rowsOf('logging').get('filter, marginal, CPU time')).toMatchObject({ value: 6, interval: [6, 6] });
    expect(tableOf('logging').cpuMarginal).toBe('6.0 [6.0, 6.0]');
  });

  it('drops rounds that one of the two lacks, and goes unpaired when too few are left', () => {
    const measured = (cpuUs: (number | null)[]) => rowsOf('logging', componentsData([cost('http'), { ...cost('logging'), cpuUs }])).get('filter, marginal, CPU time')!;
    expect(measured([106, null, 206])).toMatchObject({ value: 6, interval: [6, 6] });
    const unpaired = measured([106, null, null]);
    expect(unpaired).toMatchObject({ value: 106 - 140, interval: null });
  });

  it('tells what runs in the filter from what the policy costs more', () => {
    expect(tableOf('logging')).toMatchObject({ attributed: '2.40k', marginal: '6.00k', total: '106.00k' });
    expect(rowsOf('logging').get('filter, attributed, user instructions')!.value).toBe(2_400);
    expect(rowsOf('logging').get('filter, marginal, user instructions')!.value).toBe(6_000);
    expect(tableOf('http')).toMatchObject({ attributed: '-', marginal: '-', cpuMarginal: '-' });
  });

  it('prints the paper\'s cycles beside, for the policies that the paper has', () => {
    expect(tableOf('http-mix-1')).toMatchObject({ paperFilter: '12.9', paperTotal: '373.9' });
    expect(tableOf('http-mix-2-exact')).toMatchObject({ paperFilter: '-', paperTotal: '-' });
  });

  it('gives every value its origin and all runs behind it: the base and the parts too', () => {
    expect(rowsOf('http-mix-1').get('(total - predicted) / total, CPU time')!.runs.map((run) => run.split('/')[1])).toEqual(
      ['http-c', 'http-mix-1-c', 'ratelimit-c', 'ip-tag-1-c'].flatMap((each) => Array.from({ length: 6 }, () => each)));
    expect(rowsOf('logging').get('total, CPU time')).toMatchObject({ value: 146, interval: [106, 206], unit: 'us CPU/request', origin: 'tiny-2026-01-01', method: 'measured: CPU time' });
  });

  it('has no value and a reason where a part was not measured', () => {
    const data = componentsData([cost('http'), cost('http-mix-1'), cost('ratelimit')]);
    expect(rowsOf('http-mix-1', data).get('total, predicted from single filters, CPU time')).toMatchObject({ value: null, method: 'unavailable', reason: expect.stringContaining('ip-tag-1') });
    expect(tableOf('http-mix-1', data).cpuDeviation).toBe('-');
    expect(tableOf('ratelimit', componentsData([cost('http'), { id: 'ratelimit' }]))).toMatchObject({ total: 'unavailable', cpuTotal: 'unavailable' });
  });

  it('names the filters whose cost is below what the same policy differs by from itself', () => {
    // Twins differ by up to 4 %, which is 5.6 µs of 140.
    const noisy = componentsData(Object.keys(added).map((id) => cost(id)), { twins: (policy) => (policy === 'http' ? [[100, 102], [100, 104]] : []) });
    const note = tab03(noisy).notes[0];
    expect(note).toContain('up to 4.0 % (5.6 µs');
    expect(note).toContain('Header Read, Rate-Limit, IP Tag (1)');
    expect(note).not.toContain('Logging');
  });
});

describe('verdicts on Table 3', () => {
  const own = claims.filter(({ item }) => item === 'tab03').flatMap(({ id, readings }) => readings.map((reading) => `${id} ${reading.id}`)).sort();
  const verdicts = (data = additive) => made(data).judgements;

  it('are one for every reading of its claims, with all data, with one mix and with none', () => {
    const oneMix = componentsData(Object.keys(added).filter((id) => id !== 'http-mix-2').map((id) => cost(id)));
    for (const data of [additive, oneMix, componentsData([])]) {
      expect(verdicts(data).map(({ id, reading }) => `${id} ${reading}`).sort()).toEqual(own);
      expect(() => assembleClaims(verdicts(data))).not.toThrow();
    }
    const upper = verdicts(oneMix).filter(({ id }) => id === 'C47');
    expect(upper.map(({ reading, verdict }) => `${reading}: ${verdict}`)).toEqual(['text: unavailable', 'mix-1: differs', 'mix-2: unavailable']);
  });

  it('say of filters that add up that they do, by CPU time, with instructions beside', () => {
    const [mix1] = verdicts();
    expect(mix1).toMatchObject({ id: 'C13', label: 'reproduced, modelled', value: expect.closeTo(0, 9), reason: expect.stringContaining('by user instructions (reproduced)') });
  });

  it('do not divide by filters that cost nothing', () => {
    const free = componentsData(Object.keys(added).map((id) => cost(id, 0)));
    expect(verdicts(free)[0]).toMatchObject({ id: 'C13', verdict: 'unavailable', reason: expect.stringContaining('noise') });
  });

  it('follow the paper\'s own formula for totals: bare HTTP plus the filter measured in the policy itself', () => {
    // Filter 1e4 of 101e4 samples of each round; the worst case decides.
    const totals = verdicts().filter(({ id }) => id === 'C14');
    expect(totals.map(({ reading, method }) => [reading, method])).toEqual([['printed', 'modelled'], ['recomputed', 'modelled']]);
    expect(totals[0].reason).toMatch(/^\d of 6 cases as claimed/);
  });
});

describe('Table 2', () => {
  const binary = { buildId: 'x', envoyVersion: '1.39.0', outcomes: [], anchors: [{ address: 1, end: 2, functionIndex: 0, label: 'ConnectionImpl::dispatch', region: 'parse', component: 'HTTP Protocol Parse' as const, authors: null, source: 'log' as const }] };

  it('has all nine components, with anchors, instructions and share of CPU time', () => {
    const item = tab02(additive, binary as never);
    expect(item.table!.rows.map(({ component }) => component)).toEqual(components);
    expect(item.table!.rows[3]).toMatchObject({ anchors: '1 functions, e.g. ConnectionImpl::dispatch', instructions: 100_000, share: '100.0 %' });
    expect(item.table!.rows[0]).toMatchObject({ anchors: 'the kernel, by system call', instructions: 0 });
    expect(item.rows.filter(({ x }) => x === 'HTTP Protocol Parse').map(({ value, unit }) => [value, unit])).toEqual([[100_000, 'user instructions/request'], [100, '% of CPU time']]);
  });

  it('has no value and a reason for what was not measured', () => {
    const { rows, table } = tab02(componentsData([{ id: 'http' }]), binary as never);
    expect(rows).toHaveLength(18);
    for (const row of rows) expect(row).toMatchObject({ value: null, method: 'unavailable', reason: expect.stringMatching(/./) });
    expect(table!.rows[0]).toMatchObject({ instructions: 'unavailable', share: 'unavailable' });
  });
});

describe('Table 1', () => {
  it('has the paper\'s machines and every recorded one, and tells "not stated" there from "not exposed" here', () => {
    const { machine } = store.runs(recording, 'components')[0].provenance;
    const { table } = tab01([{ origin: 'live', machine }, { origin: recording.name, machine }]);
    expect(table!.columns.map(({ label }) => label)).toEqual(['', 'paper: Intel Xeon E5-2683v3', 'paper: Intel Xeon Silver 4314', 'AMD EPYC (live)', `AMD EPYC (${recording.name})`]);
    const fact = (name: string) => table!.rows.find((row) => row.fact === name)!;
    expect(fact('iTLB')).toMatchObject({ 'paper: Intel Xeon E5-2683v3': '128-entry 4-way Shared', 'AMD EPYC (live)': 'not exposed' });
    expect(fact('Hypervisor')['paper: Intel Xeon E5-2683v3']).toBe('not stated');
    expect(fact('L1 instruction cache')['AMD EPYC (live)']).toBe('32 KB, 8-way');
  });
});

describe('note on few repeats', () => {
  it.each([
    [[], []],
    [[0, 6, 9], []],
    [[1, 1], ['X: n = 1; a value measured once has no interval.']],
    [[5, 6], ['X: n = 5 repeats, whose interval holds the median with 94 % at most, not 95 %.']],
    [[3, 5, 0], ['X: n = 3 to 5 repeats, whose interval holds the median with 75 % at most, not 95 %.']],
  ])('of repeats %j', (counts, notes) => expect(repeatsNote('X', counts)).toEqual(notes));
});
