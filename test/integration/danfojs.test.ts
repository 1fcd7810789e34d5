import * as aq from 'arquero';
import { expect, test } from 'vitest';

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

test('mean, median and standard deviation by group are the same by arquero and by danfojs', async () => {
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
