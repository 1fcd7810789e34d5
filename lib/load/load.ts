/**
 * Loads a server: in a closed loop, at a constant rate, or with an exact number of requests.
 *
 * A load is one continuous run over the same connections: warm-up, the measured window, and a cool-down under the same
 * load until it is told to end, so that collectors whose readings bracket the window never see a generator that has
 * ended. Everything is cut out of the generator's log afterwards.
 */
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { projectRoot } from '../host/paths.js';
import { start, type Daemon } from '../host/process.js';
import { findGenerator, type Generator } from './generators.js';
import { completedBetween, readRequestLog, requestLogFile, summariseLog } from './request-log.js';
import { isSql, sqlAccount } from './sql.js';
import type { BatchSpec, GeneratorName, LoadOptions, LoadOutcome, LoadSpec, LoadTarget, RunningLoad } from './types.js';

/** At least so long, so that late answers of the window come under the same load. */
const coolDownS = 0.5;
/** A generator that nobody ended by then has been forgotten. */
const longestCoolDownS = 300;
/** Late answers are awaited for a second, and the log of millions of requests has to be written. */
const finishGraceMs = 20_000;
/** Under Valgrind one request may take a while. */
const defaultStallS = 30;

export interface BatchOptions extends Omit<LoadOptions, 'dir'> {
  /** Folder that gets the raw request log; not kept when left out. */
  dir?: string;
  /** The batch ends when nothing was answered for so many seconds; 30 by default. */
  stallS?: number;
}

/**
 * Starts a load; resolves when its connections stand and the first request is due.
 * @throws Error when the target cannot be connected to, or the named generator is not available.
 */
export async function startLoad(target: LoadTarget, spec: LoadSpec, options: LoadOptions): Promise<RunningLoad> {
  checkSpec(spec);
  const generator = await generatorFor(spec.path, options.generator);
  const total = spec.warmUpS + spec.durationS + longestCoolDownS;
  const argv = commandLine(generator, target, spec, options.dir, ['--duration', String(total)]);
  const { daemon, startUs, ended } = await launch(argv, options);
  let stopped = false;
  const windowUs: [number, number] = [startUs + spec.warmUpS * 1e6, startUs + (spec.warmUpS + spec.durationS) * 1e6];
  const orItsEnd = (moment: Promise<void>) => Promise.race([moment, ended.catch(() => undefined)]);
  return {
    pid: daemon.pid,
    warm: orItsEnd(until(windowUs[0])),
    finish: async () => {
      await orItsEnd(until(windowUs[1] + coolDownS * 1e6));
      await daemon.stop(finishGraceMs);
      if (stopped) throw new Error('the load was stopped before its end');
      await ended;
      const rate = spec.mode === 'open' ? spec.ratePerS! : null;
      return { generator: { name: generator.name, version: generator.version, argv }, ...summariseLog(readRequestLog(options.dir), windowUs, rate) };
    },
    stop: async () => {
      stopped ||= daemon.alive();
      await daemon.stop();
    },
  };
}

/**
 * Sends exactly so many requests, no other traffic before or after them, and resolves when all are answered or failed.
 * Connections that cannot be had any more and answers that stay out are counted as errors.
 * @throws Error when the target cannot be connected to in the first place.
 */
export async function sendExactly(
  target: LoadTarget,
  spec: BatchSpec,
  options: BatchOptions,
): Promise<LoadOutcome> {
  checkSpec({ ...spec, mode: spec.ratePerS === undefined ? 'closed' : 'open' });
  if (!Number.isInteger(spec.requests) || spec.requests < 1) throw new Error(`cannot send ${spec.requests} requests; give a whole number above 0`);
  const generator = await generatorFor(spec.path, options.generator);
  const dir = options.dir ?? fs.mkdtempSync(path.join(os.tmpdir(), 'batch-'));
  try {
    const argv = commandLine(generator, target, spec, dir, ['--requests', String(spec.requests), '--stall', String(options.stallS ?? defaultStallS)]);
    const { startUs, ended } = await launch(argv, { ...options, dir });
    await ended;
    const log = readRequestLog(dir);
    const lastUs = [log.doneUs, log.intendedUs].reduce((last, column) => column.reduce((a, b) => Math.max(a, b), last), 0);
    const windowUs: [number, number] = [startUs, startUs + lastUs + 1];
    return { generator: { name: generator.name, version: generator.version, argv }, ...summariseLog(log, windowUs, spec.ratePerS ?? null) };
  } finally {
    if (options.dir === undefined) fs.rmSync(dir, { recursive: true, force: true });
  }
}

