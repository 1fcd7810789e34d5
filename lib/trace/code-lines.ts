/**
 * The code that traces touched, in lines of 64 bytes, kept beside a recording: with it a trace is analysable where
 * the traced program is not installed. One file an object build, shared by all traces of that build; lines of further
 * traces are added.
 *
 * A file is blocks (blocks.ts), magic "SWCODE ": one 'H', {object, buildId, lines} as JSON, then one 'L': the lines'
 * numbers (address / 64, each less the one before and 1, variable length), then the lines' 64 bytes each, in order.
 * Addresses are the object file's own (ELF p_vaddr).
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { codeSegments, readBuildId, readElf } from '../analysis/elf.js';
import { type Block, BlockReader, BlockWriter } from './blocks.js';
import type { MappedCode, Trace, TraceHeader } from './trace.js';
import { ByteSink, ByteSource } from './varint.js';

export const LINE_BYTES = 64;

/** What identifies the code of one object. */
export type CodeObject = Pick<MappedCode, 'object' | 'buildId'>;

/**
 * Gives bytes of an object's code.
 * @param fileAddress in the object file's own numbering.
 * @throws Error when they are not there.
 */
export type ReadObjectCode = (object: CodeObject, fileAddress: number, length: number) => Uint8Array;

/** Gives bytes of code by run-time address, as `codeOf` makes it. @throws Error when they are not there. */
export type ReadCode = (address: number, length: number) => Uint8Array;

interface ObjectLines {
  object: CodeObject;
  /** By line number. */
  lines: Map<number, Uint8Array>;
}

/** Touched lines of any number of objects. */
export class CodeLines {
  private readonly byKey = new Map<string, ObjectLines>();

  objects(): CodeObject[] {
    return [...this.byKey.values()].map(({ object }) => object);
  }

  /** Numbers (address / 64) of the lines held of an object, in order. */
  lineNumbers(object: CodeObject): number[] {
    return [...this.byKey.get(keyOf(object))?.lines.keys() ?? []].sort((a, b) => a - b);
  }

  /** @throws Error when the line is held with other content: then two builds go by one name. */
  add(object: CodeObject, line: number, bytes: Uint8Array): void {
    const { lines } = this.entry(object);
    const held = lines.get(line);
    if (held && Buffer.compare(held, bytes) !== 0) {
      throw new Error(`${nameOf(object)}: the code at 0x${(line * LINE_BYTES).toString(16)} differs between traces; keep traces of different builds in different recordings`);
    }
    if (!held) lines.set(line, Uint8Array.from(bytes));
  }

  /** Adds all lines of another collection. @throws Error as `add` does. */
  merge(other: CodeLines): void {
    for (const { object, lines } of other.byKey.values()) {
      for (const [line, bytes] of lines) this.add(object, line, bytes);
    }
  }

  has(object: CodeObject, line: number): boolean {
    return this.byKey.get(keyOf(object))?.lines.has(line) ?? false;
  }

  /** Code of an object. @throws Error naming the first line that is not held. */
  read(object: CodeObject, fileAddress: number, length: number): Uint8Array {
    const lines = this.byKey.get(keyOf(object))?.lines;
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; ) {
      const line = Math.floor((fileAddress + at) / LINE_BYTES);
      const held = lines?.get(line);
      if (!held) throw new Error(`${nameOf(object)}: no code is kept of 0x${(fileAddress + at).toString(16)}; collect the code lines of this trace again`);
      const offset = fileAddress + at - line * LINE_BYTES;
      const count = Math.min(length - at, LINE_BYTES - offset);
      bytes.set(held.subarray(offset, offset + count), at);
      at += count;
    }
    return bytes;
  }

  private entry(object: CodeObject): ObjectLines {
    const key = keyOf(object);
    const entry = this.byKey.get(key) ?? { object: { object: object.object, buildId: object.buildId }, lines: new Map() };
    this.byKey.set(key, entry);
    return entry;
  }
}

/**
 * Collects every line that a trace executes from.
 * @param readCode where the bytes come from; see `codeOfFiles`.
 * @throws Error when a run lies outside the code that the header maps.
 */
