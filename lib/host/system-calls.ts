/** x86-64 system calls by what they do to a worker and its connections (Linux, arch/x86/entry/syscalls/syscall_64.tbl). */
import * as fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** epoll_wait, epoll_pwait, epoll_pwait2: the worker sleeps until there is work. */
export const waits: ReadonlySet<number> = new Set([232, 281, 441]);
/** read, readv, recvfrom, recvmsg. */
export const reads: ReadonlySet<number> = new Set([0, 19, 45, 47]);
/** write, writev, sendto, sendmsg. */
export const writes: ReadonlySet<number> = new Set([1, 20, 44, 46]);
export const close = 3;
/**
 * gettimeofday, time, clock_gettime: a program at full speed asks the kernel's page of clock functions (vdso) instead,
 * which is no entry into the kernel. Traces leave them out.
 */
export const clockReads: ReadonlySet<number> = new Set([96, 201, 228]);
/**
 * In which a thread waits for something to happen: those of `waits`, and poll, select, nanosleep, futex,
 * clock_nanosleep, pselect6, ppoll.
 */
export const rests: ReadonlySet<number> = new Set([...waits, 7, 23, 35, 202, 230, 270, 271]);

const longestWorkMs = 10_000;

/**
 * A client has its answer while the worker still finishes the request: waits until the worker waits for the next.
 * @throws Error when it does not.
 */
export async function untilWaiting(pid: number, tid: number): Promise<void> {
  const call = () => Number(fs.readFileSync(`/proc/${pid}/task/${tid}/syscall`, 'utf8').split(' ')[0]); // NaN while it runs
  for (const deadline = Date.now() + longestWorkMs; !waits.has(call()); await sleep(5)) {
    if (Date.now() > deadline) throw new Error(`the worker of process ${pid} still works ${longestWorkMs / 1000} s after the last request; end all load before the recording ends`);
  }
}
