/** A recorded trace with all that tells what it is made of: its requests, its code and whom that belongs to. */
import * as path from 'node:path';
import type { Anchor } from '../analysis/anchors.js';
import { loadBinary } from '../store/binaries.js';
import type { Recording, Run } from '../store/run-store.js';
import { codeOf, loadCodeLines } from '../trace/code-lines.js';
import { RunDecoder } from '../trace/decode.js';
import { openTrace, type TraceFile } from '../trace/format.js';
import { findRequests, type RequestSpan } from '../trace/requests.js';
import { traceFile } from './trace-collectors.js';

export interface RecordedTrace {
  trace: TraceFile;
  /** Whole requests, in order; spans of several at once are left out. */
  spans: RequestSpan[];
  decoder: RunDecoder;
  anchors: Anchor[];
  buildId: string;
}

/** @throws Error naming the file when it is damaged, or what the recording lacks. */
export async function openRecordedTrace(recording: Pick<Recording, 'dir'>, run: Pick<Run, 'dir' | 'spec'>): Promise<RecordedTrace> {
  const trace = openTrace(path.join(run.dir, traceFile));
  const code = loadCodeLines(recording.dir, trace.header);
  const decoder = new RunDecoder(trace.runs, codeOf(trace.header, (object, address, length) => code.read(object, address, length)));
  const { anchors, buildId } = loadBinary(recording, run.spec.envoyBuildId);
  const spans = (await findRequests(trace)).filter(({ isWhole, requests }) => isWhole && requests === 1);
  return { trace, spans, decoder, anchors, buildId };
}
