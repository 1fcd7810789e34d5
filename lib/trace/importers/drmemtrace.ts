/**
 * Imports the text that DynamoRIO's drmemtrace prints with `-tool view` (https://dynamorio.org/sec_drcachesim_tools.html):
 *
 *     <record>  <instruction>:  <thread>  ifetch  <n> byte(s) @ 0x<address>  <bytes>  <disassembly>
 *
 * The thread is a number or `W<workload>.T<thread>`. Bytes beyond the seventh stand in a line of their own below.
 * Traces without bytes name the kind of instruction instead (`non-branch`, `call`, ...). Memory accesses and
 * timestamps are passed over, and so is the kernel's code. System calls are markers; their first argument and result
 * are there only if the trace was recorded with `-record_syscall`; without, they are -1 and 0, and no request is found.
 */
import { decodeInstruction } from '../decode.js';
import type { TraceTotals, TraceWriter } from '../format.js';
import { RunFormer, type SteppedInstruction } from '../run-former.js';
import type { MappedCode } from '../trace.js';
import { eachLine, importInto, USER_END } from './text.js';

export interface DrmemtraceImport {
  /** Which thread; needed when the text holds several. */
  thread?: number;
  /** Where the code was mapped, if known; sorted by start. */
  code?: MappedCode[];
  clientDescriptors?: number[];
}

/**
 * @param text path of the view tool's output.
 * @param file the trace to write.
 * @throws Error with `text:line` for a line that is not the view tool's, and when several threads are in it and none is named.
 */
export async function importDrmemtrace(text: string, file: string, { thread, code = [], clientDescriptors = [] }: DrmemtraceImport = {}): Promise<TraceTotals> {
  return importInto(file, { format: 1, recorder: 'drmemtrace', recorderVersion: 'view text', code, clientDescriptors }, async (writer) => {
    const view = new ViewReader(writer, thread);
    await eachLine(text, (line) => view.line(line));
    try {
      view.end();
    } catch (error) {
      throw new Error(`${text}: ${(error as Error).message}`);
    }
  });
}

/** What surrounds the records: the heading, and the tool's summary. */
const RECORD = /^\s*\d+\s+\d+:\s+(?:W\d+\.T)?(\d+)\s+(.*)$/;
const FETCH = /^ifetch\s+(\d+) byte\(s\) @ 0x([0-9a-f]+)\s*(.*)$/;
const DATA = /^(read|write|.*prefetch|.*flush|<marker: |<thread \d+ exited|<branch target)/;
const BYTES = /^(?:[0-9a-f]{2}(?: |$))+/;
const KIND = /^(non-branch|non-fetched instruction|jump|indirect jump|(?:taken |untaken )?conditional jump|call|indirect call|return|sysenter)$/;

class ViewReader {
  private readonly known = new Map<number, SteppedInstruction>();
  private former: RunFormer | null = null;
  private call: { number: number; argument: number | null; result: number } | null = null;
  /** An instruction whose bytes go on in the next line. */
  private unfinished: { address: number; bytes: number; hex: string } | null = null;
  private hasRecords = false;
  private seenThread: number | undefined;

  constructor(private readonly writer: TraceWriter, private readonly thread: number | undefined) {}

  line(line: string): void {
    const record = RECORD.exec(line);
    if (!record) return this.other(line);
    const [, thread, content] = record;
    this.hasRecords = true;
    if (!this.isWanted(Number(thread))) return;
    if (this.unfinished) return this.goOn(content);
    const fetch = FETCH.exec(content);
    if (fetch) return this.fetch(Number(fetch[1]), parseInt(fetch[2], 16), fetch[3]);
    if (!DATA.test(content)) throw new Error(`"${content.slice(0, 60)}" is no record of drmemtrace's view tool; give its output as it is`);
    this.marker(content);
  }

