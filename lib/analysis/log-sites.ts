/**
 * Log statements in machine code. spdlog's macros (and Envoy's over them) pass `source_loc{__FILE__, __LINE__, __func__}`,
 * so each statement leaves a store of a path, a line number and a function name into one 24-byte structure:
 *
 *     lea  rax, [rip + path]       mov  [rbp - 64], rax
 *     mov  dword [rbp - 56], line
 *     lea  rax, [rip + function]   mov  [rbp - 48], rax
 *
 * Demanding the whole shape (same base register, displacements d, d + 8, d + 16) is what keeps a path and a word that
 * merely stand near each other, as in an assertion, from being taken for a statement.
 * Misses: statements whose structure the compiler keeps as a constant, code that is not position-independent, other log
 * libraries.
 */
import type { Elf, Section } from './elf.js';

export interface LogSite {
  /** Address of the instruction that loads the path. */
  address: number;
  /** As the compiler was given it, e.g. `source/common/network/connection_impl.cc`. */
  file: string;
  line: number;
  /** Unqualified, e.g. `onReadReady`; `operator()` in a lambda. */
  function: string;
}

export interface CodeScan {
  /** Sorted by address. */
  sites: LogSite[];
  /** Data addresses that code takes, sorted: where tables and virtual tables begin. */
  dataReferences: Float64Array;
}

const PATH = /^[\w.+@/-]*\.(?:cc|cpp|cxx|c|h|hh|hpp|inc|ipp)$/;
const FUNCTION = /^(?:[A-Za-z_~]\w*|operator\W.{0,40})$/;
const LEA_BYTES = 7;
/** A statement is at most 38 bytes long (all displacements 4 bytes wide) unless the compiler moved something in between. */
const WINDOW_BYTES = 48;

/** Reads all code once. About 0.3 s for 68 MB. */
export function scanCode(elf: Elf): CodeScan {
  const strings = new StringTable(elf);
  const sites: LogSite[] = [];
  const writable = elf.sections.filter((section) => (section.flags & 3) === 3);
  const references = new Set<number>();
  for (const section of elf.sections.filter((s) => s.type === 1 && (s.flags & 4) !== 0)) {
    forEachAddressTaken(elf.bytes, section, (offset, target) => {
      if (strings.at(target)?.isPath) {
        const site = siteAt(elf.bytes, section, offset, strings);
        if (site) sites.push(site);
      } else if (writable.some((s) => target >= s.address && target < s.address + s.size)) references.add(target);
    });
  }
  sites.sort((a, b) => a.address - b.address);
  return { sites, dataReferences: Float64Array.from(references).sort() };
}

/** Calls back for each `lea r64, [rip + x]` (48 or 4c, 8d, modrm with mod 0 and rm 5). */
function forEachAddressTaken(bytes: Buffer, section: Section, found: (offset: number, target: number) => void): void {
  const toAddress = section.address - section.offset;
  const end = section.offset + section.size - LEA_BYTES;
  for (let at = section.offset; at <= end; at++) {
    if (bytes[at + 1] !== 0x8d || (bytes[at] & 0xfb) !== 0x48 || (bytes[at + 2] & 0xc7) !== 5) continue;
    found(at, at + LEA_BYTES + toAddress + bytes.readInt32LE(at + 3));
  }
}

/** The statement whose path is loaded at `offset`, if the other two stores are there. */
function siteAt(bytes: Buffer, section: Section, offset: number, strings: StringTable): LogSite | null {
  const end = Math.min(offset + WINDOW_BYTES, section.offset + section.size - 12);
  const path = storeOf(bytes, offset, end);
  if (!path) return null;
  const toAddress = section.address - section.offset;
  let line: number | undefined;
  let name: string | undefined;
  for (let at = offset + LEA_BYTES; at < end; at++) {
    line ??= lineStored(bytes, at, path);
    if (bytes[at + 1] !== 0x8d || (bytes[at] & 0xfb) !== 0x48 || (bytes[at + 2] & 0xc7) !== 5) continue;
    const text = strings.at(at + LEA_BYTES + toAddress + bytes.readInt32LE(at + 3));
    if (!text?.isFunction) continue;
    const store = storeOf(bytes, at, at + WINDOW_BYTES);
    if (store?.base === path.base && store.displacement === path.displacement + 16) name ??= text.text;
  }
  if (line === undefined || name === undefined) return null;
  return { address: offset + toAddress, file: strings.at(offset + LEA_BYTES + toAddress + bytes.readInt32LE(offset + 3))!.text, line, function: name };
}

