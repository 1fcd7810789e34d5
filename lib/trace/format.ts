/**
 * The compact file of an instruction trace: streaming writer and reader.
 *
 * The blocks (see blocks.ts for their frame) are one 'H', any number of 'R', one 'E':
 *
 *     H  the TraceHeader as JSON
 *     R  a stretch of the trace: four lengths (32 bit each), then four streams of variable-length numbers (varint.ts):
 *          correct      how many runs in a row were the predicted ones, before each event and before the block's end
 *          events       0 = a new run, 1 = a system call, else 2 + the id of a run that was not the predicted one
 *          definitions  of each new run: address less the end of the run before it (signed), bytes, instructions
 *          calls        of each system call: number, argument (signed), result (signed)
 *     E  runs executed, instructions, system calls and distinct runs (64 bit each), uncompressed: the file's last bytes
 *
 * A run is predicted to be followed by what followed it the last time; A loop, or a request on
 * the path that requests usually take, therefore costs next to nothing. What is remembered goes on from block to block.
 */
import { type Block, BlockReader, BlockWriter, HEAD_BYTES } from './blocks.js';
import type { RunTable, Trace, TraceChunk, TraceHeader } from './trace.js';
import { ByteSink, ByteSource } from './varint.js';

/** What a whole trace holds. */
export interface TraceTotals {
  /** Runs executed. */
  runs: number;
  instructions: number;
  systemCalls: number;
  /** Runs that differ. */
  distinctRuns: number;
}

export interface TraceWriter {
  /**
   * Makes a run known; the same run again gets the same id. Ids are the writer's own: a reader numbers runs in order
   * of first execution.
   * @param address run-time address of the first instruction.
   * @param bytes of code, first to last instruction.
   */
  defineRun(address: number, bytes: number, instructions: number): number;
  execute(id: number): void;
  /** Executes the first `length` of `ids`. */
  executeMany(ids: Uint32Array, length: number): void;
  /** A call that returned here: integers below 2^52, argument and result as the signed numbers they are. */
  systemCall(number: number, argument: number, result: number): void;
  /** Completes the file, which has its name only from now on. */
  finish(): Promise<TraceTotals & { fileBytes: number }>;
  /** Gives up and removes what was written. */
  discard(): void;
}

/** A trace in a file, whose end mark says beforehand what it holds. */
export interface TraceFile extends Trace {
  totals: TraceTotals;
}

const EVENT = { NEW_RUN: 0, SYSTEM_CALL: 1, RUNS: 2 };
/** A block is closed once its streams hold this: some hundred requests, so that compression sees repetition. */
const BLOCK_BYTES = 1 << 20;
/** Correct, events, definitions, calls. */
const STREAMS = 4;
/** Runs a chunk holds at most. */
const CHUNK_RUNS = 1 << 16;
const TOTALS: (keyof TraceTotals)[] = ['runs', 'instructions', 'systemCalls', 'distinctRuns'];
/** Place 0 of every array indexed by "run or none": nothing has been executed yet. */
const NONE = 0;

/**
 * Starts a trace file; it appears under its name when `finish` is called, whole.
 * @throws Error when the file cannot be written; every method throws when the disk is full, and nothing remains then.
 */
export function createTraceWriter(file: string, header: TraceHeader): TraceWriter {
  return new Writer(file, header);
}

/**
 * Opens a trace file for reading.
 * @throws Error naming the file and the position where it is truncated, damaged or foreign.
 */
export function openTrace(file: string): TraceFile {
  return new Reader(file);
}

class Writer implements TraceWriter {
  private readonly blocks: BlockWriter;
  private readonly runs = new GrowingRuns();
  private readonly idByAddress = new Map<number, number[]>();
  /** The file's number of a run, plus 1; 0 until it is executed. */
  private numbers = new Uint32Array(1024);
  /** By number: the number of the run that followed last. */
  private successor = new Uint32Array(1024);
  /** By number: the run's id. */
  private ids = new Uint32Array(1024);
  private distinct = 0;
  private current = NONE;
  private right = 0;
  private readonly correct = new ByteSink();
  private readonly events = new ByteSink();
  private readonly definitions = new ByteSink();
  private readonly calls = new ByteSink();
  private executed = 0;
  private instructions = 0;
  private systemCalls = 0;
  private isFinished = false;

  constructor(file: string, header: TraceHeader) {
    this.blocks = new BlockWriter(file, 'SWTRACE');
    this.blocks.append('H', Buffer.from(JSON.stringify(header)));
  }

