/**
 * CPU time as the scheduler accounts it: the undisturbed collector, since it only reads what the kernel keeps anyway.
 *
 * Run time has nanosecond resolution (/proc/PID/task/TID/schedstat: run ns, run-queue wait ns, timeslices;
 * kernel Documentation/scheduler/sched-stats.rst). The split into user and kernel has not: utime and stime of
 * /proc/PID/task/TID/stat come in ticks of 10 ms, and most kernels sample them at the timer tick and then scale
 * them to the exact run time, so over a window of 1 s the split is good to about 2 points, and worthless over 50 ms.
 *
 * Misses: threads that ended inside the window, interrupts that ran on the thread's time (charged to it), and
 * work the kernel did for it on other threads (softirqs in ksoftirqd).
 */
import * as fs from 'node:fs';

/** Counters since the thread (or, summed, the process's living threads) started. */
export interface SchedStat {
  /** Nanoseconds on a core. */
  runNs: number;
  /** Nanoseconds runnable but waiting for a core. */
  waitNs: number;
  /** Times it was given a core. */
  timeslices: number;
}

/** One look at a thread or process. */
export interface CpuReading extends SchedStat {
  /** When it was read: microseconds since the epoch. */
  atUs: number;
  /** User and kernel time in clock ticks of 10 ms. */
  userTicks: number;
  kernelTicks: number;
}

/** What a thread or process used between two readings. */
export interface CpuSample extends SchedStat {
  windowUs: [number, number];
  /** Part of the run time spent in user code, 0 to 1, by the kernel's ticks; null below ten ticks, where it says nothing. */
  userShare: number | null;
}

/** USER_HZ, which every x86-64 Linux has as its unit of /proc times. */
export const ticksPerS = 100;
const ticksForAShare = 10;

/**
 * @param tid one thread; all living threads of the process, summed, when left out (/proc/PID/schedstat itself
 *   is only the main thread's).
 * @throws Error when the process or thread is gone, or the kernel keeps no such accounts.
 */
export function readSchedstat(pid: number, tid?: number): SchedStat {
  return threadsOf(pid, tid)
    .map((thread) => parseSchedstat(readProc(pid, thread, 'schedstat', tid !== undefined), `/proc/${pid}/task/${thread}/schedstat`))
    .reduce((sum, one) => ({
      runNs: sum.runNs + one.runNs,
      waitNs: sum.waitNs + one.waitNs,
      timeslices: sum.timeslices + one.timeslices,
    }), { runNs: 0, waitNs: 0, timeslices: 0 });
}

/** Scheduler accounts and the user/kernel ticks of a thread, or of a whole process when `tid` is left out. */
export function readCpu(pid: number, tid?: number): CpuReading {
  const ticks = threadsOf(pid, tid)
    .map((thread) => parseTicks(readProc(pid, thread, 'stat', tid !== undefined), `/proc/${pid}/task/${thread}/stat`));
  return {
    atUs: Math.round((performance.timeOrigin + performance.now()) * 1000),
    ...readSchedstat(pid, tid),
    userTicks: ticks.reduce((sum, one) => sum + one.userTicks, 0),
    kernelTicks: ticks.reduce((sum, one) => sum + one.kernelTicks, 0),
  };
}

/** Accounts of several processes together, as of the first's reading. */
export function cpuSum(a: CpuReading, b: CpuReading): CpuReading {
  return {
    atUs: a.atUs, runNs: a.runNs + b.runNs, waitNs: a.waitNs + b.waitNs, timeslices: a.timeslices + b.timeslices,
    userTicks: a.userTicks + b.userTicks, kernelTicks: a.kernelTicks + b.kernelTicks,
  };
}

/** What was used between two readings of the same thread or process. */
export function cpuBetween(before: CpuReading, after: CpuReading): CpuSample {
  const user = after.userTicks - before.userTicks;
  const ticks = user + after.kernelTicks - before.kernelTicks;
  return {
    windowUs: [before.atUs, after.atUs],
    runNs: after.runNs - before.runNs,
    waitNs: after.waitNs - before.waitNs,
    timeslices: after.timeslices - before.timeslices,
    userShare: ticks < ticksForAShare ? null : user / ticks,
  };
}

/**
 * Parses `run wait timeslices`.
 * @throws Error naming the file when it is not three counts.
 */
export function parseSchedstat(text: string, file: string): SchedStat {
  const fields = /^(\d+) (\d+) (\d+)\n?$/.exec(text);
  if (!fields) throw new Error(`${file}:1: not "run wait timeslices": ${JSON.stringify(text.slice(0, 60))}; the kernel needs CONFIG_SCHED_INFO`);
  return { runNs: Number(fields[1]), waitNs: Number(fields[2]), timeslices: Number(fields[3]) };
}

/**
 * Fields 14 and 15 of /proc/PID/stat (man 5 proc). The name in field 2 may itself hold spaces and brackets.
 * @throws Error naming the file when it is cut off.
 */
export function parseTicks(text: string, file: string): { userTicks: number; kernelTicks: number } {
  const fields = text.slice(text.lastIndexOf(')') + 2).trim().split(' ');
  const [userTicks, kernelTicks] = [fields[11], fields[12]].map(Number);
  if (!text.includes(')') || !Number.isInteger(userTicks) || !Number.isInteger(kernelTicks)) {
    throw new Error(`${file}:1: no user and kernel times in ${JSON.stringify(text.slice(0, 60))}`);
  }
  return { userTicks, kernelTicks };
}

function threadsOf(pid: number, tid: number | undefined): number[] {
  if (tid !== undefined) return [tid];
  try {
    return fs.readdirSync(`/proc/${pid}/task`).map(Number);
  } catch {
    throw new Error(`process ${pid} is gone; its CPU time cannot be read any more`);
  }
}

/** A thread that ended since the folder was listed counts as nothing, one that was asked for by its id is an error. */
function readProc(pid: number, tid: number, name: 'schedstat' | 'stat', wanted: boolean): string {
  try {
    return fs.readFileSync(`/proc/${pid}/task/${tid}/${name}`, 'utf8');
  } catch {
    if (wanted) throw new Error(`thread ${tid} of process ${pid} is gone; its CPU time cannot be read any more`);
    return name === 'stat' ? '0 (ended) X 0 0 0 0 0 0 0 0 0 0 0 0' : '0 0 0';
  }
}
