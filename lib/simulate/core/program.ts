/** A trace in memory, as cores replay it: read once, replayed any number of times. */
import type { Anchor } from '../../analysis/anchors.js';
import { ComponentReplay, stackEffectOf } from '../../analysis/trace-attribution.js';
import { components, type Component, type Grouping } from '../../paper/components.js';
import { endOf, type End, type RunDecoder } from '../../trace/decode.js';
import type { RequestSpan } from '../../trace/requests.js';
import type { RunTable, Trace } from '../../trace/trace.js';
import { CodeMap, lineBits } from './code-map.js';

/** How a run ends. */
export interface RunEnd {
  end: End;
  /** Where a direct jump, call or conditional branch leads when it is taken; null for other ends. */
  target: number | null;
}

/** Every distinct run of a trace, by id. Addresses are short ones (code-map.ts). */
export interface Program {
  size: number;
  start: Int32Array;
  /** Behind the run's last instruction; names the branch that ends it. */
  end: Int32Array;
  instructions: Uint32Array;
  endKind: Uint8Array;
  /** Where a direct branch leads when it is taken, -1 for other ends. */
  target: Int32Array;
  /** By line: the run defined first of those that begin in it, -1 for none; then by run: the next one of its line. */
  firstRunOfLine: Int32Array;
  nextRunOfLine: Int32Array;
  code: CodeMap;
}

/** A stretch of the sequence without system call or border of requests. */
export interface Segment {
  /** Positions in the sequence: [from, to). */
  from: number;
  to: number;
  /** A system call took place before it. */
  afterCall: boolean;
  /** Which request it belongs to, -1 for none. */
  request: number;
}

/** A trace in memory. */
export interface CoreInput {
  program: Program;
  /** Run ids in order of execution. */
  sequence: Uint32Array;
  /** By position in the sequence: index of its component in `components` of lib/paper/components.ts. */
  component: Uint8Array;
  segments: readonly Segment[];
  /** How many there are. */
  requests: number;
}

export interface PrepareInput {
  trace: Trace;
  /** Whole requests, in order. */
  spans: readonly Pick<RequestSpan, 'start' | 'end'>[];
  decoder: RunDecoder;
  /** Of the program with that build id. */
  anchors: readonly Anchor[];
  buildId: string;
  grouping: Grouping;
}

/**
 * Reads a recorded trace, its code and whom its runs are charged to.
 * @throws Error when the code is not that which was traced, or the trace file is damaged.
 */
export async function prepare({ trace, spans, decoder, anchors, buildId, grouping }: PrepareInput): Promise<CoreInput> {
  const byAddress = new Map(anchors.map((anchor) => [anchor.address, anchor]));
  const replay = new ComponentReplay(trace.runs, (id) => stackEffectOf(decoder.end(id)), trace.header.code, byAddress, buildId, grouping);
  return readProgram({ trace, spans, endOf: (id) => runEnd(decoder, id), componentOf: (id) => replay.regions[replay.step(id)].component as Component });
}

export interface ReadInput extends Pick<PrepareInput, 'trace' | 'spans'> {
  /** Asked once a run. */
  endOf: (id: number) => RunEnd;
  /** Asked for every run executed, in order. */
  componentOf: (id: number) => Component;
}

/** Reads any trace. */
export async function readProgram({ trace, spans, endOf: endOfRun, componentOf }: ReadInput): Promise<CoreInput> {
  const cutter = new Cutter(spans);
  const indices = new Map(components.map((component, index) => [component, index]));
  const sequence: Uint32Array[] = [];
  const component: Uint8Array[] = [];
  for await (const { ids, length, calls } of trace.chunks()) {
    const executed = ids.slice(0, length);
    sequence.push(executed);
    component.push(Uint8Array.from(executed, (id) => indices.get(componentOf(id))!));
    cutter.pass(length, calls.map(({ at }) => at));
  }
  return { program: programOf(trace.runs, endOfRun), sequence: joined(Uint32Array, sequence), component: joined(Uint8Array, component), segments: cutter.finish(), requests: spans.length };
}

function runEnd(decoder: RunDecoder, id: number): RunEnd {
  let found: RunEnd | null = null;
  decoder.eachInstruction(id, (instruction, isLast) => {
    if (!isLast) return;
    const target = Number(instruction.nearBranchTarget);
    found = { end: endOf(instruction), target: target === 0 ? null : target };
  });
  return found!;
}

