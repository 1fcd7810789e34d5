/**
 * Where each function of a stripped program begins and ends, from its unwind table: exceptions need it, so `strip` keeps it.
 * Format: Linux Standard Base 5.0, ".eh_frame" and ".eh_frame_hdr" (a sorted table of function start → description).
 */
import { frameHeaderSegment, offsetOfAddress, readUInt64, type Elf } from './elf.js';

/** Sorted by start, not overlapping; addresses as in the file (before the loader moves it). */
export interface FunctionBounds {
  starts: Float64Array;
  ends: Float64Array;
}

/** DWARF pointer encodings (DW_EH_PE_*). */
const ENCODING = { ABSOLUTE: 0x00, UDATA4: 0x03, PC_RELATIVE_INT32: 0x1b, TABLE_RELATIVE_INT32: 0x3b };

/**
 * @throws Error naming the file when it has no frame table or one in an encoding that linkers do not write.
 */
export function readFunctionBounds(elf: Elf): FunctionBounds {
  const header = frameHeaderSegment(elf);
  if (!header) throw new Error(`${elf.path}: no .eh_frame_hdr, so function bounds cannot be told; link it with --eh-frame-hdr`);
  const { bytes } = elf;
  const encodings = [1, 2, 3].map((i) => bytes[header.offset + i]);
  if (bytes[header.offset] !== 1 || encodings[1] !== ENCODING.UDATA4 || encodings[2] !== ENCODING.TABLE_RELATIVE_INT32) {
    throw new Error(`${elf.path}: .eh_frame_hdr at offset ${header.offset} starts with ${bytes.toString('hex', header.offset, header.offset + 4)}; expected 01??033b`);
  }
  const count = bytes.readUInt32LE(header.offset + 8);
  if (12 + count * 8 > header.fileSize) {
    throw new Error(`${elf.path}: .eh_frame_hdr at offset ${header.offset} claims ${count} functions in ${header.fileSize} bytes`);
  }
  return readTable(elf, header.offset + 12, header.address, count);
}

function readTable(elf: Elf, table: number, origin: number, count: number): FunctionBounds {
  const starts = new Float64Array(count);
  const ends = new Float64Array(count);
  const encodingOfCommon = new Map<number, number>();
  let used = 0;
  for (let i = 0; i < count; i++) {
    const start = origin + elf.bytes.readInt32LE(table + i * 8);
    const size = sizeOf(elf, origin + elf.bytes.readInt32LE(table + i * 8 + 4), encodingOfCommon);
    if (size === 0 || (used > 0 && start <= starts[used - 1])) continue; // an empty function has no code to charge
    if (used > 0) ends[used - 1] = Math.min(ends[used - 1], start);
    starts[used] = start;
    ends[used++] = start + size;
  }
  return { starts: starts.slice(0, used), ends: ends.slice(0, used) };
}

/** Length of the function that the frame description at `address` is about. */
function sizeOf(elf: Elf, address: number, encodingOfCommon: Map<number, number>): number {
  const at = offsetOfAddress(elf.segments, address);
  if (at < 0) throw new Error(`${elf.path}: frame description at address 0x${address.toString(16)}, where nothing is loaded`);
  const common = at + 4 - elf.bytes.readUInt32LE(at + 4);
  let encoding = encodingOfCommon.get(common);
  if (encoding === undefined) encodingOfCommon.set(common, (encoding = pointerEncoding(elf, common)));
  if (encoding === ENCODING.PC_RELATIVE_INT32) return elf.bytes.readUInt32LE(at + 12);
  if (encoding === ENCODING.ABSOLUTE) return readUInt64(elf.bytes, at + 16);
  throw new Error(`${elf.path}: frame description at offset ${at} has pointer encoding 0x${encoding.toString(16)}; expected 0x1b or 0x00`);
}

/** The 'R' letter of the common entry's augmentation says how its function addresses are written. */
function pointerEncoding(elf: Elf, at: number): number {
  if (at < 0 || at + 9 > elf.bytes.length) throw new Error(`${elf.path}: frame description refers to offset ${at}, outside the file`);
  const end = elf.bytes.indexOf(0, at + 9);
  const letters = elf.bytes.toString('latin1', at + 9, end);
  if (!letters.startsWith('z')) return ENCODING.ABSOLUTE;
  let position = end + 1;
  const skipLeb = () => {
    while (elf.bytes[position++] & 0x80);
  };
  for (let i = 0; i < 4; i++) skipLeb(); // code and data alignment, return register, augmentation length
  for (const letter of letters.slice(1)) {
    if (letter === 'R') return elf.bytes[position];
    if (letter === 'P') position += pointerSize(elf.bytes[position]) + 1;
    else if (letter === 'L') position += 1;
  }
  return ENCODING.ABSOLUTE;
}

function pointerSize(encoding: number): number {
  return { 0: 8, 2: 2, 3: 4, 4: 8 }[encoding & 7] ?? 8;
}
