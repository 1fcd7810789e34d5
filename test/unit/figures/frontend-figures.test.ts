import { describe, expect, it } from 'vitest';
import { policyById } from '../../../lib/deploy/catalogue.js';
import type { TracesData } from '../../../lib/experiments/traces-data.js';
import { fig08 } from '../../../lib/figures/fig08.js';
import { fig09 } from '../../../lib/figures/fig09.js';
import { fig09Validation } from '../../../lib/figures/fig09-validation.js';
import { fig10 } from '../../../lib/figures/fig10.js';
import { fig10Sweep } from '../../../lib/figures/fig10-sweep.js';
import { fig15 } from '../../../lib/figures/fig15.js';
import { fig16 } from '../../../lib/figures/fig16.js';
import { fig17 } from '../../../lib/figures/fig17.js';
import type { Item } from '../../../lib/figures/item.js';
import { tab04 } from '../../../lib/figures/tab04.js';
import { claims } from '../../../lib/paper/claims.js';
import { assembleClaims } from '../../../lib/report/verdicts.js';
import { counted, frontendData, repeats, simulated } from './frontend-points.js';

const label = (id: string) => policyById(id).label;
const verdicts = ({ judgements }: Item) => Object.fromEntries(judgements.map((each) => [`${each.id} ${each.reading}`, each.label]));
const judgement = ({ judgements }: Item, id: string, reading: string) => judgements.find((each) => each.id === id && each.reading === reading)!;
const panelTitles = ({ figure }: Item) => figure!.layout.annotations!.filter(({ yref }) => yref === 'paper').map(({ text }) => text);
const slots = (frontend: [number, number]) => ({ frontend, badSpeculation: [10, 10], retiring: [90 - frontend[0], 90 - frontend[1]] });

describe('Figure 8', () => {
  it('has no backend of a simulated core, and says why in the data', () => {
    const { rows, figure } = fig08(frontendData(simulated('http', 'ice-lake', slots([60, 70]))));
    expect(rows.map(({ series, value, method }) => [series, value, method])).toEqual([
      ['frontend bound, Ice Lake (simulated)', 60, 'modelled'], ['bad speculation, Ice Lake (simulated)', 10, 'modelled'],
      ['retiring, Ice Lake (simulated)', 30, 'modelled'], ['backend bound, Ice Lake (simulated)', null, 'unavailable'],
    ]);
    expect(rows[3].reason).toContain('no data addresses');
    expect(figure!.layout.meta.method).toContain('upper bounds');
  });

  it('is contradicted by an upper bound below one half, and left open by one above', () => {
    const claimed = (...frontend: [number, number][]) => verdicts(fig08(frontendData(...frontend.map((bounds) => simulated('http', 'ice-lake', slots(bounds))))))['C15 frontend'];
    expect(claimed([30, 40])).toBe('differs, modelled');
    expect(claimed([60, 80])).toBe('inconclusive, modelled');
    expect(claimed([60, 80], [30, 40])).toBe('differs, modelled');
  });

  it('is judged by counters where a machine has them, at every load, a panel each', () => {
    const shares = { frontend: repeats(60), badSpeculation: repeats(5), retiring: repeats(15), backend: repeats(20) };
    const heavy = (load: 'low' | 'medium' | 'high') => counted('rbac-reject-1000', 'server-2026', shares, { load });
    const item = fig08(frontendData(simulated('rbac-reject-1000', 'ice-lake', slots([20, 30])), heavy('low'), heavy('medium'), heavy('high')));
    expect(verdicts(item)).toEqual({ 'C15 frontend': 'reproduced', 'C15 backend': 'reproduced' });
    expect(judgement(item, 'C15', 'backend')).toMatchObject({ value: 5, unit: 'points' });
    expect(panelTitles(item)).toEqual(['Ice Lake (simulated)', ...['low', 'medium', 'high'].map((load) => `CPU of server-2026 at ${load} load (server-2026)`)]);
    expect(item.notes.join()).not.toContain('Load is not covered');
    expect(fig08(frontendData(simulated('http', 'ice-lake', slots([60, 70])))).notes.join()).toContain('Load is not covered');
  });
});

