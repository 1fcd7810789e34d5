import * as aq from 'arquero';
import { describe, expect, it } from 'vitest';
import { median, standardDeviation } from '../../../lib/analysis/statistics.js';

const rows = {
  policy: ['http', 'tcp', 'http', 'tcp', 'http', 'tcp', 'http'],
  cpuUs: [71, 37, 75, 39.5, 82.5, 38, 90.25],
};

/** By arquero, the table library of the workbench. */
const byArquero = aq
  .table(rows)
  .groupby('policy')
  .rollup({ mean: aq.op.mean('cpuUs'), median: aq.op.median('cpuUs'), std: aq.op.stdev('cpuUs') })
  .orderby('policy')
  .objects() as { policy: string; mean: number; median: number; std: number }[];

describe('mean, median and standard deviation by group', () => {
  it('are the same by arquero and by danfojs', async () => {
    const { DataFrame } = await import('danfojs-node');
    const groups = new DataFrame(rows).groupby(['policy']);
    for (const { policy, mean, median: middle, std } of byArquero) {
      const cpuUs = groups.getGroup([policy])['cpuUs'];
      expect(cpuUs.mean(), policy).toBeCloseTo(mean, 12);
      expect(cpuUs.median(), policy).toBeCloseTo(middle, 12);
      expect(cpuUs.std(), policy).toBeCloseTo(std, 12);
    }
    expect(byArquero.map(({ policy }) => policy)).toEqual(['http', 'tcp']);
  });

  it("are the same by arquero and by the workbench's own statistics", () => {
    for (const { policy, median: middle, std } of byArquero) {
      const values = rows.cpuUs.filter((_, i) => rows.policy[i] === policy);
      expect(median(values)).toBeCloseTo(middle, 12);
      expect(standardDeviation(values)).toBeCloseTo(std, 12);
    }
  });
});
