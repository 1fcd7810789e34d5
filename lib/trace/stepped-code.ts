/** The instructions of a process, decoded from its memory when they are first met. */
import { readMemory } from '../host/ptrace.js';
import { decodeInstruction } from './decode.js';
import type { SteppedInstruction } from './run-former.js';

const pageBytes = 4096;
/** No x86 instruction is longer. */
const longestInstruction = 15;

/**
 * @returns a function that tells what is at an address of the process.
 *   It throws an Error quoting the bytes when they are no instruction.
 */
export function steppedCode(pid: number): (address: number) => SteppedInstruction {
  const known = new Map<number, SteppedInstruction>();
  const pages = new Map<number, Buffer>();
  const page = (address: number): Buffer => {
    const start = address - (address % pageBytes);
    const there = pages.get(start) ?? readMemory(pid, start, pageBytes);
    pages.set(start, there);
    return there;
  };
  const codeAt = (address: number): Buffer => {
    const offset = address % pageBytes;
    const here = page(address).subarray(offset, offset + longestInstruction);
    if (here.length === longestInstruction) return here;
    try {
      return Buffer.concat([here, page(address + here.length)]).subarray(0, longestInstruction);
    } catch {
      return here; // the last page of a mapping
    }
  };
  return (address) => {
    const there = known.get(address);
    if (there) return there;
    const found = decodeInstruction(codeAt(address), address);
    known.set(address, found);
    return found;
  };
}
