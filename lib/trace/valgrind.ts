/**
 * Instruction traces by our Valgrind tool `trace` (environment/valgrind-tool): every run of code and every system call
 * of the worker thread, thousands of requests long. Envoy runs under Valgrind from its start; only while `record` runs
 * its body is anything written.
 *
 * Misses: the kernel; AVX-512 and the CPU's other features that Valgrind hides, so that libraries choose other
 * routines; the kernel's clock functions (vdso), instead of which system calls are made.
 */
import * as fs from 'node:fs';
import type { Sidecar } from '../deploy/types.js';
import type { Availability } from '../host/availability.js';
import { untilWaiting } from '../host/system-calls.js';
import { probeValgrind, tellTool, valgrindVersion, valgrindWrap } from '../host/valgrind.js';
import { clientDescriptors } from './client-descriptors.js';
import { createTraceWriter, type TraceTotals } from './format.js';
import { readMappedCode } from './mapped-code.js';
import { slowClockWrap } from './slow-clock.js';
import type { TraceHeader } from './trace.js';
import { copyValgrindStream, type ValgrindStreamTotals } from './valgrind-stream.js';

const recorderFormat = 2;
const worker = 'wrk:worker_0';
/** The tool itself and what Valgrind preloads are in the process, but not of it. */
const valgrindsOwn = /-amd64-linux(\.so)?$/;

/** Whether this machine can record such traces. */
export function probeValgrindTrace(): Promise<Availability> {
  return probeValgrind(valgrindTraceVersion);
}

/** Of the recorder and Valgrind, for headers of traces and keys of runs. */
export async function valgrindTraceVersion(): Promise<string> {
  return `${recorderFormat} / ${await valgrindVersion()}`;
}

/**
 * The words to put before Envoy's command line so that `recordValgrindTrace` can record it.
 * @throws Error when the tool cannot be built.
 */
export async function valgrindTraceWrap(): Promise<string[]> {
  return [...await slowClockWrap(), ...await valgrindWrap('trace', worker)];
}

export interface ValgrindRecording<T> {
  /** The trace's file; it appears when the recording is whole. */
  file: string;
  /** What is recorded, e.g. requests over connections that stand already; it must leave them open. */
  body: () => Promise<T>;
  /** Cores that tools may use: never the worker's. */
  cpus: number[];
}

export type ValgrindTraceTotals = TraceTotals & ValgrindStreamTotals & { fileBytes: number };

/**
 * Records what the worker executes while `body` runs.
 * @returns what `body` returns, and what the trace holds.
 * @throws Error when Envoy died or does not run under the tool, no client is connected, or the disk is full; whatever
 * `body` throws. No file remains then.
 */
export async function recordValgrindTrace<T>(
  sidecar: Pick<Sidecar, 'pid' | 'workerTid' | 'address' | 'ending'>,
  { file, body, cpus }: ValgrindRecording<T>,
): Promise<{ result: T; totals: ValgrindTraceTotals }> {
  const raw = `${file}.${process.pid}.raw`;
  try {
    const { result, header } = await whileAlive(sidecar, async () => {
      const header = await describe(sidecar);
      return { result: await recordRaw(sidecar, raw, body, cpus), header };
    });
    return { result, totals: await compact(raw, file, header) };
  } finally {
    fs.rmSync(raw, { force: true });
  }
}

async function describe(sidecar: Pick<Sidecar, 'pid' | 'address'>): Promise<TraceHeader> {
  return {
    format: 1, recorder: 'valgrind', recorderVersion: await valgrindTraceVersion(),
    code: readMappedCode(sidecar.pid).filter(({ object }) => !valgrindsOwn.test(object)), clientDescriptors: clientDescriptors(sidecar),
  };
}

async function recordRaw<T>({ pid, workerTid }: Pick<Sidecar, 'pid' | 'workerTid'>, raw: string, body: () => Promise<T>, cpus: number[]): Promise<T> {
  const tell = (command: string) => tellTool({ pid, toolIs: 'the instruction tracer', wrappedBy: 'valgrindTraceWrap' }, command, cpus);
  await tell(`on ${raw}`);
  try {
    const result = await body();
    await untilWaiting(pid, workerTid);
    await tell('off');
    return result;
  } catch (error) {
    await tell('off').catch(() => undefined); // off already, or gone; the first error says more
    throw error;
  }
}

/** When Envoy died meanwhile, that is the error, not what followed from it. */
async function whileAlive<T>(sidecar: Pick<Sidecar, 'pid' | 'ending'>, body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    const end = await sidecar.ending();
    if (end) throw new Error(`Envoy (process ${sidecar.pid}) died while it was traced: ${end}; no trace was kept: start it again`);
    throw error;
  }
}

async function compact(raw: string, file: string, header: TraceHeader): Promise<ValgrindTraceTotals> {
  const writer = createTraceWriter(file, header);
  try {
    const { repetitions } = copyValgrindStream(raw, writer);
    return { ...await writer.finish(), repetitions };
  } catch (error) {
    writer.discard();
    throw error;
  }
}
