/**
 * The fetch side of a core, run by run: which cycles it takes to bring the recorded instructions to the back end, and
 * what it misses meanwhile. A run is a straight piece of code with a branch at its end, or none.
 *
 * Two clocks. The *predictor* names one run after another, at most one taken branch or 32 bytes a cycle, and asks for
 * their lines; it may be `runAhead` runs ahead of fetch (a fetch target queue: Reinman, Calder & Austin, "Fetch directed
 * instruction prefetching", MICRO 1999; Ishii et al., "Rebasing instruction prefetching", CAL 2020). *Fetch* takes the
 * lines, in order, as soon as they are there. Without run-ahead a line is asked for when fetch comes to it. A line is
 * there a latency after it was asked for. The cycles of a request are the sum of
 *
 *     delivery         a run's instructions / decode width or bytes / fetch bytes, whichever is more; waiting for the predictor
 *     icache stalls    fetch waits for a line
 *     itlb stalls      fetch waits for a translation
 *     resteers         `mispredictionCycles` for each mispredicted branch
 *     decode resteers  `decodeResteerCycles` for each taken branch that the target buffer lacked
 *
 * which is the interval model (Eyerman, Eeckhout, Karkhanis & Smith, "A mechanistic performance model for superscalar
 * out-of-order processors", ACM TOCS 2009) without its back-end terms: no data are in the trace. A real request takes
 * more cycles: a branch that waits for data resolves later, and the back end stalls for its own reasons, during which
 * some of these stalls are hidden. There is no cache of decoded instructions: code of this size comes from the decoders.
 * What is fetched in vain is in wrong-path.ts.
 */
import { End } from '../../trace/decode.js';
import { lineBits, pageLineBits } from './code-map.js';
import { rightPath, type CodeMemory } from './code-memory.js';
import { Counter, counterCount } from './events.js';
import { FetchQueue } from './fetch-queue.js';
import { IndirectPredictor } from './indirect.js';
import { predictedBytes, type CoreParameters } from './parameters.js';
import { PathHistory } from './path-history.js';
import type { Program } from './program.js';
import { ReturnStack } from './return-stack.js';
import { Tage } from './tage.js';
import { TargetBuffer } from './target-buffer.js';
import { WrongPath } from './wrong-path.js';

export interface FrontendOptions {
  wrongPath?: boolean;
  perfectIndirect?: boolean;
}

const nowhere = -1;
// Imported names are read through getters in the CommonJS that runs here: too slow for every run.
const kinds = End;
const counters = Counter;
const asker = rightPath;
const [lineShift, pageShift] = [lineBits, pageLineBits];

/** Counter of what is mispredicted, by how the run ends; direct jumps and calls never are. */
const missCounter: Record<number, number> = {
  [kinds.conditional]: counters.conditionalTaken,
  [kinds.indirectJump]: counters.indirect,
  [kinds.indirectCall]: counters.indirect,
  [kinds.return]: counters.returns,
};

export class Frontend {
  /** Events are added here: places as in `Counter`. */
  account: Float64Array = new Float64Array(counterCount);
  private readonly history = new PathHistory();
  private readonly direction: Tage;
  private readonly indirect: IndirectPredictor;
  private readonly targets: TargetBuffer;
  private readonly returns: ReturnStack;
  private readonly wrongPath: WrongPath | null;
  private readonly perfectIndirect: boolean;
  private readonly hasRunAhead: boolean;
  private readonly queue: FetchQueue;
  /** By run: cycles of delivery, and of prediction when no branch was taken before. */
  private readonly deliveryOf: Float64Array;
  private readonly predictionOf: Float64Array;
  /** When fetch can take the next line, and when the predictor named the present run. */
  private fetchTime = 0;
  private predictTime = 0;
  private isAfterTaken = true;
  /** That fetch is in. */
  private line = nowhere;
  private page = nowhere;

  constructor(private readonly program: Program, private readonly core: CoreParameters, private memory: CodeMemory, { wrongPath = true, perfectIndirect = false }: FrontendOptions = {}) {
    this.direction = new Tage(core.direction, this.history);
    this.indirect = new IndirectPredictor(core.indirect, this.history);
    this.targets = new TargetBuffer(core.targetBuffer);
    this.returns = new ReturnStack(core.returnStack);
    this.wrongPath = wrongPath ? new WrongPath(program, core, this.targets, this.direction, this.returns) : null;
    this.perfectIndirect = perfectIndirect;
    this.hasRunAhead = core.runAhead > 0;
    this.queue = new FetchQueue(core.runAhead);
    const bytes = program.end.map((end, run) => end - program.start[run]);
    this.deliveryOf = Float64Array.from(bytes, (count, run) => Math.max(program.instructions[run] / core.decodeWidth, count / core.fetchBytes));
    this.predictionOf = Float64Array.from(bytes, (count) => count / predictedBytes);
  }

  /** A system call: fetch begins anew behind it. @param lost whether it leaves nothing of what the predictors have learnt */
  systemCall(lost: boolean): void {
    if (lost) for (const predictor of [this.direction, this.indirect, this.targets, this.returns]) predictor.empty();
    this.restart(this.fetchTime);
  }

  /** From now on code comes through this memory. */
  use(memory: CodeMemory): void {
    if (memory === this.memory) return;
    this.memory = memory;
    this.line = nowhere;
    this.page = nowhere;
  }

