/**
 * Experiment `huge-pages`: does the unmodified sidecar get faster when its code lies on 2 MB pages? Three arms: the
 * file's own pages, a copy on 4 kB pages (what being moved costs), a copy on 2 MB pages. The code of one running process
 * is moved from arm to arm under one load, in random order and in windows of less than a second: what else differs
 * between processes, and the machine's drift, meets all arms alike.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync, gzipSync } from 'node:zlib';
import { clusteredRatio, type Pair } from '../analysis/clustered.js';
import { frontendQuantities } from '../analysis/frontend-quantities.js';
import { interleave, type Estimate } from '../analysis/statistics.js';
import { frontendCounters } from '../counters/frontend-counters.js';
import { valuesOf } from '../counters/frontend-counts.js';
import { policyById } from '../deploy/catalogue.js';
import { deployedHere } from '../deploy/deployed-sidecar.js';
import { copyText, hugeBytesOf, probe, textMapping, textPages, type MovedText, type TextCopies, type TextPages } from '../deploy/huge-pages.js';
import type { Sidecar, SidecarConfig } from '../deploy/types.js';
import type { LoadSpec } from '../load/types.js';
import { hugePageBytes } from '../simulate/geometry.js';
import type { Recording, Run, RunStore, Warning } from '../store/run-store.js';
import { projectVersion } from '../store/version.js';
import type { Progress } from './carry-out.js';
import { busyLoad } from './components.js';
import { loadAndRead, type CpuWindow, type Scene } from './measure.js';
import type { Mode, PlannedRun } from './plan.js';
import { planMode, sessionMode, whyNotHere, type SessionMode } from './session.js';
import { withTestbed, type Testbed, type TestbedOptions } from './testbed.js';
import { isGood, warningsFor } from './warnings.js';

export const hugePages = 'huge-pages';

export interface Effort {
  /** Sidecars that are brought up one after another, each with its memory elsewhere. */
  starts: number;
  /** Of each start; in each, the code lies in every arm once. */
  rounds: number;
}

const efforts: Record<Mode, Effort> = {
  quick: { starts: 3, rounds: 20 },
  full: { starts: 20, rounds: 140 },
};

/** Of one arm in one round. */
const windowS = 0.25;
/** After a change of places the TLB is empty and caches are cold. */
const settleMs = 30;
/** One load's log is read at once. */
const roundsOfLoad = 80;
const defaultPolicy = 'http';
/** Seconds that moving takes beside windows, and that a start takes; only for the estimate. */
const overheadS = { arm: 0.02, start: 8 };
const seed = 11;

/** Raw file of a run. */
const armsFile = 'arms.json.gz';

/** One arm in one round. */
export interface ArmRound {
  round: number;
  pages: TextPages;
  /** How long the process stood still to be moved, ms. */
  stoppedMs: number;
  /** Of the moved code, bytes on 2 MB pages. */
  hugeBytes: number;
  cpu: CpuWindow;
  /** Misses of the instruction TLB per 1000 instructions, and those of them that walked the page tables; absent without hardware counters. */
  itlb?: { mpki: number | null; walkMpki: number | null };
  warnings: Warning[];
}

/** `arms.json.gz`: one start. */
export interface ArmsRecord {
  /** Address of the code modulo 2 MB, and its size. */
  code: { offset: number; bytes: number };
  /** Moved stretches, relative to the code's start. */
  moved: MovedText[];
  /** Their size. */
  movedBytes: number;
  rounds: ArmRound[];
}

export interface HugePagesOptions extends TestbedOptions {
  /** A policy of the catalogue or a configuration of your own; `http` by default. */
  policy?: string | SidecarConfig;
  /** 2 MB regions to move, as offsets in bytes from the 2 MB region in which the code begins; all of the code by default. */
  regions?: readonly number[];
  progress?: Progress;
}

/**
 * Measures what is lacking; says instead why not, where this machine or session does not measure.
 * @returns one line for the reader.
 */
export async function tryHugePages(mode: SessionMode = sessionMode(), options: HugePagesOptions = {}): Promise<string> {
  const whyNot = await whyNotHere(mode, probe);
  if (whyNot) return whyNot;
  const runs = await measureHugePages(planMode(mode), options);
  return `${runs.length} starts of a sidecar whose code lay on the file's pages, on 4 kB and on 2 MB pages in turn.`;
}

