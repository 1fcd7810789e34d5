/**
 * Control of another process's threads on x86-64 Linux: ptrace(2) through koffi, a foreign function interface.
 *
 * The kernel lets only the thread that attached control a tracee, so everything here is a synchronous call on the
 * calling JavaScript thread. koffi is loaded at first use: machines without it can import this file.
 */
import * as fs from 'node:fs';
import type { LibraryHandle } from 'koffi';
import type { Availability } from './availability.js';
import { start } from './process.js';
import { stepLoopCode, stepState, stoppedByStep } from './step-loop.js';

/** How a thread that was waited for stands. */
export type Stop =
  | { kind: 'stopped'; signal: number; /** PTRACE_EVENT_*, 0 for none. */ event: number }
  | { kind: 'exited'; code: number }
  | { kind: 'killed'; signal: number };

/** Signals and events that stops are made of. */
export const SIGTRAP = 5;
/** A stop by `interrupt`, or by a stop signal of the whole process. */
export const eventStop = 128;

/** Places in `Registers` (struct user_regs_struct of sys/user.h). */
export const register = {
  r15: 0, r14: 1, r13: 2, r12: 3, rbp: 4, rbx: 5, r11: 6, r10: 7, r9: 8, r8: 9, rax: 10, rcx: 11, rdx: 12, rsi: 13,
  rdi: 14, originalRax: 15, rip: 16, cs: 17, flags: 18, rsp: 19,
} as const;

/** A thread's general registers, by the places of `register`. */
export type Registers = BigUint64Array;
const registerCount = 27;

/** What a call of the step loop did. */
export interface Steps {
  /** Steps taken. The addresses after each are the first of `addresses`. */
  count: number;
  /** True when the next instruction is `syscall`. */
  atSystemCall: boolean;
  /** Other than an ordinary stop after the last step; null otherwise. */
  stop: Stop | null;
}

export interface Ptrace {
  /**
   * Attaches without stopping the thread.
   * @param options.endWithUs the process is killed when we end without having detached.
   * @throws Error naming what forbids it and what to do.
   */
  seize(tid: number, options?: { endWithUs?: boolean }): void;
  /** Asks a running thread to stop; `wait` tells when it has. */
  interrupt(tid: number): void;
  /** Blocks until the thread stops or ends. */
  wait(tid: number): Stop;
  /** Null while it runs. */
  poll(tid: number): Stop | null;
  /** Lets a stopped thread run one instruction, delivering `signal` to it when given. */
  step(tid: number, signal?: number): void;
  /** Lets a stopped thread run. */
  proceed(tid: number, signal?: number): void;
  /** Leaves a thread stopped that a stop signal stopped, until SIGCONT. */
  listen(tid: number): void;
  /** Lets a stopped thread go. No trap may be pending: see `detachQuietly`. */
  detach(tid: number, signal?: number): void;
  registers(tid: number): Registers;
  setRegisters(tid: number, registers: Registers): void;
  /** One register of a stopped thread as a signed number. @throws Error when it is not a safe integer. */
  peekRegister(tid: number, place: number): number;
  /**
   * Steps a stopped thread, whose next instruction must not be `syscall`, until the next one is, `addresses` is full,
   * or something other than a step stops it.
   * @param addresses gets the address after each step, as low and high half.
   */
  stepMany(tid: number, addresses: Uint32Array): Steps;
}

type Koffi = typeof import('koffi').default;

const request = {
  PEEKUSER: 3, CONT: 7, SINGLESTEP: 9, GETREGS: 12, SETREGS: 13, DETACH: 17, SEIZE: 0x4206, INTERRUPT: 0x4207, LISTEN: 0x4208,
} as const;
const optionExitKill = 0x100000;
const waitAll = 0x40000000; // __WALL
const noHang = 1;

let loaded: Promise<Ptrace> | undefined;

/**
 * Loads koffi at first use.
 * @throws Error when this is no x86-64 Linux, or koffi cannot be loaded.
 */
export function loadPtrace(): Promise<Ptrace> {
  return (loaded ??= load());
}

