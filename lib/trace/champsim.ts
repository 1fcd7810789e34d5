/**
 * Writes a trace as ChampSim's records, for simulators that read them: 64 bytes an instruction, little-endian
 * (ChampSim inc/trace_instruction.h, `input_instr`):
 *
 *     0  ip, 8 bytes        8  is branch      9  taken
 *    10  2 destination registers             12  4 source registers
 *    16  2 destination addresses, 8 bytes each    32  4 source addresses, 8 bytes each
 *
 * Our traces hold no data addresses: those fields are 0, so ChampSim's data caches see nothing; its instruction side
 * and branch prediction do. ChampSim tells the kind of a branch from the registers it reads and writes (6 = stack
 * pointer, 25 = flags, 26 = instruction pointer), so a branch names exactly those that make its kind. More registers
 * than there is room for are left out.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { type Instruction, InstructionInfoFactory, OpAccess, Register, RegisterExt, type UsedRegister } from 'iced-x86';
import { explainDiskFull } from '../store/disk-full.js';
import { draftPath } from '../store/draft.js';
import { End, endOf, type RunDecoder } from './decode.js';
import { byRequest, type RequestSpan } from './requests.js';
import type { Trace } from './trace.js';

export const RECORD_BYTES = 64;
const AT = { branch: 8, taken: 9, destinations: 10, sources: 12 };
const ROOM = { destinations: 2, sources: 4 };
/** ChampSim's special registers, by the numbers that PIN gives them. */
const [STACK, FLAGS, IP] = [6, 25, 26];
/** Stands for whatever an indirect branch reads when that is no register. */
const OTHER = 3;
const BUFFER_BYTES = 1 << 20;

/** What ChampSim wants to see for each kind of branch (inc/instruction.h, ooo_model_instr). */
const BRANCHES: Partial<Record<End, { reads: number[]; writes: number[] }>> = {
  [End.conditional]: { reads: [IP, FLAGS], writes: [IP] },
  [End.jump]: { reads: [], writes: [IP] },
  [End.indirectJump]: { reads: [OTHER], writes: [IP] },
  [End.call]: { reads: [IP, STACK], writes: [IP, STACK] },
  [End.indirectCall]: { reads: [IP, STACK, OTHER], writes: [IP, STACK] },
  [End.return]: { reads: [STACK], writes: [IP, STACK] },
};

/**
 * @param file to write; it appears under its name once it is whole.
 * @param spans the requests to write, in order; without, the whole trace.
 * @returns records written.
 * @throws Error when the code is not that which was traced, the trace is damaged, or the disk is full.
 */
export async function exportChampSim(trace: Trace, decoder: RunDecoder, file: string, spans?: readonly Pick<RequestSpan, 'start' | 'end'>[]): Promise<number> {
  const draft = draftPath(path.dirname(file), path.basename(file));
  const descriptor = fs.openSync(draft, 'w');
  try {
    const records = await writeRecords(trace, decoder, descriptor, spans ?? [{ start: 0, end: Infinity }]);
    fs.renameSync(draft, file);
    return records;
  } catch (error) {
    fs.rmSync(draft, { force: true });
    throw explainDiskFull(error, path.dirname(file));
  } finally {
    fs.closeSync(descriptor);
  }
}

async function writeRecords(trace: Trace, decoder: RunDecoder, descriptor: number, spans: readonly Pick<RequestSpan, 'start' | 'end'>[]): Promise<number> {
  const templates = new Templates(decoder);
  const out = new RecordFile(descriptor);
  let waiting = -1;
  for await (const { ids, from, to, request } of byRequest(trace, spans)) {
    for (let at = from; at < to; at++) {
      // A run's last record says whether its branch was taken: that shows only in the next run.
      if (waiting >= 0) out.append(templates.of(waiting), decoder.end(waiting), trace.runs.address[ids[at]] !== decoder.fallThrough(waiting));
      waiting = request >= 0 ? ids[at] : -1;
    }
  }
  if (waiting >= 0) out.append(templates.of(waiting), decoder.end(waiting), decoder.end(waiting) !== End.conditional);
  out.flush();
  return out.bytes / RECORD_BYTES;
}