/**
 * Measures the starts that are not recorded yet.
 * @returns all starts.
 * @throws Error when another measurement runs, the code cannot be moved, or a sidecar dies; whole starts are kept.
 */
export async function measureHugePages(effort: Mode | Effort, options: HugePagesOptions = {}): Promise<Run[]> {
  const { starts, rounds } = typeof effort === 'string' ? efforts[effort] : effort;
  const config = typeof options.policy === 'object' ? options.policy : policyById(options.policy ?? defaultPolicy);
  return withTestbed(options, async (testbed) => {
    const version = `2, ${rounds} rounds${options.regions ? `, regions ${options.regions.join(' ')}` : ''}`;
    const spec = await testbed.spec(config, busyLoad(windowS), { name: hugePages, version });
    const recorded = testbed.store.measured(hugePages, spec);
    const missing = Array.from({ length: starts }, (_, start) => start).filter((start) => !recorded.some(({ repeat }) => repeat === start));
    const secondsAStart = overheadS.start + rounds * textPages.length * (windowS + settleMs / 1000 + overheadS.arm);
    options.progress?.planned(`${missing.length} starts of a sidecar, ${rounds} rounds each, about ${(missing.length * secondsAStart / 60).toFixed(1)} min`, missing.length * secondsAStart);
    for (const [done, start] of missing.entries()) {
      const { id, label, frame } = config;
      await testbed.store.record(hugePages, spec, { policy: { id, label, frame }, repeat: start }, async (dir) => {
        const record = await oneStart(testbed, config, start, { rounds, dir, regions: options.regions });
        fs.writeFileSync(path.join(dir, armsFile), gzipSync(JSON.stringify(record)));
        const { machine, envoy } = testbed;
        return { provenance: { machine, envoyVersion: envoy.version, projectVersion: projectVersion(), tools: { [hugePages]: version }, commands: [] }, warnings: [] };
      });
      options.progress?.advanced(`start ${start + 1} of ${starts}`, (done + 1) * secondsAStart);
    }
    return testbed.store.measured(hugePages, spec).filter(({ repeat }) => repeat < starts);
  });
}

interface StartOptions {
  rounds: number;
  dir: string;
  regions?: readonly number[];
}

async function oneStart(testbed: Testbed, config: SidecarConfig, start: number, { rounds, dir, regions }: StartOptions): Promise<ArmsRecord> {
  const sidecar = await testbed.sidecar(config);
  try {
    const text = textMapping(sidecar.pid);
    const offset = text.start % hugePageBytes;
    const copies = await copyText(sidecar.pid, ['anonymous-4k', 'anonymous-2m'], { regions: regions?.map((region) => text.start - offset + region) });
    const planned: PlannedRun = { experiment: hugePages, config, load: busyLoad(windowS), collector: 'cpu-time', repeat: start };
    const scene: Scene = { ...deployedHere(sidecar, await testbed.backend(), testbed.cpus), testbed, planned, dir: path.join(dir, 'load') };
    const order = interleave(textPages, rounds, seed + start).map(({ item, repeat }) => ({ pages: item, round: repeat }));
    const measured: ArmRound[] = [];
    for (let done = 0; done < order.length; done += roundsOfLoad * textPages.length) {
      measured.push(...await underOneLoad(scene, copies, order.slice(done, done + roundsOfLoad * textPages.length)));
    }
    return { code: { offset, bytes: text.end - text.start }, moved: copies.moved.map((each) => ({ start: each.start - text.start, end: each.end - text.start })), movedBytes: copies.bytes, rounds: measured };
  } finally {
    await sidecar.stop();
  }
}

/** @throws Error when no huge page was had: the arm would be a second control. */
async function place({ pid }: Pick<Sidecar, 'pid'>, { moved, switchTo }: TextCopies, pages: TextPages): Promise<Pick<ArmRound, 'stoppedMs' | 'hugeBytes'>> {
  const stoppedMs = await switchTo(pages);
  const hugeBytes = hugeBytesOf(pid, moved);
  if (pages === 'anonymous-2m' && hugeBytes === 0) throw new Error('no 2 MB page was to be had for the code; free memory, or restart the machine, whose memory is in pieces');
  return { stoppedMs, hugeBytes };
}

