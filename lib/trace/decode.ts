/**
 * What the runs of a trace are made of: instruction lengths, and how each run ends. Decoded from their bytes by
 * iced-x86, each run once, when it is first asked for.
 */
import { Code, Decoder, DecoderOptions, FlowControl, type Instruction } from 'iced-x86';
import type { ReadCode } from './code-lines.js';
import type { SteppedInstruction } from './run-former.js';
import type { RunTable } from './trace.js';

/** How a run's last instruction passes control on. Numbers, since there is one for every run executed. */
export const End = {
  /** Not yet decoded. */
  unknown: 0,
  /** On to the next instruction: a recorder may split a long run anywhere. */
  none: 1,
  conditional: 2,
  jump: 3,
  indirectJump: 4,
  call: 5,
  indirectCall: 6,
  return: 7,
  systemCall: 8,
} as const;
export type End = (typeof End)[keyof typeof End];

/** A run's instructions. */
export interface DecodedRun {
  /** Bytes of each instruction. */
  lengths: Uint8Array;
  end: End;
  /** Address after the last instruction. */
  fallThrough: number;
}

/** Decodes runs of one trace; `RunTable` may grow meanwhile. */
export class RunDecoder {
  private ends = new Uint8Array(1024);

  /**
   * @param runs the trace's.
   * @param readCode by run-time address; see `codeOf`.
   */
  constructor(private readonly runs: RunTable, private readonly readCode: ReadCode) {}

  /** @throws Error as `run` does. */
  end(id: number): End {
    const known = id < this.ends.length ? this.ends[id] : End.unknown;
    return known === End.unknown ? this.run(id).end : (known as End);
  }

  fallThrough(id: number): number {
    return this.runs.address[id] + this.runs.bytes[id];
  }

  /**
   * @throws Error when the code there does not decode to exactly the run's instructions, or one that is not its last
   * jumps: then the code is not that which was traced.
   */
  run(id: number): DecodedRun {
    const lengths: number[] = [];
    let end: End = End.none;
    this.eachInstruction(id, (instruction, isLast) => {
      lengths.push(instruction.length);
      if (isLast) end = endOf(instruction);
    });
    this.remember(id, end);
    return { lengths: Uint8Array.from(lengths), end, fallThrough: this.fallThrough(id) };
  }

  /**
   * Visits a run's instructions in order. The instruction is the decoder's own: valid only during the visit.
   * @throws Error as `run` does.
   */
  eachInstruction(id: number, visit: (instruction: Instruction, isLast: boolean) => void): void {
    const { address, bytes, instructions } = this.runs;
    const decoder = new Decoder(64, this.readCode(address[id], bytes[id]), DecoderOptions.None);
    decoder.ip = BigInt(address[id]);
    try {
      for (let i = 1; i <= instructions[id]; i++) {
        const instruction = decoder.decode();
        try {
          const isLast = i === instructions[id];
          this.check(id, decoder, instruction, isLast);
          visit(instruction, isLast);
        } finally {
          instruction.free();
        }
      }
    } finally {
      decoder.free();
    }
  }

  private check(id: number, decoder: Decoder, instruction: Instruction, isLast: boolean): void {
    const { address, bytes, instructions } = this.runs;
    const problem = instruction.code === Code.INVALID ? 'does not decode'
      : isLast !== (decoder.position === bytes[id]) ? `does not hold ${instructions[id]} instructions in ${bytes[id]} bytes`
      : !isLast && endOf(instruction) !== End.none ? 'jumps before its end'
      : null;
    if (problem) throw new Error(`the run at 0x${address[id].toString(16)} ${problem} (at 0x${instruction.ip.toString(16)}); its code is not that which was traced`);
  }

  private remember(id: number, end: End): void {
    if (id >= this.ends.length) {
      const larger = new Uint8Array(Math.max(2 * this.ends.length, id + 1));
      larger.set(this.ends);
      this.ends = larger;
    }
    this.ends[id] = end;
  }
}

/** How an instruction passes control on. Traps and transactions count as going on: no trace of user code holds them taken. */
export function endOf(instruction: Instruction): End {
  switch (instruction.flowControl) {
    case FlowControl.ConditionalBranch: return End.conditional;
    case FlowControl.UnconditionalBranch: return End.jump;
    case FlowControl.IndirectBranch: return End.indirectJump;
    case FlowControl.IndirectCall: return End.indirectCall;
    case FlowControl.Return: return End.return;
    case FlowControl.Call: return instruction.code === Code.Syscall ? End.systemCall : End.call;
    default: return End.none;
  }
}

/**
 * What an address holds, as far as forming runs needs it.
 * @param code the instruction's bytes; more may follow.
 * @throws Error quoting the bytes when they are no instruction.
 */
export function decodeInstruction(code: Uint8Array, address: number): SteppedInstruction {
  const decoder = new Decoder(64, code, DecoderOptions.None);
  decoder.ip = BigInt(address);
  const instruction = decoder.decode();
  try {
    if (instruction.code === Code.INVALID) throw new Error(`no instruction at 0x${address.toString(16)}: ${Buffer.from(code).toString('hex')}; give the code that was traced`);
    return {
      bytes: instruction.length,
      repeats: instruction.isStringInstruction && (instruction.hasRepPrefix || instruction.hasRepnePrefix),
      endsRun: instruction.flowControl !== FlowControl.Next,
      isSystemCall: instruction.code === Code.Syscall,
    };
  } finally {
    instruction.free();
    decoder.free();
  }
}
