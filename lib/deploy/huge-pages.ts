/**
 * Moves the code of a live, unmodified sidecar to other memory: anonymous pages of 2 MB, or of 4 kB as the control.
 *
 * All its threads are stopped by ptrace, and one of them is made to execute the system calls that it takes: memory of
 * the same alignment is mapped, filled with the code, compared, made executable, and moved over the file's mapping
 * (mremap), which itself is moved aside so that it can be put back. smaps proves what pages the code is on afterwards.
 * Whatever fails, all is put back; where that fails, the process is ended.
 *
 * Only anonymous memory is used since huge pages of files need a kernel built for them (CONFIG_READ_ONLY_THP_FOR_FS)
 * and files laid out for them. perf no longer sees which file the moved code is from.
 */
import * as fs from 'node:fs';
import type { Availability } from '../host/availability.js';
import { hugePageAvailability } from '../host/capabilities.js';
import { parseExecutableMappings, type ExecutableMapping } from '../host/mappings.js';
import { probe as probePtrace, readMemory, writeMemory } from '../host/ptrace.js';
import { withStoppedProcess, type StoppedProcess } from '../host/stopped-process.js';
import { hugePageBytes } from '../simulate/geometry.js';

/** What the code lies on: the file's own pages, or a copy in memory on pages of one size. */
export const textPages = ['file-4k', 'anonymous-4k', 'anonymous-2m'] as const;
export type TextPages = (typeof textPages)[number];

export interface RemapOptions {
  /** Run-time addresses of the 2 MB regions to move, multiples of 2 MB; all that hold code of the program when left out. */
  regions?: readonly number[];
}

/** A stretch of code that was moved, within one 2 MB region or over several. */
export interface MovedText {
  start: number;
  end: number;
}

export interface RemappedText {
  pages: TextPages;
  moved: MovedText[];
  bytes: number;
  /** Of these, on 2 MB pages (AnonHugePages of smaps). */
  hugeBytes: number;
  /** How long the process stood still. */
  stoppedMs: number;
  /** Puts the file's pages back. @throws Error after ending the process, when that fails. */
  undo(): Promise<void>;
}

/**
 * Moves a running process's code. Its regions at the ends of the mapping are moved as far as they hold code, on 4 kB
 * pages, since a huge page would have to reach beyond.
 * @throws Error when it is not possible here or fails; the process runs on as before then, or was ended where the
 *   message says so.
 */
export async function remapText(pid: number, pages: Exclude<TextPages, 'file-4k'>, options: RemapOptions = {}): Promise<RemappedText> {
  if (pages === 'anonymous-2m') assertHugePages();
  const text = textMapping(pid);
  const stretches = stretchesOf(text, options.regions);
  const started = performance.now();
  const moves = await withStoppedProcess(pid, (stopped) => moveAll(stopped, stretches, pages));
  const stoppedMs = performance.now() - started;
  return {
    pages, stoppedMs, moved: stretches,
    bytes: stretches.reduce((sum, { start, end }) => sum + end - start, 0),
    hugeBytes: hugeBytesOf(pid, stretches),
    undo: () => withStoppedProcess(pid, (stopped) => [...moves].reverse().forEach((move) => putBack(stopped, move))),
  };
}

/** Whether code can be moved here, and to 2 MB pages. */
export async function probe(): Promise<Availability> {
  const able = hugePageAvailability(readIfThere(transparentHugePages));
  return able.available ? probePtrace() : able;
}

const transparentHugePages = '/sys/kernel/mm/transparent_hugepage/enabled';

/** The setting is the machine's owner's: it is reported, never changed. */
function assertHugePages(): void {
  const able = hugePageAvailability(readIfThere(transparentHugePages));
  if (!able.available) throw new Error(`no 2 MB pages to be had: ${able.reason}; ${able.remedy}`);
}

function readIfThere(file: string): string | undefined {
  return fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : undefined;
}

/**
 * Where the program's own code is mapped.
 * @throws Error when the process is gone, or its code was moved already.
 */
