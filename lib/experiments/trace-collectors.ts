/** The recorders of instruction traces as collectors: a run's folder gets `requests.trace`, the recording the code it ran. */
import * as path from 'node:path';
import type { Collected, Collector } from '../counters/collector.js';
import { clientDescriptors } from '../trace/client-descriptors.js';
import { codeOfFiles, collectCodeLines, saveCodeLines } from '../trace/code-lines.js';
import { openTrace, type TraceFile } from '../trace/format.js';
import { findRequests } from '../trace/requests.js';
import { codeSources } from '../trace/mapped-code.js';
import { maskedEnvironment, probe as probeSingleStep, recorderVersion, startSingleStep } from '../trace/single-step.js';
import { probeValgrindTrace, recordValgrindTrace, valgrindTraceVersion, valgrindTraceWrap } from '../trace/valgrind.js';

export const traceFile = 'requests.trace';

const read = (dir: string): TraceFile => openTrace(path.join(dir, traceFile));

export const valgrindTrace: Collector<TraceFile> = {
  name: 'trace',
  version: valgrindTraceVersion,
  probe: probeValgrindTrace,
  record: async (sidecar, dir, body, cpus) => (await recordValgrindTrace(sidecar, { file: path.join(dir, traceFile), body, cpus })).result,
  read,
  misses: 'the kernel; AVX-512 and crypto routines, which Valgrind hides',
  disturbance: 'some hundred times slower, which does not change what is executed between system calls',
};

export const singleStep: Collector<TraceFile> = { ...stepped('single-step'), misses: 'the kernel' };

/** With the CPU features that Valgrind hides masked for libc and BoringSSL: what both recorders have to agree on. */
export const singleStepMasked: Collector<TraceFile> = { ...stepped('single-step-masked'), misses: 'the kernel; routines for the masked CPU features' };

/** Argv prefix under which Envoy has to run for one of them. */
export async function traceWrap(name: string): Promise<string[] | undefined> {
  if (name === valgrindTrace.name) return valgrindTraceWrap();
  if (name === singleStepMasked.name) return ['env', ...Object.entries(maskedEnvironment()).map(([key, value]) => `${key}=${value}`)];
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
    probe: probeSingleStep,
    record: recordSteps,
    read,
    disturbance: 'some thousand times slower; timers come due within requests',
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
