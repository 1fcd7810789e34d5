/**
 * Moves the code of a live, unmodified sidecar to other memory: anonymous pages of 2 MB, or of 4 kB as the control.
 *
 * All its threads are stopped by ptrace, and one of them is made to execute the system calls that it takes: memory of
 * the same alignment is mapped, filled with the code, compared and made executable. Then copies and the file's mapping
 * can change places (mremap) as often as one likes, within a millisecond. smaps proves what pages the code is on.
 * When a copy cannot be had, all is as it was; when a change of places fails half-way, the process is ended.
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

export type CopyPages = Exclude<TextPages, 'file-4k'>;

/** Copies of a running process's code, which itself is where it was. */
export interface TextCopies {
  moved: readonly MovedText[];
  bytes: number;
  /** How long the process stood still to be copied. */
  stoppedMs: number;
  /**
   * Has the process run its code from one of them, or from the file's pages.
   * @returns how long it stood still, ms.
   * @throws Error after ending the process when that fails.
   */
  switchTo(pages: TextPages): Promise<number>;
  /** The file's pages again, and no copies. @throws Error after ending the process when that fails. */
  remove(): Promise<void>;
}

/**
 * Copies a running process's code. Its regions at the ends of the mapping are copied as far as they hold code, on 4 kB
 * pages, since a huge page would have to reach beyond.
 * @throws Error when it is not possible here or fails; the process runs on as before then.
 */
export async function copyText(pid: number, copies: readonly CopyPages[], options: RemapOptions = {}): Promise<TextCopies> {
  if (copies.includes('anonymous-2m')) assertHugePages();
  const moved = stretchesOf(textMapping(pid), options.regions);
  const places: Place[] = [];
  const stoppedMs = await timed(() => withStoppedProcess(pid, (stopped) => {
    try {
      for (const stretch of moved) places.push(makePlace(stopped, stretch, copies));
    } catch (error) {
      for (const place of places) freeParking(stopped, place);
      throw error;
    }
  }));
  const switchAll = (stopped: StoppedProcess, pages: TextPages) => {
    try {
      for (const place of places) change(stopped, place, pages);
    } catch (error) {
      stopped.kill();
      throw new Error(`the code could not be moved to ${pages} (${(error as Error).message}); process ${pid} was ended`);
    }
  };
  return {
    moved, stoppedMs,
    bytes: moved.reduce((sum, { start, end }) => sum + end - start, 0),
    switchTo: (pages) => timed(() => withStoppedProcess(pid, (stopped) => switchAll(stopped, pages))),
    remove: () => withStoppedProcess(pid, (stopped) => {
      switchAll(stopped, 'file-4k');
      for (const place of places.splice(0)) freeParking(stopped, place);
    }),
  };
}

async function timed(body: () => Promise<void>): Promise<number> {
  const started = performance.now();
  await body();
  return performance.now() - started;
}

export interface RemappedText extends Pick<TextCopies, 'moved' | 'bytes' | 'stoppedMs'> {
  pages: TextPages;
  /** Of the moved bytes, on 2 MB pages (AnonHugePages of smaps). */
  hugeBytes: number;
  /** Puts the file's pages back. @throws Error after ending the process, when that fails. */
  undo(): Promise<void>;
}

/** Moves a running process's code to one copy of it. @throws Error as `copyText` and `switchTo` do. */
export async function remapText(pid: number, pages: CopyPages, options: RemapOptions = {}): Promise<RemappedText> {
  const { moved, bytes, stoppedMs, switchTo, remove } = await copyText(pid, [pages], options);
  const switchedMs = await switchTo(pages);
  return { pages, moved, bytes, stoppedMs: stoppedMs + switchedMs, hugeBytes: hugeBytesOf(pid, moved), undo: remove };
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
const protection = { none: 0, read: 1, readWrite: 3, readExecute: 5 };
const privateAnonymous = 0x22;
const fixed = 0x10;
const moveTo = 3; // MREMAP_MAYMOVE | MREMAP_FIXED
const advice = { 'anonymous-2m': 14, 'anonymous-4k': 15 }; // MADV_HUGEPAGE, MADV_NOHUGEPAGE
const collapse = 25; // MADV_COLLAPSE, Linux 6.1

/** A stretch of the code, what lies there at present, and where each of the others waits. */
interface Place {
  stretch: MovedText;
  current: TextPages;
  /** Each keeps its own, also while it is away: memory that nobody may take. */
  parking: Map<TextPages, number>;
}

function makePlace(stopped: StoppedProcess, stretch: MovedText, copies: readonly CopyPages[]): Place {
  const place: Place = { stretch, current: 'file-4k', parking: new Map() };
  try {
    place.parking.set('file-4k', reserve(stopped, stretch, protection.none));
    for (const pages of copies) {
      const copy = reserve(stopped, stretch, protection.readWrite);
      place.parking.set(pages, copy);
      fill(stopped, stretch, copy, pages);
    }
    return place;
  } catch (error) {
    freeParking(stopped, place);
    throw error;
  }
}

function freeParking(stopped: StoppedProcess, { stretch: { start, end }, parking }: Place): void {
  for (const at of parking.values()) stopped.call(call.munmap, [at, end - start]);
}

/** Maps memory that lies in its 2 MB region as the code does, so that its huge pages stay whole when it is moved. */
function reserve(stopped: StoppedProcess, stretch: MovedText, access: number): number {
  const bytes = stretch.end - stretch.start;
  const offset = stretch.start % hugePageBytes;
  const room = bytes + hugePageBytes;
  const start = stopped.call(call.mmap, [0, room, access, privateAnonymous, -1, 0]);
  const at = start + ((offset - start) % hugePageBytes + hugePageBytes) % hugePageBytes;
  if (at > start) stopped.call(call.munmap, [start, at - start]);
  stopped.call(call.munmap, [at + bytes, start + room - at - bytes]);
  return at;
}

function fill(stopped: StoppedProcess, { start, end }: MovedText, copy: number, pages: CopyPages): void {
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
    // The caller sees by smaps how much there is.
  }
}

/** Parks what lies at a place, and puts another there. */
function change(stopped: StoppedProcess, place: Place, next: TextPages): void {
  if (place.current === next) return;
  const { start, end } = place.stretch;
  const bytes = end - start;
  const [home, from] = [place.current, next].map((pages) => place.parking.get(pages));
  if (home === undefined || from === undefined) throw new Error(`there is no copy on ${next}; ask copyText for one`);
  stopped.call(call.mremap, [start, bytes, bytes, moveTo, home]);
  // The file's mapping is not code any more while it is parked, for whoever looks where the program's code is.
  if (place.current === 'file-4k') stopped.call(call.mprotect, [home, bytes, protection.read]);
  if (next === 'file-4k') stopped.call(call.mprotect, [from, bytes, protection.readExecute]);
  stopped.call(call.mremap, [from, bytes, bytes, moveTo, start]);
  stopped.call(call.mmap, [from, bytes, protection.none, privateAnonymous | fixed, -1, 0]);
  place.current = next;
}
