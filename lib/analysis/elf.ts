/**
 * Just enough of ELF64 (little-endian) to name the functions of a stripped program: sections, segments, symbols,
 * relocations, and the two ways to say where a byte is (address when loaded, offset in the file).
 * Format: System V ABI, chapters 4 and 5, and its x86-64 supplement.
 */
import * as fs from 'node:fs';

export interface Section {
  name: string;
  type: number;
  /** SHF_* bits: 1 = writable, 2 = loaded, 4 = code. */
  flags: number;
  address: number;
  offset: number;
  size: number;
  /** Index of the section this one refers to, e.g. a symbol table's strings. */
  link: number;
  entrySize: number;
}

export interface Segment {
  type: number;
  /** PF_* bits: 1 = executable, 2 = writable, 4 = readable. */
  flags: number;
  offset: number;
  address: number;
  fileSize: number;
}

export interface Elf {
  path: string;
  bytes: Buffer;
  sections: Section[];
  segments: Segment[];
}

export interface ElfSymbol {
  name: string;
  address: number;
  size: number;
  isFunction: boolean;
  isDefined: boolean;
}

/** What the loader stores where: `target` is an address of this file, or NaN when another library provides it. */
export interface Pointers {
  at: Float64Array;
  target: Float64Array;
  /** Name of the symbol asked for, where `target` is NaN. */
  external: Map<number, string>;
}

const HEADER_BYTES = 64;
const SHT = { SYMTAB: 2, RELA: 4, NOBITS: 8, DYNSYM: 11, RELR: 19 };
const PT = { LOAD: 1, NOTE: 4, GNU_EH_FRAME: 0x6474e550 };
const R_X86_64 = { ADDRESS: 1, GLOB_DAT: 6, RELATIVE: 8 };
const NT_GNU_BUILD_ID = 3;
const MAX_HEADERS = 65_535;

/**
 * Reads a whole ELF file.
 * @throws Error naming the file and the offset when it is no x86-64 ELF file, or ends early.
 */
export function readElf(path: string): Elf {
  const bytes = fs.readFileSync(path);
  const { segments, sectionTable } = readSegments(path, bytes, (offset, size) => slice(path, bytes, offset, size));
  const sections = readSections(path, bytes, sectionTable);
  for (const segment of segments.filter((s) => s.type === PT.LOAD)) slice(path, bytes, segment.offset, segment.fileSize);
  return { path, bytes, sections, segments };
}

/**
 * The linker's fingerprint of a program, without reading the whole file.
 * @returns lower-case hexadecimal digits, or null when it was linked without one.
 */
export function readBuildId(path: string): string | null {
  const file = fs.openSync(path, 'r');
  try {
    const read = (offset: number, size: number) => {
      const buffer = Buffer.alloc(Math.min(size, MAX_HEADERS * HEADER_BYTES));
      return slice(path, buffer.subarray(0, fs.readSync(file, buffer, 0, buffer.length, offset)), 0, buffer.length, offset);
    };
    const { segments } = readSegments(path, read(0, HEADER_BYTES), read);
    for (const note of segments.filter((segment) => segment.type === PT.NOTE)) {
      const id = buildIdIn(read(note.offset, note.fileSize));
      if (id) return id;
    }
    return null;
  } finally {
    fs.closeSync(file);
  }
}

function buildIdIn(notes: Buffer): string | null {
  for (let at = 0; at + 12 <= notes.length; ) {
    const [nameSize, size, type] = [0, 4, 8].map((field) => notes.readUInt32LE(at + field));
    const name = at + 12;
    const content = name + roundUp(nameSize, 4);
    if (type === NT_GNU_BUILD_ID && notes.toString('latin1', name, name + 4) === 'GNU\0') {
      return notes.toString('hex', content, content + size);
    }
    at = content + roundUp(size, 4);
  }
  return null;
}

/** The section of that name, or undefined. */
export function findSection(elf: Elf, name: string): Section | undefined {
  return elf.sections.find((section) => section.name === name);
}

/** Where .eh_frame_hdr is loaded: the segment is there even when the section table was stripped off. */
export function frameHeaderSegment(elf: Elf): Segment | undefined {
  return elf.segments.find((segment) => segment.type === PT.GNU_EH_FRAME);
}