export function textMapping(pid: number): ExecutableMapping {
  const program = fs.readlinkSync(`/proc/${pid}/exe`);
  const own = parseExecutableMappings(fs.readFileSync(`/proc/${pid}/maps`, 'utf8')).filter(({ file }) => file === program);
  const [largest] = own.sort((a, b) => (b.end - b.start) - (a.end - a.start));
  if (!largest) throw new Error(`process ${pid} has no code mapped from ${program}; was it moved already? put it back first`);
  return largest;
}

/** The parts to move: whole 2 MB regions that follow each other together, what the mapping cuts off by itself. */
export function stretchesOf({ start, end }: Pick<ExecutableMapping, 'start' | 'end'>, regions?: readonly number[]): MovedText[] {
  const bad = regions?.find((region) => region % hugePageBytes !== 0 || region + hugePageBytes <= start || region >= end);
  if (bad !== undefined) throw new Error(`0x${bad.toString(16)} begins no 2 MB region of the code at 0x${start.toString(16)}-0x${end.toString(16)}; give multiples of 0x200000 within`);
  const first = start - (start % hugePageBytes);
  const all = Array.from({ length: Math.ceil((end - first) / hugePageBytes) }, (_, i) => first + i * hugePageBytes);
  const parts = [...new Set(regions ?? all)].sort((a, b) => a - b)
    .map((region) => ({ start: Math.max(start, region), end: Math.min(end, region + hugePageBytes) }));
  return parts.reduce<MovedText[]>((joined, part) => {
    const last = joined[joined.length - 1];
    if (last && last.end === part.start && isWhole(last) && isWhole(part)) last.end = part.end;
    else joined.push(part);
    return joined;
  }, []);
}

/** Made of whole 2 MB regions. */
function isWhole({ start, end }: MovedText): boolean {
  return start % hugePageBytes === 0 && end % hugePageBytes === 0;
}

/** How much of the code lies on 2 MB pages (AnonHugePages, kernel Documentation/filesystems/proc.rst). */
export function hugeBytesOf(pid: number, stretches: readonly MovedText[]): number {
  // Mappings of neighbouring stretches may have become one.
  const overlaps = (mapping: MovedText) => stretches.some(({ start, end }) => mapping.start < end && mapping.end > start);
  return parseSmaps(fs.readFileSync(`/proc/${pid}/smaps`, 'utf8')).filter(overlaps).reduce((sum, { hugeBytes }) => sum + hugeBytes, 0);
}

/** Each mapping of /proc/PID/smaps with its AnonHugePages. */
export function parseSmaps(smaps: string): (MovedText & { hugeBytes: number })[] {
  const mappings: (MovedText & { hugeBytes: number })[] = [];
  for (const line of smaps.split('\n')) {
    const head = /^([0-9a-f]+)-([0-9a-f]+) /.exec(line);
    const huge = /^AnonHugePages:\s+(\d+) kB$/.exec(line);
    if (head) mappings.push({ start: parseInt(head[1], 16), end: parseInt(head[2], 16), hugeBytes: 0 });
    else if (huge) mappings[mappings.length - 1].hugeBytes = 1024 * Number(huge[1]);
  }
  return mappings;
}

/** Of x86-64: numbers of system calls and what their arguments are made of (asm/unistd_64.h, linux/mman.h). */
const call = { mmap: 9, mprotect: 10, munmap: 11, mremap: 25, madvise: 28 };
const protection = { read: 1, readWrite: 3, readExecute: 5 };
const privateAnonymous = 0x22;
const moveTo = 3; // MREMAP_MAYMOVE | MREMAP_FIXED
const advice = { 'anonymous-2m': 14, 'anonymous-4k': 15 }; // MADV_HUGEPAGE, MADV_NOHUGEPAGE
const collapse = 25; // MADV_COLLAPSE, Linux 6.1

/** A stretch whose file mapping lies at `aside` for as long as the copy is in its place. */
interface Move {
  stretch: MovedText;
  aside: number;
}

