/** `npm run figures`: redraws everything from recorded runs, measuring nothing; `-- --only fig07,tab03` draws some. */
import { parseArgs } from 'node:util';
import { readMachine } from '../host/machine.js';
import { projectPath } from '../host/paths.js';
import { liveStore } from '../experiments/testbed.js';
import { drawResults } from '../report/draw.js';
import { RunStore } from '../store/run-store.js';
import { runMain } from './main.js';

runMain(async () => {
  const { values } = parseArgs({ options: { only: { type: 'string' }, recorded: { type: 'boolean', default: false } } });
  // On another system than Linux there is no live data, and nothing of the machine to read.
  const store = values.recorded || process.platform !== 'linux' ? new RunStore(null) : liveStore(readMachine());
  await drawResults(store, { only: values.only?.split(',') ?? [], command: 'npm run figures', dir: projectPath('results') });
});