async function underOneLoad(scene: Scene, copies: TextCopies, order: readonly Pick<ArmRound, 'round' | 'pages'>[]): Promise<ArmRound[]> {
  const { testbed, sidecar, dir } = scene;
  const { connections, path: where, warmUpS = 0 } = busyLoad(windowS);
  const spec: LoadSpec = { mode: 'closed', connections, path: where, warmUpS, durationS: windowS };
  const counters = (await frontendCounters.probe()).available;
  const arms: Omit<ArmRound, 'cpu' | 'warnings'>[] = [];
  fs.mkdirSync(dir);
  try {
    const { outcome, cpu } = await loadAndRead(scene, spec, dir, async (window) => {
      for (const arm of order) {
        const placed = await place(sidecar, copies, arm.pages);
        await sleep(settleMs);
        arms.push({ ...arm, ...placed, ...(counters ? { itlb: await countItlb(scene, window) } : await window()) });
      }
    });
    const ending = await sidecar.ending();
    if (ending) throw new Error(`the sidecar died under load: ${ending}`);
    const warnings = warningsFor({ ...outcome, cpu: total(cpu), cpus: testbed.cpus });
    return arms.map((arm, i) => ({ ...arm, cpu: cpu[i], warnings }));
  } finally {
    fs.rmSync(dir, { recursive: true, force: true });
  }
}

/** Of all windows together: in a single one of a quarter of a second, a few milliseconds of the kernel's own work look like a disturbance. */
function total(windows: readonly CpuWindow[]): CpuWindow {
  const sum = (name: 'worker' | 'sidecar' | 'generator' | 'backend') => windows.map((window) => window[name]).reduce((a, b) => ({
    ...a, runNs: a.runNs + b.runNs, waitNs: a.waitNs + b.waitNs, timeslices: a.timeslices + b.timeslices,
  }));
  const lengthUs = windows.reduce((all, { windowUs: [from, to] }) => all + to - from, 0);
  return {
    windowUs: [windows[0].windowUs[0], windows[0].windowUs[0] + lengthUs], requests: windows.reduce((all, { requests }) => all + requests, 0),
    worker: sum('worker'), sidecar: sum('sidecar'), generator: sum('generator'), backend: sum('backend'),
  };
}

async function countItlb({ sidecar, dir, testbed }: Scene, window: () => Promise<void>): Promise<ArmRound['itlb']> {
  await frontendCounters.record(sidecar, dir, window, testbed.cpus.others);
  const counts = frontendCounters.read(dir);
  const { itlbMpki, itlbWalkMpki } = frontendQuantities(counts.table, valuesOf(counts));
  return { mpki: itlbMpki, walkMpki: itlbWalkMpki };
}

/** An arm against the file's own pages. */
export interface ArmComparison {
  pages: TextPages;
  /** Worker's CPU time per request, x that on the file's pages. */
  cpuTime: Estimate;
  /** Requests per second, likewise. */
  throughput: Estimate;
  /** Misses of the instruction TLB per instruction, likewise; null without hardware counters. */
  itlbMisses: Estimate | null;
  /** Part of the moved code on 2 MB pages, 0 to 1, the least of all rounds. */
  hugeShare: number;
}

export interface HugePagesData {
  origin: string;
  cpuModel: string;
  runs: string[];
  policy: Run['policy'];
  rounds: { start: number; round: number; pages: TextPages; cpuUs: number; perS: number }[];
  comparisons: ArmComparison[];
  /** Rounds left out because something disturbed one of their arms. */
  leftOut: number;
}

/**
 * Reads the starts that were measured last, with one set of rounds and regions.
 * @throws Error when a file is damaged, or no round is left.
 */
