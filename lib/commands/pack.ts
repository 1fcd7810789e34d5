/** `npm run pack`: turns what this clone measured on this machine into a recording, ready to commit or to send. */
import * as path from 'node:path';
import { parseArgs } from 'node:util';
import { liveStore } from '../experiments/testbed.js';
import { machineSlug, readMachine } from '../host/machine.js';
import { projectPath } from '../host/paths.js';
import { archive, pack } from '../store/pack.js';
import { runMain } from './main.js';

runMain(async () => {
  const { values } = parseArgs({ options: { name: { type: 'string' } } });
  const machine = readMachine();
  const packed = pack(liveStore(machine), values.name ?? machineSlug(machine, new Date()));
  const file = projectPath('results', `${packed.name}.tar.gz`);
  await archive(packed, file);
  console.log(`data/${packed.name}: ${packed.files} files, ${(packed.bytes / 1e6).toFixed(1)} MB, ready to commit`);
  console.log(`${path.relative(process.cwd(), file)}: the same, ready to send; \`npm run import FILE\` takes it in`);
});