/** Segments that hold code. */
export function codeSegments(segments: Segment[]): Segment[] {
  return segments.filter((segment) => segment.type === PT.LOAD && (segment.flags & 1) !== 0);
}

/** File offset of a loaded address, or -1 when no byte of the file is loaded there. */
export function offsetOfAddress(segments: Segment[], address: number): number {
  const segment = segments.find((s) => s.type === PT.LOAD && address >= s.address && address < s.address + s.fileSize);
  return segment ? address - segment.address + segment.offset : -1;
}

/** Loaded address of a file offset, or -1 when it is not loaded. Code wins where two segments share a page. */
export function addressOfOffset(segments: Segment[], offset: number): number {
  const holds = (s: Segment) => s.type === PT.LOAD && offset >= s.offset && offset < s.offset + s.fileSize;
  const segment = codeSegments(segments).find(holds) ?? segments.find(holds);
  return segment ? offset - segment.offset + segment.address : -1;
}

/** All symbols, of the full table where the file was not stripped and of the dynamic one. */
export function readSymbols(elf: Elf): ElfSymbol[] {
  const tables = elf.sections.filter((section) => section.type === SHT.SYMTAB || section.type === SHT.DYNSYM);
  return tables.flatMap((table) => symbolsOf(elf, table));
}

function symbolsOf(elf: Elf, table: Section): ElfSymbol[] {
  const strings = elf.sections[table.link];
  if (!strings) throw new Error(`${elf.path}: symbol table at offset ${table.offset} names section ${table.link}, which does not exist`);
  const symbols: ElfSymbol[] = [];
  for (let at = table.offset; at + 24 <= table.offset + table.size; at += 24) {
    symbols.push({
      name: textAt(elf.bytes, strings.offset + elf.bytes.readUInt32LE(at)),
      address: readUInt64(elf.bytes, at + 8),
      size: readUInt64(elf.bytes, at + 16),
      isFunction: (elf.bytes[at + 4] & 15) === 2,
      isDefined: elf.bytes.readUInt16LE(at + 6) !== 0,
    });
  }
  return symbols;
}

/** What the loader will write into the program's data: needed because a position-independent file holds zeros there. */
export function readPointers(elf: Elf): Pointers {
  const at: number[] = [];
  const target: number[] = [];
  const external = new Map<number, string>();
  for (const section of elf.sections) {
    if (section.type === SHT.RELA && (section.flags & 2) !== 0) readRela(elf, section, at, target, external);
    if (section.type === SHT.RELR) readRelr(elf, section, at, target);
  }
  return { at: Float64Array.from(at), target: Float64Array.from(target), external };
}

function readRela(elf: Elf, section: Section, at: number[], target: number[], external: Map<number, string>): void {
  const table = elf.sections[section.link];
  const symbols = table?.type === SHT.DYNSYM ? symbolsOf(elf, table) : [];
  for (let entry = section.offset; entry + 24 <= section.offset + section.size; entry += 24) {
    const type = elf.bytes.readUInt32LE(entry + 8);
    const symbol = symbols[elf.bytes.readUInt32LE(entry + 12)];
    const address = readUInt64(elf.bytes, entry);
    const addend = Number(elf.bytes.readBigInt64LE(entry + 16));
    if (type === R_X86_64.RELATIVE) {
      at.push(address);
      target.push(addend);
    } else if ((type === R_X86_64.ADDRESS || type === R_X86_64.GLOB_DAT) && symbol) {
      at.push(address);
      target.push(symbol.isDefined ? symbol.address + addend : NaN);
      if (!symbol.isDefined) external.set(address, symbol.name);
    }
  }
}

/** RELR: an even word is the address of one pointer; an odd one is a bitmap of which of the next 63 words are pointers. */
function readRelr(elf: Elf, section: Section, at: number[], target: number[]): void {
  const add = (address: number) => {
    const offset = offsetOfAddress(elf.segments, address);
    if (offset < 0) throw new Error(`${elf.path}: packed relocation of 0x${address.toString(16)}, where nothing is loaded`);
    at.push(address);
    target.push(readUInt64(elf.bytes, offset));
  };
  let next = 0;
  for (let entry = section.offset; entry + 8 <= section.offset + section.size; entry += 8) {
    const word = elf.bytes.readBigUInt64LE(entry);
    if ((word & 1n) === 0n) {
      add(Number(word));
      next = Number(word) + 8;
      continue;
    }
    for (let bit = 1; bit < 64; bit++) if ((word >> BigInt(bit)) & 1n) add(next + (bit - 1) * 8);
    next += 63 * 8;
  }
}

