/** x86-64 system calls by what they do to a worker's connections (Linux, arch/x86/entry/syscalls/syscall_64.tbl). */

/** epoll_wait, epoll_pwait, epoll_pwait2: the worker sleeps until there is work. */
export const waits: ReadonlySet<number> = new Set([232, 281, 441]);
/** read, readv, recvfrom, recvmsg. */
export const reads: ReadonlySet<number> = new Set([0, 19, 45, 47]);
/** write, writev, sendto, sendmsg. */
export const writes: ReadonlySet<number> = new Set([1, 20, 44, 46]);
export const close = 3;
