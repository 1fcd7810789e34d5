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

/**
 * Names of the calls that a proxy's worker makes, by number, for tools that show numbers only.
 */
const names: Readonly<Record<number, string>> = {
  0: 'read', 1: 'write', 3: 'close', 7: 'poll', 9: 'mmap', 10: 'mprotect', 11: 'munmap', 13: 'rt_sigaction', 14: 'rt_sigprocmask', 16: 'ioctl',
  19: 'readv', 20: 'writev', 24: 'sched_yield', 28: 'madvise', 35: 'nanosleep', 39: 'getpid', 41: 'socket', 42: 'connect', 43: 'accept',
  44: 'sendto', 45: 'recvfrom', 46: 'sendmsg', 47: 'recvmsg', 48: 'shutdown', 49: 'bind', 50: 'listen', 51: 'getsockname', 52: 'getpeername',
  54: 'setsockopt', 55: 'getsockopt', 72: 'fcntl', 96: 'gettimeofday', 186: 'gettid', 202: 'futex', 228: 'clock_gettime', 230: 'clock_nanosleep',
  232: 'epoll_wait', 233: 'epoll_ctl', 281: 'epoll_pwait', 288: 'accept4', 291: 'epoll_create1', 299: 'recvmmsg', 307: 'sendmmsg',
  318: 'getrandom', 441: 'epoll_pwait2',
};

/** `epoll_wait` of 232; `syscall_500` where it has no name here. */
export function callName(number: number): string {
  return names[number] ?? `syscall_${number}`;
}

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
