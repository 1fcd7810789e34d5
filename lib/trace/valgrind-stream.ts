/** Reads what our Valgrind tool `trace` writes (environment/valgrind-tool/trace.c says how), a frame at a time. */
import * as fs from 'node:fs';
import { clockReads } from '../host/system-calls.js';
import type { TraceWriter } from './format.js';

const magic = 'wbtrace1';
const kinds = { runs: 1, stream: 2, end: 3 };
const runBytes = 16;
const wordBytes = 4;
/** Begins and ends a system call; no run has this id. */
const escape = 0xffffffff;
const callWords = 7;

export interface ValgrindStreamTotals {
  /** How often string instructions (rep movs) were repeated beyond the one execution that a trace has of each: callgrind counts every repetition as an instruction. */
  repetitions: number;
}

/**
 * Passes a whole file on to a writer, which the caller finishes or discards.
 * @throws Error naming the file and the byte where it is cut off, damaged or foreign.
 */
export function copyValgrindStream(file: string, writer: TraceWriter): ValgrindStreamTotals {
  const input = new FrameReader(file);
  try {
    const ids: number[] = [];
    for (let words = 0; ; ) {
      const { at, kind, content } = input.next();
      if (kind === kinds.runs) defineRuns(content, writer, ids);
      else if (kind === kinds.stream) words += copyWords(content, writer, ids, (word) => `${file} at byte ${at + wordBytes * word}`);
      else if (kind === kinds.end && content.length === 16) return readEnd(content, file, at, words);
      else throw new Error(`${file} at byte ${at}: a frame of kind ${kind} and ${content.length} bytes, which the tool does not write; record again`);
    }
  } finally {
    input.close();
  }
}

function defineRuns(content: Buffer, writer: TraceWriter, ids: number[]): void {
  for (let at = 0; at + runBytes <= content.length; at += runBytes) {
    ids.push(writer.defineRun(Number(content.readBigUInt64LE(at)), content.readUInt32LE(at + 8), content.readUInt32LE(at + 12)));
  }
}

/** @returns how many words there were. */
function copyWords(content: Buffer, writer: TraceWriter, ids: readonly number[], place: (word: number) => string): number {
  const words = new Uint32Array(content.buffer, content.byteOffset, content.length / wordBytes);
  const executed = new Uint32Array(words.length);
  let length = 0;
  for (let at = 0; at < words.length; ) {
    const id = words[at];
    if (id !== escape) {
      if (id >= ids.length) throw new Error(`${place(at)}: run ${id} of ${ids.length} defined ones; record again`);
      executed[length++] = ids[id];
      at++;
      continue;
    }
    if (at + callWords > words.length || words[at + callWords - 1] !== escape) throw new Error(`${place(at)}: half a system call; record again`);
    const call = words.subarray(at + 1, at + callWords);
    at += callWords;
    if (clockReads.has(call[0])) continue;
    writer.executeMany(executed, length);
    length = 0;
    writer.systemCall(call[0], signed(call[1], call[2]), signed(call[3], call[4]));
  }
  writer.executeMany(executed, length);
  return words.length;
}

/** 64 bits as the halves say; one of those beyond what a number holds exactly becomes the nearest that it does. */
function signed(low: number, high: number): number {
  const limit = 2 ** 52 - 1;
  return Math.max(-limit, Math.min(limit, (high | 0) * 2 ** 32 + low));
}

function readEnd(content: Buffer, file: string, at: number, words: number): ValgrindStreamTotals {
  const [promised, repetitions] = [content.readBigUInt64LE(0), content.readBigUInt64LE(8)].map(Number);
  if (promised !== words) throw new Error(`${file} at byte ${at}: the end mark counts ${promised} words, but there are ${words}; record again`);
  return { repetitions };
}

interface Frame {
  /** Where its content begins in the file. */
  at: number;
  kind: number;
  content: Buffer;
}

class FrameReader {
  private readonly descriptor: number;
  private position = 0;

  constructor(private readonly file: string) {
    this.descriptor = fs.openSync(file, 'r');
    const start = this.read(magic.length).toString('latin1');
    if (start !== magic) {
      this.close();
      throw new Error(`${file} at byte 0: "${start}" is not how a stream of our Valgrind tool begins`);
    }
  }

  next(): Frame {
    const head = this.read(8);
    const [kind, size] = [head.readUInt32LE(0), head.readUInt32LE(4)];
    return { at: this.position, kind, content: this.read(size) };
  }

  close(): void {
    fs.closeSync(this.descriptor);
  }

  private read(size: number): Buffer {
    const left = fs.fstatSync(this.descriptor).size - this.position;
    if (left < size) throw new Error(`${this.file} at byte ${this.position}: ${size} bytes are missing after the ${left} that are there; the recording was cut off`);
    const content = Buffer.from(new ArrayBuffer(size)); // not from the pool: words are read at their alignment
    fs.readSync(this.descriptor, content, 0, size, this.position);
    this.position += size;
    return content;
  }
}
