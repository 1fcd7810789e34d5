/**
 * `npm run reproduce`: every notebook in order, live where this machine can, recorded data where it cannot; then
 * `results/`. `-- --only fig07,tab03` runs the notebooks of those items, `--full` measures for narrow intervals,
 * `--fresh` measures again, `--recorded` measures nothing.
 */
import { parseArgs } from 'node:util';
import { liveStore } from '../experiments/testbed.js';
import { projectPath } from '../host/paths.js';
import { drawResults } from '../report/draw.js';
import { wanted } from '../report/items.js';
import { executeNotebooks, notebookSources, type NotebookMode } from '../report/notebooks.js';
import { RunStore } from '../store/run-store.js';
import { runMain } from './main.js';

runMain(async () => {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' }, full: { type: 'boolean', default: false }, fresh: { type: 'boolean', default: false },
      recorded: { type: 'boolean', default: false },
    },
  });
  const only = values.only?.split(',') ?? [];
  const mode: NotebookMode = values.recorded ? 'recorded' : values.full ? 'full' : 'quick';
  process.env.WORKBENCH_FRESH = values.fresh ? '1' : '';
  const sources = notebookSources(only.length > 0 ? [...new Set(wanted(only).map(({ notebook }) => notebook))] : []);
  const outcomes = await executeNotebooks(sources, { mode, out: projectPath('results', 'notebooks'), html: projectPath('results', 'notebooks') });
  await drawResults(values.recorded ? new RunStore(null) : liveStore(), { only, command: 'npm run reproduce', dir: projectPath('results') });
  const failed = outcomes.filter(({ ok }) => !ok);
  failed.forEach(({ notebook, failure }) => console.error(`${notebook} failed: ${failure}`));
  return failed.length === 0 ? 0 : 1;
});