  /** Executes a run. @param next the run after it, -1 at the end of the trace. */
  execute(run: number, next: number): void {
    const { program } = this;
    this.account[counters.instructions] += program.instructions[run];
    if (this.hasRunAhead) this.predict(run);
    this.fetchRun(run);
    const kind = program.endKind[run];
    this.isAfterTaken = false;
    if (next >= 0 && kind > kinds.none && kind < kinds.systemCall) this.branch(run, kind, program.start[next]);
  }

  /** Finds out when the predictor names a run; fetch cannot take it before. */
  private predict(run: number): void {
    const free = this.queue.oldest;
    const cycles = this.predictionOf[run];
    this.predictTime = (this.predictTime > free ? this.predictTime : free) + (this.isAfterTaken && cycles < 1 ? 1 : cycles);
    if (this.predictTime <= this.fetchTime) return;
    this.account[counters.deliveryCycles] += this.predictTime - this.fetchTime;
    this.fetchTime = this.predictTime;
  }

  private fetchRun(run: number): void {
    const { program } = this;
    const first = program.start[run] >> lineShift;
    const last = (program.end[run] - 1) >> lineShift;
    const delivery = this.deliveryOf[run] / (last - first + 1);
    this.queue.push(this.fetchTime);
    for (let line = first; line <= last; line++) {
      if (line !== this.line) this.fetchLine(line);
      this.fetchTime += delivery;
    }
    this.account[counters.deliveryCycles] += this.deliveryOf[run];
  }

  private fetchLine(line: number): void {
    const { memory, account } = this;
    const page = line >> pageShift;
    this.line = line;
    if (page !== this.page) this.enterPage(page);
    const asked = this.hasRunAhead ? this.predictTime : this.fetchTime;
    const ready = memory.use(line, asked, account, asker);
    if (ready <= this.fetchTime) return;
    account[counters.icacheStallCycles] += ready - this.fetchTime;
    this.fetchTime = ready;
  }

  private enterPage(page: number): void {
    const { account } = this;
    this.page = page;
    const cycles = this.memory.translate(page, account, asker);
    if (cycles === 0) return;
    this.predictTime = (this.hasRunAhead ? this.predictTime : this.fetchTime) + cycles;
    if (this.predictTime <= this.fetchTime) return;
    account[counters.itlbStallCycles] += this.predictTime - this.fetchTime;
    this.fetchTime = this.predictTime;
  }

  /** A branch at the end of a run, which led to `next`. */
  private branch(run: number, kind: number, next: number): void {
    const branch = this.program.end[run];
    if (kind === kinds.conditional && next === branch) return this.notTaken(branch, run);
    const isKnown = this.targets.targetOf(branch) >= 0;
    const predicted = this.predictTarget(kind, branch, next);
    if (predicted !== next) this.mispredicted(missCounter[kind], predicted);
    else if (!isKnown) this.decodeResteer(branch);
    if (kind === kinds.call || kind === kinds.indirectCall) this.returns.push(branch);
    this.targets.taken(branch, next);
    this.history.taken(branch, next);
    this.isAfterTaken = true;
  }

  private notTaken(branch: number, run: number): void {
    const isPredictedTaken = this.direction.predict(branch);
    this.direction.update(false);
    if (isPredictedTaken) this.mispredicted(counters.conditionalNotTaken, this.program.target[run]);
  }

  /** Where a branch that is taken is predicted to go; -1 for an indirect one of which nothing is known. */
  private predictTarget(kind: number, branch: number, next: number): number {
    switch (kind) {
      case kinds.conditional: return this.predictConditional(branch, next);
      case kinds.return: return this.returns.pop();
      case kinds.indirectJump: case kinds.indirectCall: return this.predictIndirect(branch, next);
      default: return next;
    }
  }

  private predictConditional(branch: number, next: number): number {
    const isPredictedTaken = this.direction.predict(branch);
    this.direction.update(true);
    return isPredictedTaken ? next : branch;
  }

  private predictIndirect(branch: number, next: number): number {
    if (this.perfectIndirect) return next;
    const predicted = this.indirect.predict(branch);
    this.indirect.update(next);
    return predicted;
  }

  private mispredicted(counter: number, wrong: number): void {
    const { mispredictionCycles } = this.core;
    this.account[counter]++;
    this.account[counters.resteerCycles] += mispredictionCycles;
    this.resteer(wrong, mispredictionCycles);
  }

  /** Fetch goes on behind the branch until the decoder meets it. */
  private decodeResteer(branch: number): void {
    const { decodeResteerCycles } = this.core;
    this.account[counters.decodeResteers]++;
    this.account[counters.decodeResteerCycles] += decodeResteerCycles;
    this.resteer(branch, decodeResteerCycles);
  }

  /** @param wrong where fetch goes meanwhile; -1 when it does not know and waits. */
  private resteer(wrong: number, cycles: number): void {
    if (wrong >= 0) this.wrongPath?.fetch(wrong, this.fetchTime, cycles, this.memory, this.account);
    this.restart(this.fetchTime + cycles);
  }

  private restart(time: number): void {
    this.fetchTime = time;
    this.predictTime = time;
    this.line = nowhere;
    this.page = nowhere;
  }
}