interface Operand {
  base: number;
  displacement: number;
  /** Bytes of ModRM, SIB and displacement together. */
  size: number;
}

/** `mov [base + d], r` with the register that the LEA at `offset` loads. */
function storeOf(bytes: Buffer, offset: number, end: number): Operand | null {
  const register = ((bytes[offset + 2] >> 3) & 7) | ((bytes[offset] & 4) << 1);
  for (let at = offset + LEA_BYTES; at < end; at++) {
    const rex = bytes[at];
    if ((rex & 0xfa) !== 0x48 || bytes[at + 1] !== 0x89) continue;
    if ((((bytes[at + 2] >> 3) & 7) | ((rex & 4) << 1)) !== register) continue;
    return operandAt(bytes, at + 2, rex & 1);
  }
  return null;
}

/**
 * The number that the instruction at `at` stores in the field after the path:
 * `mov dword [base + d + 8], constant`, or the same from a register that a near `mov r32, constant` set.
 */
function lineStored(bytes: Buffer, at: number, path: Operand): number | undefined {
  const rex = (bytes[at] & 0xf8) === 0x40 ? bytes[at] : 0;
  const opcode = rex === 0 ? at : at + 1;
  if ((bytes[opcode] !== 0xc7 && bytes[opcode] !== 0x89) || (rex & 8) !== 0) return undefined;
  const operand = operandAt(bytes, opcode + 1, rex & 1);
  if (operand?.base !== path.base || operand.displacement !== path.displacement + 8) return undefined;
  const register = ((bytes[opcode + 1] >> 3) & 7) | ((rex & 4) << 1);
  if (bytes[opcode] === 0x89) return constantIn(bytes, register, at);
  return register === 0 ? bytes.readInt32LE(opcode + 1 + operand.size) : undefined;
}

/** The constant that the last `mov r32, constant` before `end` put into a register. */
function constantIn(bytes: Buffer, register: number, end: number): number | undefined {
  for (let at = end - 5; at > end - 5 - WINDOW_BYTES; at--) {
    if (bytes[at] === 0xb8 + (register & 7) && (register < 8 || bytes[at - 1] === 0x41)) return bytes.readInt32LE(at + 1);
  }
  return undefined;
}

/** A memory operand of one register and a constant; null for any other. */
function operandAt(bytes: Buffer, at: number, rexB: number): Operand | null {
  const [mod, rm] = [bytes[at] >> 6, bytes[at] & 7];
  if (mod === 3) return null;
  let low = rm;
  let size = 1;
  if (rm === 4) {
    if ((bytes[at + 1] & 0x38) !== 0x20) return null;
    low = bytes[at + 1] & 7;
    size = 2;
  }
  if (mod === 0) return low === 5 ? null : { base: low | (rexB << 3), displacement: 0, size };
  const displacement = mod === 1 ? bytes.readInt8(at + size) : bytes.readInt32LE(at + size);
  return { base: low | (rexB << 3), displacement, size: size + (mod === 1 ? 1 : 4) };
}

interface Text {
  text: string;
  isPath: boolean;
  isFunction: boolean;
}

/** Strings of the read-only data, classified once each. */
class StringTable {
  private readonly known = new Map<number, Text | null>();
  private readonly sections: Section[];

  constructor(private readonly elf: Elf) {
    this.sections = elf.sections.filter((section) => section.type === 1 && (section.flags & 7) === 2);
  }

  at(address: number): Text | null {
    const cached = this.known.get(address);
    if (cached !== undefined) return cached;
    const section = this.sections.find((s) => address >= s.address && address < s.address + s.size);
    const text = section ? this.read(address - section.address + section.offset) : null;
    this.known.set(address, text);
    return text;
  }

  private read(offset: number): Text | null {
    const { bytes } = this.elf;
    const end = bytes.indexOf(0, offset);
    if (end <= offset || end - offset > 250) return null;
    const text = bytes.toString('latin1', offset, end);
    const isPath = PATH.test(text);
    const isFunction = !isPath && FUNCTION.test(text);
    return isPath || isFunction ? { text, isPath, isFunction } : null;
  }
}
