/**
 * A file of checksummed blocks, so that a damaged or cut file is found wherever the damage lies.
 *
 * Layout, numbers little-endian:
 *
 *     magic      7 letters (SWTRACE: an instruction trace; SWCODE and a space: code lines), 1 byte version
 *     block      kind          1 byte, a letter
 *                stored bytes  4
 *                content bytes 4, before compression
 *                check         4, CRC-32 of the stored bytes
 *                head check    4, CRC-32 of the 13 bytes before it, seeded with the head check of the block before
 *                              (of the magic, for the first block)
 *                stored        the content through brotli, or as it is where that is no smaller (both lengths equal)
 *     block ...
 *
 * Seeding each head with the one before ties a block to its place: one left out, repeated or taken from another
 * file does not fit. A CRC-32 finds every change within 32 bits in a row, and others but for one in 2^32.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import * as zlib from 'node:zlib';
import { explainDiskFull } from '../store/disk-full.js';
import { draftPath } from '../store/draft.js';

const FORMAT_VERSION = 1;
/** The first seven letters of a file say what it is. */
export type Magic = 'SWTRACE' | 'SWCODE ';
const CONTENTS: Record<Magic, string> = { SWTRACE: 'instruction trace', 'SWCODE ': 'file of code lines' };
const MAGIC_BYTES = 8;
export const HEAD_BYTES = 17;
/** No block is ever larger; a length above it is damage, found before memory is asked for. */
const MAX_CONTENT_BYTES = 1 << 26;
/** Of brotli's 0 to 11: beyond 6 traces shrink by a few percent while recording slows several times. */
const QUALITY = { fast: 6, smallest: 11 };

export interface Block {
  kind: string;
  content: Buffer;
  /** Where in the file the block begins. */
  position: number;
  /** Where the next begins. */
  end: number;
  /** Seeds the next block's head. */
  seal: number;
}

/** Writes blocks to a draft, which takes its name when finished. */
export class BlockWriter {
  private readonly draft: string;
  private descriptor: number;
  private seal: number;
  private position = 0;

  /** @param draftDir where unfinished files are looked for, when that is not the file's own folder. */
  constructor(private readonly file: string, magicWord: Magic, draftDir = path.dirname(file)) {
    this.draft = draftPath(draftDir, path.basename(file));
    fs.mkdirSync(path.dirname(file), { recursive: true });
    this.descriptor = fs.openSync(this.draft, 'w');
    const magic = magicOf(magicWord);
    this.seal = zlib.crc32(magic);
    this.write(magic);
  }

  /** @throws Error when the disk is full; the draft is gone then. */
  append(kind: string, content: Uint8Array, compression: keyof typeof QUALITY | 'none' = 'fast'): void {
    const smaller = compression === 'none' ? content : brotli(content, QUALITY[compression]);
    const stored = smaller.length < content.length ? smaller : content;
    const head = Buffer.alloc(HEAD_BYTES);
    head.write(kind, 0, 'latin1');
    head.writeUInt32LE(stored.length, 1);
    head.writeUInt32LE(content.length, 5);
    head.writeUInt32LE(zlib.crc32(stored), 9);
    this.seal = zlib.crc32(head.subarray(0, 13), this.seal);
    head.writeUInt32LE(this.seal, 13);
    this.write(head);
    this.write(stored);
  }

  /** Gives the file its name. @returns its bytes. */
  finish(): number {
    try {
      fs.closeSync(this.descriptor);
      this.descriptor = -1;
      fs.renameSync(this.draft, this.file);
    } catch (error) {
      this.discard();
      throw explainDiskFull(error, path.dirname(this.file));
    }
    return this.position;
  }

  discard(): void {
    if (this.descriptor >= 0) fs.closeSync(this.descriptor);
    this.descriptor = -1;
    fs.rmSync(this.draft, { force: true });
  }

  private write(bytes: Uint8Array): void {
    try {
      for (let at = 0; at < bytes.length; ) at += fs.writeSync(this.descriptor, bytes, at);
      this.position += bytes.length;
    } catch (error) {
      this.discard();
      throw explainDiskFull(error, path.dirname(this.file));
    }
  }
}

/** Reads the blocks of a file, each checked before anything of it is used. */
export class BlockReader {
  private readonly descriptor: number;
  readonly size: number;

