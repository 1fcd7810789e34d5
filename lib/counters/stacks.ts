/**
 * Sampled call stacks: from perf's text to distinct stacks with counts, and the file that keeps them.
 * The reduction loses order and times of the samples, and addresses inside the kernel (they tell nothing the function's
 * name does not, and differ at every boot).
 */
import * as path from 'node:path';

export interface Frame {
  /** File name of the binary without its folder; `[kernel]` for all kernel code. */
  binary: string;
  /** Offset in that file; null in the kernel. Add the segment's address minus its offset for the address in the program. */
  offset: number | null;
  /** As perf knows it; null when it does not. */
  symbol: string | null;
}

/** Where the code of the sidecar's program is: file offsets → addresses in the file's own numbering. */
export interface BinaryMap {
  name: string;
  buildId: string | null;
  code: { offset: number; address: number; size: number }[];
}

export interface Stack {
  /** As perf prints it: `cpu-clock`, `cycles`, `cpu-clock:u` when the kernel could not be seen. */
  event: string;
  /** Innermost first. */
  frames: Frame[];
  samples: number;
  /** Sum of the periods: events (cycles, or nanoseconds of the CPU clock) that the samples stand for. */
  period: number;
  /** Whether it reaches the start of the thread. */
  whole: boolean;
}

export interface StackProfile {
  binary: BinaryMap;
  stacks: Stack[];
}

const kernel = '[kernel]';

export function isKernel(frame: Frame): boolean {
  return frame.binary === kernel;
}

/** Address of a frame in the program's own numbering; null for other binaries, the kernel, and outside the code. */
export function addressOf(frame: Frame, binary: BinaryMap): number | null {
  if (frame.binary !== binary.name || frame.offset === null) return null;
  const { offset } = frame;
  const segment = binary.code.find((s) => offset >= s.offset && offset < s.offset + s.size);
  return segment ? offset - segment.offset + segment.address : null;
}

/** Share of the samples whose stack reaches the start of the thread, 0 to 1. */
export function wholeShare(profile: StackProfile): number {
  const count = (stacks: Stack[]) => stacks.reduce((sum, stack) => sum + stack.samples, 0);
  return count(profile.stacks.filter((stack) => stack.whole)) / count(profile.stacks);
}

interface Sample {
  event: string;
  period: number;
  frames: Frame[];
}

/** `24716  1534.939084:    1000000 cpu-clock: ` */
const headerLine = /^\s*\d+\s+\d+\.\d+:\s+(\d+)\s+(\S+):\s*$/;
/** `\t          10aba4 __send (/usr/lib/x86_64-linux-gnu/libc.so.6)` */
const frameLine = /^\s+([0-9a-f]+) (.*) \((.+)\)$/;
/** What perf prints in brackets and yet is not the kernel. */
const notKernel = ['[vdso]', '[vsyscall]', '[unknown]', '[heap]', '[stack]'];

/**
 * Parses `perf script -F tid,time,event,period,ip,sym,dso --no-inline`.
 * @param name how errors call the text.
 * @throws Error naming the line that is neither a sample's header nor a frame of one.
 */
export function parsePerfScript(text: string, name: string): Sample[] {
  const samples: Sample[] = [];
  let open = false;
  text.split('\n').forEach((line, i) => {
    if (line.trim() === '') {
      open = false;
      return;
    }
    const header = headerLine.exec(line);
    if (header) samples.push({ event: header[2], period: Number(header[1]), frames: [] });
    else if (open) samples[samples.length - 1].frames.push(parseFrame(line, `${name}:${i + 1}`));
    else throw new Error(`${name}:${i + 1}: neither a sample nor a frame of one: ${line.slice(0, 80)}; cut off, or not from this perf script`);
    open = true;
  });
  if (samples.length === 0) throw new Error(`${name}:1: no sample in it; was the thread idle the whole time?`);
  return samples;
}

function parseFrame(line: string, where: string): Frame {
  const fields = frameLine.exec(line.replace(/ \(deleted\)\)$/, ')'));
  if (!fields) throw new Error(`${where}: not a stack frame: ${line.slice(0, 80)}; the text is cut off`);
  const [, ip, symbol, dso] = fields;
  // Where the kernel hides its symbols, only the address tells (upper half of the address space).
  const hidden = dso === '[unknown]' && /^ffff[89a-f]/.test(ip);
  const inKernel = hidden || (/^\[.+\]$/.test(dso) && !notKernel.includes(dso)) || /\.ko(\.[gx]z|\.zst)?$/.test(dso);
  return {
    binary: inKernel ? kernel : path.basename(dso),
    offset: inKernel ? null : parseInt(ip, 16),
    symbol: symbol === '[unknown]' ? null : symbol,
  };
}

