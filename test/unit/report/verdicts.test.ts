import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Interval } from '../../../lib/analysis/statistics.js';
import { claims, type RangeReading } from '../../../lib/paper/claims.js';
import { assembleClaims, countLabels, judge, judgeAll, judgeRange, judgeShape, number, unavailable, type Evidence } from '../../../lib/report/verdicts.js';

const evidence = (value: number, interval: Interval | null, more: Partial<Evidence> = {}): Evidence => ({
  value, interval, unit: '%', method: 'measured: hardware counters', origin: 'live', runs: ['components/ab/1'], ...more,
});

describe('a claimed range', () => {
  const ratio: RangeReading = { id: 'r', kind: 'ratio', range: [2, 4], unit: 'x', place: '', quantity: '', printed: '2-4x' };
  const below: RangeReading = { ...ratio, range: [null, 4] };
  const above: RangeReading = { ...ratio, range: [2, null] };
  const share: RangeReading = { ...ratio, range: [50, 50], unit: '%', share: true };
  const negative: RangeReading = { ...share, range: [-2.33, -2.33] };
  const absolute: RangeReading = { ...ratio, kind: 'abs', range: [100, 200], unit: 'kB' };

  it.each([
    ['ratio, at both widened bounds (1.6 and 5)', ratio, [1.6, 5], 'reproduced'],
    ['ratio, a hair beyond the lower bound', ratio, [1.59, 3], 'inconclusive'],
    ['ratio, a hair beyond the upper bound', ratio, [3, 5.01], 'inconclusive'],
    ['ratio, reaching the bound from outside', ratio, [1, 1.6], 'inconclusive'],
    ['ratio, wholly below', ratio, [1, 1.59], 'differs'],
    ['ratio, wholly above', ratio, [5.01, 6], 'differs'],
    ['ratio, covering all of it', ratio, [1, 9], 'inconclusive'],
    ['ratio open below, far below', below, [0, 0.1], 'reproduced'],
    ['ratio open below, above 5', below, [5.1, 6], 'differs'],
    ['ratio open above, far above', above, [90, 100], 'reproduced'],
    ['ratio open above, below 1.6', above, [1, 1.5], 'differs'],
    ['share, at ±5 points', share, [45, 55], 'reproduced'],
    ['share, beyond 5 points', share, [55.1, 60], 'differs'],
    ['share, across', share, [54, 56], 'inconclusive'],
    ['negative share, at ±5 points', negative, [-7.33, 2.67], 'reproduced'],
    ['count, at a factor of 2', absolute, [50, 400], 'reproduced'],
    ['count, below half', absolute, [10, 49], 'differs'],
  ] as const)('%s: %s', (_, reading, interval, verdict) => {
    expect(judgeRange([interval[0], interval[1]], reading as RangeReading).verdict).toBe(verdict);
  });

  it('says what was measured, what is accepted and why', () => {
    expect(judgeRange([51, 54.2], share).reason).toBe("51 to 54.2 % lies inside 45 to 55 % (the paper's 2-4x, ±5 points)");
    expect(judgeRange([6, 6], below).reason).toBe("6 x lies outside up to 5 x (the paper's 2-4x, widened by 1.25x)");
  });

  it('gives one verdict, and never a firmer one to a wider interval', () => {
    const bound = fc.double({ min: -10, max: 10, noNaN: true });
    fc.assert(
      fc.property(bound, bound, fc.double({ min: 0, max: 5, noNaN: true }), (a, b, more) => {
        const interval: Interval = [Math.min(a, b), Math.max(a, b)];
        const wider: Interval = [interval[0] - more, interval[1] + more];
        const [narrow, wide] = [interval, wider].map((each) => judgeRange(each, ratio).verdict);
        if (narrow !== wide) expect(wide).toBe('inconclusive');
      }),
    );
  });
});

describe('a claimed shape', () => {
  it.each([
    ['greater, just above 0', [1e-9, 5], 'greater', 'reproduced'],
    ['greater, touching 0', [0, 5], 'greater', 'inconclusive'],
    ['greater, across 0', [-1, 5], 'greater', 'inconclusive'],
    ['greater, up to 0 only', [-5, 0], 'greater', 'differs'],
    ['greater, below 0', [-5, -1], 'greater', 'differs'],
    ['greater, exactly no difference', [0, 0], 'greater', 'differs'],
    ['less, just below 0', [-5, -1e-9], 'less', 'reproduced'],
    ['less, touching 0', [-5, 0], 'less', 'inconclusive'],
    ['less, from 0 up', [0, 5], 'less', 'differs'],
    ['same, at ±10 %', [-10, 10], 'same', 'reproduced'],
    ['same, a hair beyond', [-5, 10.1], 'same', 'inconclusive'],
    ['same, across all', [-100, 100], 'same', 'inconclusive'],
    ['same, reaching 10 % from outside', [10, 30], 'same', 'inconclusive'],
    ['same, beyond', [10.1, 30], 'same', 'differs'],
    ['same, beyond on the other side', [-30, -10.1], 'same', 'differs'],
  ] as const)('%s %s: %s', (_, interval, expected, verdict) => {
    expect(judgeShape([interval[0], interval[1]], expected).verdict).toBe(verdict);
  });

  it('prints differences in per cent where sameness is claimed', () => {
    expect(judgeShape([2, 3.4], 'same').reason).toBe('the difference 2 to 3.4 % lies inside ±10 %');
  });
});

