/**
 * The only way the workbench runs other programs (zx underneath): short commands and long-lived daemons.
 *
 * Nothing outlives the workbench: every program gets a parent-death signal; a daemon is also stopped on Ctrl-C and
 * SIGTERM, and is written to a ledger from which the next start ends whatever a `kill -9` left behind.
 */
import { spawn, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { $ } from 'zx';
import { workbenchPath } from './paths.js';

export interface RunOptions {
  cwd?: string;
  env?: Record<string, string>;
  /** Cores the program may use. */
  cpus?: number[];
  /** Text given on standard input. */
  input?: string;
  timeoutMs?: number;
  /** Exit codes that are not an error; only 0 when left out. `'any'` never throws. */
  allow?: number[] | 'any';
}

export interface CommandResult {
  stdout: string;
  stderr: string;
  exitCode: number;
}

/** A program that could not be started or ended badly: what, the value seen, the last line it printed. */
export class CommandFailed extends Error {
  constructor(readonly argv: string[], readonly result: CommandResult, hint = '') {
    const last = (result.stderr.trim() || result.stdout.trim()).split('\n').slice(-1)[0] ?? '';
    super(`${path.basename(argv[0])} exited with ${result.exitCode}${last ? `: ${last}` : ''}${hint}`);
    this.name = 'CommandFailed';
  }
}

/** Recorded answers that stand in for real programs: first entry whose argv starts with the pattern wins. */
export type Transcript = { argv: string[]; result: Partial<CommandResult> }[];
let transcript: Transcript | null = null;

/** Runs `body` with recorded answers instead of real programs; a command without one is an error. */
export async function withTranscript<T>(answers: Transcript, body: () => Promise<T>): Promise<T> {
  transcript = answers;
  try {
    return await body();
  } finally {
    transcript = null;
  }
}

/**
 * Runs a program to its end.
 * @throws CommandFailed on an exit code that `allow` does not list, including 127 (not found) and a time-out (124).
 */
export async function run(argv: string[], options: RunOptions = {}): Promise<CommandResult> {
  const result = transcript ? replay(argv, transcript) : await spawnAndWait(argv, options);
  const allowed = options.allow ?? [0];
  if (allowed !== 'any' && !allowed.includes(result.exitCode)) {
    throw new CommandFailed(argv, result, result.exitCode === 127 ? '; `npm run doctor` says how to get it' : '');
  }
  return result;
}

function replay(argv: string[], answers: Transcript): CommandResult {
  const answer = answers.find((entry) => entry.argv.every((word, i) => argv[i] === word));
  if (!answer) throw new Error(`transcript has no answer for: ${argv.join(' ')}`);
  return { stdout: '', stderr: '', exitCode: 0, ...answer.result };
}

async function spawnAndWait(argv: string[], options: RunOptions): Promise<CommandResult> {
  const child = $({
    ...zxOptions(options),
    input: options.input,
    timeout: options.timeoutMs ? `${options.timeoutMs}ms` : undefined,
    timeoutSignal: 'SIGKILL',
  })`exec ${[...dieWithParent(), ...pinned(options.cpus), ...argv]}`;
  const output = await child;
  const timedOut = output.exitCode === null && output.signal === 'SIGKILL' && options.timeoutMs !== undefined;
  return { stdout: output.stdout, stderr: output.stderr, exitCode: timedOut ? 124 : output.exitCode ?? 128 };
}

/**
 * Runs a program to its end while everything else waits, whatever comes of it: for clearing away at the very end of this
 * process, when nothing asynchronous happens any more.
 */
export function runNow(argv: string[], options: { input?: string } = {}): void {
  spawnSync(argv[0], argv.slice(1), { input: options.input ?? '', stdio: ['pipe', 'ignore', 'ignore'], timeout: 10_000 });
}

export interface Daemon {
  name: string;
  pid: number;
  argv: string[];
  /** Settles when the process ends, whoever ended it. */
  exited: Promise<{ exitCode: number | null; signal: string | null }>;
  alive(): boolean;
  /** How it ended, e.g. `killed by SIGKILL` or `exited with 1`; null while it runs. */
  ending(): Promise<string | null>;
  /** Standard output and error so far. */
  output(): string;
  /** SIGTERM, then SIGKILL after `graceMs` (default 2,000); resolves when the process is gone. */
  stop(graceMs?: number): Promise<void>;
}

interface Started {
  daemon: Daemon;
  /** Its ledger entry. */
  entry: string;
}

const daemons = new Map<number, Started>();
let signalsHandled = false;
let interruptionsSoFar = 0;

/**
 * How often this process was told to end and lived on, as a notebook kernel does when a cell is interrupted. Long work
 * compares it before and after, since all that it sees otherwise is that its programs are gone.
 */
export function interruptions(): number {
  return interruptionsSoFar;
}

/**
 * Starts a long-lived program whose end is tied to ours.
 * @param options.name how messages and the ledger call it.
 * @param options.logFile where its output goes; kept in `.workbench/log/<name>-<pid>.log` by default.
 * @param options.stdoutFile where standard output goes instead, when it is data rather than messages.
 */
export async function start(argv: string[], options: RunOptions & { name: string; logFile?: string; stdoutFile?: string }): Promise<Daemon> {
  if (!signalsHandled) {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => onSignal(signal));
    process.on('exit', killAllNow);
    signalsHandled = true;
  }
  const logFile = options.logFile ?? workbenchPath('log', `${options.name}-${process.pid}-${Date.now()}.log`);
  fs.mkdirSync(path.dirname(logFile), { recursive: true });
  const log = fs.openSync(logFile, 'w');
  const stdout = options.stdoutFile ? fs.openSync(options.stdoutFile, 'a') : log;
  const child = $({ ...zxOptions(options), stdio: ['ignore', stdout, log] })`exec ${[...dieWithParent(), ...pinned(options.cpus), ...argv]}`;
  const pid = child.pid;
  new Set([log, stdout]).forEach((file) => fs.closeSync(file));
  if (pid === undefined) throw new Error(`${options.name} could not be started: ${argv.join(' ')}`);
  const ticks = startTicks(pid);
  const entry = writeLedger(pid, options.name);
  let ended = false;
  const exited = child.then((output) => {
    ended = true;
    daemons.delete(pid);
    fs.rmSync(entry, { force: true });
    return { exitCode: output.exitCode, signal: output.signal as string | null };
  });
  const daemon: Daemon = {
    name: options.name,
    pid,
    argv,
    exited,
    // Its end is known to the kernel before we are told.
    alive: () => !ended && ticks !== undefined && isAlive(pid, ticks),
    ending: async () => (daemon.alive() ? null : describeEnd(await exited)),
    output: () => fs.readFileSync(logFile, 'utf8'),
    stop: async (graceMs = 2000) => {
      if (ended) return;
      signalQuietly(pid, 'SIGTERM');
      const timer = setTimeout(() => signalQuietly(pid, 'SIGKILL'), graceMs);
      await exited;
      clearTimeout(timer);
    },
  };
  daemons.set(pid, { daemon, entry });
  return daemon;
}

