/** The recorders of instruction traces as collectors: a run's folder gets `requests.trace`, the recording the code it ran. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Collected, Collector } from '../counters/collector.js';
import { clientDescriptors } from '../trace/client-descriptors.js';
import { codeOfFiles, collectCodeLines, saveCodeLines } from '../trace/code-lines.js';
import { openTrace, type TraceFile } from '../trace/format.js';
import { findRequests } from '../trace/requests.js';
import { codeSources } from '../trace/mapped-code.js';
import { maskedEnvironment, probe as probeSingleStep, recorderVersion, startSingleStep } from '../trace/single-step.js';
import { probeSlowClock, slowClockWrap } from '../trace/slow-clock.js';
import { probeValgrindTrace, recordValgrindTrace, valgrindTraceVersion, valgrindTraceWrap } from '../trace/valgrind.js';

export const traceFile = 'requests.trace';
/** What only the Valgrind tool knows: how often string instructions were repeated, which a trace does not hold. */
const totalsFile = 'trace-totals.json';

const read = (dir: string): TraceFile => openTrace(path.join(dir, traceFile));

export const valgrindTrace: Collector<TraceFile> = {
  name: 'trace',
  version: valgrindTraceVersion,
  probe: probeValgrindTrace,
  record: async (sidecar, dir, body, cpus) => {
    const { result, totals } = await recordValgrindTrace(sidecar, { file: path.join(dir, traceFile), body, cpus });
    fs.writeFileSync(path.join(dir, totalsFile), `${JSON.stringify({ instructions: totals.instructions, repetitions: totals.repetitions })}\n`);
    return result;
  },
  read,
  misses: 'the kernel; AVX-512 and crypto routines, which Valgrind hides',
  disturbance: 'some hundred times slower, which does not change what is executed between system calls; the worker\'s clock is slow, so that timers stay rare',
};

/** How often string instructions were repeated in the whole recording; null in recordings made without it. */
export function repetitionsIn(dir: string): number | null {
  const file = path.join(dir, totalsFile);
  return fs.existsSync(file) ? (JSON.parse(fs.readFileSync(file, 'utf8')) as { repetitions: number }).repetitions : null;
}

export const singleStep: Collector<TraceFile> = { ...stepped('single-step'), misses: 'the kernel' };

/** With the CPU features that Valgrind hides masked for libc and BoringSSL: what both recorders have to agree on. */
export const singleStepMasked: Collector<TraceFile> = { ...stepped('single-step-masked'), misses: 'the kernel; routines for the masked CPU features' };

/** Whether a collector writes a trace. */
export function isTracer(name: string): boolean {
  return [valgrindTrace, singleStep, singleStepMasked].some((tracer) => tracer.name === name);
}

/** Argv prefix under which Envoy has to run for one of them. */
export async function traceWrap(name: string): Promise<string[] | undefined> {
  if (name === valgrindTrace.name) return valgrindTraceWrap();
  if (name === singleStepMasked.name) return slowClockWrap(maskedEnvironment());
  if (name === singleStep.name) return slowClockWrap();
  return undefined;
}

/**
 * Checks that a trace holds the requests that were sent, and adds the code it ran to its recording, while the process
 * still is there to say where that came from.
 * @throws Error saying how many requests are whole when some are not.
 */
export async function keepTrace(recordingDir: string, dir: string, { pid, requests }: { pid: number; requests: number }): Promise<void> {
  const whole = (await findRequests(read(dir))).filter(({ isWhole, requests: held }) => isWhole && held === 1).length;
  if (whole < requests) throw new Error(`${whole} of ${requests} traced requests are whole: a connection was closed, or timers came between; try again on a less busy machine`);
  saveCodeLines(recordingDir, await collectCodeLines(read(dir), codeOfFiles(codeSources(pid))));
}

function stepped(name: string): Omit<Collector<TraceFile>, 'misses'> {
  return {
    name,
    version: async () => recorderVersion(),
    probe: async () => {
      const clock = await probeSlowClock();
      return clock.available ? probeSingleStep() : clock;
    },
    record: recordSteps,
    read,
    disturbance: 'some thousand times slower; the other threads stand still meanwhile, and the worker\'s clock is slow',
  };
}

/** Ends when the worker has been quiet after the last request, so that its end is in the trace too. */
async function recordSteps<T>(sidecar: Collected, dir: string, body: () => Promise<T>): Promise<T> {
  const stepping = await startSingleStep(sidecar, {
    clientDescriptors: clientDescriptors(sidecar), requests: Number.MAX_SAFE_INTEGER, file: path.join(dir, traceFile),
  });
  try {
    const result = await body();
    await stepping.outcome;
    return result;
  } finally {
    await stepping.stop();
  }
}
