/** How long do whole commands take? Each is run as its user does, set-up check included, in a process of its own. */
import * as path from 'node:path';
import { makeRunFolder, removeRunFolder } from '../deploy/run-folder.js';
import { projectRoot } from '../host/paths.js';
import { run, start } from '../host/process.js';
import { RunStore } from '../store/run-store.js';
import { atMost, judged, minutes, seconds, unavailable, type BenchRow } from './row.js';

/** `npm run figures` on the recordings of this clone. */
export async function figures(): Promise<BenchRow[]> {
  const what = 'npm run figures';
  const reach = atMost(30, seconds(0));
  if (new RunStore(null).recordings().length === 0) {
    return [unavailable(what, reach, { available: false, reason: 'data/ holds no committed recording', remedy: 'make one with `npm run reproduce` and `npm run pack`' })];
  }
  const folder = makeRunFolder('bench');
  try {
    const time = await secondsOf(['environment/run.mjs', 'figures'], projectRoot(), folder);
    return [judged(what, reach, [time], seconds(1)(time))];
  } finally {
    removeRunFolder(folder);
  }
}

/** `npm run reproduce` in a fresh clone of the last commit, and once more there. */
export async function reproduce(): Promise<BenchRow[]> {
  const folder = makeRunFolder('bench');
  const clone = path.join(folder, 'clone');
  try {
    await run(['git', 'clone', '--quiet', projectRoot(), clone]);
    const setUp = await secondsOf(['environment/setup.mjs'], clone, folder);
    const first = setUp + await secondsOf(['environment/run.mjs', 'reproduce'], clone, folder);
    const again = await secondsOf(['environment/run.mjs', 'reproduce'], clone, folder);
    return [
      judged('set-up of a fresh clone', atMost(4 * 60, minutes(0)), [setUp], minutes(1)(setUp), ['this machine has its Debian packages already, and its npm and pip may have cached theirs']),
      judged('fresh clone to the end of npm run reproduce (quick)', atMost(15 * 60, minutes(0)), [first], minutes(1)(first)),
      judged('npm run reproduce again, all recorded', atMost(60, seconds(0)), [again], seconds(1)(again)),
    ];
  } finally {
    removeRunFolder(folder);
  }
}

/** @throws Error with the command's last words when it fails. */
async function secondsOf(script: string[], cwd: string, folder: string): Promise<number> {
  const name = script[script.length - 1];
  const started = performance.now();
  // A daemon rather than run(): it ends with us on Ctrl-C.
  const command = await start([process.execPath, ...script], { name: path.basename(name), cwd, logFile: path.join(folder, 'output') });
  try {
    const { exitCode, signal } = await command.exited;
    if (exitCode !== 0) throw new Error(`${script.join(' ')} ended with ${signal ?? `exit code ${exitCode}`}: ${command.output().trim().split('\n').slice(-1)[0]}`);
    return (performance.now() - started) / 1000;
  } finally {
    await command.stop();
  }
}
