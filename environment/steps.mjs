// @ts-check
/**
 * Runs set-up steps: only what is missing, one set-up at a time, and a half-finished step again.
 * Knows nothing of what the steps do; those are in setup.mjs. Needs nothing but Node.
 */
import { spawn } from 'node:child_process';
import * as crypto from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * @typedef {object} Step
 * @property {string} id
 * @property {string} label what progress lines call it.
 * @property {string} [expect] time and disk it takes, for the first progress line.
 * @property {boolean} [required] nothing works without it: its failure ends set-up.
 * @property {string[]} [after] ids of steps it builds on; when one of them is done anew, so is this.
 * @property {string[]} [inputs] files it is made from: done anew when one of them changes.
 * @property {() => string} [state] anything else that it depends on, as text.
 * @property {() => boolean} done whether what it makes is there; cheap, asked at every start.
 * @property {() => Impossible | null} [impossible] why it cannot be done on this machine; asked only when it is not done.
 * @property {(log: (line: string) => void) => Promise<void>} run
 *
 * @typedef {{ reason: string, remedy: string }} Impossible
 * @typedef {{ step: string } & Impossible} Note something that is not there, why, and what to do.
 */

/** Why a step failed and what to do about it. */
export class StepFailed extends Error {
  /**
   * @param {string} reason
   * @param {string} remedy
   */
  constructor(reason, remedy) {
    super(reason);
    this.remedy = remedy;
  }
}

/**
 * Brings every step up to date, in order.
 * @param {Step[]} steps
 * @param {{ folder: string, log?: (line: string) => void }} options `folder` keeps stamps, lock and logs.
 * @returns {Promise<{ ran: string[], notes: Note[] }>} what was done, and what could not be.
 * @throws {StepFailed} when a required step fails.
 */
export async function runSteps(steps, { folder, log = console.log }) {
  fs.mkdirSync(folder, { recursive: true });
  // Up to date is the usual case; it takes no lock, so that a long set-up elsewhere holds nobody up who needs nothing.
  if (steps.every((step) => isCurrent(step, steps, folder))) return { ran: [], notes: [] };
  const unlock = await lock(path.join(folder, 'lock'), log);
  try {
    return await runMissing(steps, folder, log);
  } finally {
    unlock();
  }
}

/**
 * @param {Step[]} steps
 * @param {string} folder
 * @param {(line: string) => void} log
 */
async function runMissing(steps, folder, log) {
  /** @type {string[]} */ const ran = [];
  /** @type {Note[]} */ const notes = [];
  for (const step of steps) {
    const rebuilt = (step.after ?? []).some((id) => ran.includes(id));
    if (!rebuilt && isCurrent(step, steps, folder)) continue;
    const base = notes.find((note) => step.after?.includes(note.step));
    const impossible = base ? { reason: `needs "${base.step}", which is not there`, remedy: base.remedy } : step.impossible?.() ?? null;
    const problem = impossible ?? await runOne(step, steps, folder, log);
    if (!problem) ran.push(step.id);
    else if (step.required) throw new StepFailed(`${step.label}: ${problem.reason}`, problem.remedy);
    else notes.push({ step: step.id, ...problem });
  }
  return { ran, notes };
}

/**
 * @param {Step} step @param {Step[]} steps @param {string} folder @param {(line: string) => void} log
 * @returns {Promise<Impossible | null>} what went wrong, null when nothing did.
 */
async function runOne(step, steps, folder, log) {
  const started = Date.now();
  const seconds = () => `${((Date.now() - started) / 1000).toFixed(1)} s`;
  log(`set-up: ${step.label} ...${step.expect ? ` (${step.expect})` : ''}`);
  // Without its stamp a step counts as not done: killed half-way, it is done again.
  fs.rmSync(stampFile(step, folder), { force: true });
  try {
    await step.run((line) => log(`set-up: ${step.label} ... ${seconds()} ${line}`));
    if (isStamped(step)) writeWhole(stampFile(step, folder), fingerprint(step, steps));
    log(`set-up: ${step.label}: done in ${seconds()}`);
    return null;
  } catch (error) {
    log(`set-up: ${step.label}: failed after ${seconds()}`);
    if (error instanceof StepFailed) return { reason: error.message, remedy: error.remedy };
    return { reason: String(error instanceof Error ? error.message : error), remedy: 'run the same command again; if it stays, please report it' };
  }
}

/**
 * @param {Step} step
 * @param {Step[]} steps
 * @param {string} folder
 */
function isCurrent(step, steps, folder) {
  if (!step.done()) return false;
  if (!isStamped(step)) return true;
  const file = stampFile(step, folder);
  return fs.existsSync(file) && fs.readFileSync(file, 'utf8') === fingerprint(step, steps);
}

/**
 * Whether what a step makes depends on anything; otherwise its mere presence says that it is current.
 * @param {Step} step
 */
function isStamped(step) {
  return step.inputs !== undefined || step.state !== undefined;
}

/**
 * SHA-256 of everything a step is made from, the steps below it included.
 * @param {Step} step @param {Step[]} steps
 * @returns {string}
 */
