/**
 * A trace as the pages, or the 64-byte lines, that its code goes through: what TLBs and caches are simulated on.
 *
 * Only changes are recorded: a unit (page or line) that is left and entered again has two records, one in which the
 * code stays has one. Repeating a hit changes neither what LRU nor FIFO, random or tree-PLRU will evict, so the misses
 * are those of every single instruction. After a system call, and where a request begins or ends, recording starts
 * anew, so that simulations may empty their state there.
 */
import type { Trace, TraceChunk, RunTable } from '../trace/trace.js';

/** Runs [start, end) of a trace, counted from its beginning; e.g. the spans that lib/trace/requests.ts finds. */
export interface RunInterval {
  start: number;
  end: number;
}

/** From here on the code belongs to this request; to none when it is -1. */
export interface RequestBorder {
  /** Records of the chunk before it. */
  at: number;
  request: number;
}

export interface TransitionChunk {
  /** Ids of the units entered, in order; 32 bits once there are more than 65,536. */
  ids: Uint16Array | Uint32Array;
  /** Where system calls took place: after so many records of the chunk. Ascending. */
  calls: Uint32Array;
  borders: RequestBorder[];
}

/** Units by id, in order of first touch; grows while a trace is read. The array may be longer than `size`. */
export interface UnitTable {
  /** Size of a unit: 4096 for pages, 64 for cache lines. */
  unitBytes: number;
  size: number;
  /** Address divided by `unitBytes`. */
  numbers: Float64Array;
}

/** A whole trace in memory: two bytes a record as long as there are at most 65,536 units. */
export interface Transitions {
  units: UnitTable;
  chunks: TransitionChunk[];
}

/** Number of records, as simulations count accesses. */
export function recordCount({ chunks }: Transitions): number {
  return chunks.reduce((sum, { ids }) => sum + ids.length, 0);
}

/** How often each unit is entered, by id. */
export function accessesOf({ units, chunks }: Transitions): Uint32Array {
  const accesses = new Uint32Array(units.size);
  for (const { ids } of chunks) for (let i = 0; i < ids.length; i++) accesses[ids[i]]++;
  return accesses;
}

/** Transitions as they stream; memory does not grow with the trace's length. */
export class TransitionStream {
  readonly units: UnitTable;
  private readonly builder: TransitionBuilder;

  /**
   * @param unitBytes size of a page or line
   * @param requests ascending and disjoint; none leaves all code in no request
   */
  constructor(private readonly trace: Trace, unitBytes: number, requests: readonly RunInterval[] = []) {
    this.builder = new TransitionBuilder(unitBytes, requests);
    this.units = this.builder.units;
  }

  /** @throws Error of the trace's own when it is damaged. */
  async *chunks(): AsyncIterable<TransitionChunk> {
    for await (const chunk of this.trace.chunks()) yield this.builder.add(this.trace.runs, chunk);
  }
}

/**
 * Reads a trace once into transitions of one or several unit sizes, e.g. `[4096, 64]`.
 * @returns in the order of `unitBytes`
 */
export async function readTransitions(trace: Trace, unitBytes: readonly number[], requests: readonly RunInterval[] = []): Promise<Transitions[]> {
  const builders = unitBytes.map((bytes) => new TransitionBuilder(bytes, requests));
  const read = builders.map(({ units }): Transitions => ({ units, chunks: [] }));
  for await (const chunk of trace.chunks()) builders.forEach((builder, i) => read[i].chunks.push(builder.add(trace.runs, chunk)));
  return read;
}

/**
 * The same transitions through other units: lines seen as the pages they lie in, or code laid out anew.
 * @param numberOf number of the new unit that a unit lies in, by its old id
 */
export function regroup({ units, chunks }: Transitions, unitBytes: number, numberOf: (id: number) => number): Transitions {
  const table = new GrowingUnits(unitBytes);
  const newId = Uint32Array.from({ length: units.size }, (_, id) => table.idOf(numberOf(id)));
  return { units: table, chunks: chunks.map((chunk) => regroupChunk(chunk, newId, table.size)) };
}

function regroupChunk(chunk: TransitionChunk, newId: Uint32Array, unitCount: number): TransitionChunk {
  const out = new Uint32Array(chunk.ids.length);
  const calls: number[] = [];
  const borders: RequestBorder[] = [];
  let size = 0;
  // Begins anew in each segment and chunk; an extra record of the same unit hits.
  for (const segment of segmentsOf(chunk)) {
    if (segment.afterCall) calls.push(size);
    if (segment.border !== null) borders.push({ at: size, request: segment.border });
    for (let i = segment.from, last = -1; i < segment.to; i++) {
      const id = newId[chunk.ids[i]];
      if (id !== last) out[size++] = last = id;
    }
  }
  return { ids: compact(out, size, unitCount), calls: Uint32Array.from(calls), borders };
}

/** Records [from, to) of a chunk between two system calls or borders. */
export interface Segment {
  from: number;
  to: number;
  /** One system call or more took place before it. */
  afterCall: boolean;
  /** The request that begins here, -1 where one ends, null where neither. */
  border: number | null;
}

/** A chunk cut at its system calls and request borders; empty segments are those between two of them. */
export function segmentsOf({ ids, calls, borders }: TransitionChunk): Segment[] {
  const segments: Segment[] = [];
  let call = 0;
  let border = 0;
  for (let from = 0; ;) {
    const segment: Segment = { from, to: ids.length, afterCall: false, border: null };
    for (; call < calls.length && calls[call] === from; call++) segment.afterCall = true;
    for (; border < borders.length && borders[border].at === from; border++) segment.border = borders[border].request;
    segment.to = Math.min(calls[call] ?? ids.length, borders[border]?.at ?? ids.length);
    segments.push(segment);
    if (segment.to === ids.length && call === calls.length && border === borders.length) return segments;
    from = segment.to;
  }
}