describe('Figure 9', () => {
  const misses = (l1i: [number, number], retired: [number, number], branches: [number, number]) => ({
    l1iMpki: l1i, l1iRetiredMpki: retired, l1iRetiredShare: [100 * retired[0] / l1i[0], 100 * retired[1] / l1i[1]], branchMpki: branches,
  });

  it('has the policies in the order of the paper, whatever their order in the data', () => {
    const ids = ['http-mix-1', 'tcp', 'http', 'rbac-reject-1'];
    const { figure, rows } = fig09(frontendData(...ids.map((id) => simulated(id, 'ice-lake', misses([50, 60], [40, 50], [4, 4])))));
    expect(figure!.layout.xaxis!.categoryarray).toEqual(['tcp', 'rbac-reject-1', 'http', 'http-mix-1'].map(label));
    expect([...new Set(rows.map(({ x }) => x))]).toEqual(figure!.layout.xaxis!.categoryarray);
  });

  it('draws from one bound to the other, and judges both', () => {
    const item = fig09(frontendData(simulated('http', 'ice-lake', misses([50, 120], [40, 100], [4, 5]))));
    expect(item.rows[0]).toMatchObject({ value: 50, interval: [50, 120], method: 'simulated' });
    expect(verdicts(item)).toMatchObject({ 'C16 mpki': 'inconclusive, simulated', 'C17 retired': 'differs, simulated', 'C18 text': 'reproduced, simulated' });
  });

  it('takes the numbers of Table 4 for a claim about the Rate Limit policy alone', () => {
    const low = misses([50, 60], [10, 12], [4, 4]);
    const verdict = (...ids: string[]) => judgement(fig09(frontendData(...ids.map((id) => simulated(id, 'ice-lake', id === 'ratelimit' ? misses([50, 60], [10, 12], [24, 25]) : low)))), 'C18', 'tables');
    expect(verdict('http', 'ratelimit')).toMatchObject({ label: 'reproduced, simulated', value: 24 });
    expect(verdict('http').verdict).toBe('unavailable');
  });

  it('shows a measured machine at its highest load beside, and judges by that', () => {
    const item = fig09(frontendData(
      simulated('http', 'ice-lake', misses([20, 30], [10, 12], [9, 9])),
      counted('http', 'server-2026', { l1iMpki: repeats(99) }, { load: 'low' }), counted('http', 'server-2026', { l1iMpki: repeats(60) }),
    ));
    expect(judgement(item, 'C16', 'mpki')).toMatchObject({ label: 'reproduced', value: 60, method: 'measured: hardware counters' });
    expect(judgement(item, 'C18', 'text')).toMatchObject({ label: 'differs, simulated', value: 9 });
    expect(panelTitles(item)).toHaveLength(2);
  });
});

describe('Figure 10', () => {
  const stalled = (...shares: [number, number][]) => fig10(frontendData(...shares.map((icacheStallShare, i) => simulated(['tcp', 'http'][i], 'ice-lake', { icacheStallShare }))));

  it('takes a share of a core without backend for no more than an upper bound', () => {
    expect(verdicts(stalled([9, 12]))).toEqual({ 'C19 caption': 'inconclusive, modelled', 'C19 text': 'inconclusive, modelled', 'C19 introduction': 'differs, modelled' });
    expect(verdicts(stalled([1, 3]))['C19 caption']).toBe('differs, modelled');
  });

  it('compares "up to" with the policy that stalls most', () => {
    expect(judgement(stalled([9, 12], [14, 30]), 'C19', 'introduction')).toMatchObject({ value: 14, interval: [0, 30] });
    expect(judgement(stalled([9, 12], [14, 30]), 'C19', 'introduction').reason).toContain(label('http'));
  });
});

