/**
 * A describe-style overview of a table, by danfojs. It is loaded only when asked for: it takes seconds and 150 MB,
 * and nothing that measures or judges needs it. Medians and intervals of results are lib/analysis/statistics.ts.
 */
import * as aq from 'arquero';

/** One numeric column: what danfojs' `describe` gives, with `missing` rows told apart. */
export interface ColumnOverview {
  column: string;
  count: number;
  missing: number;
  mean: number;
  /** Sample standard deviation (n - 1); null for a single value, where danfojs prints 0. */
  std: number | null;
  min: number;
  median: number;
  max: number;
}

/**
 * Describes each numeric column by itself. Rows without a value in it are dropped first (danfojs throws on null) and
 * counted as `missing`; columns without any number are left out.
 * @returns one row a column
 */
export async function describe(table: aq.ColumnTable): Promise<aq.ColumnTable> {
  const { Series } = await import('danfojs-node');
  const overviews = table.columnNames().flatMap((column): ColumnOverview[] => {
    const values = Array.from(table.array(column) as ArrayLike<unknown>);
    const numbers = values.filter((value): value is number => typeof value === 'number' && Number.isFinite(value));
    const missing = values.filter((value) => value === null || value === undefined || Number.isNaN(value)).length;
    if (numbers.length === 0 || numbers.length + missing < values.length) return [];
    const described = new Series(numbers).describe();
    const of = (statistic: string) => described.values[described.index.indexOf(statistic)] as number;
    const std = numbers.length > 1 ? of('std') : null;
    return [{ column, count: of('count'), missing, mean: of('mean'), std, min: of('min'), median: of('median'), max: of('max') }];
  });
  return aq.from(overviews);
}