  defineRun(address: number, bytes: number, instructions: number): number {
    const there = this.idByAddress.get(address) ?? [];
    const known = there.find((id) => this.runs.bytes[id] === bytes && this.runs.instructions[id] === instructions);
    if (known !== undefined) return known;
    checkRun(address, bytes, instructions);
    const id = this.runs.add(address, bytes, instructions);
    this.idByAddress.set(address, [...there, id]);
    if (id >= this.numbers.length) this.numbers = doubled(this.numbers);
    return id;
  }

  execute(id: number): void {
    if (this.isFinished) throw new Error('this trace is finished; create a new writer for another');
    if (!(id >= 0 && id < this.runs.size)) throw new Error(`run ${id} was never defined (${this.runs.size} are); call defineRun first`);
    this.step(id);
  }

  executeMany(ids: Uint32Array, length: number): void {
    for (let i = 0; i < length; i++) this.execute(ids[i]);
  }

  systemCall(number: number, argument: number, result: number): void {
    if (this.isFinished) throw new Error('this trace is finished; create a new writer for another');
    if (number < 0 || ![number, argument, result].every((value) => Number.isInteger(value) && Math.abs(value) < 2 ** 52)) {
      throw new Error(`system call ${number}(${argument}) = ${result}: not integers below 2^52; pass arguments and results as signed numbers`);
    }
    this.event(EVENT.SYSTEM_CALL);
    this.calls.unsigned(number);
    this.calls.signed(argument);
    this.calls.signed(result);
    this.systemCalls++;
    if (this.calls.length >= BLOCK_BYTES) this.closeBlock();
  }

  async finish(): Promise<TraceTotals & { fileBytes: number }> {
    if (this.isFinished) throw new Error('this trace is finished already');
    this.isFinished = true;
    this.closeBlock();
    const totals = { runs: this.executed, instructions: this.instructions, systemCalls: this.systemCalls, distinctRuns: this.distinct };
    this.blocks.append('E', packTotals(totals), 'none');
    return { ...totals, fileBytes: this.blocks.finish() };
  }

  discard(): void {
    this.isFinished = true;
    this.blocks.discard();
  }

  private step(id: number): void {
    const number = this.numbers[id];
    this.executed++;
    this.instructions += this.runs.instructions[id];
    if (number !== NONE && this.successor[this.current] === number) {
      this.right++;
      this.current = number;
      return;
    }
    this.surprise(id, number);
  }

  /** A run that was not predicted. */
  private surprise(id: number, known: number): void {
    const number = known === NONE ? this.introduce(id) : known;
    if (known !== NONE) this.event(EVENT.RUNS + known - 1);
    this.successor[this.current] = number;
    this.current = number;
    if (this.events.length >= BLOCK_BYTES) this.closeBlock();
  }

  private introduce(id: number): number {
    const { address, bytes, instructions } = this.runs;
    const before = this.current === NONE ? -1 : this.ids[this.current];
    this.event(EVENT.NEW_RUN);
    this.definitions.signed(address[id] - (before < 0 ? 0 : address[before] + bytes[before]));
    this.definitions.unsigned(bytes[id]);
    this.definitions.unsigned(instructions[id]);
    const number = ++this.distinct;
    if (number >= this.successor.length) {
      this.successor = doubled(this.successor);
      this.ids = doubled(this.ids);
    }
    this.ids[number] = id;
    this.numbers[id] = number;
    return number;
  }

  private event(event: number): void {
    this.correct.unsigned(this.right);
    this.right = 0;
    this.events.unsigned(event);
  }

  private closeBlock(): void {
    this.correct.unsigned(this.right);
    this.right = 0;
    const streams = [this.correct, this.events, this.definitions, this.calls];
    this.blocks.append('R', Buffer.concat([packLengths(streams), ...streams.map((stream) => stream.view())]));
    for (const stream of streams) stream.length = 0;
  }
}

class Reader implements TraceFile {
  readonly header: TraceHeader;
  readonly totals: TraceTotals;
  readonly runs = new GrowingRuns();

  constructor(private readonly file: string) {
    const blocks = new BlockReader(file, 'SWTRACE');
    try {
      this.header = readHeader(blocks, blocks.first());
      this.totals = readTotals(blocks);
    } finally {
      blocks.close();
    }
  }