class GrowingUnits implements UnitTable {
  size = 0;
  numbers = new Float64Array(1024);
  private readonly ids = new Map<number, number>();

  constructor(readonly unitBytes: number) {}

  idOf(number: number): number {
    const known = this.ids.get(number);
    if (known !== undefined) return known;
    if (this.size === this.numbers.length) this.numbers = enlarged(this.numbers, this.size + 1);
    this.numbers[this.size] = number;
    this.ids.set(number, this.size);
    return this.size++;
  }
}

/** In `unitOfRun`: not executed yet; more than one unit. */
const unknown = -1;
const several = -2;

class TransitionBuilder {
  readonly units: GrowingUnits;
  /** By run id: its unit, where it has only one. */
  private unitOfRun = new Int32Array(0);
  private readonly unitsOfRun = new Map<number, Uint32Array>();
  private out = new Uint32Array(1024);
  private size = 0;
  private last = -1;
  private runsBefore = 0;
  private readonly starts: { run: number; request: number }[];
  private nextStart = 0;

  constructor(unitBytes: number, requests: readonly RunInterval[]) {
    if (!(unitBytes > 0)) throw new Error(`a unit of ${unitBytes} bytes asked for; give 4096 for pages, 64 for lines`);
    this.units = new GrowingUnits(unitBytes);
    this.starts = requestStarts(requests);
  }

  add(runs: RunTable, chunk: TraceChunk): TransitionChunk {
    this.size = 0;
    this.learnRuns(runs);
    const calls = new Uint32Array(chunk.calls.length);
    const borders: RequestBorder[] = [];
    let done = 0;
    const upTo = (run: number) => {
      this.execute(runs, chunk.ids, done, run);
      done = run;
      this.last = -1;
    };
    for (let call = 0; ;) {
      const callAt = chunk.calls[call]?.at ?? Infinity;
      const startAt = (this.starts[this.nextStart]?.run ?? Infinity) - this.runsBefore;
      // A border at the very end belongs to the next chunk.
      if (callAt > chunk.length && startAt >= chunk.length) break;
      upTo(Math.min(callAt, startAt));
      if (callAt <= startAt) calls[call++] = this.size;
      else borders.push({ at: this.size, request: this.starts[this.nextStart++].request });
    }
    this.execute(runs, chunk.ids, done, chunk.length);
    this.runsBefore += chunk.length;
    return { ids: compact(this.out, this.size, this.units.size), calls, borders };
  }

  private learnRuns({ size }: RunTable): void {
    if (size <= this.unitOfRun.length) return;
    const known = this.unitOfRun;
    this.unitOfRun = new Int32Array(Math.max(size, 2 * known.length)).fill(unknown);
    this.unitOfRun.set(known);
  }

  private execute(runs: RunTable, ids: Uint32Array, from: number, to: number): void {
    this.reserve(to - from);
    const { unitOfRun } = this;
    let { out, size, last } = this;
    for (let i = from; i < to; i++) {
      const run = ids[i];
      const unit = unitOfRun[run];
      if (unit >= 0) {
        if (unit !== last) out[size++] = last = unit;
        continue;
      }
      const passed = this.unitsOf(runs, run);
      this.size = size;
      this.reserve(to - i + passed.length);
      out = this.out;
      for (const each of passed) if (each !== last) out[size++] = last = each;
    }
    this.size = size;
    this.last = last;
  }

  private unitsOf(runs: RunTable, run: number): Uint32Array {
    const known = this.unitsOfRun.get(run);
    if (known) return known;
    const { unitBytes } = this.units;
    const first = Math.floor(runs.address[run] / unitBytes);
    const last = Math.floor((runs.address[run] + runs.bytes[run] - 1) / unitBytes);
    const passed = Uint32Array.from({ length: last - first + 1 }, (_, i) => this.units.idOf(first + i));
    if (passed.length === 1) this.unitOfRun[run] = passed[0];
    else {
      this.unitOfRun[run] = several;
      this.unitsOfRun.set(run, passed);
    }
    return passed;
  }

  private reserve(records: number): void {
    if (this.size + records > this.out.length) this.out = enlarged(this.out, this.size + records);
  }
}

/** Borders in order; one where a request follows another at once. */
function requestStarts(requests: readonly RunInterval[]): { run: number; request: number }[] {
  const starts: { run: number; request: number }[] = [];
  requests.forEach(({ start, end }, request) => {
    const before = starts[starts.length - 1];
    if (end < start || (before && before.run > start)) throw new Error(`request ${request} is runs ${start} to ${end}; give requests in order, none within another`);
    if (before?.run === start) starts.pop();
    starts.push({ run: start, request }, { run: end, request: -1 });
  });
  return starts;
}

function compact(out: Uint32Array, size: number, unitCount: number): Uint16Array | Uint32Array {
  return unitCount <= 0x10000 ? new Uint16Array(out.subarray(0, size)) : out.slice(0, size);
}

/** A copy with room for at least so many numbers, and for twice as many as before. */
export function enlarged<Numbers extends Int32Array | Uint32Array | Float64Array>(numbers: Numbers, least: number): Numbers {
  const larger = new (numbers.constructor as new (length: number) => Numbers)(Math.max(least, 2 * numbers.length));
  larger.set(numbers);
  return larger;
}