/** The static facts of the runs of a trace. @param endOfRun asked once a run */
export function programOf({ size, address, bytes, instructions }: RunTable, endOfRun: (id: number) => RunEnd): Program {
  const ends = Array.from({ length: size }, (_, id) => endOfRun(id));
  const code = new CodeMap([...address.subarray(0, size), ...ends.flatMap(({ target }) => target ?? [])]);
  const start = Int32Array.from(address.subarray(0, size), (at) => code.short(at));
  return {
    size, start, code,
    end: start.map((at, id) => at + bytes[id]),
    instructions: instructions.slice(0, size),
    endKind: Uint8Array.from(ends, ({ end }) => end),
    target: Int32Array.from(ends, ({ target }) => (target === null ? -1 : code.short(target))),
    ...runsByLine(start, code),
  };
}

function runsByLine(start: Int32Array, code: CodeMap): Pick<Program, 'firstRunOfLine' | 'nextRunOfLine'> {
  const firstRunOfLine = new Int32Array(code.lines).fill(-1);
  const nextRunOfLine = new Int32Array(start.length);
  // Backwards, so that the run defined first comes first.
  for (let id = start.length - 1; id >= 0; id--) {
    const line = start[id] >> lineBits;
    nextRunOfLine[id] = firstRunOfLine[line];
    firstRunOfLine[line] = id;
  }
  return { firstRunOfLine, nextRunOfLine };
}

const lineShift = lineBits; // read through a getter otherwise, in the CommonJS that runs here

/** A run that begins at an address, -1 when none does. */
export function runAt({ start, firstRunOfLine, nextRunOfLine }: Program, address: number): number {
  let run = firstRunOfLine[address >> lineShift];
  while (run >= 0 && start[run] !== address) run = nextRunOfLine[run];
  return run;
}

/** Cuts a trace at its system calls and at the borders of requests. */
class Cutter {
  private readonly segments: Segment[] = [];
  private readonly borders: number[];
  private readonly requestFrom: Map<number, number>;
  private position = 0;
  private from = 0;
  private afterCall = false;
  private request = -1;
  private nextBorder = 0;

  constructor(spans: ReadInput['spans']) {
    // Where one request ends and another begins, the beginning counts.
    this.requestFrom = new Map([...spans.map(({ end }): [number, number] => [end, -1]), ...spans.map(({ start }, request): [number, number] => [start, request])]);
    this.borders = [...this.requestFrom.keys()].sort((a, b) => a - b);
  }

  /** @param calls after how many of these runs system calls took place */
  pass(length: number, calls: readonly number[]): void {
    for (const at of calls) this.call(this.position + at);
    this.position += length;
  }

  finish(): Segment[] {
    this.crossBorders(this.position);
    this.close(this.position);
    return this.segments;
  }

  private call(at: number): void {
    this.crossBorders(at);
    this.close(at);
    this.afterCall = true;
  }

  private crossBorders(to: number): void {
    for (; this.nextBorder < this.borders.length && this.borders[this.nextBorder] <= to; this.nextBorder++) {
      const border = this.borders[this.nextBorder];
      this.close(border);
      this.request = this.requestFrom.get(border)!;
    }
  }

  private close(at: number): void {
    if (at === this.from) return;
    this.segments.push({ from: this.from, to: at, afterCall: this.afterCall, request: this.request });
    this.from = at;
    this.afterCall = false;
  }
}

function joined<Numbers extends Uint8Array | Uint32Array>(type: new (length: number) => Numbers, parts: Numbers[]): Numbers {
  const whole = new type(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** The whole trace again and again: predictors then meet requests that they have seen before. */
export function repeated(input: CoreInput, times: number): CoreInput {
  const { length } = input.sequence;
  const rounds = Array.from({ length: times }, (_, round) => round);
  return {
    ...input,
    sequence: joined(Uint32Array, rounds.map(() => input.sequence)),
    component: joined(Uint8Array, rounds.map(() => input.component)),
    segments: rounds.flatMap((round) => input.segments.map(({ from, to, afterCall, request }) => ({
      from: from + round * length, to: to + round * length, afterCall, request: request < 0 ? -1 : request + round * input.requests,
    }))),
    requests: times * input.requests,
  };
}
