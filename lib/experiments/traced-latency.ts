/**
 * What Figure 13 is drawn from, for one worker: the same requests untraced, under the kernel's tracepoints where there are
 * any, and under strace, in turn; then the latency of each path, corrected, with what it can be checked against.
 *
 * `recordLatency` touches the machine and knows nothing of who sends the requests; `readLatency` does not touch it.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { pathLatencies, type PathLatency, type TracedTraversals } from '../analysis/path-latency.js';
import { addTimes, byIstioPorts, noTime, sidecarLatency, type DirectionOf, type SidecarLatency, type Traversal, type WorkerTime } from '../analysis/sidecar-latency.js';
import { bootstrap, interleave, median, medianEstimate, trimmedMean, type Estimate } from '../analysis/statistics.js';
import { emptyReads, emptyReadsWithout, overheadByEmptyReads, overheadByEvents, withoutTracer, type EmptyReads, type TracerOverhead } from '../analysis/tracer-overhead.js';
import type { Collected } from '../counters/collector.js';
import { onThisMachine, type NodeTools } from '../counters/node-tools.js';
import { cpuBetween, type CpuSample } from '../counters/schedstat.js';
import { strace } from '../counters/strace.js';
import { syscallEvents } from '../counters/syscall-events.js';
import type { CallRecording } from '../counters/system-call.js';

const tracers = ['strace', 'syscall-events'] as const;
type Tracer = (typeof tracers)[number];
type Tracing = 'plain' | Tracer;

const files = { cpu: 'cpu.json', eventCost: 'event-cost.json' };

/** `cpu.json` of a round: what the scheduler says the worker used. */
interface RoundCpu {
  /** Requests sent, as the one who sends them counts. */
  requests: number;
  worker: CpuSample;
}

export interface LatencyOptions {
  /** Of each kind. */
  rounds: number;
  /** Cores for tools that do not stop the worker: never its own. */
  cpus: number[];
  /** Where the sidecar is; this machine when left out. */
  tools?: NodeTools;
}

/**
 * Records the rounds, each into a folder of its own below `dir`.
 * @param send sends the requests of one round, one after another over connections that stand, and says how many.
 * @throws Error when there is neither tracer where the sidecar is.
 */
export async function recordLatency(sidecar: Collected, dir: string, send: () => Promise<number>, { rounds, cpus, tools = onThisMachine }: LatencyOptions): Promise<void> {
  const { pid, workerTid } = sidecar;
  const kinds: Tracing[] = ['plain', ...await availableTracers(tools)];
  for (const { item, repeat } of interleave(kinds, rounds, 13)) {
    const folder = path.join(dir, `${item}-${repeat}`);
    fs.mkdirSync(folder, { recursive: true });
    const body = async () => {
      const [before] = await tools.readCpu([{ pid, tid: workerTid }]);
      const requests = await send();
      await tools.untilWaiting(pid, workerTid);
      const [after] = await tools.readCpu([{ pid, tid: workerTid }]);
      const cpu: RoundCpu = { requests, worker: cpuBetween(before, after) };
      fs.writeFileSync(path.join(folder, files.cpu), `${JSON.stringify(cpu)}\n`);
    };
    await (item === 'plain' ? body() : tools.record(item, sidecar, folder, body, cpus));
  }
  if (!kinds.includes('syscall-events')) return;
  fs.writeFileSync(path.join(dir, files.eventCost), `${JSON.stringify(await tools.measureEventCostNs(pid, workerTid, cpus))}\n`);
}

async function availableTracers(tools: NodeTools): Promise<Tracer[]> {
  const answers = await Promise.all(tracers.map((name) => tools.probe(name)));
  if (answers.every(({ available }) => !available)) {
    throw new Error(`system calls cannot be recorded here: ${answers.map((answer) => (answer.available ? '' : answer.reason)).join('; ')}; \`npm run doctor\` says what to do`);
  }
  return tracers.filter((_, i) => answers[i].available);
}

/** What one tracer shows of a worker. */
export interface TracerLatency {
  /** Requests sent in its rounds. */
  requests: number;
  traversals: number;
  paths: PathLatency[];
  /** What `paths` rests on; `pathLatencies` makes those of a choice of traversals from it. */
  rounds: readonly TracedTraversals[];
  /** Work that belongs to no traversal, part of all work, 0 to 1. */
  unassignedShare: number;
  /** Traversals that a round's end cut off. */
  cutOff: number;
  /** The worker's CPU time a request by the calls, microseconds: work in calls and between them, what follows a request included, one value a round. */
  cpuUs: { raw: Estimate; corrected: Estimate };
  /** The scheduler's account of the same rounds, microseconds a request. */
  schedstatUs: Estimate;
  /**
   * How `cpuUs.corrected` and the time around sleeping compare with the scheduler's account of the untraced rounds: 1 is to
   * lie between the two. Null without tracepoints, which alone show the time around sleeping.
   */
  ofPlain: { least: Estimate; most: Estimate } | null;
}

/** The worker's CPU time around its sleeps, microseconds a request. */
export interface AroundSleep {
  /** Falling asleep and waking up as perf sees it, so without the switches to and from the thread. */
  least: Estimate;
  /** All that the scheduler charges besides calls and user code. Perf's own work at each switch is in it, too. */
  most: Estimate;
}

export interface TracedLatency {
  strace: TracerLatency | null;
  events: TracerLatency | null;
  /** Null without tracepoints. */
  aroundSleepUs: AroundSleep | null;
  /** The worker's CPU time a request by the scheduler, untraced, microseconds. */
  plainUs: Estimate;
}

/**
 * @param dir what `recordLatency` wrote.
 * @throws Error naming file and line where raw output is damaged, or that there are no rounds.
 */