/** A zero-terminated string of the file. */
export function textAt(bytes: Buffer, offset: number): string {
  const end = bytes.indexOf(0, offset);
  return bytes.toString('latin1', offset, end < 0 ? bytes.length : end);
}

/** An unsigned 64-bit number; exact below 2^53, which every address of a user program is. */
export function readUInt64(bytes: Buffer, offset: number): number {
  return bytes.readUInt32LE(offset) + bytes.readUInt32LE(offset + 4) * 2 ** 32;
}

function readSegments(path: string, head: Buffer, read: (offset: number, size: number) => Buffer) {
  slice(path, head, 0, HEADER_BYTES);
  if (head.readUInt32BE(0) !== 0x7f454c46) throw new Error(`${path}: no ELF file (offset 0 holds 0x${head.toString('hex', 0, 4)}); give the path of the program itself, not of a script or archive`);
  if (head[4] !== 2 || head[5] !== 1 || head.readUInt16LE(18) !== 62) {
    throw new Error(`${path}: ELF class ${head[4]}, machine ${head.readUInt16LE(18)} at offset 18; only x86-64 (class 2, machine 62) is understood`);
  }
  const [offset, entrySize, count] = [readUInt64(head, 32), head.readUInt16LE(54), head.readUInt16LE(56)];
  if (count > 0 && entrySize !== 56) throw new Error(`${path}: segment headers of ${entrySize} bytes at offset 54; expected 56`);
  const table = read(offset, entrySize * count);
  const segments = Array.from({ length: count }, (_, i): Segment => ({
    type: table.readUInt32LE(i * 56),
    flags: table.readUInt32LE(i * 56 + 4),
    offset: readUInt64(table, i * 56 + 8),
    address: readUInt64(table, i * 56 + 16),
    fileSize: readUInt64(table, i * 56 + 32),
  }));
  const sectionTable = { offset: readUInt64(head, 40), entrySize: head.readUInt16LE(58), count: head.readUInt16LE(60), names: head.readUInt16LE(62) };
  return { segments, sectionTable };
}

function readSections(path: string, bytes: Buffer, table: { offset: number; entrySize: number; count: number; names: number }): Section[] {
  if (table.count === 0) return [];
  if (table.entrySize !== 64) throw new Error(`${path}: section headers of ${table.entrySize} bytes at offset 58; expected 64`);
  const headers = slice(path, bytes, table.offset, 64 * table.count);
  const at = (i: number) => i * 64;
  const sections = Array.from({ length: table.count }, (_, i): Section => ({
    name: '',
    type: headers.readUInt32LE(at(i) + 4),
    flags: headers.readUInt32LE(at(i) + 8),
    address: readUInt64(headers, at(i) + 16),
    offset: readUInt64(headers, at(i) + 24),
    size: readUInt64(headers, at(i) + 32),
    link: headers.readUInt32LE(at(i) + 40),
    entrySize: readUInt64(headers, at(i) + 56),
  }));
  for (const section of sections) if (section.type !== SHT.NOBITS) slice(path, bytes, section.offset, section.size);
  const names = sections[table.names];
  if (!names) throw new Error(`${path}: section names are in section ${table.names} of ${table.count} (offset 62)`);
  sections.forEach((section, i) => (section.name = textAt(bytes, names.offset + headers.readUInt32LE(at(i)))));
  return sections;
}

/** `size` bytes at `offset`, or an error: a short read must never look like an empty section. */
function slice(path: string, bytes: Buffer, offset: number, size: number, origin = offset): Buffer {
  if (offset + size > bytes.length) {
    throw new Error(`${path}: ends too early, ${size} bytes wanted at offset ${origin} but only ${Math.max(0, bytes.length - offset)} are there; copy or download it again`);
  }
  return bytes.subarray(offset, offset + size);
}

function roundUp(value: number, to: number): number {
  return Math.ceil(value / to) * to;
}
