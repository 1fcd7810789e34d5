/**
 * Steps a thread through whole requests and writes down every user instruction. It blocks its own process for most of
 * the time and has to share the tracee's core: run it in a process of its own (single-step-child.ts).
 */
import * as fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { holdRestingThreads } from '../host/held-threads.js';
import { detachQuietly, eventStop, loadPtrace, register, SIGTRAP, type Ptrace, type Stop } from '../host/ptrace.js';
import { clockReads, reads, waits, writes } from '../host/system-calls.js';
import type { TraceWriter } from './format.js';
import { RunFormer, type SteppedInstruction } from './run-former.js';

/** Places of the first argument, number and result of a system call are fixed by the x86-64 ABI (System V supplement, A.2.1). */
export interface SteppingOptions {
  pid: number;
  tid: number;
  /** A read from one of them begins a request. */
  clientDescriptors: number[];
  /** Stops when one more than so many has begun, or the last of them is quiet. */
  requests: number;
  /** Stops when it waited for so many seconds without data moving, after the first request. */
  idleS: number;
  /** The same before the first request. */
  firstRequestS: number;
}

export interface SteppingOutcome {
  /** Requests begun and traced to their end. */
  requests: number;
  instructions: number;
  /** Steps: more than instructions, since each repetition of a string instruction is one. */
  steps: number;
  systemCalls: number;
  /** Seconds the stepping took, waiting included. */
  seconds: number;
  /** Why it ended. */
  ended: 'requests' | 'idle' | 'told to';
}

/** Addresses that one call of the step loop can return: a quarter of a second, after which signals are looked at. */
const stepsAtOnce = 8192;
const pollMs = 1;

/**
 * Attaches to a thread, steps it, and lets it go on unharmed. The other threads stand still meanwhile: in the seconds
 * that a request takes they would hand the stepped one work that comes twice a second natively (Envoy's main thread
 * sends every worker the date, and asks it for statistics), thousands of times too often for a request.
 * @param onAttached called when the thread is about to go on under our control.
 * @param toldToStop asked now and then.
 * @throws Error when tracing is not permitted, or the thread ends meanwhile.
 */
export async function stepThrough(
  options: SteppingOptions,
  writer: Pick<TraceWriter, 'defineRun' | 'execute' | 'systemCall'>,
  instructionAt: (address: number) => SteppedInstruction,
  onAttached: () => void,
  toldToStop: () => boolean,
): Promise<SteppingOutcome> {
  const ptrace = await loadPtrace();
  const { pid, tid } = options;
  // Without this the trap of the next step, which nobody would take, would end the process: the same, but at random.
  ptrace.seize(tid, { endWithUs: true });
  const others = await holdRestingThreads(ptrace, pid, [tid]).catch((error: Error) => {
    stopNow(ptrace, tid);
    ptrace.detach(tid);
    throw error;
  });
  try {
    stopNow(ptrace, tid);
    const stepper = new Stepper(ptrace, options, writer, instructionAt, toldToStop);
    onAttached();
    try {
      return await stepper.run();
    } finally {
      stepper.detach();
    }
  } finally {
    others.release();
  }
}

function stopNow(ptrace: Ptrace, tid: number): void {
  ptrace.interrupt(tid);
  alive(ptrace.wait(tid), tid);
}

class Stepper {
  private readonly addresses = new Uint32Array(2 * stepsAtOnce);
  private readonly former: RunFormer;
  private readonly clients: Set<number>;
  private readonly startedMs = performance.now();
  /** Spent in waits since data moved last: computing takes long here, so the clock says nothing. */
  private idleMs = 0;
  private steps = 0;
  private systemCalls = 0;
  private begun = 0;
  /** A wait has returned, and no client has been read from since. */
  private waited = true;
  private ended: SteppingOutcome['ended'] | null = null;
  /** Not stopped, as far as we know. */
  private running = false;
  private gone = false;

  constructor(
    private readonly ptrace: Ptrace,
    private readonly options: SteppingOptions,
    private readonly writer: Pick<TraceWriter, 'defineRun' | 'execute' | 'systemCall'>,
    instructionAt: (address: number) => SteppedInstruction,
    private readonly toldToStop: () => boolean,
  ) {
    this.clients = new Set(options.clientDescriptors);
    this.former = new RunFormer(writer, ptrace.peekRegister(options.tid, register.rip), instructionAt);
  }

  async run(): Promise<SteppingOutcome> {
    while (this.ended === null) {
      if (this.former.pending().isSystemCall) await this.systemCall();
      else await this.straightOn();
      await this.lookUp();
    }
    this.former.end();
    const { steps, systemCalls, ended } = this;
    return {
      requests: Math.min(this.begun, this.options.requests), instructions: this.former.instructions, steps, systemCalls,
      seconds: (performance.now() - this.startedMs) / 1000, ended,
    };
  }

