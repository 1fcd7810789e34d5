/**
 * strace: every system call of the worker thread, with its time and the descriptor it is made on.
 *
 * strace stops the thread twice a call, at its entry and at its exit, and each stop costs more than most calls take:
 * times are only of use corrected (lib/analysis/tracer-overhead.ts). Two choices keep the cost down, both measured on a
 * two-core virtual machine. strace runs on the worker's own core, since the thread stands still while strace works:
 * an empty read then seems to take 13 us instead of 60 to 90, and the code between two calls 50 us longer instead of
 * 150, because no core has to be woken for each stop. And descriptors are shown as numbers: with their addresses (-yy),
 * strace asks the kernel for every new connection, 1 to 2 ms in the middle of setting it up. Addresses come from /proc
 * as the recording starts (`sockets.json`) and from accept and connect after that, in whichever network namespace.
 *
 * Misses: other threads; what a call does for whom (one connection carries many HTTP/2 streams); IPv6 connections that
 * stood before the recording. Clock reads are no system calls (vdso).
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeRunFolder, removeRunFolder } from '../deploy/run-folder.js';
import type { Availability } from '../host/availability.js';
import { allowedCpus } from '../host/cpus.js';
import { run, start, type Daemon } from '../host/process.js';
import { untilWaiting } from '../host/system-calls.js';
import type { Collected, Collector } from './collector.js';
import { parseStrace } from './strace-output.js';
import { keepSockets, readKeptSockets, type CallRecording } from './system-call.js';

const file = 'strace.txt';
const flags = ['--string-limit=0', '--absolute-timestamps=format:unix,precision:ns', '--syscall-times=ns'];
const secondsToAttach = 10;
const secondsToDetach = 20;

export const strace: Collector<CallRecording> = {
  name: 'strace',
  version: async () => `1 / strace ${await straceVersion()}`,
  probe: probeStrace,
  record: recordCalls,
  read: (dir) => {
    const kept = readKeptSockets(dir);
    const from = path.join(dir, file);
    return { ...kept, calls: parseStrace(fs.readFileSync(from, 'utf8'), from, kept.tid).calls };
  },
  misses: 'threads other than the worker; which HTTP/2 stream a call serves; IPv6 connections older than the recording',
  disturbance: 'two stops a call: about 13 us more in the kernel and 50 us between two calls, several times that from another core (two-core virtual machine)',
};

async function straceVersion(): Promise<string> {
  const { stdout } = await run(['strace', '-V']);
  return /version (\S+)/.exec(stdout)?.[1] ?? 'unknown';
}

async function probeStrace(): Promise<Availability> {
  const remedy = 'install the package strace; in a container also allow ptrace (docker run --cap-add SYS_PTRACE)';
  const { exitCode, stderr } = await run(['strace', ...flags, '-o', '/dev/null', 'true'], { allow: 'any', timeoutMs: 10_000 });
  if (exitCode === 0) return { available: true, version: await straceVersion() };
  if (exitCode === 127) return { available: false, reason: 'strace is not installed', remedy };
  return { available: false, reason: stderr.trim().split('\n').pop() || `strace exited with ${exitCode}`, remedy };
}

/** Of the given cores none is used: the worker's own serves best, see above. */
async function recordCalls<T>({ pid, workerTid }: Collected, dir: string, body: () => Promise<T>): Promise<T> {
  const folder = makeRunFolder('strace');
  const argv = ['strace', '-p', String(workerTid), ...flags, '-o', path.resolve(dir, file)];
  const tracer = await start(argv, { name: 'strace', cpus: coresOf(pid, workerTid), logFile: path.join(folder, 'log') });
  try {
    await untilAttached(tracer, workerTid);
    keepSockets(dir, pid, workerTid);
    const result = await body();
    await untilWaiting(pid, workerTid);
    if (!tracer.alive()) throw new Error(`strace ended before the load did: ${lastWords(tracer)}`);
    await detach(tracer);
    return result;
  } finally {
    await detach(tracer);
    removeRunFolder(folder);
  }
}

function coresOf(pid: number, tid: number): number[] {
  const status = `/proc/${pid}/task/${tid}/status`;
  if (!fs.existsSync(status)) throw new Error(`process ${pid} has no thread ${tid}; is Envoy alive?`);
  return allowedCpus(fs.readFileSync(status, 'utf8'));
}

async function untilAttached(tracer: Daemon, tid: number): Promise<void> {
  for (const deadline = Date.now() + secondsToAttach * 1000; !tracer.output().includes(`${tid} attached`); await sleep(5)) {
    if (!tracer.alive()) throw new Error(`strace could not attach to thread ${tid}: ${lastWords(tracer)}; is another tracer attached?`);
    if (Date.now() > deadline) throw new Error(`strace did not attach to thread ${tid} within ${secondsToAttach} s: ${lastWords(tracer)}`);
  }
}

/** On SIGINT strace lets the thread go on and writes what it has; SIGKILL, too, would let it go on. */
async function detach(tracer: Daemon): Promise<void> {
  if (!tracer.alive()) return;
  process.kill(tracer.pid, 'SIGINT');
  await Promise.race([tracer.exited, sleep(secondsToDetach * 1000, null, { ref: false })]);
  await tracer.stop();
}

function lastWords(tracer: Daemon): string {
  return tracer.output().trim().split('\n').slice(-1)[0] || 'it said nothing';
}