export function readLatency(dir: string, directionOf: DirectionOf = byIstioPorts): TracedLatency {
  const plain = roundsOf(dir, 'plain').map(cpuUsOf);
  if (plain.length === 0) throw new Error(`${dir} holds no untraced rounds; record again`);
  const events = readEvents(dir, directionOf);
  const reference = events.length > 0 ? joined(events.map(({ calls, overhead }) => emptyReadsWithout(emptyReads(calls), overhead))) : null;
  const straced = roundsOf(dir, 'strace').map((folder) => {
    const recording = strace.read(folder);
    return round(folder, recording, overheadByEmptyReads(recording.calls, reference), directionOf);
  });
  const around = { least: events.map(wakeUs), most: events.map((one) => one.schedstatUs - workUs(one, null)) };
  const found = (rounds: readonly Round[]) => (rounds.length === 0 ? null : {
    ...summary(rounds),
    ofPlain: events.length === 0 ? null : { least: ofPlain(rounds, around.least, plain), most: ofPlain(rounds, around.most, plain) },
  });
  return {
    plainUs: medianEstimate(plain), events: found(events), strace: found(straced),
    aroundSleepUs: events.length === 0 ? null : { least: medianEstimate(around.least), most: medianEstimate(around.most) },
  };
}

function readEvents(dir: string, directionOf: DirectionOf): Round[] {
  const folders = roundsOf(dir, 'syscall-events');
  if (folders.length === 0) return [];
  const overhead = overheadByEvents(JSON.parse(fs.readFileSync(path.join(dir, files.eventCost), 'utf8')) as number[]);
  return folders.map((folder) => round(folder, syscallEvents.read(folder), overhead, directionOf));
}

function roundsOf(dir: string, kind: Tracing): string[] {
  const rank = (name: string) => Number(name.slice(kind.length + 1));
  return fs.readdirSync(dir).filter((name) => name.startsWith(`${kind}-`)).sort((a, b) => rank(a) - rank(b)).map((name) => path.join(dir, name));
}

function readRoundCpu(folder: string): RoundCpu {
  return JSON.parse(fs.readFileSync(path.join(folder, files.cpu), 'utf8')) as RoundCpu;
}

function cpuUsOf(folder: string): number {
  const { requests, worker } = readRoundCpu(folder);
  return worker.runNs / 1000 / requests;
}

/** One traced round. */
interface Round extends TracedTraversals {
  calls: CallRecording['calls'];
  latency: SidecarLatency;
  requests: number;
  schedstatUs: number;
}

function round(folder: string, recording: CallRecording, overhead: TracerOverhead, directionOf: DirectionOf): Round {
  const latency = sidecarLatency(recording, directionOf);
  return { calls: recording.calls, latency, traversals: latency.traversals, overhead, requests: readRoundCpu(folder).requests, schedstatUs: cpuUsOf(folder) };
}

function joined(reads: readonly EmptyReads[]): EmptyReads {
  return { insideNs: reads.flatMap(({ insideNs }) => insideNs), outsideNs: reads.flatMap(({ outsideNs }) => outsideNs) };
}

function summary(rounds: readonly Round[]): Omit<TracerLatency, 'ofPlain'> {
  const assigned = rounds.flatMap(({ traversals }) => traversals).map(timeOf).reduce(addTimes, noTime);
  const unassigned = rounds.map(({ latency }) => latency.unassigned).reduce(addTimes, noTime);
  return {
    requests: rounds.reduce((sum, { requests }) => sum + requests, 0),
    traversals: rounds.reduce((sum, { traversals }) => sum + traversals.length, 0),
    paths: pathLatencies(rounds),
    rounds,
    unassignedShare: workNs(unassigned) / Math.max(1, workNs(unassigned) + workNs(assigned)),
    cutOff: rounds.reduce((sum, { latency }) => sum + latency.cutOff, 0),
    cpuUs: { raw: medianEstimate(rounds.map((one) => workUs(one, null))), corrected: medianEstimate(rounds.map(correctedUs)) },
    schedstatUs: medianEstimate(rounds.map(({ schedstatUs }) => schedstatUs)),
  };
}

/** Rounds follow each other closely, so those of the same rank are resampled together. */
function ofPlain(rounds: readonly Round[], aroundUs: readonly number[], plainUs: readonly number[]): Estimate {
  return bootstrap([rounds.map(correctedUs), aroundUs, plainUs], ([work, around, plain]) => (median(work) + median(around)) / median(plain), { paired: true });
}

function correctedUs(round: Round): number {
  return workUs(round, round.overhead);
}

function timeOf({ request, response }: Traversal): WorkerTime {
  return [request, response].flatMap(({ time, after }) => [time, after]).reduce(addTimes);
}

function workNs({ kernelNs, userNs }: Pick<WorkerTime, 'kernelNs' | 'userNs'>): number {
  return kernelNs + userNs;
}

/** Left out at either end where a tool does not tell waiting for the core from work, since it then counts as work. */
const trim = 0.1;

/** Time in calls and between them a request, microseconds. */
function workUs({ calls, traversals, latency, requests }: Round, overhead: TracerOverhead | null): number {
  const ofOne = (time: WorkerTime) => workNs(overhead ? withoutTracer(time, overhead) : time);
  const each = traversals.map(timeOf).map(ofOne);
  const share = calls.some(({ onCoreNs }) => onCoreNs !== null) ? 0 : trim;
  return (ofOne(latency.unassigned) + (each.length > 0 ? each.length * trimmedMean(each, share) : 0)) / requests / 1000;
}

function wakeUs({ traversals, latency, requests }: Round): number {
  return (latency.unassigned.wakeNs + traversals.reduce((sum, one) => sum + timeOf(one).wakeNs, 0)) / requests / 1000;
}
