/**
 * What an instruction trace is, whoever recorded it: straight runs of code in the order they were executed, and the
 * system calls between them.
 *
 * A *run* is a straight piece of code executed from its first instruction to its last: nothing jumps into or out of
 * its middle. Each distinct run (same start, same length) has an id, given in order of first execution; a trace is
 * the sequence of ids. A repeated string instruction (rep movs) is one instruction however often it repeats, as a
 * processor retires it.
 */

/** Code mapped into the traced process: how an address at run time relates to a file. */
export interface MappedCode {
  /** File name without folders; `[vdso]` for the kernel's own. */
  object: string;
  /** Lower-case hexadecimal, or null when the file was linked without one. */
  buildId: string | null;
  /** Run-time addresses [start, end). */
  start: number;
  end: number;
  /** Address of `start` in the file's own numbering (ELF p_vaddr). */
  fileAddress: number;
}

export type Recorder = 'single-step' | 'valgrind' | 'pin' | 'drmemtrace';

export interface TraceHeader {
  format: 1;
  recorder: Recorder;
  /** Of the recorder and what it builds on, as one line. */
  recorderVersion: string;
  /** Sorted by start. Empty when the source does not say (PIN text). */
  code: MappedCode[];
  /** File descriptors of the clients' connections in the traced process: reading from one begins a request. */
  clientDescriptors: number[];
}

/** Every distinct run of a trace, by id; grows while a trace is read. Arrays may be longer than `size`. */
export interface RunTable {
  size: number;
  /** Run-time address of the first instruction. */
  address: Float64Array;
  /** Bytes of code, first to last instruction. */
  bytes: Uint32Array;
  instructions: Uint32Array;
}

/** A system call, at the place where it returned: after `at` runs of its chunk. */
export interface SystemCall {
  at: number;
  /** x86-64 system call number. */
  number: number;
  /** First argument: a file descriptor, for most that matter here. */
  argument: number;
  /** What it returned: a count, or minus an errno. */
  result: number;
}

/** A piece of a trace, as it streams. */
export interface TraceChunk {
  /** Ids in order of execution: the first `length` of them. The array is reused for the next chunk. */
  ids: Uint32Array;
  length: number;
  /** In order of `at`. */
  calls: SystemCall[];
}

/** A trace being read; one pass at a time. */
export interface Trace {
  header: TraceHeader;
  /** Complete for every id of the chunks seen so far. */
  runs: RunTable;
  /**
   * Streams the trace from its beginning.
   * @throws Error naming the file and the position where it is truncated or foreign.
   */
  chunks(): AsyncIterable<TraceChunk>;
}