describe('Table 4', () => {
  const branches = { instructions: 1000, all: 200, conditionalTaken: 50, conditionalNotTaken: 90, conditional: 140, indirect: 10, nearTaken: 110, returns: 20 };
  const traces = {
    origin: 'tiny-2026-01-01', cpuModel: 'Tiny CPU', envoyVersion: '1.40.0', traced: [], counted: [], notes: [],
    shown: ['http', 'ratelimit'].map((id) => ({ policy: { id, label: label(id), frame: 'http' }, run: `traces/${id}/0`, branches: [branches, branches] })),
  } as unknown as TracesData;
  const missed = { allMissed: [4000, 4100], conditionalTakenMissed: [1300, 1300], conditionalNotTakenMissed: [900, 1000], indirectMissed: [100, 100], nearTakenMissed: [3100, 3100], indirectInMissed: [2.5, 2.4] };

  it('has the mispredicted branches beside the executed ones, where they were simulated', () => {
    const { table } = tab04(traces, frontendData(simulated('ratelimit', 'ice-lake', missed)));
    expect(table!.rows.map(({ policy, all, indirect, indirectInMissed }) => [policy, all, indirect, indirectInMissed])).toEqual([
      [label('http'), '200', '10', '-'], [label('ratelimit'), '200 (4000)', '10 (100)', '3 %'],
    ]);
  });

  it('judges counts by the trace and misses by the simulated core, which it names', () => {
    const item = tab04(traces, frontendData(simulated('ratelimit', 'ice-lake', missed)));
    expect(judgement(item, 'C20', 'all')).toMatchObject({ method: 'measured: instruction trace', label: 'differs' });
    expect(judgement(item, 'C20', 'all-missed')).toMatchObject({ label: 'reproduced, simulated', interval: [4000, 4100] });
    expect(judgement(item, 'C20', 'all-missed').reason).toContain('Ice Lake (simulated), Envoy 1.40.0');
    expect(verdicts(item)).toMatchObject({ 'C20 indirect-missed': 'differs, simulated', 'C22 misses-text': 'differs, simulated', 'C22 misses-table': 'differs, simulated' });
  });
});

describe('generations', () => {
  const pair = (policy: string, older: [number, number], newer: [number, number]) => [simulated(policy, 'haswell', { l1iMpki: older }), simulated(policy, 'ice-lake', { l1iMpki: newer })];

  it('compare bound with bound, never one core\'s lower with the other\'s upper', () => {
    const item = fig15(frontendData(...pair('tcp', [40, 80], [50, 100]), ...pair('http', [50, 100], [70, 120])));
    expect(judgement(item, 'C38', 'lower')).toMatchObject({ label: 'reproduced, simulated', value: -10, interval: [-20, -10] });
    expect(judgement(item, 'C38', 'amount')).toMatchObject({ value: expect.closeTo(40), interval: [expect.closeTo(20), expect.closeTo(40)] });
    expect(judgement(item, 'C38', 'amount').reason).toContain(label('http'));
  });

  it('are judged by two measured machines that are as far apart as the paper\'s, and by no other two', () => {
    const machine = (id: string, microarchitecture: string, mpki: number) => counted('http', id, { l1iMpki: repeats(mpki) }, { microarchitecture });
    const lower = (...machines: ReturnType<typeof machine>[]) => judgement(fig15(frontendData(...pair('http', [40, 50], [30, 40]), ...machines)), 'C38', 'lower').label;
    expect(lower(machine('a', 'Haswell', 40), machine('b', 'Ice Lake-SP', 60))).toBe('reproduced');
    expect(lower(machine('a', 'Haswell', 40), machine('b', 'Sapphire Rapids', 60))).toBe('differs, simulated');
  });

  it('tell what the larger L2 alone removes, over all policies together, from what the newer core does', () => {
    const on = (policy: string, core: string, stall: number) => simulated(policy, core, {
      cycles: [1000, 1000], icacheStallShare: [stall / 10, stall / 10], icacheStallCycles: [stall, stall], frontendCycles: [stall + 150, stall + 150],
    });
    const item = fig16(frontendData(
      on('tcp', 'haswell', 0), on('http', 'haswell', 200), on('logging', 'haswell', 900), on('tcp', 'haswell-larger-l2', 0), on('http', 'haswell-larger-l2', 140), on('http', 'ice-lake', 100),
    ));
    expect(judgement(item, 'C41', 'abstract')).toMatchObject({ value: expect.closeTo(100 * 60 / 500), label: 'reproduced, modelled' });
    expect(judgement(item, 'C41', 'figures-relative')).toMatchObject({ value: expect.closeTo(30), label: 'reproduced, modelled' });
    expect(judgement(item, 'C41', 'figures-points')).toMatchObject({ value: expect.closeTo(3), interval: [0, expect.closeTo(3)] });
    expect(judgement(item, 'C41', 'abstract').reason).toContain('one request of each of 2 policies');
    expect(judgement(item, 'C39', 'more')).toMatchObject({ value: expect.closeTo(10), label: 'reproduced, modelled' });
  });

  it('stay open on a backend that no simulated core has, unless the frontends differ already', () => {
    const split = (older: [number, number], newer: [number, number]) => verdicts(fig17(frontendData(simulated('http', 'haswell', slots(older)), simulated('http', 'ice-lake', slots(newer)))))['C40 similar'];
    expect(split([60, 70], [61, 71])).toBe('inconclusive, modelled');
    expect(split([60, 70], [40, 45])).toBe('differs, modelled');
  });
});

