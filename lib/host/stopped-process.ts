/** A process with all its threads stopped, one of which can be made to execute system calls. */
import * as fs from 'node:fs';
import { getSystemErrorName } from 'node:util';
import { parseExecutableMappings } from './mappings.js';
import { eventStop, loadPtrace, readMemory, register, SIGTRAP, type Ptrace } from './ptrace.js';

export interface StoppedProcess {
  pid: number;
  /**
   * Executes a system call in the process.
   * @param number of x86-64.
   * @param words up to six, as integers.
   * @returns what it returned, at least 0. @throws Error with the errno otherwise.
   */
  call(number: number, words: readonly number[]): number;
  /** Ends the process. */
  kill(): void;
}

/** Of the processes' own signals, those that came meanwhile, by thread. */
type Deferred = Map<number, number>;

/**
 * Stops every thread of a process, and lets them go on as they were after `body`, whether it succeeds or not. Should
 * we end in between, the process is killed rather than left half changed.
 * @param body synchronous: only this thread may control what it has stopped.
 * @throws Error when tracing is not permitted or the process ends; whatever `body` throws.
 */
export async function withStoppedProcess<T>(pid: number, body: (stopped: StoppedProcess) => T): Promise<T> {
  const ptrace = await loadPtrace();
  const deferred: Deferred = new Map();
  const threads: number[] = [];
  let killed = false;
  try {
    stopAll(ptrace, pid, threads, deferred);
    const at = systemCallInstruction(pid);
    return body({
      pid,
      call: (number, words) => callIn(ptrace, threads[0], at, number, words, deferred),
      kill: () => {
        killed = true;
        process.kill(pid, 'SIGKILL');
        for (const tid of threads) awaitEnd(ptrace, tid);
      },
    });
  } finally {
    if (!killed) for (const tid of threads) detachIfThere(ptrace, tid, deferred.get(tid) ?? 0);
  }
}

/** Threads may start others until they are stopped: looks again until there is none new. */
function stopAll(ptrace: Ptrace, pid: number, stopped: number[], deferred: Deferred): void {
  for (let found = true; found;) {
    const fresh = fs.readdirSync(`/proc/${pid}/task`).map(Number).filter((tid) => !stopped.includes(tid));
    for (const tid of fresh) {
      ptrace.seize(tid, { endWithUs: true });
      stopped.push(tid);
      ptrace.interrupt(tid);
      awaitStop(ptrace, tid, deferred, eventStop);
    }
    found = fresh.length > 0;
  }
}

/** Waits for a stop by `interrupt` (its event) or by a step (event 0); signals that come first are kept for later. */
function awaitStop(ptrace: Ptrace, tid: number, deferred: Deferred, event: number): void {
  for (;;) {
    const stop = ptrace.wait(tid);
    if (stop.kind !== 'stopped') throw new Error(`thread ${tid} ended while it was being stopped; is the process still alive?`);
    if (stop.event === event && (event !== 0 || stop.signal === SIGTRAP)) return;
    if (stop.event === 0) deferred.set(tid, stop.signal);
    if (event === 0) ptrace.step(tid);
    else ptrace.proceed(tid);
  }
}

/** In the kernel's own page or the C library, neither of which is ever moved; where any `syscall` bytes stand does not matter. */
function systemCallInstruction(pid: number): number {
  const mappings = parseExecutableMappings(fs.readFileSync(`/proc/${pid}/maps`, 'utf8'));
  for (const { start, end } of mappings.filter(({ file }) => file === '[vdso]' || /\/libc[.-]/.test(file))) {
    const offset = readMemory(pid, start, end - start).indexOf(Buffer.from([0x0f, 0x05]));
    if (offset >= 0) return start + offset;
  }
  throw new Error(`process ${pid} has no system call instruction in its vdso or C library; is it linked statically?`);
}

const argumentRegisters = [register.rdi, register.rsi, register.rdx, register.r10, register.r8, register.r9];

function callIn(ptrace: Ptrace, tid: number, at: number, number: number, words: readonly number[], deferred: Deferred): number {
  const before = ptrace.registers(tid);
  const during = BigUint64Array.from(before);
  during[register.rip] = BigInt(at);
  during[register.rax] = BigInt(number);
  // Else the kernel, seeing an interrupted system call, would step back to start it again.
  during[register.originalRax] = BigInt.asUintN(64, -1n);
  words.forEach((word, i) => { during[argumentRegisters[i]] = BigInt.asUintN(64, BigInt(word)); });
  ptrace.setRegisters(tid, during);
  try {
    ptrace.step(tid);
    awaitStop(ptrace, tid, deferred, 0);
    const result = Number(BigInt.asIntN(64, ptrace.registers(tid)[register.rax]));
    if (result < 0) throw new Error(`system call ${number} made in thread ${tid} failed (${getSystemErrorName(result)})`);
    return result;
  } finally {
    ptrace.setRegisters(tid, before);
  }
}

/** Traced threads do not go before their tracer has looked, nor does their process. */
function awaitEnd(ptrace: Ptrace, tid: number): void {
  try {
    while (ptrace.wait(tid).kind === 'stopped') continue;
  } catch {
    // gone already
  }
}

function detachIfThere(ptrace: Ptrace, tid: number, signal: number): void {
  try {
    ptrace.detach(tid, signal);
  } catch {
    // It has ended; whoever uses the process finds out.
  }
}