  detach(): void {
    if (!this.gone) detachQuietly(this.ptrace, this.options.tid, this.running);
  }

  private async straightOn(): Promise<void> {
    const { count, stop } = this.ptrace.stepMany(this.options.tid, this.addresses);
    for (let i = 0; i < count; i++) this.former.stepTo(this.addresses[2 * i] + this.addresses[2 * i + 1] * 2 ** 32);
    this.steps += count;
    if (stop) await this.afterStop(stop);
  }

  /** Its step may take as long as there is nothing to do, so it is not waited for in one go. */
  private async systemCall(): Promise<void> {
    const { tid } = this.options;
    const before = this.ptrace.registers(tid);
    const [number, argument] = [before[register.rax], before[register.rdi]].map(signed);
    this.ptrace.step(tid);
    const stop = await this.nextStop(waits.has(number));
    if (stop === null) return;
    if (!isStep(stop)) return this.afterStop(stop);
    this.stepped();
    const result = signed(this.ptrace.registers(tid)[register.rax]);
    if (clockReads.has(number)) return;
    this.writer.systemCall(number, argument, result);
    this.systemCalls++;
    this.follow(number, argument, result);
  }

  /** Null when recording ends while the thread waits. */
  private async nextStop(mayEnd: boolean): Promise<Stop | null> {
    this.running = true;
    let lookedMs = performance.now();
    for (;;) {
      const stop = this.ptrace.poll(this.options.tid);
      if (stop) {
        this.running = false;
        return this.checked(stop);
      }
      await sleep(pollMs);
      if (!mayEnd) continue;
      this.idleMs += performance.now() - lookedMs;
      lookedMs = performance.now();
      await this.lookUp();
      if (this.ended !== null) return null;
    }
  }

  private stepped(): void {
    this.former.stepTo(this.ptrace.peekRegister(this.options.tid, register.rip));
    this.steps++;
  }

  /** Something other than a step has stopped the thread: its signals are passed on to it. */
  private async afterStop(stop: Stop): Promise<void> {
    const { tid, pid } = this.options;
    const { signal, event } = this.checked(stop);
    if (event === eventStop && signal !== SIGTRAP) {
      this.ptrace.listen(tid); // stopped by a signal like SIGSTOP, until SIGCONT
    } else {
      this.ptrace.step(tid, event === eventStop ? 0 : signal);
    }
    const next = await this.nextStop(false);
    if (next === null) return;
    if (!isStep(next)) return this.afterStop(next);
    if (event === 0 && isHandled(pid, signal)) this.former.divertTo(this.ptrace.peekRegister(tid, register.rip));
    else this.stepped();
  }

  private checked(stop: Stop): Extract<Stop, { kind: 'stopped' }> {
    if (stop.kind !== 'stopped') this.gone = true;
    return alive(stop, this.options.tid);
  }

  /** Lets our own signals be handled, and looks whether it is time to end. */
  private async lookUp(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    const quietS = this.idleMs / 1000;
    const { requests, idleS, firstRequestS } = this.options;
    if (this.begun > requests) this.ended = 'requests';
    else if (this.toldToStop()) this.ended = 'told to';
    else if (quietS > (this.begun > 0 ? idleS : firstRequestS)) this.ended = this.begun === requests ? 'requests' : 'idle';
  }

  /** A request begins with the first read from a client after a wait. */
  private follow(number: number, descriptor: number, result: number): void {
    if (waits.has(number)) this.waited = true;
    if (result <= 0) return;
    if (reads.has(number) && this.clients.has(descriptor)) {
      this.idleMs = 0;
      if (this.waited) this.begun++;
      this.waited = false;
    } else if (writes.has(number)) {
      this.idleMs = 0;
    }
  }
}

function isStep(stop: Stop): boolean {
  return stop.kind === 'stopped' && stop.signal === SIGTRAP && stop.event === 0;
}

/** @throws Error when the thread is gone. */
function alive(stop: Stop, tid: number): Extract<Stop, { kind: 'stopped' }> {
  if (stop.kind === 'stopped') return stop;
  const how = stop.kind === 'killed' ? `killed by signal ${stop.signal}` : `exited with ${stop.code}`;
  throw new Error(`thread ${tid} ended while it was traced (${how}); start the process again`);
}

/** As a signed number; what is no safe integer, e.g. a bit mask in the first argument, by its low 32 bits. */
function signed(value: bigint): number {
  const number = Number(BigInt.asIntN(64, value));
  return Math.abs(number) < 2 ** 52 ? number : Number(BigInt.asIntN(32, value));
}

/** Whether the process has a handler for a signal (SigCgt of /proc/PID/status). */
function isHandled(pid: number, signal: number): boolean {
  const mask = /^SigCgt:\s*([0-9a-f]+)$/m.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '0';
  return ((BigInt(`0x${mask}`) >> BigInt(signal - 1)) & 1n) === 1n;
}