/** Merges equal stacks and tells whole ones from those cut off. */
export function reduceStacks(samples: Sample[], binary: BinaryMap): StackProfile {
  const start = threadStart(samples, binary);
  const stacks = new Map<string, Stack>();
  for (const { event, period, frames } of samples) {
    const key = JSON.stringify([event, frames.map(frameKey)]);
    const known = stacks.get(key) ?? { event, frames, samples: 0, period: 0, whole: outermost(frames) === start && start !== null };
    known.samples++;
    known.period += period;
    stacks.set(key, known);
  }
  return { binary, stacks: [...stacks.values()].sort((a, b) => b.samples - a.samples) };
}

/**
 * Every whole stack of a thread ends at one and the same return address, inside the C library's clone; what is cut off
 * ends anywhere. So the most frequent end is the thread's start. Needs no symbols; where the program holds its own C
 * library, the symbol must say so, because a cut could then be the most frequent end, too.
 */
function threadStart(samples: Sample[], binary: BinaryMap): string | null {
  const ends = new Map<string, { count: number; frame: Frame }>();
  for (const { frames } of samples) {
    if (frames.length === 0) continue;
    const key = frameKey(frames[frames.length - 1]);
    ends.set(key, { count: (ends.get(key)?.count ?? 0) + 1, frame: frames[frames.length - 1] });
  }
  const [best] = [...ends.entries()].sort(([, a], [, b]) => b.count - a.count);
  if (!best || isKernel(best[1].frame)) return null;
  const { frame } = best[1];
  return frame.binary !== binary.name || /clone|start_thread|_start/.test(frame.symbol ?? '') ? best[0] : null;
}

function outermost(frames: Frame[]): string | null {
  return frames.length === 0 ? null : frameKey(frames[frames.length - 1]);
}

function frameKey(frame: Frame): string {
  return `${frame.binary} ${frame.offset ?? frame.symbol}`;
}

/** Frames are written once each; a stack is [event, samples, period, whole, frame, frame, ...], innermost frame first. */
interface StacksFile {
  format: 1;
  binary: BinaryMap;
  events: string[];
  frames: [binary: string, offset: number | null, symbol: string | null][];
  stacks: number[][];
}

/** The text of `stacks.json`. */
export function formatStacks(profile: StackProfile): string {
  const frames: StacksFile['frames'] = [];
  const indices = new Map<string, number>();
  const indexOf = (frame: Frame) => {
    const key = frameKey(frame);
    const known = indices.get(key);
    if (known !== undefined) return known;
    indices.set(key, frames.length);
    return frames.push([frame.binary, frame.offset, frame.symbol]) - 1;
  };
  const events = [...new Set(profile.stacks.map(({ event }) => event))];
  const stacks = profile.stacks.map((stack) =>
    [events.indexOf(stack.event), stack.samples, stack.period, stack.whole ? 1 : 0, ...stack.frames.map(indexOf)]);
  return JSON.stringify({ format: 1, binary: profile.binary, events, frames, stacks } satisfies StacksFile);
}

/**
 * Reads what `formatStacks` wrote.
 * @throws Error naming the file, and the stack where one refers to what is not there.
 */
export function parseStacks(text: string, name: string): StackProfile {
  const file = parseJson(text, name);
  if (file?.format !== 1) throw new Error(`${name}:1: format ${JSON.stringify(file?.format)}, expected 1; it was not written by this workbench`);
  const { binary, events, frames, stacks } = file;
  if (!binary || !Array.isArray(events) || !Array.isArray(frames) || !Array.isArray(stacks) || stacks.length === 0) {
    throw new Error(`${name}:1: no stacks in it; record again`);
  }
  if (!frames.every(Array.isArray) || !stacks.every(Array.isArray)) throw new Error(`${name}:1: its frames and stacks are no lists; it was not written by this workbench`);
  const all = frames.map(([inBinary, offset, symbol]): Frame => ({ binary: inBinary, offset, symbol }));
  return {
    binary,
    stacks: stacks.map(([event, samples, period, whole, ...indices], i) => {
      if (!(event in events) || !(samples > 0) || indices.some((index) => !(index in all))) {
        throw new Error(`${name}:1: stack ${i} refers to an event or frame that is not there: [${String(stacks[i]).slice(0, 60)}]`);
      }
      return { event: events[event], samples, period, whole: whole === 1, frames: indices.map((index) => all[index]) };
    }),
  };
}

function parseJson(text: string, name: string): StacksFile | null {
  try {
    return JSON.parse(text) as StacksFile | null;
  } catch (error) {
    throw new Error(`${name}:1: not JSON (${(error as Error).message}); the file is cut off: record again`);
  }
}
