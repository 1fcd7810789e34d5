/**
 * `npm run bench`: how good the workbench itself is on this machine, against the numbers it wants to reach; comparisons
 * are ratios within the one run. `-- --only stacks,anchors` runs some; `-- --reproduce` also times a fresh clone.
 * Exits with 1 when a benchmark breaks; a number that is not reached is only printed.
 */
import { parseArgs } from 'node:util';
import { chooseBenchmarks, runBenchmarks } from '../bench/benchmarks.js';
import { benchTable } from '../bench/table.js';
import { runMain } from './main.js';

runMain(async () => {
  const { values } = parseArgs({ options: { only: { type: 'string' }, reproduce: { type: 'boolean', default: false } } });
  const chosen = chooseBenchmarks(values.only?.split(',') ?? [], values.reproduce ? ['reproduce'] : []);
  const rows = await runBenchmarks(chosen, (name) => console.error(`measuring: ${name}`));
  console.log(benchTable(rows));
  return rows.some(({ met }) => met === 'failed') ? 1 : 0;
});