/** All or none. */
function moveAll(stopped: StoppedProcess, stretches: readonly MovedText[], pages: Exclude<TextPages, 'file-4k'>): Move[] {
  const done: Move[] = [];
  try {
    for (const stretch of stretches) done.push(move(stopped, stretch, pages));
    return done;
  } catch (error) {
    done.reverse().forEach((each) => putBack(stopped, each));
    throw error;
  }
}

function move(stopped: StoppedProcess, stretch: MovedText, pages: Exclude<TextPages, 'file-4k'>): Move {
  const bytes = stretch.end - stretch.start;
  const copy = reserve(stopped, bytes, stretch.start % hugePageBytes);
  try {
    fill(stopped, stretch, copy, pages);
    return { stretch, aside: exchange(stopped, stretch, copy) };
  } catch (error) {
    stopped.call(call.munmap, [copy, bytes]);
    throw error;
  }
}

/** Maps memory that lies in its 2 MB region as the code does, so that its huge pages stay whole when it is moved. */
function reserve(stopped: StoppedProcess, bytes: number, offset: number): number {
  const room = bytes + hugePageBytes;
  const start = stopped.call(call.mmap, [0, room, protection.readWrite, privateAnonymous, -1, 0]);
  const copy = start + ((offset - start) % hugePageBytes + hugePageBytes) % hugePageBytes;
  if (copy > start) stopped.call(call.munmap, [start, copy - start]);
  stopped.call(call.munmap, [copy + bytes, start + room - copy - bytes]);
  return copy;
}

function fill(stopped: StoppedProcess, { start, end }: MovedText, copy: number, pages: Exclude<TextPages, 'file-4k'>): void {
  const { pid } = stopped;
  const code = readMemory(pid, start, end - start);
  stopped.call(call.madvise, [copy, code.length, advice[pages]]);
  writeMemory(pid, copy, code);
  if (pages === 'anonymous-2m') collapseRest(stopped, copy, code.length);
  if (!readMemory(pid, copy, code.length).equals(code)) throw new Error(`the copy of the code at 0x${start.toString(16)} differs from it; nothing was changed`);
  stopped.call(call.mprotect, [copy, code.length, protection.readExecute]);
}

/** Where no 2 MB page was free at once, the kernel is asked to make one; older kernels cannot, and smaps tells. */
function collapseRest({ pid, call: systemCall }: StoppedProcess, copy: number, bytes: number): void {
  const whole = bytes - (bytes % hugePageBytes);
  if (copy % hugePageBytes !== 0 || whole === 0 || hugeBytesOf(pid, [{ start: copy, end: copy + bytes }]) === whole) return;
  try {
    systemCall(call.madvise, [copy, whole, collapse]);
  } catch {
    // The caller sees by `hugeBytes` how much there is.
  }
}

/** Puts the copy in the place of the file's mapping. @returns where the latter is now. */
function exchange(stopped: StoppedProcess, { start, end }: MovedText, copy: number): number {
  const bytes = end - start;
  const aside = stopped.call(call.mmap, [0, bytes, protection.readWrite, privateAnonymous, -1, 0]);
  try {
    stopped.call(call.mremap, [start, bytes, bytes, moveTo, aside]);
  } catch (error) {
    stopped.call(call.munmap, [aside, bytes]);
    throw error;
  }
  try {
    // Not code any more, for whoever looks where the program's code is.
    stopped.call(call.mprotect, [aside, bytes, protection.read]);
    stopped.call(call.mremap, [copy, bytes, bytes, moveTo, start]);
  } catch (error) {
    putBack(stopped, { stretch: { start, end }, aside });
    throw error;
  }
  return aside;
}

/** @throws Error after ending the process: without its code it cannot run on. */
function putBack(stopped: StoppedProcess, { stretch: { start, end }, aside }: Move): void {
  const bytes = end - start;
  try {
    stopped.call(call.mprotect, [aside, bytes, protection.readExecute]);
    stopped.call(call.mremap, [aside, bytes, bytes, moveTo, start]);
  } catch (error) {
    stopped.kill();
    throw new Error(`the code at 0x${start.toString(16)} could not be put back (${(error as Error).message}); process ${stopped.pid} was ended`);
  }
}