export async function collectCodeLines(trace: Trace, readCode: ReadObjectCode): Promise<CodeLines> {
  for await (const _ of trace.chunks()) void _;
  const collected = new CodeLines();
  const { address, bytes, size } = trace.runs;
  for (let id = 0; id < size; id++) {
    const { object, fileAddress } = locate(trace.header, address[id]);
    const last = Math.floor((fileAddress + bytes[id] - 1) / LINE_BYTES);
    for (let line = Math.floor(fileAddress / LINE_BYTES); line <= last; line++) {
      if (!collected.has(object, line)) collected.add(object, line, readCode(object, line * LINE_BYTES, LINE_BYTES));
    }
  }
  return collected;
}

/** Code by run-time address. @throws Error (when called) for an address that no object is mapped at. */
export function codeOf(header: Pick<TraceHeader, 'code'>, readObject: ReadObjectCode): ReadCode {
  return (address, length) => {
    const { object, fileAddress } = locate(header, address);
    return readObject(object, fileAddress, length);
  };
}

/** An object's file, or its bytes in memory from file address 0 on (the vdso has no file). */
export type CodeSource = string | Uint8Array;

/**
 * Reads code from the programs on disk; bytes beside an object's segments are zeros.
 * @param sources by object name (`envoy`, `libc.so.6`, `[vdso]`).
 * @throws Error (when called) for an object without source, or whose file has another build id.
 */
export function codeOfFiles(sources: Readonly<Record<string, CodeSource>>): ReadObjectCode {
  const open = new Map<string, (address: number, length: number) => Uint8Array>();
  return (object, fileAddress, length) => {
    const key = keyOf(object);
    const read = open.get(key) ?? openSource(object, sources[object.object]);
    open.set(key, read);
    return read(fileAddress, length);
  };
}

/** Folder in a recording that holds the code, beside the facts of its binaries. */
export const CODE_FOLDER = 'binaries';

/**
 * Keeps lines in a recording, together with those it has already. Each file is replaced whole.
 * @throws Error when held lines differ, a file is damaged, or the disk is full.
 */
export function saveCodeLines(recordingDir: string, lines: CodeLines): void {
  for (const object of lines.objects()) {
    const file = codeFile(recordingDir, object);
    const all = new CodeLines();
    if (fs.existsSync(file)) readCodeFile(file, object, all);
    const held = all.lineNumbers(object).length;
    for (const line of lines.lineNumbers(object)) all.add(object, line, lines.read(object, line * LINE_BYTES, LINE_BYTES));
    if (all.lineNumbers(object).length > held) writeCodeFile(recordingDir, object, all);
  }
}

/**
 * The code that a recording keeps of the objects of a trace; objects it has nothing of are left out.
 * @throws Error naming the file and the place when one is damaged.
 */
export function loadCodeLines(recordingDir: string, header: Pick<TraceHeader, 'code'>): CodeLines {
  const lines = new CodeLines();
  for (const object of new Map(header.code.map((mapped) => [keyOf(mapped), mapped])).values()) {
    const file = codeFile(recordingDir, object);
    if (fs.existsSync(file)) readCodeFile(file, object, lines);
  }
  return lines;
}

/** Which object is mapped at a run-time address, and where in it that is. @throws Error when none is. */
export function locate(header: Pick<TraceHeader, 'code'>, address: number): { object: MappedCode; fileAddress: number } {
  const object = header.code.find(({ start, end }) => address >= start && address < end);
  if (!object) throw new Error(`no object is mapped at 0x${address.toString(16)}, which the trace executes; record it again with all code in its header`);
  return { object, fileAddress: address - object.start + object.fileAddress };
}

function writeCodeFile(recordingDir: string, object: CodeObject, all: CodeLines): void {
  const numbers = all.lineNumbers(object);
  const deltas = new ByteSink();
  numbers.forEach((number, i) => deltas.unsigned(i === 0 ? number : number - numbers[i - 1] - 1));
  const writer = new BlockWriter(codeFile(recordingDir, object), CODE_MAGIC, recordingDir);
  writer.append('H', Buffer.from(JSON.stringify({ object: object.object, buildId: object.buildId, lines: numbers.length })));
  writer.append('L', Buffer.concat([deltas.view(), ...numbers.map((number) => all.read(object, number * LINE_BYTES, LINE_BYTES))]), 'smallest');
  writer.finish();
}