/** Gathers records, and writes them a megabyte at a time. */
class RecordFile {
  bytes = 0;
  private buffer = Buffer.alloc(BUFFER_BYTES);
  private length = 0;

  constructor(private readonly descriptor: number) {}

  append(records: Buffer, end: End, isTaken: boolean): void {
    if (this.length + records.length > this.buffer.length) this.flush();
    if (records.length > this.buffer.length) this.buffer = Buffer.alloc(records.length);
    records.copy(this.buffer, this.length);
    this.length += records.length;
    this.buffer[this.length - RECORD_BYTES + AT.taken] = isTaken && BRANCHES[end] ? 1 : 0;
  }

  flush(): void {
    for (let at = 0; at < this.length; ) at += fs.writeSync(this.descriptor, this.buffer, at, this.length - at);
    this.bytes += this.length;
    this.length = 0;
  }
}

/** The records of each run, made once. */
class Templates {
  private readonly byRun: (Buffer | undefined)[] = [];
  private readonly factory = new InstructionInfoFactory();

  constructor(private readonly decoder: RunDecoder) {}

  of(id: number): Buffer {
    return (this.byRun[id] ??= this.make(id));
  }

  private make(id: number): Buffer {
    const records: Buffer[] = [];
    this.decoder.eachInstruction(id, (instruction) => records.push(this.record(instruction)));
    return Buffer.concat(records);
  }

  private record(instruction: Instruction): Buffer {
    const record = Buffer.alloc(RECORD_BYTES);
    const branch = BRANCHES[endOf(instruction)];
    const { reads, writes } = branch ?? this.registers(instruction);
    record.writeBigUInt64LE(instruction.ip);
    record[AT.branch] = branch ? 1 : 0;
    record.set(writes.slice(0, ROOM.destinations), AT.destinations);
    record.set(reads.slice(0, ROOM.sources), AT.sources);
    return record;
  }

  private registers(instruction: Instruction): { reads: number[]; writes: number[] } {
    const info = this.factory.info(instruction);
    const used = info.usedRegisters() as UsedRegister[];
    const reads = new Set(used.filter(({ access }) => isRead(access)).map(numberOf));
    const writes = new Set(used.filter(({ access }) => isWrite(access)).map(numberOf));
    if (instruction.rflagsRead !== 0) reads.add(FLAGS);
    if (instruction.rflagsModified !== 0) writes.add(FLAGS);
    used.forEach((register) => register.free());
    info.free();
    return { reads: [...reads].filter((number) => number > 0), writes: [...writes].filter((number) => number > 0) };
  }
}

function isRead(access: OpAccess): boolean {
  return access === OpAccess.Read || access === OpAccess.CondRead || access === OpAccess.ReadWrite || access === OpAccess.ReadCondWrite;
}

function isWrite(access: OpAccess): boolean {
  return access === OpAccess.Write || access === OpAccess.CondWrite || access === OpAccess.ReadWrite || access === OpAccess.ReadCondWrite;
}

/** General registers in PIN's order; the stack pointer has to be 6. */
const GENERAL = [Register.RDI, Register.RSI, Register.RBP, Register.RSP, Register.RBX, Register.RDX, Register.RCX, Register.RAX,
  Register.R8, Register.R9, Register.R10, Register.R11, Register.R12, Register.R13, Register.R14, Register.R15];
const FIRST_GENERAL = 3;
const FIRST_VECTOR = 64;
const FIRST_MASK = 96;

/** A number of ChampSim's, 1 to 255, for a register; 0 for those that carry no dependency here (segments, the instruction pointer). */
function numberOf({ register }: UsedRegister): number {
  const full = RegisterExt.fullRegister(register);
  const general = GENERAL.indexOf(full);
  if (general >= 0) return FIRST_GENERAL + general;
  if (RegisterExt.isVectorRegister(full)) return FIRST_VECTOR + RegisterExt.number(full);
  return RegisterExt.isK(full) ? FIRST_MASK + RegisterExt.number(full) : 0;
}
