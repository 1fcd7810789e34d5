/** Keeps threads of a process from running, by ptrace, until they are let go on. */
import * as fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventStop, register, SIGTRAP, type Ptrace } from './ptrace.js';
import { rests } from './system-calls.js';

export interface HeldThreads {
  readonly tids: readonly number[];
  /** Waits until a held thread that was made to step has stepped; its own signals are kept for later. @throws Error when it ends. */
  awaitStep(tid: number): void;
  /** Lets them go on as they were, with the signals that came meanwhile. */
  release(): void;
  /** After the process was killed: traced threads do not go before their tracer has looked, nor does their process. */
  awaitEnd(): void;
}

/**
 * Stops threads wherever they are. Should we end before they are released, the process is killed rather than left half
 * changed.
 * @param but threads to leave alone.
 * @throws Error when tracing is not permitted or a thread ends meanwhile; none is held then.
 */
export function holdThreads(ptrace: Ptrace, pid: number, but: readonly number[] = []): HeldThreads {
  const held = new Held(ptrace);
  try {
    // Threads may start others until they are stopped: looks again until there is none new.
    for (let found = true; found;) {
      const fresh = fs.readdirSync(`/proc/${pid}/task`).map(Number).filter((tid) => !but.includes(tid) && !held.tids.includes(tid));
      for (const tid of fresh) held.hold(tid);
      found = fresh.length > 0;
    }
    return held;
  } catch (error) {
    held.release();
    throw error;
  }
}

/**
 * Stops threads while they wait for something, so that none of them holds a lock that the others may want.
 * @throws Error as `holdThreads` does, or when they do not come to rest.
 */
export async function holdRestingThreads(ptrace: Ptrace, pid: number, but: readonly number[]): Promise<HeldThreads> {
  for (const deadline = Date.now() + restWithinMs; ; await sleep(pollMs)) {
    const held = holdThreads(ptrace, pid, but);
    const busy = held.tids.find((tid) => !rests.has(ptrace.peekRegister(tid, register.originalRax)));
    if (busy === undefined) return held;
    held.release();
    if (Date.now() > deadline) throw new Error(`thread ${busy} of process ${pid} does not come to rest within ${restWithinMs / 1000} s; end its load first`);
  }
}

const restWithinMs = 5000;
const pollMs = 5;

class Held implements HeldThreads {
  readonly tids: number[] = [];
  /** Of the threads' own signals, those that came meanwhile, by thread. */
  private readonly deferred = new Map<number, number>();

  constructor(private readonly ptrace: Ptrace) {}

  hold(tid: number): void {
    this.ptrace.seize(tid, { endWithUs: true });
    this.tids.push(tid);
    this.ptrace.interrupt(tid);
    this.awaitStop(tid, eventStop);
  }

  awaitStep(tid: number): void {
    this.awaitStop(tid, 0);
  }

  release(): void {
    for (const tid of this.tids) {
      try {
        this.ptrace.detach(tid, this.deferred.get(tid) ?? 0);
      } catch {
        // It has ended; whoever uses the process finds out.
      }
    }
  }

  awaitEnd(): void {
    for (const tid of this.tids) {
      try {
        while (this.ptrace.wait(tid).kind === 'stopped') continue;
      } catch {
        // gone already
      }
    }
  }

  /** Waits for a stop by `interrupt` (its event) or by a step (event 0). */
  private awaitStop(tid: number, event: number): void {
    for (;;) {
      const stop = this.ptrace.wait(tid);
      if (stop.kind !== 'stopped') throw new Error(`thread ${tid} ended while it was being stopped; is the process still alive?`);
      if (stop.event === event && (event !== 0 || stop.signal === SIGTRAP)) return;
      if (stop.event === 0) this.deferred.set(tid, stop.signal);
      if (event === 0) this.ptrace.step(tid);
      else this.ptrace.proceed(tid);
    }
  }
}