/**
 * Starts a program of the workbench that is meant to outlive this process, such as one that keeps a cluster up; whoever
 * asked for it has to end it.
 * @param options.logFile where its output goes.
 * @returns its pid.
 */
export function startOnItsOwn(argv: string[], options: { cwd?: string; logFile: string }): number {
  fs.mkdirSync(path.dirname(options.logFile), { recursive: true });
  const log = fs.openSync(options.logFile, 'w');
  const child = spawn(argv[0], argv.slice(1), { cwd: options.cwd, detached: true, stdio: ['ignore', log, log] });
  fs.closeSync(log);
  child.unref();
  if (child.pid === undefined) throw new Error(`${argv[0]} could not be started`);
  return child.pid;
}

function describeEnd({ exitCode, signal }: { exitCode: number | null; signal: string | null }): string {
  return signal ? `killed by ${signal}` : `exited with ${exitCode}`;
}

/** Stops every daemon this process started. */
export async function stopAll(): Promise<void> {
  await Promise.all([...daemons.values()].map(({ daemon }) => daemon.stop()));
}

/** Ends the daemons at once; then ourselves, unless someone else (the notebook kernel, a command) handles the signal. */
function onSignal(signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP'): void {
  interruptionsSoFar++;
  killAllNow();
  if (process.listenerCount(signal) === 1) process.exit(128 + os.constants.signals[signal]);
}

