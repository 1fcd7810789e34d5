/**
 * Reads what strace writes (strace(1); version 6.1 seen): system calls with their times, with or without a thread id
 * before the line (-f) and with or without addresses after descriptors (-yy).
 */
import type { Address } from '../deploy/types.js';
import type { SystemCall } from './system-call.js';

export interface StraceOutput {
  calls: SystemCall[];
  /** How threads ended, e.g. `exited with 0`, `killed by SIGKILL`. */
  endings: string[];
}

const head = /^(?:(\d+) +)?(\d+)\.(\d{9}) (.*)$/;
const whole = /^(\w+)\((.*)\)\s*= (-?\d+|0x[0-9a-f]+)(?:<[^ ]*>)?(?: ([A-Z][A-Z0-9]*))?.* <(\d+)\.(\d{9})>$/;
const begun = /^(\w+)\((.*?)\s*<unfinished \.\.\.>$/;
const resumed = /^<\.\.\. (\w+) resumed>(.*)$/;
/** A call that never returned to the traced program: the thread ended in it, or strace let go of the thread. */
const open = /<detached \.\.\.>$|\)\s*= \?(?: .*)?$/;
const signal = /^--- .* ---$/;
const ending = /^\+\+\+ (.*) \+\+\+$/;

/**
 * @param text of `strace --absolute-timestamps=format:unix,precision:ns --syscall-times=ns -o FILE`.
 * @param file for messages.
 * @param tid of lines that name none, as when strace follows a single thread.
 * @throws Error naming file and line when the text is empty or not strace's. A last line that is cut off is left out.
 */
export function parseStrace(text: string, file: string, tid = 0): StraceOutput {
  const lines = text.split('\n');
  const isCutOff = lines.pop() !== '';
  const output: StraceOutput = { calls: [], endings: [] };
  if (lines.length === 0) throw new Error(`${file}:1: ${isCutOff ? 'no whole line' : 'empty'}; was strace attached before the load began?`);
  const reader = new LineReader(file, tid, output);
  lines.forEach((line, i) => reader.read(line, i + 1));
  output.calls.sort((a, b) => a.startNs - b.startNs);
  return output;
}

class LineReader {
  private originS: number | undefined;
  /** Calls that another thread's line interrupted, by thread. */
  private readonly unfinished = new Map<number, { startNs: number; name: string; text: string }>();

  constructor(private readonly file: string, private readonly tid: number, private readonly output: StraceOutput) {}

  read(line: string, number: number): void {
    const [, prefix, seconds, fraction, rest] = head.exec(line) ?? this.refuse(line, number, 'no time stamp in nanoseconds');
    this.originS ??= Number(seconds);
    const startNs = (Number(seconds) - this.originS) * 1e9 + Number(fraction);
    const tid = prefix === undefined ? this.tid : Number(prefix);
    const ended = ending.exec(rest);
    if (ended) this.output.endings.push(ended[1]);
    if (ended || signal.test(rest) || open.test(rest)) return;
    const beginning = begun.exec(rest);
    if (beginning) return void this.unfinished.set(tid, { startNs, name: beginning[1], text: `${beginning[1]}(${beginning[2]}` });
    const end = resumed.exec(rest);
    const start = end ? this.unfinished.get(tid) : undefined;
    if (end && start?.name !== end[1]) this.refuse(line, number, `"${end[1]}" goes on that never began`);
    this.unfinished.delete(tid);
    const fields = whole.exec(end ? start!.text + end[2] : rest) ?? this.refuse(line, number, 'not a system call with its time');
    this.output.calls.push(callOf(fields, tid, start?.startNs ?? startNs));
  }

  private refuse(line: string, number: number, why: string): never {
    throw new Error(`${this.file}:${number}: ${why} in "${line.slice(0, 80)}"; record again with the workbench's options`);
  }
}

function callOf([, name, args, result, error, seconds, fraction]: string[], tid: number, startNs: number): SystemCall {
  const ends = connectionIn(args);
  return {
    tid, startNs, endNs: startNs + Number(seconds) * 1e9 + Number(fraction), name,
    descriptor: descriptorIn(name, args), ...ends, peer: peerIn(args), timeoutMs: timeoutIn(name, args),
    result: Number(result), error: error ?? null, onCoreNs: null, nextOnCoreNs: null,
  };
}

/** epoll_ctl works on the descriptor it is told of: `epoll_ctl(9, EPOLL_CTL_DEL, 25, ...)`. */
function descriptorIn(name: string, args: string): number | null {
  const found = (name === 'epoll_ctl' ? /EPOLL_CTL_\w+, (\d+)/ : /^(\d+)(?=[<,]|$)/).exec(args)?.[1];
  return found === undefined || withoutDescriptor.has(name) ? null : Number(found);
}

/** Their first argument is a number, too. */
const withoutDescriptor = new Set(['exit', 'exit_group', 'brk', 'alarm', 'futex', 'tgkill', 'kill', 'setuid', 'umask']);

function connectionIn(args: string): { local: Address | null; remote: Address | null } {
  const [, local, remote] = /<TCP(?:v6)?:\[([^\]>]*?:\d+)->([^>]*?:\d+)\]>/.exec(args) ?? [];
  return { local: local === undefined ? null : addressOf(local), remote: remote === undefined ? null : addressOf(remote) };
}

function addressOf(text: string): Address {
  const colon = text.lastIndexOf(':');
  return { host: text.slice(0, colon).replace(/[[\]]/g, ''), port: Number(text.slice(colon + 1)) };
}

/** `{sa_family=AF_INET, sin_port=htons(9080), sin_addr=inet_addr("10.0.0.3")}` */
function peerIn(args: string): Address | null {
  const [, port, host] = /sin6?_port=htons\((\d+)\).*?"([0-9a-f.:]+)"/.exec(args) ?? [];
  return host === undefined ? null : { host, port: Number(port) };
}

function timeoutIn(name: string, args: string): number | null {
  if (!/^epoll_p?wait$/.test(name)) return null;
  // epoll_wait(9, [...], 32, 100), epoll_pwait(9, [...], 32, 100, NULL, 8)
  const found = (name === 'epoll_wait' ? /(-?\d+)$/ : /\d+, (-?\d+), [^,]+, \d+$/).exec(args)?.[1];
  return found === undefined ? null : Number(found);
}
