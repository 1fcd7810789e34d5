/**
 * Valgrind's own callgrind on the worker thread: instructions, misses of its simulated instruction cache, branches. It is
 * here as somebody else's count of what our recorders trace. Envoy runs under it from its start; counting is on only
 * while `record` runs its body.
 *
 * Misses: what our Valgrind tools miss (the kernel, CPU features that Valgrind hides). A repeated string instruction
 * counts once a repetition. Other threads share its simulated cache, their counts are apart.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Availability } from '../host/availability.js';
import { run } from '../host/process.js';
import { untilWaiting } from '../host/system-calls.js';
import { askTool, valgrindVersion, vgdbOption } from '../host/valgrind.js';
import { slowClockWrap } from '../trace/slow-clock.js';
import type { Collected, Collector } from './collector.js';

/** Counts of one thread by callgrind's names (Valgrind manual, 6.4.4): Ir, I1mr, Bc, Bi, ... */
export type CallgrindCounts = Readonly<Record<string, number>>;

const recorderFormat = 1;
const outputs = 'callgrind.out';
const file = 'callgrind-totals.txt';

export const callgrind: Collector<CallgrindCounts> = {
  name: 'callgrind',
  version: async () => `${recorderFormat} / ${await valgrindVersion()}`,
  probe: probeCallgrind,
  record: recordCallgrind,
  tidy: (dir) => partsIn(dir).forEach((part) => fs.rmSync(part)),
  read: (dir) => busiestThread(fs.readFileSync(path.join(dir, file), 'utf8'), path.join(dir, file)),
  misses: 'the kernel, time, and AVX-512 routines, which Valgrind hides; repeated string instructions count per repetition',
  disturbance: 'some hundred times slower; counts are exact all the same',
};

/** The words to put before Envoy's command line so that `record` can count in it. */
export async function callgrindWrap(dir: string): Promise<string[]> {
  return [
    ...await slowClockWrap(), 'valgrind', '--quiet', '--tool=callgrind', '--instr-atstart=no', '--separate-threads=yes', '--cache-sim=yes', '--branch-sim=yes',
    '--I1=32768,8,64', `--callgrind-out-file=${path.join(dir, outputs)}`, vgdbOption(),
  ];
}

async function probeCallgrind(): Promise<Availability> {
  const { exitCode } = await run(['valgrind', '--version'], { allow: 'any' });
  if (exitCode !== 0) return { available: false, reason: 'valgrind is not installed', remedy: 'install the package valgrind' };
  return { available: true, version: await callgrind.version() };
}

async function recordCallgrind<T>({ pid, workerTid }: Collected, dir: string, body: () => Promise<T>, cpus: number[]): Promise<T> {
  await askTool(pid, 'instrumentation on', cpus);
  const result = await body();
  await untilWaiting(pid, workerTid);
  await askTool(pid, 'instrumentation off', cpus);
  await askTool(pid, 'dump', cpus);
  keepTotals(dir);
  return result;
}

/** Costs by line of source say nothing about a stripped program: of each part, only its header and totals are kept. */
function keepTotals(dir: string): void {
  const parts = partsIn(dir);
  if (parts.length === 0) throw new Error(`callgrind wrote nothing into ${dir}; is Envoy alive and started under callgrindWrap?`);
  const kept = parts.flatMap((part) => fs.readFileSync(part, 'utf8').split('\n').filter((line) => /^(version|creator|thread|part|desc|events|totals):/.test(line)));
  fs.writeFileSync(path.join(dir, file), `${kept.join('\n')}\n`);
}

/** One a thread and dump; those of the dump at exit come when the program ends. */
function partsIn(dir: string): string[] {
  return fs.readdirSync(dir).filter((name) => name.startsWith(outputs)).sort().map((name) => path.join(dir, name));
}

/**
 * The worker's counts among those of all threads: it is the one that did the work.
 * @param text headers and totals of callgrind's output parts (Valgrind manual, cl-format), one part after another.
 * @throws Error naming file and line when a total does not fit its events, or there is none.
 */
export function busiestThread(text: string, name: string): CallgrindCounts {
  const totals = new Map<string, Record<string, number>>();
  let thread = '';
  let events: string[] = [];
  text.split('\n').forEach((line, i) => {
    const [, key, rest] = /^(\w+): ?(.*)$/.exec(line) ?? [];
    if (key === 'thread') thread = rest;
    if (key === 'events') events = rest.trim().split(/\s+/);
    if (key !== 'totals') return;
    const values = rest.trim().split(/\s+/).map(Number);
    if (values.length > events.length || values.some((value) => !Number.isFinite(value))) throw new Error(`${name}:${i + 1}: ${values.length} counts for ${events.length} events; record again`);
    // What is written at the end of a program that counted in between wraps around below zero.
    if (values.some((value) => value > 2 ** 63)) return;
    const sum = totals.get(thread) ?? Object.fromEntries(events.map((event) => [event, 0]));
    values.forEach((value, at) => { sum[events[at]] = (sum[events[at]] ?? 0) + value; });
    totals.set(thread, sum);
  });
  const [busiest] = [...totals.values()].sort((a, b) => b.Ir - a.Ir);
  if (!busiest || !(busiest.Ir > 0)) throw new Error(`${name}:1: no thread with instructions in it; callgrind was ended before it could write`);
  return busiest;
}
