/** A process with all its threads stopped, one of which can be made to execute system calls. */
import * as fs from 'node:fs';
import { getSystemErrorName } from 'node:util';
import { holdThreads, type HeldThreads } from './held-threads.js';
import { parseExecutableMappings } from './mappings.js';
import { loadPtrace, readMemory, register, type Ptrace } from './ptrace.js';

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

/**
 * Stops every thread of a process, and lets them go on as they were after `body`, whether it succeeds or not.
 * @param body synchronous: only this thread may control what it has stopped.
 * @throws Error when tracing is not permitted or the process ends; whatever `body` throws.
 */
export async function withStoppedProcess<T>(pid: number, body: (stopped: StoppedProcess) => T): Promise<T> {
  const ptrace = await loadPtrace();
  const held = holdThreads(ptrace, pid);
  let killed = false;
  try {
    const at = systemCallInstruction(pid);
    return body({
      pid,
      call: (number, words) => callIn(ptrace, held, at, number, words),
      kill: () => {
        killed = true;
        process.kill(pid, 'SIGKILL');
        held.awaitEnd();
      },
    });
  } finally {
    if (!killed) held.release();
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

function callIn(ptrace: Ptrace, held: HeldThreads, at: number, number: number, words: readonly number[]): number {
  const [tid] = held.tids;
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
    held.awaitStep(tid);
    const result = Number(BigInt.asIntN(64, ptrace.registers(tid)[register.rax]));
    if (result < 0) throw new Error(`system call ${number} made in thread ${tid} failed (${getSystemErrorName(result)})`);
    return result;
  } finally {
    ptrace.setRegisters(tid, before);
  }
}