  async *chunks(): AsyncGenerator<TraceChunk> {
    const blocks = new BlockReader(this.file, 'SWTRACE');
    try {
      const decoder = new Decoder(this.runs);
      let block = blocks.after(blocks.first());
      for (; block.kind === 'R'; block = blocks.after(block)) yield* decodeBlock(decoder, blocks, block);
      checkEnd(blocks, block, this.totals, decoder);
    } finally {
      blocks.close();
    }
  }
}

function* decodeBlock(decoder: Decoder, blocks: BlockReader, block: Block): Generator<TraceChunk> {
  const sensibly = <T>(step: () => T): T => {
    try {
      return step();
    } catch (error) {
      throw blocks.error(block.position, `the block makes no sense (${(error as Error).message}); record the trace anew`);
    }
  };
  sensibly(() => decoder.begin(unpackStreams(block.content)));
  for (let more = true; more; ) {
    more = sensibly(() => decoder.fill());
    if (decoder.chunk.length > 0 || decoder.chunk.calls.length > 0) yield decoder.chunk;
  }
}

/** Follows the predictor through the blocks of one pass. */
class Decoder {
  readonly chunk: TraceChunk = { ids: new Uint32Array(CHUNK_RUNS), length: 0, calls: [] };
  readonly seen: TraceTotals = { runs: 0, instructions: 0, systemCalls: 0, distinctRuns: 0 };
  private successor = new Uint32Array(1024);
  private current = NONE;
  /** Predicted runs still to give out. */
  private right = 0;
  private streams: ByteSource[] = [];

  constructor(private readonly runs: GrowingRuns) {}

  begin(streams: ByteSource[]): void {
    this.streams = streams;
    this.right = streams[0].unsigned();
  }

  /** Fills the chunk anew. @returns whether the block goes on. */
  fill(): boolean {
    const { chunk } = this;
    const [correct, events] = this.streams;
    chunk.length = 0;
    chunk.calls = [];
    while (true) {
      this.follow();
      if (chunk.length === CHUNK_RUNS || events.isAtEnd) break;
      this.happen(events.unsigned());
      this.right = correct.unsigned();
    }
    this.seen.runs += chunk.length;
    this.seen.systemCalls += chunk.calls.length;
    const goesOn = this.right > 0 || !events.isAtEnd;
    if (!goesOn && this.streams.some((stream) => !stream.isAtEnd)) throw new Error('its streams end at different events');
    return goesOn;
  }

  /** Gives out predicted runs, as far as the chunk has room. */
  private follow(): void {
    const { ids, length } = this.chunk;
    const { successor } = this;
    const { instructions } = this.runs;
    const end = length + Math.min(this.right, CHUNK_RUNS - length);
    let { current } = this;
    let sum = 0;
    for (let at = length; at < end; at++) {
      current = successor[current];
      if (current === NONE) throw new Error('a run is predicted that never followed');
      ids[at] = current - 1;
      sum += instructions[current - 1];
    }
    this.current = current;
    this.right -= end - length;
    this.chunk.length = end;
    this.seen.instructions += sum;
  }

  private happen(event: number): void {
    if (event === EVENT.SYSTEM_CALL) return this.call();
    const id = event === EVENT.NEW_RUN ? this.introduce() : event - EVENT.RUNS;
    if (id >= this.seen.distinctRuns) throw new Error(`run ${id} is executed, but only ${this.seen.distinctRuns} are defined`);
    this.successor[this.current] = id + 1;
    this.current = id + 1;
    this.chunk.ids[this.chunk.length++] = id;
    this.seen.instructions += this.runs.instructions[id];
  }

  private call(): void {
    const calls = this.streams[3];
    const [number, argument, result] = [calls.unsigned(), calls.signed(), calls.signed()];
    this.chunk.calls.push({ at: this.chunk.length, number, argument, result });
  }

  private introduce(): number {
    const definitions = this.streams[2];
    const { address, bytes } = this.runs;
    const before = this.current - 1;
    const start = definitions.signed() + (before < 0 ? 0 : address[before] + bytes[before]);
    const [length, instructions] = [definitions.unsigned(), definitions.unsigned()];
    checkRun(start, length, instructions);
    const id = this.seen.distinctRuns++;
    // A second pass meets the runs that the first has added.
    if (id === this.runs.size) this.runs.add(start, length, instructions);
    if (id + 1 >= this.successor.length) this.successor = doubled(this.successor);
    return id;
  }
}

