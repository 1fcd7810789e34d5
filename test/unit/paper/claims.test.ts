import { describe, expect, it } from 'vitest';
import { claimById, claims, kindsOf, readingOf } from '../../../lib/paper/claims.js';
import { recomputeTable3, reportedFor, table3, table4 } from '../../../lib/paper/reported.js';

describe('claims', () => {
  it('are C01 to C48, each once and in order', () => {
    expect(claims.map((claim) => claim.id)).toEqual(Array.from({ length: 48 }, (_, i) => `C${String(i + 1).padStart(2, '0')}`));
  });

  it('name every figure of data and both tables of results', () => {
    const expected = ['fig05', 'fig06', 'fig07', 'tab03', 'fig08', 'fig09', 'fig10', 'tab04', 'fig11a', 'fig11b', 'fig11c', 'fig12', 'fig13', 'fig14', 'fig15', 'fig16', 'fig17', 'fig18', 'abstract'];
    expect(new Set(claims.map((claim) => claim.item))).toEqual(new Set(expected));
  });

  it('have readings with ids of their own, and bounds in order', () => {
    for (const claim of claims) {
      expect(claim.readings.length, claim.id).toBeGreaterThan(0);
      expect(new Set(claim.readings.map((reading) => reading.id)).size, claim.id).toBe(claim.readings.length);
      for (const reading of claim.readings) {
        if (reading.kind === 'shape') continue;
        const [low, high] = reading.range;
        expect(low !== null || high !== null, `${claim.id} ${reading.id} bounds nothing`).toBe(true);
        if (low !== null && high !== null) expect(low, `${claim.id} ${reading.id}`).toBeLessThanOrEqual(high);
      }
    }
  });

  it('that contradict themselves across places are judged in more than one reading', () => {
    for (const id of ['C09', 'C14', 'C18', 'C19', 'C21', 'C22', 'C23', 'C29', 'C31', 'C35', 'C39', 'C41', 'C47']) {
      expect(claimById(id).contradiction, id).toBeTruthy();
      expect(claimById(id).readings.length, id).toBeGreaterThan(1);
    }
  });

  it('may need two kinds of judgement', () => {
    expect(kindsOf(claimById('C01'))).toEqual(['shape', 'abs']);
    expect(kindsOf(claimById('C43'))).toEqual(['shape', 'ratio']);
  });

  it('are looked up by id, and say what exists when asked for another', () => {
    expect(() => claimById('C49')).toThrow('no claim "C49"; there are C01 to C48');
    expect(readingOf(claimById('C07')).printed).toBe('50 %');
    expect(() => readingOf(claimById('C10'))).toThrow('name one of tcp, http');
    expect(() => readingOf(claimById('C10'), 'udp')).toThrow('C10 has no reading "udp"; it has tcp, http');
  });
});

describe('Table 3', () => {
  const byColumn = (column: string) => recomputeTable3().filter((row) => row.column === column);

  it('recomputed from its printed cycles deviates by these percentages of the total', () => {
    expect(byColumn('total').map((row) => [row.policy, Number(row.recomputed.toFixed(1))])).toEqual([
      ['header-read', 1.2],
      ['ratelimit', -6.9],
      ['ip-tag-1', -6.0],
      ['logging', -3.3],
      ['http-mix-1', 2.8],
      ['http-mix-2', 10.7],
    ]);
  });

  it('has only one percentage of a total that follows from its cycles, and both of the filters', () => {
    expect(byColumn('total').filter((row) => row.follows).map((row) => row.policy)).toEqual(['header-read']);
    expect(byColumn('filter').map((row) => [row.policy, row.follows])).toEqual([
      ['http-mix-1', true],
      ['http-mix-2', true],
    ]);
  });

  it('estimates the mixes from their own measured filter cycles: nothing was held out', () => {
    const base = table3[0].totalKcycles;
    for (const row of table3.filter(({ summed }) => summed.length > 0)) {
      expect(Math.abs(base + row.filterKcycles! - row.totalEstimateKcycles!)).toBeLessThan(0.06);
      expect(Math.abs(base + row.filterEstimateKcycles! - row.totalEstimateKcycles!)).toBeGreaterThan(0.2);
    }
  });

  it('sums, for Mix 2, the single-tag filter its published configuration does not have', () => {
    for (const row of table3.filter(({ summed }) => summed.length > 0)) {
      const sum = row.summed.reduce((total, policy) => total + table3.find((other) => other.policy === policy)!.filterKcycles!, 0);
      expect(sum).toBeCloseTo(row.filterEstimateKcycles!, 6);
    }
    expect(table3[6].summed).toContain('ip-tag-1');
  });

  it('gives the range of deviations that C14 is judged by', () => {
    const totals = byColumn('total');
    const range = (values: number[]) => [Math.min(...values), Math.max(...values)].map((value) => Number(value.toFixed(2)));
    expect(readingOf(claimById('C14'), 'recomputed')).toMatchObject({ range: range(totals.map((row) => row.recomputed)) });
    expect(readingOf(claimById('C14'), 'printed')).toMatchObject({ range: range(totals.map((row) => row.printed)) });
  });
});

describe('Table 4', () => {
  const [all, , , indirect] = table4;
  /** Rate Limit's cycles at the IPC that section 5.2 gives as an upper bound of HTTP policies. */
  const mostInstructions = table3.find((row) => row.policy === 'ratelimit')!.totalKcycles * 1e3 * 0.6;

  it('contradicts "< 5 MPKI" and "< 20 % of instructions" by the bounds of C18 and C21', () => {
    expect((1000 * all.missesPerRequest) / mostInstructions).toBeCloseTo(22.6, 1);
    expect((100 * all.perRequest) / mostInstructions).toBeCloseTo(28.4, 1);
    expect(readingOf(claimById('C18'), 'tables')).toMatchObject({ range: [22.6, null] });
    expect(readingOf(claimById('C21'), 'tables')).toMatchObject({ range: [28.4, null] });
  });

  it('gives the second readings of C22', () => {
    expect((100 * indirect.perRequest) / all.perRequest).toBeCloseTo(6.4, 1);
    expect((100 * indirect.missesPerRequest) / all.missesPerRequest).toBeCloseTo(44.4, 1);
    expect(readingOf(claimById('C22'), 'share-table')).toMatchObject({ range: [6.4, 6.4] });
    expect(readingOf(claimById('C22'), 'misses-table')).toMatchObject({ range: [44.4, 44.4] });
  });

  it('is what C20 is judged by, totals and misses', () => {
    const readings = claimById('C20').readings.map((reading) => (reading.kind === 'shape' ? null : reading.range[0]));
    expect(readings).toEqual(table4.flatMap((row) => [row.perRequest, row.missesPerRequest]));
  });
});

describe('values to draw beside a figure', () => {
  it('are the ranges stated about it, shapes left out', () => {
    expect(reportedFor('fig16').map((value) => value.printed)).toEqual(['17-21 %', '12-25 %']);
    expect(reportedFor('fig17')).toEqual([]);
  });
});
