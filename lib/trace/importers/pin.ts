/**
 * Imports instruction traces of Intel PIN's example tool itrace: one `0x...` a line, the address of each executed
 * instruction, and `#eof` when the program ended (PIN user guide, source/tools/ManualExamples/itrace.cpp).
 *
 * The text holds neither lengths nor code. Given the code, instructions are decoded and runs are exact. Without it
 *   - a length is the smallest step of 1 to 15 bytes that execution ever took from an instruction to the next, or
 *     else the distance to the next executed address, if below 16, or else 1: too long only where a short forward
 *     jump never fell through; too short only at the end of a piece of code;
 *   - a run ends where execution ever went elsewhere;
 *   - an address several times in a row is one repeated string instruction.
 * It has no system calls, so its requests cannot be told apart.
 */
import type { ReadCode } from '../code-lines.js';
import { decodeInstruction } from '../decode.js';
import type { TraceTotals } from '../format.js';
import { RunFormer, type SteppedInstruction } from '../run-former.js';
import type { MappedCode } from '../trace.js';
import { eachLine, importInto, USER_END } from './text.js';

export interface PinImport {
  /** Where the code was mapped, if known; sorted by start. */
  code?: MappedCode[];
  /** Code by run-time address, if there; see `codeOf`. */
  readCode?: ReadCode;
}

const LONGEST_INSTRUCTION = 15;

/**
 * @param text path of PIN's output.
 * @param file the trace to write.
 * @throws Error with `text:line` for a line that is no address, and for a text without its `#eof`.
 */
export async function importPin(text: string, file: string, { code = [], readCode }: PinImport = {}): Promise<TraceTotals> {
  return importInto(file, { format: 1, recorder: 'pin', recorderVersion: 'itrace text', code, clientDescriptors: [] }, async (writer) => {
    const instructionAt = readCode ? decoded(readCode) : await inferred(text);
    let former: RunFormer | null = null;
    await eachAddress(text, (address) => {
      if (former) former.stepTo(address);
      else former = new RunFormer(writer, address, instructionAt);
    });
    finishLast(former);
  });
}

/** The last instruction was executed too; what came next is unknown. */
function finishLast(former: RunFormer | null): void {
  if (!former) return;
  former.stepTo(Infinity);
  former.end();
}

async function eachAddress(text: string, visit: (address: number) => void): Promise<void> {
  let isEnded = false;
  await eachLine(text, (line) => {
    if (isEnded) throw new Error(`"${line.slice(0, 60)}" follows the end mark #eof; give one trace at a time`);
    isEnded = line === '#eof';
    if (isEnded) return;
    const address = /^0x[0-9a-f]{1,16}$/i.test(line) ? Number(line) : NaN;
    if (!(address < USER_END)) throw new Error(`"${line.slice(0, 60)}" is no address of user code (0x...); is this the output of PIN's itrace?`);
    visit(address);
  });
  if (!isEnded) throw new Error(`${text}: ends without #eof, so it is cut off; trace again until the program ends by itself`);
}

function decoded(readCode: ReadCode): (address: number) => SteppedInstruction {
  const known = new Map<number, SteppedInstruction>();
  return (address) => {
    const there = known.get(address) ?? decodeInstruction(longest(readCode, address), address);
    known.set(address, there);
    return there;
  };
}

/** As many bytes as an instruction may have, fewer where the code ends. */
function longest(readCode: ReadCode, address: number): Uint8Array {
  for (let length = LONGEST_INSTRUCTION; length > 1; length--) {
    try {
      return readCode(address, length);
    } catch {
      // Fewer bytes are left of the code.
    }
  }
  return readCode(address, 1);
}

/** Lengths and ends of runs from the order of addresses alone: a pass of its own. */
async function inferred(text: string): Promise<(address: number) => SteppedInstruction> {
  const step = new Map<number, number>();
  const jumps = new Map<number, Set<number>>();
  let previous = NaN;
  await eachAddress(text, (address) => {
    const distance = address - previous;
    if (distance > 0 && distance <= LONGEST_INSTRUCTION) step.set(previous, Math.min(distance, step.get(previous) ?? Infinity));
    if (distance !== 0 && !Number.isNaN(distance)) addTo(jumps, previous, address);
    if (!step.has(address)) step.set(address, Infinity);
    previous = address;
  });
  return (address) => ({ bytes: lengthAt(step, address), repeats: true, endsRun: (jumps.get(address)?.size ?? 0) > 1, isSystemCall: false });
}

function addTo(sets: Map<number, Set<number>>, key: number, value: number): void {
  const set = sets.get(key);
  // Two different successors make a branch; a return may have thousands.
  if (!set) sets.set(key, new Set([value]));
  else if (set.size < 2) set.add(value);
}

function lengthAt(step: Map<number, number>, address: number): number {
  const seen = step.get(address) ?? Infinity;
  if (seen !== Infinity) return seen;
  for (let length = 1; length <= LONGEST_INSTRUCTION; length++) if (step.has(address + length)) return length;
  return 1;
}