export function hugePagesData(recording: Pick<Recording, 'origin'>, runs: readonly Run[], policy = defaultPolicy): HugePagesData {
  const ofPolicy = runs.filter((run) => run.policy.id === policy).sort((a, b) => a.startedAt.localeCompare(b.startedAt));
  const latest = ofPolicy[ofPolicy.length - 1];
  if (!latest) throw new Error(`huge pages were not tried with ${policy} yet; measure it first`);
  const chosen = ofPolicy.filter(({ key }) => key === latest.key);
  const records = chosen.map((run) => ({ run, record: readArms(run) }));
  const starts = records.map(({ run, record }) => ({ start: run.repeat, rounds: goodRounds(run, record) }));
  const all = records.reduce((sum, { record }) => sum + record.rounds.length / textPages.length, 0);
  const kept = starts.filter(({ rounds }) => rounds.length > 0);
  if (kept.length === 0) throw new Error(`every round of ${latest.id} was disturbed (${whyDisturbed(records[0].record)}); measure again while nothing else runs`);
  return {
    origin: recording.origin, cpuModel: latest.provenance.machine.cpuModel, runs: chosen.map(({ id }) => id), policy: latest.policy,
    rounds: kept.flatMap(({ start, rounds }) => rounds.flatMap((round) => textPages.map((pages) => ({ start, round: round[pages].round, pages, ...costOf(round[pages]) })))),
    comparisons: textPages.slice(1).map((pages) => compare(pages, kept.map(({ rounds }) => rounds), Math.min(...records.map(({ record }) => hugeShare(record, pages))))),
    leftOut: all - kept.reduce((sum, { rounds }) => sum + rounds.length, 0),
  };
}

/** The newest data there is: this machine's own first. @throws Error when there is none. */
export function hugePagesOf(store: RunStore, policy = defaultPolicy): HugePagesData {
  for (const recording of store.recordings()) {
    const runs = store.runs(recording, hugePages);
    if (runs.some((run) => run.policy.id === policy)) return hugePagesData(recording, runs, policy);
  }
  throw new Error(`huge pages were not tried with ${policy} yet; measure it first`);
}

function readArms(run: Run): ArmsRecord {
  const file = path.join(run.dir, armsFile);
  try {
    return JSON.parse(gunzipSync(fs.readFileSync(file)).toString()) as ArmsRecord;
  } catch (error) {
    throw new Error(`${file} cannot be read (${(error as Error).message}); remove that run's folder to measure it again`);
  }
}

type Round = Record<TextPages, ArmRound>;

/** Rounds in which nothing disturbed any arm. */
function goodRounds(run: Run, { rounds }: ArmsRecord): Round[] {
  const good = rounds.filter(({ warnings, cpu }) => cpu.requests > 0 && isGood({ spec: run.spec, warnings }));
  const numbers = [...new Set(good.map(({ round }) => round))].sort((a, b) => a - b);
  return numbers.map((number) => good.filter(({ round }) => round === number))
    .filter((arms) => arms.length === textPages.length)
    .map((arms) => Object.fromEntries(arms.map((arm) => [arm.pages, arm])) as Round);
}

function whyDisturbed({ rounds }: ArmsRecord): string {
  return rounds.flatMap(({ warnings }) => warnings)[0]?.text ?? 'no request was answered';
}

function costOf({ cpu: { worker, requests, windowUs } }: ArmRound): { cpuUs: number; perS: number } {
  return { cpuUs: worker.runNs / 1000 / requests, perS: requests / ((windowUs[1] - windowUs[0]) / 1e6) };
}

function hugeShare({ rounds, movedBytes }: ArmsRecord, pages: TextPages): number {
  return Math.min(...rounds.filter((round) => round.pages === pages).map(({ hugeBytes }) => hugeBytes / movedBytes));
}

function compare(pages: TextPages, starts: readonly Round[][], share: number): ArmComparison {
  const ratio = (of: (arm: ArmRound) => number) => clusteredRatio(starts.map((rounds) => rounds.map((round): Pair => [of(round[pages]), of(round['file-4k'])])));
  const hasItlb = starts.flat().every((round) => [pages, 'file-4k' as const].every((arm) => (round[arm].itlb?.mpki ?? 0) > 0));
  return {
    pages,
    cpuTime: ratio((arm) => costOf(arm).cpuUs),
    throughput: ratio((arm) => costOf(arm).perS),
    itlbMisses: hasItlb ? ratio((arm) => arm.itlb!.mpki!) : null,
    hugeShare: share,
  };
}
