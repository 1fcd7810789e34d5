/**
 * Experiment `huge-pages`: does the unmodified sidecar get faster when its code lies on 2 MB pages? Three arms: the
 * file's own pages, a copy on 4 kB pages (what being moved costs), a copy on 2 MB pages. Each start brings up a sidecar
 * of each arm; their workers take turns on one core, in short rounds in random order, so that drift of the machine
 * meets all alike.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { clusteredRatio, type Pair } from '../analysis/clustered.js';
import { interleave, type Estimate } from '../analysis/statistics.js';
import { policyById } from '../deploy/catalogue.js';
import { probe, remapText, textMapping, textPages, type MovedText, type TextPages } from '../deploy/huge-pages.js';
import type { Sidecar, SidecarConfig } from '../deploy/types.js';
import { canMeasure } from '../host/capabilities.js';
import type { LoadSpec } from '../load/types.js';
import { hugePageBytes } from '../simulate/geometry.js';
import type { Recording, Run, RunStore, Warning } from '../store/run-store.js';
import { projectVersion } from '../store/version.js';
import type { Progress } from './campaign.js';
import { busyLoad } from './components.js';
import { loadAndRead, type CpuWindow, type Scene } from './measure.js';
import type { Mode, PlannedRun } from './plan.js';
import { sessionMode, type SessionMode } from './session.js';
import { withTestbed, type Testbed, type TestbedOptions } from './testbed.js';
import { isGood, warningsFor } from './warnings.js';

export const hugePages = 'huge-pages';

export interface Effort {
  /** Sidecars of each arm that are brought up one after another, each with its memory elsewhere. */
  starts: number;
  /** Of each start; in each, every arm is loaded once. */
  rounds: number;
}

const efforts: Record<Mode, Effort> = {
  quick: { starts: 3, rounds: 2 },
  // A start shifts all its rounds, so more starts narrow the interval more than as many rounds do.
  full: { starts: 10, rounds: 20 },
};

const durationS = 3;
const defaultPolicy = 'http';
/** Seconds of one round beside its load, and of one start; only for the estimate. */
const overheadS = { round: 1.2, start: 8 };
const seed = 11;

/** Raw file of a run. */
const armsFile = 'arms.json';

/** Where the code of one arm's sidecar lay. */
export interface ArmState {
  /** Address of the code modulo 2 MB. */
  offset: number;
  bytes: number;
  hugeBytes: number;
  /** How long the process stood still to be moved, ms. */
  stoppedMs: number;
  /** Moved stretches, relative to the code's start. */
  moved: MovedText[];
}

export interface ArmRound {
  round: number;
  pages: TextPages;
  cpu: CpuWindow;
  warnings: Warning[];
}

/** `arms.json`: one start. */
export interface ArmsRecord {
  arms: Record<TextPages, ArmState>;
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
  if (mode === 'recorded') return 'Not measuring (WORKBENCH_MODE=recorded): what follows is drawn from the committed recordings.';
  for (const able of [await canMeasure(), await probe()]) {
    if (!able.available) return `Not measuring here: ${able.reason}. What follows is drawn from the committed recordings. To measure: ${able.remedy}.`;
  }
  const runs = await measureHugePages(mode, options);
  return `${runs.length} starts of three sidecars each, whose code lay on the file's pages, on 4 kB and on 2 MB pages.`;
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
    const version = `1, ${rounds} rounds${options.regions ? `, regions ${options.regions.join(' ')}` : ''}`;
    const spec = await testbed.spec(config, busyLoad(durationS), { name: hugePages, version });
    const recorded = testbed.store.measured(hugePages, spec);
    const missing = Array.from({ length: starts }, (_, start) => start).filter((start) => !recorded.some(({ repeat }) => repeat === start));
    const secondsAStart = overheadS.start + rounds * textPages.length * (durationS + busyWarmUpS + overheadS.round);
    options.progress?.planned(`${missing.length} starts of three sidecars, ${rounds} rounds each, about ${(missing.length * secondsAStart / 60).toFixed(1)} min`, missing.length * secondsAStart);
    for (const [done, start] of missing.entries()) {
      const { id, label, frame } = config;
      await testbed.store.record(hugePages, spec, { policy: { id, label, frame }, repeat: start }, async (dir) => {
        const record = await oneStart(testbed, config, start, { rounds, dir, regions: options.regions });
        fs.writeFileSync(path.join(dir, armsFile), `${JSON.stringify(record, null, 1)}\n`);
        const { machine, envoy } = testbed;
        return { provenance: { machine, envoyVersion: envoy.version, projectVersion: projectVersion(), tools: { [hugePages]: version }, commands: [] }, warnings: [] };
      });
      options.progress?.advanced(`start ${start + 1} of ${starts}`, (done + 1) * secondsAStart);
    }
    return testbed.store.measured(hugePages, spec).filter(({ repeat }) => repeat < starts);
  });
}

