/** How a notebook or command works with an experiment: measure what this machine can, then choose what to draw from. */
import { applicationEngine, sidecarPods } from '../deploy/engines.js';
import { sqlModule } from '../deploy/catalogue.js';
import type { Availability } from '../host/availability.js';
import { canMeasure } from '../host/capabilities.js';
import { readMachine } from '../host/machine.js';
import { progress as progressBar } from '../report/progress.js';
import type { Recording, Run, RunStore } from '../store/run-store.js';
import { RunStore as Store } from '../store/run-store.js';
import { carryOut } from './campaign.js';
import type { Lacking, Progress } from './carry-out.js';
import { describePlan, type Mode, type Plan } from './plan.js';
import { wasPod } from './pods.js';
import { liveStore } from './testbed.js';
import { carryOutVisits, type Visit, type VisitsResult } from './visits.js';
import { isGood } from './warnings.js';

/** `recorded` never measures: everything is drawn from committed recordings. */
export type SessionMode = Mode | 'recorded';

/** From WORKBENCH_MODE; `quick` when it is not set. @throws Error naming a value that is none of the three. */
export function sessionMode(value: string | undefined = process.env.WORKBENCH_MODE): SessionMode {
  const mode = value || 'quick';
  if (mode === 'quick' || mode === 'full' || mode === 'recorded') return mode;
  throw new Error(`WORKBENCH_MODE is "${mode}"; it can be quick, full or recorded`);
}

/** The mode plans are made for: a session that only reads recordings draws what the quick plan asks for. */
export function planMode(mode: SessionMode = sessionMode()): Mode {
  return mode === 'full' ? 'full' : 'quick';
}

/** The store of this session: recordings only in `recorded` mode, this machine's own runs first otherwise. */
export function sessionStore(mode: SessionMode = sessionMode()): RunStore {
  return mode === 'recorded' ? new Store(null) : liveStore();
}

/**
 * Why this session draws from the committed recordings rather than measuring.
 * @param needed what measuring takes besides a sidecar.
 * @returns one line for the reader; null when it measures.
 */
export async function whyNotHere(mode: SessionMode, ...needed: (() => Promise<Availability>)[]): Promise<string | null> {
  if (mode === 'recorded') return 'Not measuring (WORKBENCH_MODE=recorded): what follows is drawn from the committed recordings.';
  for (const probe of [canMeasure, ...needed]) {
    const able = await probe();
    if (!able.available) return `Not measuring here: ${able.reason}. What follows is drawn from the committed recordings. To measure: ${able.remedy}.`;
  }
  return null;
}

/**
 * Measures what the plan lacks on this machine, with a progress bar; says instead why not, where it cannot.
 * @returns one line for the reader.
 */
export async function measureHere(plan: Plan, mode: SessionMode = sessionMode()): Promise<string> {
  const pods = sidecarPods();
  const whyNot = await whyNotHere(mode, ...(pods ? [() => pods.probe()] : []));
  if (whyNot) return whyNot;
  const result = await carryOut(plan, { fresh: process.env.WORKBENCH_FRESH === '1', progress: bar(plan.experiment) });
  return summary({ ...result, failed: result.failed.map(({ run, reason }) => ({ what: `${run.config.label} (${run.collector})`, reason })) });
}

/**
 * The same for what is measured on deployed applications.
 * @returns one line for the reader.
 */
export async function visitHere(visits: readonly Visit[], mode: SessionMode = sessionMode()): Promise<string> {
  const whyNot = await whyNotHere(mode, () => applicationEngine().probe());
  return whyNot ?? summary(await carryOutVisits(visits, { fresh: process.env.WORKBENCH_FRESH === '1', progress: bar(visits[0].experiment) }));
}

function summary({ measured, recorded, failed, unavailable }: { unavailable: Lacking<unknown>[] } & Omit<VisitsResult, 'unavailable'>): string {
  const lines = [
    `${measured.length} runs measured on ${readMachine().cpuModel}, ${recorded.length} were recorded already.`,
    ...unavailable.map(({ what, runs, reason, remedy }) => `  not measured: ${runs.length} runs ${what}: ${reason}; to have them: ${remedy}`),
    ...failed.map(({ what, reason }) => `  not measured: ${what}: ${reason}`),
  ];
  return lines.join('\n');
}

function bar(title: string): Progress {
  let line: ReturnType<typeof progressBar> | null = null;
  return {
    planned: (text, seconds) => {
      console.log(text);
      if (seconds > 0) line = progressBar(title, seconds);
    },
    advanced: (text, secondsDone) => line?.update(secondsDone, text),
  };
}