export function fingerprint(step, steps) {
  const hash = crypto.createHash('sha256');
  for (const file of step.inputs ?? []) {
    hash.update(`${path.basename(file)}\0`);
    hash.update(fs.existsSync(file) ? fs.readFileSync(file) : 'absent');
  }
  hash.update(`\0${step.state?.() ?? ''}`);
  for (const id of step.after ?? []) {
    const base = steps.find((other) => other.id === id);
    if (base) hash.update(fingerprint(base, steps));
  }
  return hash.digest('hex');
}

/**
 * @param {Step} step
 * @param {string} folder
 */
function stampFile(step, folder) {
  return path.join(folder, `${step.id}.done`);
}

/**
 * @param {string} file
 * @param {string} text
 */
function writeWhole(file, text) {
  fs.writeFileSync(`${file}.${process.pid}`, text);
  fs.renameSync(`${file}.${process.pid}`, file);
}

/**
 * Creates a file with its content in one go; a reader never sees it empty.
 * @param {string} file @param {string} text
 * @returns {boolean} false when it exists already.
 */
function createWhole(file, text) {
  fs.writeFileSync(`${file}.${process.pid}`, text);
  try {
    fs.linkSync(`${file}.${process.pid}`, file);
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'EEXIST') return false;
    throw error;
  } finally {
    fs.rmSync(`${file}.${process.pid}`);
  }
}

/**
 * Waits until no other set-up runs in this clone, then holds the lock. One whose owner died is taken over.
 * @param {string} file @param {(line: string) => void} log
 * @returns {Promise<() => void>} gives the lock back.
 */
async function lock(file, log) {
  const mine = JSON.stringify({ pid: process.pid, started: startOf(process.pid) });
  for (let said = false; ; await sleep(200)) {
    if (createWhole(file, mine)) break;
    const owner = readOwner(file);
    if (owner && startOf(owner.pid) === owner.started) {
      if (!said) log(`set-up: waiting for the set-up that process ${owner.pid} is doing in this clone`);
      said = true;
    } else {
      // Two may see the same dead owner; the one whose words stay in the file has it.
      writeWhole(file, mine);
      await sleep(100);
      if (fs.existsSync(file) && fs.readFileSync(file, 'utf8') === mine) break;
    }
  }
  const unlock = () => fs.rmSync(file, { force: true });
  process.once('exit', unlock);
  return () => { process.removeListener('exit', unlock); unlock(); };
}

/**
 * @param {string} file
 * @returns {{ pid: number, started: string } | null}
 */
function readOwner(file) {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8'));
  } catch {
    return null; // given back, or left empty by a full disk
  }
}

/**
 * A process's start, so that a reused pid is not taken for it; only whether it lives where there is no /proc.
 * @param {number} pid
 */
function startOf(pid) {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    if (process.platform === 'linux') return 'gone';
    try {
      process.kill(pid, 0);
      return 'alive';
    } catch {
      return 'gone';
    }
  }
}

const HEARTBEAT_MS = 10_000;

/**
 * Runs a program of a step. Its output is kept for the message of a failure; every ten seconds the last line is shown.
 * @param {string[]} argv
 * @param {{ log: (line: string) => void, remedy: string, cwd?: string, env?: Record<string, string>, outliveUs?: boolean }} options
 *   `outliveUs`: being killed half-way would do more harm than finishing (dpkg).
 * @throws {StepFailed} with the last lines of what it printed.
 */
export async function execute(argv, { log, remedy, cwd, env, outliveUs = false }) {
  // Without this a killed set-up would leave npm or pip writing while the next set-up begins.
  const tie = !outliveUs && fs.existsSync('/usr/bin/setpriv') ? ['/usr/bin/setpriv', '--pdeathsig', 'TERM'] : [];
  const [command, ...args] = [...tie, ...argv];
  const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => { output = (output + chunk).slice(-20_000); });
  const heartbeat = setInterval(() => log(output.trim().split('\n').slice(-1)[0].trim().slice(0, 90)), HEARTBEAT_MS);
  /** @type {NodeJS.Signals[]} */ const signals = ['SIGTERM', 'SIGHUP'];
  const forward = (/** @type {NodeJS.Signals} */ signal) => { child.kill(signal); process.exit(130); };
  for (const signal of signals) process.on(signal, forward);
  try {
    const code = await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve));
    if (code !== 0) throw new StepFailed(`${path.basename(argv[0])} ended with ${code}: ${complaint(output)}`, remedy);
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'ENOENT') throw new StepFailed(`${argv[0]} is not installed`, remedy);
    throw error;
  } finally {
    clearInterval(heartbeat);
    for (const signal of signals) process.removeListener(signal, forward);
  }
}

/**
 * What a failed program complained about: its first lines that speak of an error (the later ones are advice), else its last.
 * @param {string} output
 */
export function complaint(output) {
  const lines = output.split('\n').map((line) => line.trim()).filter((line) => line !== '');
  const complaints = lines.filter((line) => /^E: |\b(error|fatal|failed|denied|no space|not found)\b/i.test(line));
  const chosen = complaints.length > 0 ? complaints.slice(0, 3) : lines.slice(-3);
  return chosen.join(' | ') || 'it said nothing';
}
