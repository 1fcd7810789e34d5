/** `npm run import FILE`: takes in a recording that `npm run pack` made elsewhere. */
import { parseArgs } from 'node:util';
import { importArchive } from '../store/pack.js';
import { RunStore } from '../store/run-store.js';
import { runMain } from './main.js';

runMain(async () => {
  const { positionals } = parseArgs({ allowPositionals: true });
  if (positionals.length !== 1) throw new Error('give one archive, as `npm run pack` writes it: npm run import -- results/NAME.tar.gz');
  const name = await importArchive(positionals[0], new RunStore(null));
  console.log(`data/${name} taken in; \`npm run figures\` draws it beside the others`);
});
