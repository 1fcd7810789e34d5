/** Reads `perf script` of the tracepoints raw_syscalls:sys_enter and sys_exit, with the thread's switches between (perf 6.1 seen). */
import * as os from 'node:os';
import { callName, waits } from '../host/system-calls.js';
import type { SystemCall } from './system-call.js';

const line = /^ *(\d+) +(\d+)\.(\d{9}): +(?:(raw_syscalls:sys_enter|raw_syscalls:sys_exit): NR (-?\d+) (?:\(([^)]*)\)|= (-?\d+))|PERF_RECORD_SWITCH (IN|OUT)(?: +preempt)? *)$/;
/** Of two names for a number, strace's: EAGAIN, not EWOULDBLOCK. */
const errors = new Map(Object.entries(os.constants.errno).reverse().map(([name, number]) => [number, name]));
const epollCtl = 233;
/** Calls without a descriptor as their first argument: mmap and its kin, futex, socket, getpid and gettid, the clocks. */
const withoutDescriptor = new Set([9, 10, 11, 13, 14, 24, 28, 35, 39, 41, 96, 186, 202, 228, 230, 318]);

/** A call under way. */
interface Entered {
  startNs: number;
  number: number;
  args: number[];
  coreNs: number;
}

/** What one thread did last. */
interface Thread {
  entered: Entered | null;
  /** The last call that returned, and the thread's time on a core by then. */
  last: { call: SystemCall; coreNs: number } | null;
  /** Time on a core since the recording began, up to `sinceNs`. */
  coreNs: number;
  /** When it was put on its core; null while it is off. */
  sinceNs: number | null;
}

/**
 * @param text of `perf script --show-switch-events --ns -F tid,time,event,trace`.
 * @param file for messages.
 * @throws Error naming file and line when the text is empty or not of these events. A last line that is cut off is left
 *   out, and so are calls of which the recording has only one end.
 */
export function parseSyscallEvents(text: string, file: string): SystemCall[] {
  const lines = text.split('\n');
  const isCutOff = lines.pop() !== '';
  if (lines.length === 0) throw new Error(`${file}:1: ${isCutOff ? 'no whole line' : 'empty'}; was the worker idle during the recording?`);
  const reader = new EventReader();
  lines.forEach((one, i) => {
    const found = line.exec(one);
    if (!found) throw new Error(`${file}:${i + 1}: not an event of a system call: "${one.slice(0, 80)}"; record again`);
    reader.read(found);
  });
  return reader.calls.sort((a, b) => a.startNs - b.startNs);
}

class EventReader {
  readonly calls: SystemCall[] = [];
  private originS: number | undefined;
  private readonly threads = new Map<number, Thread>();

  read([, tid, seconds, fraction, event, number, args, result, direction]: string[]): void {
    this.originS ??= Number(seconds);
    const atNs = (Number(seconds) - this.originS) * 1e9 + Number(fraction);
    const thread = this.threads.get(Number(tid)) ?? { entered: null, last: null, coreNs: 0, sinceNs: direction === 'IN' ? null : atNs };
    this.threads.set(Number(tid), thread);
    if (direction) move(thread, direction, atNs);
    else if (event.endsWith('enter')) enter(thread, Number(number), args, atNs);
    else this.leave(thread, Number(tid), Number(number), Number(result), atNs);
  }

  private leave(thread: Thread, tid: number, number: number, result: number, atNs: number): void {
    const { entered } = thread;
    thread.entered = thread.last = null;
    if (entered?.number !== number) return; // it began before the recording did
    const coreNs = coreAt(thread, atNs);
    const call: SystemCall = {
      tid, startNs: entered.startNs, endNs: atNs, name: callName(number), descriptor: descriptorOf(entered), local: null, remote: null, peer: null,
      timeoutMs: waits.has(number) ? entered.args[3] | 0 : null, // -1 is shown as ffffffff
      result: result < 0 ? -1 : result, error: result < 0 ? errors.get(-result) ?? `error ${-result}` : null,
      onCoreNs: coreNs - entered.coreNs, nextOnCoreNs: null,
    };
    thread.last = { call, coreNs };
    this.calls.push(call);
  }
}

function enter(thread: Thread, number: number, args: string, atNs: number): void {
  const coreNs = coreAt(thread, atNs);
  if (thread.last) thread.last.call.nextOnCoreNs = coreNs - thread.last.coreNs;
  // Descriptors and timeouts are ints: the lower half of a register.
  thread.entered = { startNs: atNs, number, args: args.split(', ').map((value) => parseInt(value.slice(-8), 16)), coreNs };
}

function move(thread: Thread, direction: string, atNs: number): void {
  thread.coreNs = coreAt(thread, atNs);
  thread.sinceNs = direction === 'IN' ? atNs : null;
}

function coreAt({ coreNs, sinceNs }: Thread, atNs: number): number {
  return coreNs + (sinceNs === null ? 0 : atNs - sinceNs);
}

/** epoll_ctl works on the descriptor it is told of, its third argument. */
function descriptorOf({ number, args }: Entered): number | null {
  if (withoutDescriptor.has(number)) return null;
  return number === epollCtl ? args[2] : args[0];
}