const busyWarmUpS = busyLoad(durationS).warmUpS ?? 0;

interface StartOptions {
  rounds: number;
  dir: string;
  regions?: readonly number[];
}

async function oneStart(testbed: Testbed, config: SidecarConfig, start: number, { rounds, dir, regions }: StartOptions): Promise<ArmsRecord> {
  const sidecars = new Map<TextPages, Sidecar>();
  try {
    const arms: Partial<Record<TextPages, ArmState>> = {};
    for (const pages of textPages) {
      const sidecar = await testbed.sidecar(config);
      sidecars.set(pages, sidecar);
      arms[pages] = await place(sidecar.pid, pages, regions);
    }
    const measured: ArmRound[] = [];
    for (const { item: pages, repeat: round } of interleave(textPages, rounds, seed + start)) {
      measured.push({ round, pages, ...await oneRound(testbed, config, sidecars.get(pages)!, dir) });
    }
    return { arms: arms as Record<TextPages, ArmState>, rounds: measured };
  } finally {
    for (const sidecar of sidecars.values()) await sidecar.stop();
  }
}

/** @throws Error when no huge page was had: the arm would be a second control. */
async function place(pid: number, pages: TextPages, regions?: readonly number[]): Promise<ArmState> {
  const { start, end } = textMapping(pid);
  const offset = start % hugePageBytes;
  if (pages === 'file-4k') return { offset, bytes: end - start, hugeBytes: 0, stoppedMs: 0, moved: [] };
  const { bytes, hugeBytes, stoppedMs, moved } = await remapText(pid, pages, { regions: regions?.map((region) => start - offset + region) });
  if (pages === 'anonymous-2m' && hugeBytes === 0) throw new Error('no 2 MB page was to be had for the code; free memory, or restart the machine, whose memory is in pieces');
  return { offset, bytes, hugeBytes, stoppedMs, moved: moved.map((each) => ({ start: each.start - start, end: each.end - start })) };
}

async function oneRound(testbed: Testbed, config: SidecarConfig, sidecar: Sidecar, dir: string): Promise<Pick<ArmRound, 'cpu' | 'warnings'>> {
  const load = busyLoad(durationS);
  const planned: PlannedRun = { experiment: hugePages, config, load, collector: 'cpu-time', repeat: 0 };
  const scratch = path.join(dir, 'round');
  fs.mkdirSync(scratch);
  try {
    const scene: Scene = { testbed, planned, sidecar, backend: await testbed.backend(), dir: scratch };
    const spec: LoadSpec = { mode: 'closed', connections: load.connections, path: load.path, warmUpS: busyWarmUpS, durationS };
    const { outcome, cpu } = await loadAndRead(scene, spec, scratch);
    const ending = await sidecar.ending();
    if (ending) throw new Error(`a sidecar died under load: ${ending}`);
    return { cpu, warnings: warningsFor({ ...outcome, cpu, cpus: testbed.cpus }) };
  } finally {
    fs.rmSync(scratch, { recursive: true, force: true });
  }
}

/** An arm against the file's own pages. */
export interface ArmComparison {
  pages: TextPages;
  /** Worker's CPU time per request, x that on the file's pages. */
  cpuTime: Estimate;
  /** Requests per second, likewise. */
  throughput: Estimate;
  /** Part of the moved code on 2 MB pages, 0 to 1, the least of all starts. */
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
    comparisons: textPages.slice(1).map((pages) => compare(pages, kept.map(({ rounds }) => rounds), records.map(({ record }) => record.arms[pages]))),
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
    return JSON.parse(fs.readFileSync(file, 'utf8')) as ArmsRecord;
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

function compare(pages: TextPages, starts: readonly Round[][], states: readonly ArmState[]): ArmComparison {
  const pairs = (of: (arm: ArmRound) => number) => starts.map((rounds) => rounds.map((round): Pair => [of(round[pages]), of(round['file-4k'])]));
  return {
    pages,
    cpuTime: clusteredRatio(pairs((arm) => costOf(arm).cpuUs)),
    throughput: clusteredRatio(pairs((arm) => costOf(arm).perS)),
    hugeShare: Math.min(...states.map(({ bytes, hugeBytes }) => hugeBytes / bytes)),
  };
}