  /** @throws Error when the file does not begin as one of ours. */
  constructor(readonly file: string, private readonly magic: Magic) {
    this.descriptor = fs.openSync(file, 'r');
    this.size = fs.fstatSync(this.descriptor).size;
    try {
      this.checkMagic();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** The first block. */
  first(): Block {
    return this.at(MAGIC_BYTES, zlib.crc32(magicOf(this.magic)));
  }

  after(block: Block): Block {
    return this.at(block.end, block.seal);
  }

  /** The last `bytes` of the file. */
  tail(bytes: number): Buffer {
    return this.read(Math.max(0, this.size - bytes), Math.min(bytes, this.size));
  }

  close(): void {
    fs.closeSync(this.descriptor);
  }

  /** An error that names the file and the place. */
  error(position: number, problem: string): Error {
    return new Error(`${this.file}: byte ${position}: ${problem}`);
  }

  private at(position: number, seed: number): Block {
    const head = this.read(position, HEAD_BYTES);
    const seal = zlib.crc32(head.subarray(0, 13), seed);
    const [storedBytes, contentBytes] = [head.readUInt32LE(1), head.readUInt32LE(5)];
    if (seal !== head.readUInt32LE(13) || Math.max(storedBytes, contentBytes) > MAX_CONTENT_BYTES) {
      throw this.error(position, 'damaged, or not the block that belongs here; copy the file again or record it anew');
    }
    const stored = this.read(position + HEAD_BYTES, storedBytes);
    if (zlib.crc32(stored) !== head.readUInt32LE(9)) {
      throw this.error(position + HEAD_BYTES, `the ${storedBytes} bytes from here are damaged; copy the file again or record it anew`);
    }
    const content = storedBytes === contentBytes ? stored : this.unpack(stored, contentBytes, position);
    return { kind: head.toString('latin1', 0, 1), content, position, end: position + HEAD_BYTES + storedBytes, seal };
  }

  private unpack(stored: Buffer, contentBytes: number, position: number): Buffer {
    try {
      const content = zlib.brotliDecompressSync(stored, { maxOutputLength: Math.max(1, contentBytes) });
      if (content.length === contentBytes) return content;
    } catch {
      // Said below, with the place.
    }
    throw this.error(position, `does not unpack to the ${contentBytes} bytes it promises; record it anew`);
  }

  private read(position: number, length: number): Buffer {
    if (position + length > this.size) {
      throw this.error(this.size, `the file is cut off here (${position + length - this.size} bytes or more are missing); copy it again or record it anew`);
    }
    const bytes = Buffer.allocUnsafe(length);
    for (let at = 0; at < length; ) {
      const got = fs.readSync(this.descriptor, bytes, at, length - at, position + at);
      if (got === 0) throw this.error(position + at, 'the file became shorter while it was read; read it again');
      at += got;
    }
    return bytes;
  }

  private checkMagic(): void {
    if (this.size === 0) throw this.error(0, 'the file is empty; copy it again or record it anew');
    const start = this.read(0, Math.min(MAGIC_BYTES, this.size)).toString('latin1');
    const wanted = this.magic.slice(0, start.length);
    if (!start.startsWith(wanted)) {
      throw this.error(0, `no ${CONTENTS[this.magic]} (begins with ${JSON.stringify(start)} instead of "${this.magic}"); give a file that this workbench wrote`);
    }
    const version = this.read(0, MAGIC_BYTES)[MAGIC_BYTES - 1];
    if (version !== FORMAT_VERSION) {
      throw this.error(MAGIC_BYTES - 1, `format ${version}, but this version reads format ${FORMAT_VERSION}; use the version that wrote it or record it anew`);
    }
  }
}

function magicOf(magic: Magic): Buffer {
  return Buffer.concat([Buffer.from(magic, 'latin1'), Buffer.from([FORMAT_VERSION])]);
}

function brotli(content: Uint8Array, quality: number): Buffer {
  const { BROTLI_PARAM_QUALITY, BROTLI_PARAM_SIZE_HINT } = zlib.constants;
  return zlib.brotliCompressSync(content, { params: { [BROTLI_PARAM_QUALITY]: quality, [BROTLI_PARAM_SIZE_HINT]: content.length } });
}