  end(): void {
    if (this.unfinished) throw new Error('ends within an instruction, so it is cut off; print the view again');
    if (!this.hasRecords) throw new Error('holds no record of drmemtrace\'s view tool; give the output of "drrun -t drmemtrace -tool view"');
    this.former?.stepTo(Infinity);
    this.former?.end();
    this.former = null;
    this.emitCall();
  }

  private other(line: string): void {
    const isAround = line.trim() === '' || /^(Output format:|<--record#->|-+$|=+$|View tool results:|\s+\d+ : total|T\d+ |Trace invariant checks|<\.\.\.>)/.test(line);
    if (!isAround) throw new Error(`"${line.slice(0, 60)}" is no line of drmemtrace's view tool; give its output as it is`);
  }

  private isWanted(thread: number): boolean {
    if (this.thread !== undefined) return thread === this.thread;
    this.seenThread ??= thread;
    if (thread !== this.seenThread) throw new Error(`thread ${thread} after thread ${this.seenThread}: name the one to import`);
    return true;
  }

  private fetch(bytes: number, address: number, rest: string): void {
    if (address >= USER_END) return;
    const hex = BYTES.exec(rest)?.[0].replaceAll(' ', '') ?? '';
    if (hex !== '') return this.withBytes(address, bytes, hex);
    if (!KIND.test(rest)) throw new Error(`"${rest.slice(0, 60)}": neither the instruction's bytes nor its kind; print the view of a trace that has its encodings`);
    const repeats = rest === 'non-fetched instruction';
    this.execute(address, { bytes, repeats: repeats || (this.known.get(address)?.repeats ?? false), endsRun: rest !== 'non-branch' && !repeats, isSystemCall: false });
  }

  private goOn(content: string): void {
    const { address, bytes, hex } = this.unfinished!;
    this.unfinished = null;
    if (!/^([0-9a-f]{2} ?)+$/.test(content)) throw new Error(`"${content.slice(0, 60)}" instead of the last ${bytes - hex.length / 2} bytes of the instruction at 0x${address.toString(16)}`);
    this.withBytes(address, bytes, hex + content.replaceAll(' ', ''));
  }

  private withBytes(address: number, bytes: number, hex: string): void {
    // What exceeds the length would be a mnemonic that looks like bytes.
    const missing = bytes - hex.length / 2;
    if (missing > 0) {
      this.unfinished = { address, bytes, hex };
      return;
    }
    const there = this.known.get(address);
    const instruction = there ?? decodeInstruction(Buffer.from(hex, 'hex').subarray(0, bytes), address);
    if (instruction.bytes !== bytes) throw new Error(`${bytes} bytes at 0x${address.toString(16)}, but ${hex} decodes to ${instruction.bytes}`);
    this.execute(address, instruction);
  }

  private execute(address: number, instruction: SteppedInstruction): void {
    this.known.set(address, instruction);
    if (this.former) this.former.stepTo(address);
    else this.former = new RunFormer(this.writer, address, (at) => this.known.get(at)!);
    this.emitCall();
  }

  private marker(content: string): void {
    const number = /^<marker: (?:system call |function==syscall #)(\d+)>/.exec(content);
    if (number) this.call = { argument: null, result: 0, ...this.call, number: Number(number[1]) };
    const argument = /^<marker: function argument 0x([0-9a-f]+)>/.exec(content);
    if (argument && this.call) this.call.argument ??= signed(argument[1]);
    const result = /^<marker: function return value 0x([0-9a-f]+)>/.exec(content);
    if (result && this.call) this.call.result = signed(result[1]);
  }

  /** Once the instruction after it is known, so that the run before it is written. */
  private emitCall(): void {
    if (this.call) this.writer.systemCall(this.call.number, this.call.argument ?? -1, this.call.result);
    this.call = null;
  }
}

/** A register's value; those beyond 2^52 are no descriptors or counts, and only their low half is kept. */
function signed(hex: string): number {
  const value = BigInt.asIntN(64, BigInt(`0x${hex}`));
  return Number(value > -(2n ** 52n) && value < 2n ** 52n ? value : BigInt.asIntN(32, value));
}
