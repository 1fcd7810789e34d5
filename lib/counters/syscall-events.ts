/**
 * The kernel's own tracepoints around system calls (raw_syscalls), by perf, on the worker thread: the same calls as
 * strace shows, for a fraction of its cost. The thread is not stopped: each event writes one record. Besides, perf notes
 * when the thread is taken off its core and put back, which tells sleeping from the work of falling asleep and waking.
 *
 * The tracepoints are found through tracefs. Where it is not mounted, it is mounted for perf alone, in a mount namespace
 * that ends with it.
 *
 * Misses: whatever an argument points to, so addresses of connections made during the recording; what strace misses. What the
 * scheduler charges the thread for being switched to and from lies outside perf's view: 60 us for two switches on a
 * crowded two-core virtual machine.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import * as zlib from 'node:zlib';
import { median } from '../analysis/statistics.js';
import { makeRunFolder, removeRunFolder } from '../deploy/run-folder.js';
import type { Availability } from '../host/availability.js';
import type { CpuPlan } from '../host/cpus.js';
import { run } from '../host/process.js';
import { untilWaiting } from '../host/system-calls.js';
import type { Collected, Collector } from './collector.js';
import { perfEnvironment, perfVersion, probePerf, whilePerf } from './perf-tool.js';
import { parseSyscallEvents } from './syscall-events-output.js';
import { keepSockets, readKeptSockets, type CallRecording } from './system-call.js';

/** Bytes that dd copies one by one, a read and a write each. */
const ddBytes = 5000;
const files = { raw: 'syscall-events.data', text: 'syscall-events.txt.gz' };
const events = ['-e', 'raw_syscalls:sys_enter,raw_syscalls:sys_exit', '--switch-events'];
const fields = ['-F', 'tid,time,event,trace', '--show-switch-events', '--ns'];
const tracefs = '/sys/kernel/tracing';

export const syscallEvents: Collector<CallRecording> = {
  name: 'syscall-events',
  version: async () => `1 / perf ${await perfVersion()}`,
  probe: probeEvents,
  record: recordEvents,
  read: readEvents,
  misses: 'threads other than the worker; addresses of connections made during the recording; which HTTP/2 stream a call serves',
  disturbance: 'about 2 us a call, measured by measureEventCostNs (two-core virtual machine)',
};

async function probeEvents(): Promise<Availability> {
  if (process.getuid?.() !== 0) return { available: false, reason: 'the tracepoints of system calls are for root only', remedy: 'run as root; strace serves without' };
  const answer = await probePerf(['record', '-q', ...events, '-o', '/dev/null', 'true'], wrap());
  if (answer.available) return answer;
  return { ...answer, remedy: 'install the package linux-perf where perf is missing; else a kernel with CONFIG_FTRACE_SYSCALLS, in a container --privileged; strace serves without' };
}

/** Mounted already, or the words that mount it for the program that follows alone. */
function wrap(): string[] {
  if (fs.existsSync(`${tracefs}/events/raw_syscalls`)) return [];
  return ['unshare', '--mount', 'sh', '-c', `mount -t tracefs tracefs ${tracefs} && exec "$@"`, 'sh'];
}

async function recordEvents<T>({ pid, workerTid }: Collected, dir: string, body: () => Promise<T>, cpus: number[]): Promise<T> {
  const raw = path.join(dir, files.raw);
  const result = await whilePerf(['record', '-q', ...events, '-t', String(workerTid), '-o', raw], cpus, async () => {
    keepSockets(dir, pid, workerTid);
    const value = await body();
    await untilWaiting(pid, workerTid);
    return value;
  }, wrap());
  const { text, isWhole } = await script(raw, cpus);
  if (!isWhole) throw new Error(`perf lost events of thread ${workerTid}; send one request after another, or keep other programs off cores ${cpus.join(',')}`);
  fs.writeFileSync(path.join(dir, files.text), zlib.gzipSync(text));
  fs.rmSync(raw);
  return result;
}

async function script(raw: string, cpus: number[]): Promise<{ text: string; isWhole: boolean }> {
  const { stdout, stderr } = await run(['perf', 'script', '-i', raw, ...fields], { cpus, env: perfEnvironment });
  return { text: stdout, isWhole: !/\blost\b/.test(stderr) };
}

/**
 * What one event costs the thread it is about, nanoseconds, from a program that does nothing but system calls: its
 * calls and the code between them as the events show them, less what both take without events. Medians and the fastest
 * untraced run, so that other programs on the machine do not matter.
 * @param cpus `worker`: the core to do it on; `others`: those of perf.
 * @returns one value a round.
 */
export async function measureEventCostNs(cpus: CpuPlan, rounds = 3): Promise<number[]> {
  const dd = ['taskset', '-c', String(cpus.worker), 'dd', 'if=/dev/zero', 'of=/dev/null', 'bs=1', `count=${ddBytes}`];
  const folder = makeRunFolder('event-cost');
  const raw = path.join(folder, files.raw);
  try {
    let plainNs = Infinity;
    const tracedNs: number[] = [];
    for (let round = 0; round < rounds; round++) {
      plainNs = Math.min(plainNs, await nsPerCall(dd));
      await run([...wrap(), 'perf', 'record', '-q', ...events, '-o', raw, '--', ...dd], { cpus: cpus.others, env: perfEnvironment });
      const calls = parseSyscallEvents((await script(raw, cpus.others)).text, raw).filter(({ name }) => name === 'read' || name === 'write');
      tracedNs.push(median(calls.map(({ onCoreNs }) => onCoreNs!)) + median(calls.flatMap(({ nextOnCoreNs }) => nextOnCoreNs ?? [])));
    }
    return tracedNs.map((ns) => (ns - plainNs) / 2);
  } finally {
    removeRunFolder(folder);
  }
}

/** `5000 bytes (5.0 kB, 4.9 KiB) copied, 0.00308 s, 1.6 MB/s` */
async function nsPerCall(dd: string[]): Promise<number> {
  const { stderr } = await run(dd, { env: perfEnvironment });
  const seconds = Number(/copied, ([\d.e-]+) s/.exec(stderr)?.[1]);
  if (!(seconds > 0)) throw new Error(`dd does not say how long it took: "${stderr.trim().split('\n').pop()}"; is it coreutils' dd?`);
  return seconds * 1e9 / (2 * ddBytes);
}

function readEvents(dir: string): CallRecording {
  const file = path.join(dir, files.text);
  return { ...readKeptSockets(dir), calls: parseSyscallEvents(unzip(file), file) };
}

function unzip(file: string): string {
  const packed = fs.readFileSync(file);
  try {
    return zlib.gunzipSync(packed).toString('utf8');
  } catch (error) {
    throw new Error(`${file}:1: ${(error as Error).message}; the file is cut off or damaged: record again`);
  }
}