async function load(): Promise<Ptrace> {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error(`threads can be traced on Linux x86-64 only, this is ${process.platform} ${process.arch}; use such a machine`);
  }
  const { default: koffi } = await import('koffi').catch((error: Error) => {
    throw new Error(`koffi cannot be loaded (${error.message.split('\n')[0]}); run \`npm install\``);
  });
  const libc: LibraryHandle = koffi.load(null);
  const ptrace = libc.func('ptrace', 'long', ['long', 'int', 'uintptr_t', 'uintptr_t']) as (request: number, tid: number, address: number, data: number) => number | bigint;
  const ptraceInto = libc.func('ptrace', 'long', ['long', 'int', 'uintptr_t', 'void *']) as (request: number, tid: number, address: number, data: Registers) => number;
  const waitpid = libc.func('waitpid', 'int', ['int', 'void *', 'int']) as (tid: number, status: Int32Array, options: number) => number;
  const names = new Map(Object.entries(koffi.os.errno).map(([name, number]) => [number, name]));
  const errorName = (errno: number) => names.get(errno) ?? `errno ${errno}`;
  const status = new Int32Array(1);
  const stepLoop = loadStepLoop(koffi, libc);

  const call = (name: keyof typeof request, tid: number, address = 0, data = 0): number => {
    // PEEKUSER returns the register itself, so that only errno tells a value of -1 from an error.
    koffi.errno(0);
    const result = ptrace(request[name], tid, address, data);
    if (Number(result) === -1 && koffi.errno() !== 0) throw failure(name, tid, errorName(koffi.errno()));
    if (typeof result === 'bigint') throw new Error(`ptrace ${name} of thread ${tid} returned ${result}, more than 53 bits; read all registers instead`);
    return result;
  };
  const into = (name: 'GETREGS' | 'SETREGS', tid: number, registers: Registers): Registers => {
    if (ptraceInto(request[name], tid, 0, registers) === -1) throw failure(name, tid, errorName(koffi.errno()));
    return registers;
  };
  const waitFor = (tid: number, options: number): Stop | null => {
    const found = waitpid(tid, status, waitAll | options);
    if (found === -1) throw failure('wait', tid, errorName(koffi.errno()));
    return found === 0 ? null : decodeStatus(status[0]);
  };
  return {
    seize: (tid, { endWithUs = false } = {}) => void call('SEIZE', tid, 0, endWithUs ? optionExitKill : 0),
    interrupt: (tid) => void call('INTERRUPT', tid),
    wait: (tid) => waitFor(tid, 0)!,
    poll: (tid) => waitFor(tid, noHang),
    step: (tid, signal = 0) => void call('SINGLESTEP', tid, 0, signal),
    proceed: (tid, signal = 0) => void call('CONT', tid, 0, signal),
    listen: (tid) => void call('LISTEN', tid),
    detach: (tid, signal = 0) => void call('DETACH', tid, 0, signal),
    registers: (tid) => into('GETREGS', tid, new BigUint64Array(registerCount)),
    setRegisters: (tid, registers) => void into('SETREGS', tid, registers),
    peekRegister: (tid, place) => call('PEEKUSER', tid, 8 * place),
    stepMany: (tid, addresses) => {
      const ended = stepLoop(tid, addresses);
      if (ended.result < 0) throw failure('SINGLESTEP', tid, errorName(-ended.result));
      return ended;
    },
  };
}

/** Makes a function of the machine code of step-loop.ts. */
function loadStepLoop(koffi: Koffi, libc: LibraryHandle): (tid: number, addresses: Uint32Array) => Steps & { result: number } {
  const [readWrite, readExecute, privateAnonymous] = [3, 5, 0x22];
  const mmap = libc.func('mmap', 'void *', ['void *', 'size_t', 'int', 'int', 'int', 'long']);
  const mprotect = libc.func('mprotect', 'int', ['void *', 'size_t', 'int']);
  const page = mmap(null, 4096, readWrite, privateAnonymous, -1, 0) as bigint;
  if (page === null || BigInt.asIntN(64, page) === -1n) throw new Error('no memory for the step loop; free some');
  new Uint8Array(koffi.view(page, stepLoopCode.length)).set(stepLoopCode);
  if (mprotect(page, 4096, readExecute) !== 0) throw new Error('the kernel refuses executable memory, which the step loop needs; allow it in this machine\'s security policy');
  const loop = koffi.decode(page, koffi.proto('void', ['int', 'void *', 'uint64_t', 'void *'])) as (tid: number, at: Uint32Array, steps: number, state: Uint8Array) => void;
  const bytes = new Uint8Array(stepState.bytes);
  const state = new DataView(bytes.buffer);
  return (tid, addresses) => {
    loop(tid, addresses, addresses.length >> 1, bytes);
    const status = state.getInt32(stepState.status, true);
    return {
      count: Number(state.getBigUint64(stepState.steps, true)),
      atSystemCall: state.getUint16(stepState.code, true) === 0x050f && status === stoppedByStep,
      stop: status === stoppedByStep ? null : decodeStatus(status),
      result: Number(state.getBigInt64(stepState.result, true)),
    };
  };
}

/** By the macros of sys/wait.h. */
export function decodeStatus(status: number): Stop {
  const low = status & 0x7f;
  if (low === 0) return { kind: 'exited', code: (status >> 8) & 0xff };
  if ((status & 0xff) !== 0x7f) return { kind: 'killed', signal: low };
  return { kind: 'stopped', signal: (status >> 8) & 0xff, event: status >> 16 };
}

