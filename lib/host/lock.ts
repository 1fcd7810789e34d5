/** One measurement at a time on a machine: two would measure each other. */
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive, startTicks } from './process.js';

interface Owner {
  pid: number;
  /** Tells a reused pid from the owner. */
  startTicks: number;
  /** ISO time. */
  since: string;
}

/** The same for every clone of this user; tests, which measure nothing that counts, set WORKBENCH_LOCK to one of their own. */
function lockFile(): string {
  return process.env.WORKBENCH_LOCK ?? path.join(os.tmpdir(), `sidecar-workbench-${process.getuid?.() ?? 'user'}.lock`);
}

/**
 * Runs `body` while nobody else measures on this machine. A lock whose owner died is taken over.
 * @param file for tests; one per user by default.
 * @throws Error at once when someone measures, naming the process and since when; whatever `body` throws.
 */
export async function withMeasuringLock<T>(body: () => Promise<T>, file = lockFile()): Promise<T> {
  await take(file);
  const giveBack = () => fs.rmSync(file, { force: true });
  process.once('exit', giveBack);
  try {
    return await body();
  } finally {
    process.removeListener('exit', giveBack);
    giveBack();
  }
}

async function take(file: string): Promise<void> {
  const mine: Owner = { pid: process.pid, startTicks: startTicks(process.pid) ?? 0, since: new Date().toISOString() };
  const text = JSON.stringify(mine);
  const draft = `${file}.${process.pid}`;
  fs.writeFileSync(draft, text);
  try {
    if (created(draft, file)) return;
    const owner = readOwner(file);
    if (owner && isAlive(owner.pid, owner.startTicks)) throw new Error(busy(owner));
    // Two may find the same dead owner; the one whose words stay in the file has it.
    fs.renameSync(draft, file);
    await sleep(100);
    const winner = readOwner(file);
    if (JSON.stringify(winner) !== text) throw new Error(busy(winner ?? mine));
  } finally {
    fs.rmSync(draft, { force: true });
  }
}

/** Creates the lock with its content in one go; false when it exists. */
function created(draft: string, file: string): boolean {
  try {
    fs.linkSync(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function readOwner(file: string): Owner | null {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8')) as Owner;
  } catch {
    return null; // given back meanwhile, or cut short by a full disk
  }
}

function busy({ pid, since }: Owner): string {
  if (pid === process.pid) return `this process is measuring already, since ${since}; wait until that is over`;
  return `process ${pid} has been measuring on this machine since ${since}, and two would measure each other; wait for it, or end it with: kill ${pid}`;
}
