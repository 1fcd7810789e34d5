import * as aq from 'arquero';
import { describe as group, expect, it } from 'vitest';
import { describe } from '../../lib/analysis/overview.js';

group('overview of a table', () => {
  it('describes each numeric column, rows without a value counted apart', async () => {
    const table = aq.table({ policy: ['tcp', 'http', 'log', 'tls'], latencyUs: [1, 2, 3, 10], mpki: [null, 4, 4, Number.NaN] });
    expect((await describe(table)).objects()).toEqual([
      { column: 'latencyUs', count: 4, missing: 0, mean: 4, std: expect.closeTo(4.0825, 4), min: 1, median: 2.5, max: 10 },
      { column: 'mpki', count: 2, missing: 2, mean: 4, std: 0, min: 4, median: 4, max: 4 },
    ]);
  });

  it('has no deviation for a single value, and nothing for a column that has none', async () => {
    const table = aq.table({ single: [5], none: [null], text: ['a'] });
    expect((await describe(table)).objects()).toEqual([{ column: 'single', count: 1, missing: 0, mean: 5, std: null, min: 5, median: 5, max: 5 }]);
  });
});