describe('every claim about the front end', () => {
  const items = { fig08, fig09, fig10, fig15, fig17 };

  it('has a verdict on each reading, with data and without', () => {
    for (const [item, make] of Object.entries(items)) {
      const own = claims.filter((claim) => claim.item === item).flatMap(({ id, readings }) => readings.map(({ id: reading }) => `${id} ${reading}`)).sort();
      for (const data of [frontendData(), frontendData(simulated('http', 'ice-lake', { l1iMpki: [50, 60], ...slots([60, 70]) }))]) {
        const { judgements } = make(data);
        expect(judgements.map(({ id, reading }) => `${id} ${reading}`).sort()).toEqual(own);
        expect(() => assembleClaims(judgements)).not.toThrow();
      }
    }
    expect(fig16(frontendData()).judgements.map(({ id, verdict }) => `${id} ${verdict}`)).toEqual([...repeats(0, 3).map(() => 'C39 unavailable'), ...repeats(0, 3).map(() => 'C41 unavailable')]);
  });

  it('draws nothing where there is nothing to draw', () => {
    for (const make of [...Object.values(items), fig16]) expect(make(frontendData()).figure).toBeNull();
  });
});

describe('what would help', () => {
  const sweep = {
    policy: { id: 'http', label: label('http'), frame: 'http' }, core: { id: 'ice-lake', label: 'Ice Lake', microarchitecture: null }, origin: 'tiny-2026-01-01', runs: ['traces/http/0'],
    effects: [
      { label: 'L1-I of 64 kB', savedCycles: [9000, 4000], savedShare: [9, 3] }, { label: 'no prefetch at all', savedCycles: [-5000, -8000], savedShare: [-5, -7] },
    ] as const,
  };

  it('stands in the order of what it saves, each with both bounds, what costs cycles included', () => {
    const { figure, rows, table } = fig10Sweep([{ ...sweep, effects: [...sweep.effects] }]);
    expect(figure!.layout.yaxis!.categoryarray).toEqual(['no prefetch at all', 'L1-I of 64 kB']);
    expect(rows.filter(({ unit }) => unit === 'cycles per request').map(({ value, interval }) => [value, interval])).toEqual([[9000, [4000, 9000]], [-5000, [-8000, -5000]]]);
    expect(table!.rows[1]).toMatchObject({ change: 'no prefetch at all', 'http cycles': '-5000 (-8000 to -5000)' });
  });
});

describe('the check of the simulated core', () => {
  it('says by how much it deviates, and from when on its rates are steady', () => {
    const { table, rows } = fig09Validation({
      core: 'Ice Lake', origin: 'tiny-2026-01-01',
      checks: [{ quantity: 'L1-I misses', of: 'HTTP', counted: 5900, expected: 5912, unit: 'per request', by: 'callgrind', runs: [] }],
      drifts: [{ quantity: 'branch misses', of: 'HTTP', window: 8, rates: [12, 10, 9.9], flatFrom: 16, runs: [] }, { quantity: 'L1-I misses', of: 'HTTP', window: 8, rates: [60, 50], flatFrom: null, runs: [] }],
    });
    expect(rows.map(({ value }) => value!.toFixed(2))).toEqual(['-0.20', '-1.00', '-16.67']);
    expect(table!.rows.map(({ by }) => by)).toEqual(['callgrind', 'the window before; flat to 2 % from request 16 on', 'the window before; not flat to 2 % yet']);
  });
});
