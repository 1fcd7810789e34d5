/** Carries out a plan: skips what is already measured, keeps the order, reports progress, survives interruptions. */
import { sqlModule } from '../deploy/catalogue.js';
import { sqlPolicyHere } from '../deploy/sql-policy.js';
import type { EnvoyBinary } from '../deploy/types.js';
import { interruptions } from '../host/process.js';
import { describePlan, estimateS, type Plan, type PlannedRun } from './plan.js';
import { measure } from './measure.js';
import { collectorIdentity, worthPlanning } from './collectors.js';
import { withTestbed, type Testbed, type TestbedOptions } from './testbed.js';
import type { Run } from '../store/run-store.js';

/** Told what happens; notebooks draw a bar, commands print lines. */
export interface Progress {
  /** Before anything starts: what is planned, what is recorded already, seconds expected. */
  planned(text: string, seconds: number): void;
  /** After each run: seconds of the plan that are done. */
  advanced(text: string, secondsDone: number): void;
}

export interface CampaignOptions extends TestbedOptions {
  /** Measure again, as further repeats beside those recorded. */
  fresh?: boolean;
  progress?: Progress;
}

export interface CampaignResult {
  measured: Run[];
  /** Runs that were already there. */
  recorded: Run[];
  /** Runs that could not be had, each with its reason; the others go on. */
  failed: { run: PlannedRun; reason: string }[];
  /** Collectors and policies this machine lacks, with the plan's runs that need them: not tried, and recorded ones not looked up, since their key names the tool's version. */
  unavailable: Lacking[];
}

export interface Lacking {
  /** `with perf-stat`, `of SQL (module)`. */
  what: string;
  runs: PlannedRun[];
  reason: string;
  remedy: string;
}

/** Gives up when this many runs in a row fail: then it is the machine, not one policy. */
const failuresInARow = 3;

/**
 * Measures what a plan lacks, as far as this machine has the collectors for it.
 * @throws Error when another campaign is running, Envoy cannot be used, `failuresInARow` runs fail in succession, or
 *   the user interrupts.
 */
export async function carryOut(plan: Plan, options: CampaignOptions = {}): Promise<CampaignResult> {
  return withTestbed(options, async (testbed) => {
    const { runs, lacking } = await withSqlPolicy(plan.runs, testbed.envoy);
    const { possible, unavailable } = await withoutLackingTools(runs);
    const { recorded, missing } = await split(possible, testbed, options.fresh ?? false);
    const progress = options.progress ?? silent;
    const total = missing.reduce((sum, run) => sum + estimateS(run), 0);
    progress.planned(`${describePlan(missing)} to measure; ${recorded.length} runs recorded already`, total);
    const result: CampaignResult = { measured: [], recorded, failed: [], unavailable: [...lacking, ...unavailable] };
    const before = interruptions();
    let done = 0;
    let inARow = 0;
    for (const run of missing) {
      if (interruptions() !== before) break;
      try {
        result.measured.push(await measure(testbed, run));
        inARow = 0;
      } catch (error) {
        if (interruptions() !== before) break;
        result.failed.push({ run, reason: (error as Error).message });
        if (++inARow === failuresInARow) throw giveUp(result);
      }
      done += estimateS(run);
      progress.advanced(`${run.config.label}, ${run.collector}`, done);
    }
    if (interruptions() !== before) throw new Error(`measuring was interrupted; ${keptSoFar(result)}`);
    return result;
  });
}

/** Plans name the SQL policy of our module; which one it is in the end, the Envoy decides. */
async function withSqlPolicy(runs: PlannedRun[], envoy: EnvoyBinary): Promise<{ runs: PlannedRun[]; lacking: Lacking[] }> {
  const isSql = ({ config }: PlannedRun) => config.id === sqlModule.id;
  if (!runs.some(isSql)) return { runs, lacking: [] };
  const answer = await sqlPolicyHere(envoy);
  if (answer.available) return { runs: runs.map((run) => (isSql(run) ? { ...run, config: answer.policy } : run)), lacking: [] };
  return { runs: runs.filter((run) => !isSql(run)), lacking: [{ what: `of ${sqlModule.label}`, runs: runs.filter(isSql), reason: answer.reason, remedy: answer.remedy }] };
}

/** Tries each collector once, so that a missing tool is told once rather than by every run that needs it. */
async function withoutLackingTools(runs: PlannedRun[]): Promise<{ possible: PlannedRun[]; unavailable: Lacking[] }> {
  const unavailable: Lacking[] = [];
  const lacks = (run: PlannedRun) => unavailable.some(({ runs: own }) => own.includes(run));
  for (const collector of new Set(runs.map((run) => run.collector))) {
    const answer = await worthPlanning(collector);
    if (answer.available) continue;
    unavailable.push({ what: `with ${collector}`, runs: runs.filter((run) => run.collector === collector), reason: answer.reason, remedy: answer.remedy });
  }
  const possible = runs.filter((run) => !lacks(run));
  return { possible: possible.filter((run) => isWorthSearching(run, runs, possible)), unavailable };
}

/** A knee is searched for the runs at shares of it: not when all of them are lost. */
function isWorthSearching(run: PlannedRun, planned: PlannedRun[], possible: PlannedRun[]): boolean {
  const needsKnee = (other: PlannedRun) => other.config.id === run.config.id && other.load.kneeShare !== undefined;
  return run.load.mode !== 'knee-search' || possible.some(needsKnee) || !planned.some(needsKnee);
}

/** What is on disk already, and what is not (with `fresh`: all of it again, numbered after the recorded repeats). */
async function split(runs: PlannedRun[], testbed: Testbed, fresh: boolean): Promise<{ recorded: Run[]; missing: PlannedRun[] }> {
  const recorded: Run[] = [];
  const missing: PlannedRun[] = [];
  const identities = new Map<string, Awaited<ReturnType<typeof collectorIdentity>>>();
  for (const run of runs) {
    // Once each: it may take a program to say its version.
    const identity = identities.get(run.collector) ?? await collectorIdentity(run.collector);
    identities.set(run.collector, identity);
    const spec = await testbed.spec(run.config, run.load, identity);
    const there = testbed.store.measured(run.experiment, spec);
    const next = there.reduce((highest, other) => Math.max(highest, other.repeat + 1), 0);
    const same = there.find((other) => other.repeat === run.repeat);
    if (fresh) missing.push({ ...run, repeat: next + run.repeat });
    else if (same) recorded.push(same);
    else missing.push(run);
  }
  return { recorded, missing };
}

/** Names the first of the row: the others often only follow from it. */
function giveUp(result: CampaignResult): Error {
  const { run, reason } = result.failed[result.failed.length - failuresInARow];
  return new Error(`${failuresInARow} runs in a row failed, the first (${run.config.id}, ${run.collector}) with: ${reason}; `
    + keptSoFar(result));
}

function keptSoFar({ measured }: CampaignResult): string {
  return `${measured.length} run${measured.length === 1 ? '' : 's'} kept, the next start goes on from there`;
}

const silent: Progress = { planned: () => {}, advanced: () => {} };