function failure(name: string, tid: number, errno: string): Error {
  if (name === 'SEIZE') return new Error(`cannot trace thread ${tid} (${errno}); ${remedyFor(errno, tid)}`);
  const why = errno === 'ESRCH' || errno === 'ECHILD' ? 'it has ended, or is not stopped' : 'look into `dmesg`';
  return new Error(`ptrace ${name} of thread ${tid} failed (${errno}): ${why}`);
}

function remedyFor(errno: string, tid: number): string {
  if (errno === 'ESRCH') return 'there is no such thread';
  const tracer = Number(/^TracerPid:\s*(\d+)$/m.exec(readOr(`/proc/${tid}/status`, ''))?.[1] ?? 0);
  if (tracer > 0) return `process ${tracer} traces it already: end that one first`;
  return permissionRemedy();
}

/** What forbids tracing here, as the thing to do about it. */
function permissionRemedy(): string {
  const scope = Number(readOr('/proc/sys/kernel/yama/ptrace_scope', '0'));
  if (scope > 0) return `kernel.yama.ptrace_scope is ${scope}: ${scope === 3 ? 'reboot with another setting' : 'set it to 0, or run as root'}`;
  return 'run as the user the process runs as, or with CAP_SYS_PTRACE (in a container: --cap-add SYS_PTRACE)';
}

function readOr(file: string, otherwise: string): string {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return otherwise;
  }
}

/**
 * Lets a thread go that was being stepped, wherever it stands. A thread that is stopped inside a system call has its
 * trap still to come, which would end the process once nobody is there to take it: so it is taken first.
 * @param running whether it may be running, e.g. in a system call that waits.
 */
export function detachQuietly(ptrace: Ptrace, tid: number, running: boolean): void {
  if (!running) return ptrace.detach(tid);
  ptrace.interrupt(tid);
  let stop = ptrace.wait(tid);
  while (stop.kind === 'stopped' && stop.event === eventStop) {
    ptrace.step(tid);
    stop = ptrace.wait(tid);
  }
  if (stop.kind === 'stopped') ptrace.detach(tid, stop.signal === SIGTRAP ? 0 : stop.signal);
}

/** Whether processes that this one started can be traced from it: tries it on one. */
export async function probe(): Promise<Availability> {
  const victim = await start(['sleep', '60'], { name: 'ptrace-probe' });
  try {
    const ptrace = await loadPtrace();
    ptrace.seize(victim.pid);
    ptrace.interrupt(victim.pid);
    ptrace.wait(victim.pid);
    ptrace.detach(victim.pid);
    return { available: true, version: 'PTRACE_SEIZE' };
  } catch (error) {
    const [reason, ...remedy] = (error as Error).message.split('; ');
    return { available: false, reason, remedy: remedy.join('; ') || 'use a machine that allows ptrace' };
  } finally {
    await victim.stop();
  }
}

/**
 * Reads another process's memory; no thread of it needs to be stopped.
 * @throws Error with the kernel's reason when it is not mapped or may not be read.
 */
export function readMemory(pid: number, address: number, bytes: number): Buffer {
  return withMemory(pid, 'r', (file) => {
    const buffer = Buffer.alloc(bytes);
    const read = transfer(pid, address, bytes, (at) => fs.readSync(file, buffer, at, bytes - at, address + at));
    return buffer.subarray(0, read);
  });
}

/** Writes it, also where the process itself may only read or execute. */
export function writeMemory(pid: number, address: number, content: Uint8Array): void {
  withMemory(pid, 'r+', (file) => {
    transfer(pid, address, content.length, (at) => fs.writeSync(file, content, at, content.length - at, address + at));
  });
}

function withMemory<T>(pid: number, flags: string, body: (file: number) => T): T {
  const file = fs.openSync(`/proc/${pid}/mem`, flags);
  try {
    return body(file);
  } finally {
    fs.closeSync(file);
  }
}

/** The kernel moves what it can in one go, e.g. up to the end of a mapping. */
function transfer(pid: number, address: number, bytes: number, move: (at: number) => number): number {
  let done = 0;
  while (done < bytes) {
    let moved: number;
    try {
      moved = move(done);
    } catch (error) {
      throw new Error(`memory of process ${pid} at 0x${(address + done).toString(16)} cannot be accessed (${(error as NodeJS.ErrnoException).code}); is it mapped?`);
    }
    if (moved === 0) throw new Error(`memory of process ${pid} ends at 0x${(address + done).toString(16)}; has it ended?`);
    done += moved;
  }
  return done;
}