function readCodeFile(file: string, object: CodeObject, into: CodeLines): void {
  const blocks = new BlockReader(file, CODE_MAGIC);
  try {
    const header = blocks.first();
    const count = readCodeHeader(blocks, header, object);
    const block = blocks.after(header);
    if (block.kind !== 'L' || block.end !== blocks.size) throw blocks.error(block.position, 'not the one block of lines that belongs here; remove the file and collect the code lines again');
    addLines(blocks, block, count, object, into);
  } finally {
    blocks.close();
  }
}

function readCodeHeader(blocks: BlockReader, block: Block, object: CodeObject): number {
  const { buildId, lines } = parseCodeHeader(blocks, block);
  if (buildId !== object.buildId) throw blocks.error(block.position, `holds code of build ${buildId}, not of ${nameOf(object)}; remove the file and collect the code lines again`);
  return lines;
}

function parseCodeHeader(blocks: BlockReader, block: Block): { buildId: string | null; lines: number } {
  try {
    const header = JSON.parse(block.content.toString()) as { buildId: string | null; lines: number } | null;
    if (header && Number.isInteger(header.lines)) return header;
  } catch {
    // Said below, with the place.
  }
  throw blocks.error(block.position, 'does not say how many lines it holds; remove the file and collect the code lines again');
}

function addLines(blocks: BlockReader, block: Block, count: number, object: CodeObject, into: CodeLines): void {
  const codeAt = block.content.length - count * LINE_BYTES;
  const source = new ByteSource(block.content.subarray(0, Math.max(0, codeAt)));
  try {
    for (let i = 0, number = -1; i < count; i++) {
      number += source.unsigned() + 1;
      into.add(object, number, block.content.subarray(codeAt + i * LINE_BYTES, codeAt + (i + 1) * LINE_BYTES));
    }
  } catch (error) {
    throw blocks.error(block.position, `${(error as Error).message}; remove the file and collect the code lines again`);
  }
  if (!source.isAtEnd) throw blocks.error(block.position, `more than the ${count} lines promised; remove the file and collect the code lines again`);
}

const CODE_MAGIC = 'SWCODE ';

function codeFile(recordingDir: string, object: CodeObject): string {
  return path.join(recordingDir, CODE_FOLDER, `${keyOf(object)}.code`);
}

/** The build id, or for objects without one the name, as a file name. */
function keyOf({ object, buildId }: CodeObject): string {
  return buildId ?? object.replace(/[^\w.+-]/g, '');
}

function nameOf({ object, buildId }: CodeObject): string {
  return buildId ? `${object} (build ${buildId})` : object;
}

function openSource(object: CodeObject, source: CodeSource | undefined): (address: number, length: number) => Uint8Array {
  if (source === undefined) throw new Error(`no file is given for the code of ${nameOf(object)}; give its path or bytes`);
  if (typeof source !== 'string') return (address, length) => filled([{ address: 0, bytes: source }], address, length);
  const buildId = readBuildId(source);
  if (buildId !== object.buildId) throw new Error(`${source} has build id ${buildId}, but the trace executed ${nameOf(object)}; give the file that was traced`);
  const { segments, bytes } = readElf(source);
  const code = codeSegments(segments).map(({ address, offset, fileSize }) => ({ address, bytes: bytes.subarray(offset, offset + fileSize) }));
  return (address, length) => filled(code, address, length);
}

/** Bytes at an address of whichever parts reach there. */
function filled(parts: readonly { address: number; bytes: Uint8Array }[], address: number, length: number): Uint8Array {
  const out = new Uint8Array(length);
  for (const part of parts) {
    const from = Math.max(address, part.address);
    const to = Math.min(address + length, part.address + part.bytes.length);
    if (from < to) out.set(part.bytes.subarray(from - part.address, to - part.address), from - address);
  }
  return out;
}
