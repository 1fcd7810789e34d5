/** Makes straight runs out of the addresses that a thread passes one by one. */
import type { TraceWriter } from './format.js';

/** What has to be known of an instruction to tell where a run ends. */
export interface SteppedInstruction {
  bytes: number;
  /** A string instruction with rep: stepping stops at it again after each repetition. */
  repeats: boolean;
  /** A branch, a system call: whatever may continue elsewhere. */
  endsRun: boolean;
  isSystemCall: boolean;
}

/**
 * Feeds a trace writer. A run ends with its first instruction that may continue elsewhere, taken or not, so that the
 * runs from one address are all alike; and wherever the next address is not the one behind it (a signal).
 */
export class RunFormer {
  /** Instructions executed so far. */
  instructions = 0;
  private start: number;
  private bytes = 0;
  private count = 0;

  /**
   * @param next address of the instruction that is executed first.
   * @param instructionAt what is there, quickly when asked again.
   */
  constructor(
    private readonly writer: Pick<TraceWriter, 'defineRun' | 'execute'>,
    private next: number,
    private readonly instructionAt: (address: number) => SteppedInstruction,
  ) {
    this.start = next;
  }

  /** The instruction that has not been executed yet. */
  pending(): SteppedInstruction {
    return this.instructionAt(this.next);
  }

  /** The pending instruction was executed, and the one at `address` comes next. */
  stepTo(address: number): void {
    const { bytes, repeats, endsRun } = this.instructionAt(this.next);
    if (repeats && address === this.next) return;
    this.bytes += bytes;
    this.count++;
    if (endsRun || address !== this.next + bytes) this.close(address);
    this.next = address;
  }

  /** The thread goes on at `address` without having executed the pending instruction: a signal's handler begins. */
  divertTo(address: number): void {
    this.close(address);
    this.next = address;
  }

  /** The trace ends here. */
  end(): void {
    this.close(this.next);
  }

  private close(next: number): void {
    if (this.count > 0) this.writer.execute(this.writer.defineRun(this.start, this.bytes, this.count));
    this.instructions += this.count;
    this.start = next;
    this.bytes = 0;
    this.count = 0;
  }
}