/** A run table that grows by doubling. */
class GrowingRuns implements RunTable {
  size = 0;
  address = new Float64Array(1024);
  bytes = new Uint32Array(1024);
  instructions = new Uint32Array(1024);

  add(address: number, bytes: number, instructions: number): number {
    if (this.size === this.address.length) {
      this.address = doubled(this.address);
      this.bytes = doubled(this.bytes);
      this.instructions = doubled(this.instructions);
    }
    this.address[this.size] = address;
    this.bytes[this.size] = bytes;
    this.instructions[this.size] = instructions;
    return this.size++;
  }
}

function doubled<T extends Uint32Array | Float64Array>(array: T): T {
  const larger = new (array.constructor as new (length: number) => T)(2 * array.length);
  larger.set(array);
  return larger;
}

/** x86 instructions have 1 to 15 bytes, and addresses of user code 47 bits. */
function checkRun(address: number, bytes: number, instructions: number): void {
  const isRun = Number.isInteger(address) && address >= 0 && address + bytes <= 2 ** 48 && Number.isInteger(instructions) && Number.isInteger(bytes);
  if (!isRun || instructions < 1 || bytes < instructions || bytes > 15 * instructions) {
    throw new Error(`run of ${instructions} instructions and ${bytes} bytes at ${address}: not possible on x86-64`);
  }
}

function packLengths(streams: ByteSink[]): Buffer {
  const lengths = Buffer.alloc(4 * streams.length);
  streams.forEach((stream, i) => lengths.writeUInt32LE(stream.length, 4 * i));
  return lengths;
}

/** @throws Error when the lengths do not add up. */
function unpackStreams(content: Buffer): ByteSource[] {
  const streams: ByteSource[] = [];
  let at = 4 * STREAMS;
  for (let i = 0; i < STREAMS; i++) {
    const length = content.readUInt32LE(4 * i);
    streams.push(new ByteSource(content.subarray(at, at + length)));
    at += length;
  }
  if (at !== content.length) throw new Error(`its streams have ${at} bytes of ${content.length}`);
  return streams;
}

function packTotals(totals: TraceTotals): Buffer {
  const bytes = Buffer.alloc(8 * TOTALS.length);
  TOTALS.forEach((name, i) => bytes.writeBigUInt64LE(BigInt(totals[name]), 8 * i));
  return bytes;
}

function unpackTotals(bytes: Buffer): TraceTotals {
  const [runs, instructions, systemCalls, distinctRuns] = TOTALS.map((_, i) => Number(bytes.readBigUInt64LE(8 * i)));
  return { runs, instructions, systemCalls, distinctRuns };
}

function readHeader(blocks: BlockReader, block: Block): TraceHeader {
  if (block.kind !== 'H') throw blocks.error(block.position, `block '${block.kind}' where the header belongs; record the trace anew`);
  try {
    const header = JSON.parse(block.content.toString()) as Partial<TraceHeader>;
    if (header.format === 1 && Array.isArray(header.code) && Array.isArray(header.clientDescriptors)) return header as TraceHeader;
  } catch {
    // Said below, with the place.
  }
  throw blocks.error(block.position, 'the header is no JSON with format 1, code and clientDescriptors; record the trace anew');
}

/** Totals before the trace was read: without the end mark in its place the file is not whole. */
function readTotals(blocks: BlockReader): TraceTotals {
  const mark = blocks.tail(HEAD_BYTES + 8 * TOTALS.length);
  const isMark = mark.length === HEAD_BYTES + 8 * TOTALS.length && mark.toString('latin1', 0, 1) === 'E' && mark.readUInt32LE(1) === 8 * TOTALS.length;
  if (!isMark) throw blocks.error(blocks.size, `the trace ends here without its end mark, so it is cut off; copy it again or record it anew`);
  return unpackTotals(mark.subarray(HEAD_BYTES));
}

function checkEnd(blocks: BlockReader, block: Block, totals: TraceTotals, decoder: Decoder): void {
  if (block.kind !== 'E') throw blocks.error(block.position, `block of unknown kind '${block.kind}'; use the version that wrote it`);
  if (block.end !== blocks.size) throw blocks.error(block.end, `${blocks.size - block.end} bytes follow the end mark; copy the trace again`);
  const wrong = TOTALS.find((name) => decoder.seen[name] !== totals[name]);
  if (wrong) throw blocks.error(block.position, `the end mark promises ${totals[wrong]} ${wrong}, but ${decoder.seen[wrong]} were read; record the trace anew`);
}