describe('judging a claim', () => {
  it('carries the value, its method, origin and runs', () => {
    expect(judge('C17', undefined, evidence(26, [24, 28]))).toMatchObject({
      id: 'C17', reading: 'retired', item: 'fig09', value: 26, interval: [24, 28], verdict: 'reproduced', label: 'reproduced',
      paper: '25 % (section 5.3, Fig 9 caption)', method: 'measured: hardware counters', origin: 'live', runs: ['components/ab/1'],
    });
  });

  it('says in the label when the value was simulated', () => {
    const { verdict, label } = judge('C28', undefined, evidence(78, null, { method: 'simulated' }));
    expect([verdict, label]).toEqual(['reproduced', 'reproduced, simulated']);
  });

  it('takes exact counts without interval as they are, and a lone noisy value as inconclusive', () => {
    expect(judge('C09', 'instructions', evidence(3, null, { method: 'measured: exact instruction counts' })).verdict).toBe('reproduced');
    expect(judge('C17', undefined, evidence(25, null))).toMatchObject({ verdict: 'inconclusive', reason: '25 % comes from a single repeat and has no interval; measure more repeats' });
  });

  it('about cycles stays inconclusive on instructions, their reading beside', () => {
    const judged = judge('C07', undefined, evidence(58, null, { method: 'measured: exact instruction counts' }));
    expect(judged.verdict).toBe('inconclusive');
    expect(judged.reason).toBe("the claim is about cycles, which instruction counts cannot judge; by user instructions (differs): 58 % lies outside 45 to 55 % (the paper's 50 %, ±5 points)");
  });

  it('about cycles on CPU time is modelled, and names what it was modelled from', () => {
    const judged = judge('C07', undefined, evidence(50, [48, 52], { method: 'measured: sampled stacks' }));
    expect(judged).toMatchObject({ verdict: 'reproduced', label: 'reproduced, modelled', method: 'modelled' });
    expect(judged.reason).toContain('cycles modelled as CPU time x core clock (measured: sampled stacks)');
  });

  it('about cycles on CPU time prints the instruction reading beside, without changing the verdict', () => {
    const judged = judge('C07', undefined, evidence(36, [34, 38], { method: 'measured: sampled stacks' }), evidence(51, null, { method: 'measured: exact instruction counts' }));
    expect(judged).toMatchObject({ verdict: 'differs', value: 36 });
    expect(judged.reason).toContain("; by user instructions (reproduced): 51 % lies inside 45 to 55 % (the paper's 50 %, ±5 points)");
  });

  it('about counts names CPU and Envoy, and refuses evidence that does not', () => {
    const size = evidence(290, [280, 300], { unit: 'kB' });
    expect(() => judge('C23', 'size-section', size)).toThrow('give its evidence cpu and envoyVersion');
    expect(judge('C23', 'size-section', { ...size, cpu: 'AMD EPYC', envoyVersion: '1.40.0' }).reason).toContain('on AMD EPYC, Envoy 1.40.0');
  });

  it('reports a relative difference in per cent when it is given as a fraction', () => {
    expect(judge('C12', undefined, evidence(0.02, [0, 0.04], { unit: '' }))).toMatchObject({ value: 2, interval: [0, 4], unit: '%', verdict: 'reproduced' });
    expect(judge('C12', undefined, evidence(0.2, [0.11, 0.4], { unit: '' })).verdict).toBe('differs');
  });

  it('refuses evidence in another unit than the claim', () => {
    expect(() => judge('C10', 'http', evidence(0.5, [0.4, 0.6], { unit: '%' }))).toThrow('C10 reading "http" is judged in "instructions per cycle", its evidence is in "%"; convert it first');
    expect(() => judge('C12', undefined, evidence(0.02, [0, 0.04], { unit: 'us' }))).toThrow('is judged in "%"');
    expect(judge('C12', undefined, evidence(2, [0, 4])).verdict).toBe('reproduced');
    expect(judge('C11', undefined, evidence(0.2, [0.1, 0.3], { unit: 'instructions per cycle' })).verdict).toBe('reproduced');
  });

  it('without a value is unavailable with the reason given, never 0', () => {
    const judged = judge('C16', undefined, { ...evidence(0, null), value: null, method: 'unavailable', reason: 'no PMU' });
    expect(judged).toMatchObject({ verdict: 'unavailable', label: 'unavailable', value: null, reason: 'no PMU' });
  });
});

