/** What every start of an Envoy has in common, wherever it runs: its flags, waiting until it serves, finding its worker. */
import * as fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Daemon } from '../host/process.js';

/** No shared memory between instances, and few words. */
export const quietly = ['--disable-hot-restart', '--log-level', 'warning'];

/** As `--concurrency` of the paper's deployments. */
export const oneWorker = ['--concurrency', '1'];

/** Milliseconds that an Envoy may take to start and to stop; a wrapped one is slow, and Valgrind writes its results after SIGTERM. */
export function patience(wrap?: string[]): { startMs: number; stopMs?: number } {
  return wrap ? { startMs: 180_000, stopMs: 60_000 } : { startMs: 30_000 };
}

export const pollMs = 20;

/**
 * Asks again and again whether a program serves; fails as soon as it is gone.
 * @param serves null, or an error, as long as it does not.
 * @param advice what to do when it takes too long.
 * @throws Error with the program's last words when it exits or is not ready in time.
 */
export async function untilServing<T>(daemon: Daemon, serves: () => Promise<T | null> | T | null, timeoutMs: number, advice: string): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  while (Date.now() < deadline) {
    if (!daemon.alive()) {
      const { exitCode, signal } = await daemon.exited;
      throw new Error(`${daemon.name} exited at start (${signal ?? `code ${exitCode}`}): ${lastError(daemon.output())}`);
    }
    const serving = await Promise.resolve().then(serves).catch(() => null);
    if (serving !== null) return serving;
    await sleep(pollMs);
  }
  throw new Error(`${daemon.name} was not ready after ${timeoutMs / 1000} s: ${lastError(daemon.output())}; ${advice}`);
}

/** The thread that carries all traffic; Envoy names it. */
export function findWorker(pid: number): number | undefined {
  const tasks = `/proc/${pid}/task`;
  const tid = fs.readdirSync(tasks).find((task) => fs.readFileSync(`${tasks}/${task}/comm`, 'utf8').trim() === 'wrk:worker_0');
  return tid === undefined ? undefined : Number(tid);
}

/** The last thing a program complained about, without Envoy's time stamp and source line. */
export function lastError(log: string): string {
  const lines = log.split('\n').filter((line) => line.trim() !== '');
  const complaints = lines.filter((line) => /\]\[(error|critical)\]/.test(line));
  const last = complaints[complaints.length - 1] ?? lines[lines.length - 1] ?? 'it said nothing';
  return last.replace(/^(\[[^\]]*\])+ (\[[^\]]*\] )?/, '');
}
