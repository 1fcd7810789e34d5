/** What perf stat and perf record share: start switched off, switch on exactly around the measured part, stop cleanly. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeRunFolder, removeRunFolder } from '../deploy/run-folder.js';
import type { Availability } from '../host/availability.js';
import { run, start, type Daemon } from '../host/process.js';

/** perf prints numbers by locale. */
export const perfEnvironment = { LC_ALL: 'C' };

const secondsToAnswer = 20;
const secondsToWrite = 60;

/** `6.1.187`, or the reason why there is none. */
export async function perfVersion(): Promise<string> {
  const { stdout } = await run(['perf', '--version']);
  return stdout.trim().replace(/^perf version /, '');
}

/**
 * Tries a perf command on ourselves.
 * @param argv after `perf`, e.g. `['stat', '-e', 'cycles', 'true']`.
 * @param wrap words before `perf`, of a program that becomes it.
 */
export async function probePerf(argv: string[], wrap: string[] = []): Promise<Availability> {
  const version = await run(['perf', '--version'], { allow: 'any' });
  if (version.exitCode !== 0) return { available: false, reason: 'perf is not installed', remedy: 'install the package linux-perf (Debian) or linux-tools of your kernel (Ubuntu)' };
  const tried = await run([...wrap, 'perf', ...argv], { allow: 'any', env: perfEnvironment, timeoutMs: 20_000 });
  if (tried.exitCode !== 0) {
    const reason = tried.stderr.trim().split('\n').find((line) => /paranoid|denied|permitted|supported|fail/i.test(line)) ?? tried.stderr.trim().split('\n')[0];
    return { available: false, reason: `perf ${argv[0]}: ${reason}`, remedy: 'run as root, or lower /proc/sys/kernel/perf_event_paranoid to 1' };
  }
  return { available: true, version: version.stdout.trim().replace(/^perf version /, '') };
}

/**
 * Runs `body` while perf counts. perf opens its events first (`--delay=-1`) and is switched on and off over its
 * control fifo, so that the window is the body's and not that of perf's own start and end.
 * @param argv after `perf`: the subcommand and its options, without a workload.
 * @param wrap words before `perf`, of a program that becomes it.
 * @throws Error with perf's own words when it ends early or writes nothing.
 */
export async function whilePerf<T>(argv: string[], cpus: number[], body: () => Promise<T>, wrap: string[] = []): Promise<T> {
  const folder = makeRunFolder('perf');
  const [control, acknowledge] = ['control', 'acknowledge'].map((name) => path.join(folder, name));
  await run(['mkfifo', control, acknowledge]);
  // Opened for both directions, so that neither side waits for the other to open.
  const [toPerf, fromPerf] = [control, acknowledge].map((fifo) => fs.openSync(fifo, fs.constants.O_RDWR | fs.constants.O_NONBLOCK));
  const options = ['--delay=-1', `--control=fifo:${control},${acknowledge}`];
  const perf = await start([...wrap, 'perf', argv[0], ...options, ...argv.slice(1)], {
    name: `perf-${argv[0]}`, cpus, env: perfEnvironment, logFile: path.join(folder, 'log'),
  });
  try {
    await command(perf, 'enable', toPerf, fromPerf);
    const result = await body();
    await command(perf, 'disable', toPerf, fromPerf);
    await finish(perf);
    return result;
  } finally {
    await perf.stop();
    for (const fifo of [toPerf, fromPerf]) fs.closeSync(fifo);
    removeRunFolder(folder);
  }
}

async function command(perf: Daemon, word: 'enable' | 'disable', toPerf: number, fromPerf: number): Promise<void> {
  fs.writeSync(toPerf, `${word}\n`);
  const until = Date.now() + secondsToAnswer * 1000;
  while (!readNow(fromPerf).includes('ack')) {
    if (!perf.alive()) throw new Error(`${perf.name} ended before it was told to ${word}: ${lastWords(perf)}`);
    if (Date.now() > until) throw new Error(`${perf.name} did not answer "${word}" within ${secondsToAnswer} s: ${lastWords(perf)}`);
    await sleep(2);
  }
}

function readNow(fifo: number): string {
  const buffer = Buffer.alloc(64);
  try {
    return buffer.toString('latin1', 0, fs.readSync(fifo, buffer, 0, buffer.length, null));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return '';
    throw error;
  }
}

/** SIGINT is the one signal on which both perf stat and perf record write what they have. */
async function finish(perf: Daemon): Promise<void> {
  process.kill(perf.pid, 'SIGINT');
  const ended = await Promise.race([perf.exited, sleep(secondsToWrite * 1000, null, { ref: false })]);
  if (!ended) throw new Error(`${perf.name} was still writing ${secondsToWrite} s after its end; record for a shorter time`);
}

function lastWords(perf: Daemon): string {
  return perf.output().trim().split('\n').slice(-1)[0] || 'it said nothing';
}