describe('judging every case of a claim', () => {
  const instructions = (name: string, value: number): Evidence => evidence(value, null, { case: name, method: 'measured: exact instruction counts', runs: [name] });

  it('is reproduced when all cases are', () => {
    expect(judgeAll('C09', 'instructions', [instructions('log', 4), instructions('tag', 9)])).toMatchObject({ verdict: 'reproduced', runs: ['log', 'tag'] });
  });

  it('differs by the first case wholly outside, and names it', () => {
    const judged = judgeAll('C09', 'instructions', [instructions('log', 4), instructions('rbac-1000', 46)]);
    expect(judged).toMatchObject({ verdict: 'differs', value: 46 });
    expect(judged.reason).toMatch(/^1 of 2 cases as claimed; rbac-1000: 46 % lies outside up to 10 %/);
  });

  it('is inconclusive when one case is, or is missing', () => {
    const missing: Evidence = { ...instructions('tls', 0), value: null, method: 'unavailable', reason: 'TLS did not start' };
    expect(judgeAll('C17', undefined, [evidence(25, [24, 26]), evidence(29, [27, 31])]).verdict).toBe('inconclusive');
    const judged = judgeAll('C09', 'instructions', [instructions('log', 4), missing]);
    expect(judged).toMatchObject({ verdict: 'inconclusive', label: 'inconclusive' });
    expect(judged.reason).toContain('TLS did not start');
    expect(judgeAll('C09', 'instructions', [missing]).verdict).toBe('unavailable');
  });

  it('is as indirect as its least direct case', () => {
    expect(judgeAll('C17', undefined, [evidence(25, [24, 26]), evidence(25, null, { method: 'simulated' })]).label).toBe('reproduced, simulated');
  });

  it('refuses to judge nothing', () => {
    expect(() => judgeAll('C09', 'instructions', [])).toThrow('judged on no case');
  });
});

describe('claims.json', () => {
  it('holds every reading of all 48 claims, those nobody measured with the experiment they wait for', () => {
    const all = assembleClaims([]);
    expect(new Set(all.map((each) => each.id)).size).toBe(48);
    expect(all.length).toBe(claims.flatMap((claim) => claim.readings).length);
    expect(all.find((each) => each.id === 'C16')).toMatchObject({ verdict: 'unavailable', value: null, reason: 'not yet measured by this workbench: frontend' });
  });

  it('puts each judgement in its place', () => {
    const judged = judge('C10', 'http', evidence(0.5, [0.45, 0.55], { unit: 'instructions per cycle' }));
    const all = assembleClaims([judged]);
    expect(all.filter((each) => each.id === 'C10').map((each) => each.verdict)).toEqual(['unavailable', 'reproduced']);
  });

  it('refuses a reading judged twice, and one the paper does not have', () => {
    const judged = unavailable('C07', undefined, 'no perf');
    expect(() => assembleClaims([judged, judged])).toThrow('C07 reading "parsing" is judged twice');
    expect(() => assembleClaims([{ ...judged, reading: 'other' }])).toThrow('C07 has no reading "other"');
  });

  it('survives being written and read', () => {
    const all = assembleClaims([judge('C17', undefined, evidence(26, [24, 28]))]);
    expect(JSON.parse(JSON.stringify(all))).toEqual(all);
  });

  it('counts simulated and modelled verdicts apart', () => {
    const judged = [
      judge('C17', undefined, evidence(26, [24, 28])),
      judge('C28', undefined, evidence(78, null, { method: 'simulated' })),
      judge('C07', undefined, evidence(36, [34, 38], { method: 'measured: CPU time' })),
      unavailable('C16', undefined, 'no PMU'),
    ];
    expect(countLabels(judged)).toEqual([
      { label: 'reproduced', count: 1 },
      { label: 'reproduced, simulated', count: 1 },
      { label: 'differs, modelled', count: 1 },
      { label: 'unavailable', count: 1 },
    ]);
  });
});

describe('numbers in reasons', () => {
  it.each([[0.12345, '0.123'], [45, '45'], [1234.6, '1,235'], [-6.934, '-6.93'], [56500, '56,500']])('%f is printed %s', (value, text) => {
    expect(number(value)).toBe(text);
  });
});
