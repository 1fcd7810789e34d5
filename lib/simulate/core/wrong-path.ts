/**
 * What a core fetches after a wrong prediction, until it knows better. The lines go through the same caches and TLBs as
 * those of the right path, from the wrongly predicted address on: they evict lines that are needed, and now and then
 * bring in one that will be. The path follows taken branches that the target buffer knows, conditional ones as the base
 * predictor says (their history is not known there), calls and returns in a copy of the return stack; code that was
 * never executed is passed in a straight line. It stalls at misses as the right path does, and its predictor runs ahead
 * as far. It is as long as a misprediction costs in the front end: what a branch that waits for its data lets pass
 * beyond that is missed.
 */
import { End } from '../../trace/decode.js';
import { lineBits, pageLineBits } from './code-map.js';
import { wrongPath, type CodeMemory } from './code-memory.js';
import { FetchQueue } from './fetch-queue.js';
import { predictedBytes, type CoreParameters } from './parameters.js';
import { runAt, type Program } from './program.js';
import type { ReturnStack } from './return-stack.js';
import type { Tage } from './tage.js';
import type { TargetBuffer } from './target-buffer.js';

const nowhere = -1;
// Imported names are read through getters in the CommonJS that runs here: too slow for every run.
const kinds = End;
const asker = wrongPath;
const [lineShift, pageShift, window] = [lineBits, pageLineBits, predictedBytes];
const callsFollowed = 16;

export class WrongPath {
  private readonly queue: FetchQueue;
  private readonly hasRunAhead: boolean;
  /** Return addresses of calls on this path, and how many of those before it have been used. */
  private readonly calls = new Int32Array(callsFollowed);
  private depth = 0;
  private pops = 0;
  private line = nowhere;
  private page = nowhere;
  /** When fetch can take the next line, when the predictor names the present run, and when all ends. */
  private fetchTime = 0;
  private predictTime = 0;
  private until = 0;

  constructor(
    private readonly program: Program,
    private readonly core: CoreParameters,
    private readonly targets: TargetBuffer,
    private readonly direction: Tage,
    private readonly returns: ReturnStack,
  ) {
    this.queue = new FetchQueue(core.runAhead);
    this.hasRunAhead = core.runAhead > 0;
  }

  /** Fetches from an address on, for a time. */
  fetch(from: number, start: number, cycles: number, memory: CodeMemory, account: Float64Array): void {
    this.begin(start, start + cycles);
    for (let address = from; address >= 0 && this.predictTime < this.until; ) {
      const run = runAt(this.program, address);
      // Where nothing is known the path goes on to the end of the predictor's window.
      const end = run < 0 ? (address | (window - 1)) + 1 : this.program.end[run];
      this.fetchRun(address, end, memory, account);
      const next = run < 0 ? end : this.follow(run, end);
      this.predictNext(end - address, next !== end);
      address = next;
    }
  }

  private begin(start: number, until: number): void {
    this.queue.clear(start);
    this.fetchTime = start;
    this.predictTime = start;
    this.until = until;
    this.line = nowhere;
    this.page = nowhere;
    this.depth = 0;
    this.pops = 0;
  }

  private fetchRun(start: number, end: number, memory: CodeMemory, account: Float64Array): void {
    if (this.fetchTime < this.predictTime) this.fetchTime = this.predictTime;
    this.queue.push(this.fetchTime);
    for (let line = start >> lineShift; line <= (end - 1) >> lineShift; line++) if (line !== this.line) this.fetchLine(line, memory, account);
    this.fetchTime += (end - start) / this.core.fetchBytes;
  }

  private fetchLine(line: number, memory: CodeMemory, account: Float64Array): void {
    const page = line >> pageShift;
    this.line = line;
    if (page !== this.page) {
      this.page = page;
      this.predictTime += memory.translate(page, account, asker);
      if (this.fetchTime < this.predictTime) this.fetchTime = this.predictTime;
    }
    if (this.predictTime >= this.until) return;
    const ready = memory.use(line, this.predictTime, account, asker);
    if (ready > this.fetchTime) this.fetchTime = ready;
  }

  private predictNext(bytes: number, isTaken: boolean): void {
    const cycles = bytes / window;
    if (!this.hasRunAhead) this.predictTime = this.fetchTime;
    else this.predictTime = Math.max(this.predictTime, this.queue.oldest) + (isTaken ? Math.max(1, cycles) : cycles);
  }

  /** Where the front end believes that a run leads. */
  private follow(run: number, end: number): number {
    const kind = this.program.endKind[run];
    if (kind <= kinds.none || kind >= kinds.systemCall) return end;
    const known = this.targets.targetOf(end);
    if (known < 0) return end;
    if (kind === kinds.conditional) return this.direction.basePrediction(end) ? known : end;
    if (kind === kinds.return) return this.depth > 0 ? this.calls[--this.depth] : this.returns.peek(this.pops++);
    if ((kind === kinds.call || kind === kinds.indirectCall) && this.depth < callsFollowed) this.calls[this.depth++] = end;
    return known;
  }
}