/**
 * Requests answered with 2xx between two moments of a load that has finished, e.g. two readings of a counter.
 * @param dir the load's folder.
 * @param windowsUs pairs of microseconds since the epoch, the second excluded.
 * @returns one number a window.
 */
export function countCompleted(dir: string, windowsUs: readonly (readonly [from: number, to: number])[]): number[] {
  const log = readRequestLog(dir);
  return windowsUs.map(([from, to]) => completedBetween(log, from, to));
}

function checkSpec(spec: Pick<LoadSpec, 'mode' | 'ratePerS' | 'connections'>): void {
  if (spec.mode === 'open' && !(spec.ratePerS! > 0)) throw new Error(`an open-loop load of ${spec.ratePerS} requests/s; give a ratePerS above 0`);
  if (!Number.isInteger(spec.connections) || spec.connections < 1) throw new Error(`${spec.connections} connections; give a whole number above 0`);
}

/** Only the native one speaks MySQL. */
function generatorFor(path: string, name: GeneratorName | undefined): Promise<Generator> {
  if (!isSql(path)) return findGenerator(name);
  if (name === 'npm') throw new Error('the npm load generator speaks no MySQL; leave it to the native one');
  return findGenerator('native');
}

function commandLine(
  generator: Generator,
  target: LoadTarget,
  spec: { ratePerS?: number; mode?: LoadSpec['mode']; connections: number; path: string; newConnections?: boolean },
  dir: string,
  length: string[],
): string[] {
  const rate = spec.mode === 'closed' ? 0 : spec.ratePerS ?? 0;
  return [
    ...generator.argv, '--host', target.address.host, '--port', String(target.address.port), '--path', spec.path,
    ...(target.tls ? ['--tls', '1'] : []), ...(isSql(spec.path) ? ['--account', sqlAccount] : []), ...(spec.newConnections ? ['--close', '1'] : []),
    '--connections', String(spec.connections), '--rate', String(rate), ...length,
    '--log', path.resolve(dir, requestLogFile), // the generator runs in the project's folder
  ];
}

interface Launched {
  daemon: Daemon;
  /** When the first request was due, microseconds since the epoch. */
  startUs: number;
  /** Resolves when the generator has written its log; rejects with its last words when it ended badly. */
  ended: Promise<void>;
}

/** Starts the generator and waits until it says that its clock runs, which a short batch may have done and ended before we look. */
async function launch(argv: string[], { dir, cpus }: Pick<LoadOptions, 'dir' | 'cpus'>): Promise<Launched> {
  fs.mkdirSync(dir, { recursive: true });
  fs.rmSync(path.join(dir, requestLogFile), { force: true });
  const logFile = path.join(dir, 'generator-output.txt');
  // tsx is looked up from the working directory
  const daemon = await start(argv, { name: 'load generator', cpus, cwd: projectRoot(), logFile });
  const finished = daemon.exited.then(({ exitCode, signal }) => {
    const output = daemon.output();
    fs.rmSync(logFile, { force: true });
    const said = output.trim().split('\n').slice(-1)[0] || 'it said nothing';
    if (exitCode !== 0) throw new Error(`the load generator ended with ${signal ?? `exit code ${exitCode}`}: ${said}`);
    return output;
  });
  const ended = finished.then(() => undefined);
  ended.catch(() => undefined); // awaited by the caller, but perhaps only later
  for (;;) {
    const isRunning = daemon.alive();
    const started = /^started (\d+)$/m.exec(isRunning ? daemon.output() : await finished);
    if (started) return { daemon, startUs: Number(started[1]), ended };
    if (!isRunning) throw new Error('the load generator ended before it started');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function until(epochUs: number): Promise<void> {
  const nowUs = (performance.timeOrigin + performance.now()) * 1000;
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, (epochUs - nowUs) / 1000)));
}