/** Where an experiment's figures are drawn from, and why. */
export interface Source {
  recording: Recording;
  runs: Run[];
  /** One line for the reader. */
  why: string;
}

/** Which experiment, the runs that should be there where nothing is recorded, and which of its runs count. */
export type Wanted = Pick<Plan, 'experiment'> & Partial<Plan> & {
  only?: (run: Run) => boolean;
  /** Runs that live ones need not have, though a committed recording does. */
  besides?: (run: Run) => boolean;
  /** Single sidecars as pods of a cluster only; what this session would measure when left out. */
  from?: 'pods';
};

/**
 * Live runs when they cover every policy and collector the newest committed recording has, else that recording:
 * a figure never mixes the two. Live runs that are all marked by warnings cover nothing.
 * @throws Error when there is neither.
 */
export function chooseSource(store: RunStore, plan: Wanted): Source {
  const candidates = runsOf(store, plan);
  const live = candidates.find(({ recording }) => recording.origin === 'live');
  const committed = candidates.filter(({ recording }) => recording.origin !== 'live').sort(byDate)[0] as typeof live;
  if (!live && !committed) throw new Error(`no runs of "${plan.experiment}": measure them first${plan.runs ? ` (${describePlan(plan.runs)})` : ''} with \`npm run reproduce\``);
  const wanted = committed ? usable(committed.runs.filter((run) => !plan.besides?.(run))) : (plan.runs ?? []).filter((run) => needed(run.collector, run.config.id)).map((run) => measures(run.config.id, run.collector, run.load.mode));
  const lacking = live ? missingFrom(live.runs, wanted) : '';
  if (live && lacking === '') return { ...live, why: `measured live on this machine (${live.runs.length} runs)` };
  if (!committed) return { ...live!, why: `measured live on this machine, in part: it lacks ${lacking}` };
  return { ...committed, why: `recorded: ${committed.recording.name}${live ? `; this machine's own runs lack ${lacking}` : ''}` };
}

/**
 * What an experiment may be drawn from. Single sidecars that were pods are not mixed with this machine's: where this session
 * has pods, theirs are taken, as far as there are some. Processes that somebody recorded beside pods are there to be laid
 * beside them, and are no recording of the experiment.
 */
function runsOf(store: RunStore, { experiment, only = () => true, from }: Wanted): Omit<Source, 'why'>[] {
  const all = store.recordings().map((recording) => ({ recording, runs: store.runs(recording, experiment).filter(only) })).filter(({ runs }) => runs.length > 0);
  const onCluster = all.map(({ recording, runs }) => ({ recording, runs: runs.filter(wasPod) })).filter(({ runs }) => runs.length > 0);
  if (from === 'pods' || (sidecarPods() && onCluster.length > 0)) return onCluster;
  const compared = onCluster.map(({ recording: { name } }) => name);
  return all.filter(({ recording: { name, origin } }) => origin === 'live' || !compared.includes(name))
    .map(({ recording, runs }) => ({ recording, runs: runs.filter((run) => !wasPod(run)) })).filter(({ runs }) => runs.length > 0);
}

/** Names end in an ISO date: newest first; of one day, the one with more to show. */
function byDate(a: Pick<Source, 'recording' | 'runs'>, b: Pick<Source, 'recording' | 'runs'>): number {
  return b.recording.name.slice(-10).localeCompare(a.recording.name.slice(-10)) || b.runs.length - a.runs.length;
}

/** `http/cpu-time/open, ... and 3 more`; empty when nothing is missing. */
function missingFrom(runs: Run[], wanted: string[]): string {
  const has = new Set(usable(runs));
  const missing = [...new Set(wanted)].filter((what) => !has.has(what));
  return missing.slice(0, 3).join(', ') + (missing.length > 3 ? ` and ${missing.length - 3} more` : '');
}

/**
 * What was measured well enough to be plotted; a search that ended at the generator's limit is: that is its result.
 * Hardware counters and the SQL policy are left out: most virtual machines have no counters, many machines neither a
 * Rust compiler nor MariaDB, and a recording that has them must not keep such a machine from drawing its own runs, which
 * then say that they lack them.
 */
function usable(runs: Run[]): string[] {
  return runs.filter((run) => isGood(run) && needed(run.spec.collector.name, run.policy.id))
    .map((run) => measures(run.policy.id, run.spec.collector.name, run.spec.load.mode));
}

/** Collectors of hardware counters. */
const counting = ['perf-stat', 'frontend-counters', 'toplev'];

function needed(collector: string, policy: string): boolean {
  return !counting.includes(collector) && policy !== sqlModule.id;
}

function measures(policy: string, collector: string, load: string): string {
  return `${policy}/${collector}/${load}`;
}
