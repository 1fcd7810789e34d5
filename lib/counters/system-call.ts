/** What a recording of a worker's system calls holds, whichever tool made it. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Address } from '../deploy/types.js';
import { readSockets, type HeldSocket } from '../host/sockets.js';

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

const socketsFile = 'sockets.json';

/** Writes down who is connected at the start of a recording: later connections show in the calls, these do not. */
export function keepSockets(dir: string, pid: number, tid: number): void {
  fs.writeFileSync(path.join(dir, socketsFile), `${JSON.stringify({ tid, sockets: readSockets(pid) })}\n`);
}

/** @throws Error naming the file when it is missing or none. */
export function readKeptSockets(dir: string): Omit<CallRecording, 'calls'> {
  const file = path.join(dir, socketsFile);
  const kept = parseJson(fs.readFileSync(file, 'utf8')) as Partial<CallRecording> | null;
  if (typeof kept?.tid !== 'number' || !Array.isArray(kept.sockets)) throw new Error(`${file}:1: no sockets of a worker; record again`);
  return { tid: kept.tid, sockets: kept.sockets };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // told by whoever looks for something in it
  }
}
