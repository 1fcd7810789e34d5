/**
 * The raw output of both load generators: one line a request, in the order in which they were due.
 *
 *     # request log 1
 *     # startUs 1795431480670510          microseconds since the epoch
 *     # intendedUs sentUs doneUs status   microseconds since then, tab-separated
 *     0       19      1315    200
 *     200     1315    -1      0           sent and never answered
 *     # end 2                             how many requests there are: a log without it was cut off
 *
 * `sentUs` is -1 when it was never sent, `doneUs` when it was never answered; status 0 is a broken connection.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { encodeHistogram, histogramOf, latencyPercentiles } from './histogram.js';
import type { LoadOutcome } from './types.js';

export const requestLogFile = 'requests.log';

/** Columns of equal length; times in microseconds since `startUs`. */
export interface RequestLog {
  /** Microseconds since the epoch. */
  startUs: number;
  intendedUs: Float64Array;
  sentUs: Float64Array;
  doneUs: Float64Array;
  status: Int16Array;
}

/** @throws Error naming file and line when it is missing, empty, cut off or not a request log. */
export function readRequestLog(dir: string): RequestLog {
  const file = path.join(dir, requestLogFile);
  if (!fs.existsSync(file)) throw new Error(`${file} is missing: the load generator ended before it wrote its log`);
  return parseRequestLog(fs.readFileSync(file, 'latin1'), file);
}

/**
 * @param file how messages call it.
 * @throws Error naming file and line.
 */
export function parseRequestLog(text: string, file: string): RequestLog {
  const lines = text.split('\n');
  if (lines[0] !== '# request log 1') throw new Error(`${file}:1: not a request log: ${quote(lines[0])}`);
  const start = /^# startUs (\d+)$/.exec(lines[1] ?? '');
  if (!start) throw new Error(`${file}:2: expected "# startUs N", found ${quote(lines[1])}`);
  const end = lines.length - 2;
  const promised = /^# end (\d+)$/.exec(lines[end] ?? '');
  if (!promised || lines[end + 1] !== '') throw new Error(`${file}:${lines.length}: cut off: no "# end" line`);
  const count = end - 3;
  if (count !== Number(promised[1])) throw new Error(`${file}:${end + 1}: ${promised[1]} requests promised, ${count} found`);
  const log: RequestLog = {
    startUs: Number(start[1]), intendedUs: new Float64Array(count), sentUs: new Float64Array(count),
    doneUs: new Float64Array(count), status: new Int16Array(count),
  };
  for (let i = 0; i < count; i++) readLine(log, i, lines[i + 3], `${file}:${i + 4}`);
  return log;
}

function readLine(log: RequestLog, i: number, line: string, where: string): void {
  const fields = line.split('\t');
  const [intended, sent, done, status] = fields.map(Number);
  const whole = fields.length === 4 && fields.every((field) => /^-?\d+$/.test(field));
  if (!whole || intended < 0 || sent < -1 || done < -1 || status < 0 || status > 999) {
    throw new Error(`${where}: expected intendedUs, sentUs, doneUs, status; found ${quote(line)}`);
  }
  log.intendedUs[i] = intended;
  log.sentUs[i] = sent;
  log.doneUs[i] = done;
  log.status[i] = status;
}

function quote(line: string | undefined): string {
  return line === undefined ? 'the end of the file' : JSON.stringify(line.slice(0, 60));
}

/** Requests answered with 2xx between two moments, microseconds since the epoch, the second excluded. */
export function completedBetween(log: RequestLog, fromUs: number, toUs: number): number {
  let count = 0;
  for (let i = 0; i < log.doneUs.length; i++) {
    if (isSuccess(log.status[i]) && within(log.doneUs[i] + log.startUs, fromUs, toUs)) count++;
  }
  return count;
}

/**
 * What happened inside a window.
 * @param windowUs microseconds since the epoch, end excluded.
 */
export function summariseLog(log: RequestLog, windowUs: [number, number], intendedRatePerS: number | null): Omit<LoadOutcome, 'generator'> {
  const statuses = statusesIn(log, windowUs);
  const answered = Object.entries(statuses).filter(([status]) => isSuccess(Number(status))).reduce((sum, [, n]) => sum + n, 0);
  const all = Object.values(statuses).reduce((sum, n) => sum + n, 0);
  const middle = (windowUs[0] + windowUs[1]) / 2;
  const halves = [[windowUs[0], middle], [middle, windowUs[1]]] as [number, number][];
  const histogram = histogramOf(latenciesIn(log, windowUs));
  return {
    windowUs, requests: answered, errors: all - answered, statuses, intendedRatePerS,
    achievedRatePerS: answered / ((windowUs[1] - windowUs[0]) / 1e6),
    latencyHdr: encodeHistogram(histogram),
    latencyUs: latencyPercentiles(histogram),
    halvesP50Us: halves.map((half) => latencyPercentiles(histogramOf(latenciesIn(log, half))).p50) as [number, number],
  };
}

/** Answers and failures by when they came; requests never answered by when they were due. */
function statusesIn(log: RequestLog, [from, to]: [number, number]): Record<string, number> {
  const statuses: Record<string, number> = {};
  for (let i = 0; i < log.doneUs.length; i++) {
    const open = log.doneUs[i] < 0;
    if (!within((open ? log.intendedUs[i] : log.doneUs[i]) + log.startUs, from, to)) continue;
    const name = open ? 'unanswered' : log.status[i] === 0 ? 'failed' : String(log.status[i]);
    statuses[name] = (statuses[name] ?? 0) + 1;
  }
  return statuses;
}

/** From the intended send time, of requests due inside the window. */
function latenciesIn(log: RequestLog, [from, to]: [number, number]): number[] {
  const lastUs = log.doneUs.reduce((last, done) => Math.max(last, done), 0);
  const latencies: number[] = [];
  for (let i = 0; i < log.doneUs.length; i++) {
    if (!within(log.intendedUs[i] + log.startUs, from, to)) continue;
    if (log.doneUs[i] < 0) latencies.push(Math.max(0, lastUs - log.intendedUs[i]));
    else if (isSuccess(log.status[i])) latencies.push(log.doneUs[i] - log.intendedUs[i]);
  }
  return latencies;
}

function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}

function within(value: number, from: number, to: number): boolean {
  return value >= from && value < to;
}
