/** Builds ELF files of a few hundred bytes for tests: byte `a` of the loaded image stands at file offset `a - 0x1000`. */
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

export interface TinySection {
  name: string;
  /** SHT_*: 1 = PROGBITS (default), 4 = RELA, 7 = NOTE, 11 = DYNSYM, 19 = RELR. */
  type?: number;
  /** SHF_*: 1 = writable, 2 = loaded, 4 = code; 2 by default. */
  flags?: number;
  /** At least 0x1400. */
  address: number;
  data: Buffer;
  /** Index among the sections given. */
  link?: number;
}

export const SHIFT = 0x1000;

export function tinyElf(sections: TinySection[]): Buffer {
  const names = ['', ...sections.map((section) => section.name), '.shstrtab'];
  const nameOffsets = names.map((_, i) => names.slice(0, i).reduce((sum, name) => sum + name.length + 1, 0));
  const strings = Buffer.from(names.map((name) => `${name}\0`).join(''), 'latin1');
  const imageEnd = Math.max(0x400, ...sections.map((section) => section.address - SHIFT + section.data.length));
  const tableAt = imageEnd + strings.length;
  const file = Buffer.alloc(tableAt + 64 * names.length);
  sections.forEach((section) => section.data.copy(file, section.address - SHIFT));
  strings.copy(file, imageEnd);

  const special = (prefix: string, type: number) => sections.filter((s) => s.name.startsWith(prefix)).map((s) => ({ type, flags: 4, offset: s.address - SHIFT, address: s.address, size: s.data.length }));
  const segments = [{ type: 1, flags: 5, offset: 0x400, address: 0x1400, size: imageEnd - 0x400 }, ...special('.eh_frame_hdr', 0x6474e550), ...special('.note', 4)];
  file.write('7f454c46020101', 'hex');
  file.writeUInt16LE(3, 16);
  file.writeUInt16LE(62, 18);
  file.writeUInt32LE(64, 32);
  file.writeUInt32LE(tableAt, 40);
  [56, segments.length, 64, names.length, names.length - 1].forEach((value, i) => file.writeUInt16LE(value, 54 + 2 * i));
  segments.forEach((segment, i) => {
    const at = 64 + 56 * i;
    file.writeUInt32LE(segment.type, at);
    file.writeUInt32LE(segment.flags, at + 4);
    [segment.offset, segment.address, segment.address, segment.size, segment.size].forEach((value, field) => file.writeUInt32LE(value, at + 8 + 8 * field));
  });
  const header = (i: number, name: number, type: number, flags: number, address: number, offset: number, size: number, link: number) =>
    [name, type, flags, 0, address, 0, offset, 0, size, 0, link].forEach((value, field) => file.writeUInt32LE(value, tableAt + 64 * i + 4 * field));
  sections.forEach((s, i) => header(i + 1, nameOffsets[i + 1], s.type ?? 1, s.flags ?? 2, s.address, s.address - SHIFT, s.data.length, (s.link ?? -1) + 1));
  header(names.length - 1, nameOffsets[names.length - 1], 3, 0, 0, imageEnd, strings.length, 0);
  return file;
}

/** Writes a file that is removed again after the callback. */
export function withFile<T>(content: Buffer, body: (file: string) => T): T {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'tiny-elf-'));
  const file = path.join(folder, 'program');
  fs.writeFileSync(file, content);
  try {
    return body(file);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

/** 64-bit little-endian numbers. */
export function words(...values: number[]): Buffer {
  const buffer = Buffer.alloc(8 * values.length);
  values.forEach((value, i) => buffer.writeBigInt64LE(BigInt(value), 8 * i));
  return buffer;
}

/** One relocation entry. */
export function rela(at: number, type: number, symbol: number, addend: number): Buffer {
  return words(at, symbol * 2 ** 32 + type, addend);
}
