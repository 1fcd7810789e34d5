/** What a recording of a worker's system calls holds, whichever tool made it. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Address } from '../deploy/types.js';
import { readSockets, type HeldSocket } from '../host/sockets.js';
import { callName, reads, writes } from '../host/system-calls.js';

/** One system call of one thread. */
export interface SystemCall {
  tid: number;
  /** Nanoseconds since the recording's first whole second; doubles hold no nanoseconds since the epoch. */
  startNs: number;
  /** `startNs` plus the time in the kernel. */
  endNs: number;
  /** Without `sys_`, e.g. `epoll_wait`. */
  name: string;
  /** What it works on; for epoll_ctl the descriptor that is added or taken out; null where it works on none. */
  descriptor: number | null;
  /** Ends of the descriptor's connection, where the tool shows them. */
  local: Address | null;
  remote: Address | null;
  /** The other side's address, of accept and connect, where the tool shows it. */
  peer: Address | null;
  /** How long a wait may sleep, milliseconds, -1 without end; null for other calls. */
  timeoutMs: number | null;
  /** Bytes, a new descriptor, 0; -1 after an error. */
  result: number;
  /** e.g. `EAGAIN`; null when it succeeded. */
  error: string | null;
  /** Part of the call that the thread was on a core, so not asleep nor preempted; null where the tool does not show it. */
  onCoreNs: number | null;
  /** The same of the user code up to the next call. */
  nextOnCoreNs: number | null;
}

export interface CallRecording {
  tid: number;
  /** The process's sockets as the recording began. */
  sockets: HeldSocket[];
  /** In order of their start. */
  calls: SystemCall[];
}

/** Names of the calls that take bytes from a connection, and of those that give it some. */
export const readNames: ReadonlySet<string> = new Set([...reads].map(callName));
export const writeNames: ReadonlySet<string> = new Set([...writes].map(callName));

const socketsFile = 'sockets.json';

/** Writes down who is connected at the start of a recording: later connections show in the calls, these do not. */
export function keepSockets(dir: string, pid: number, tid: number): void {
  fs.writeFileSync(path.join(dir, socketsFile), `${JSON.stringify({ tid, sockets: readSockets(pid) })}\n`);
}

/** @throws Error naming the file when it is missing or damaged. */
export function readKeptSockets(dir: string): Omit<CallRecording, 'calls'> {
  const file = path.join(dir, socketsFile);
  const text = fs.readFileSync(file, 'utf8');
  try {
    const { tid, sockets } = JSON.parse(text) as Omit<CallRecording, 'calls'>;
    if (typeof tid === 'number' && Array.isArray(sockets)) return { tid, sockets };
  } catch {
    // told below
  }
  throw new Error(`${file}:1: no sockets of a worker in ${JSON.stringify(text.slice(0, 60))}; record again`);
}