/** Synchronous, so that it also works while the event loop is being torn down. */
function killAllNow(): void {
  for (const [pid, { entry }] of daemons) {
    signalQuietly(pid, 'SIGKILL');
    fs.rmSync(entry, { force: true });
  }
}

interface LedgerEntry {
  name: string;
  pid: number;
  startTicks: number;
  ownerPid: number;
  ownerStartTicks: number;
}

function writeLedger(pid: number, name: string): string {
  const folder = workbenchPath('processes');
  fs.mkdirSync(folder, { recursive: true });
  const file = path.join(folder, `${pid}.json`);
  const entry: LedgerEntry = {
    name, pid, startTicks: startTicks(pid) ?? 0, ownerPid: process.pid, ownerStartTicks: startTicks(process.pid) ?? 0,
  };
  fs.writeFileSync(file, JSON.stringify(entry));
  return file;
}

/**
 * Ends what a killed run of this clone left running. A process counts as ours only if its pid *and* start time
 * are those written down, so a reused pid is never touched.
 * @returns the names of the processes that were ended.
 */
export function endLeftovers(): string[] {
  const folder = workbenchPath('processes');
  if (!fs.existsSync(folder)) return [];
  const ended: string[] = [];
  for (const name of fs.readdirSync(folder)) {
    const file = path.join(folder, name);
    const entry = readLedger(file);
    if (entry && isAlive(entry.ownerPid, entry.ownerStartTicks)) continue;
    if (entry && isAlive(entry.pid, entry.startTicks)) {
      signalQuietly(entry.pid, 'SIGKILL');
      ended.push(entry.name);
    }
    fs.rmSync(file, { force: true });
  }
  return ended;
}

function readLedger(file: string): LedgerEntry | null {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8')) as LedgerEntry;
  } catch {
    return null; // written while the machine went down: nothing to act on
  }
}

/** Whether the process with this pid is still the one that started at `ticks`. */
export function isAlive(pid: number, ticks: number): boolean {
  return startTicks(pid) === ticks;
}

/** Start time of a process in clock ticks since boot (field 22 of /proc/PID/stat), undefined when there is none. */
export function startTicks(pid: number): number | undefined {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : Number(fields[19]);
  } catch {
    return undefined;
  }
}

function zxOptions(options: RunOptions) {
  return {
    cwd: options.cwd,
    // A bash of level 1 whose input is a socket, as ours is, takes itself for a remote login and runs ~/.bashrc first.
    env: { ...process.env, SHLVL: '1', ...options.env } as Record<string, string>,
    quiet: true,
    nothrow: true,
    prefix: '',
    postfix: '',
  };
}

function pinned(cpus: number[] | undefined): string[] {
  return cpus ? ['taskset', '-c', cpus.join(',')] : [];
}

/** util-linux's setpriv asks the kernel to kill the program when we die, even by `kill -9`. */
function dieWithParent(): string[] {
  return fs.existsSync('/usr/bin/setpriv') ? ['/usr/bin/setpriv', '--pdeathsig', 'KILL'] : [];
}

function signalQuietly(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // already gone
  }
}
