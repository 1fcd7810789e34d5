/** Carries out a plan: skips what is already measured, keeps the order, reports progress, survives interruptions. */
import { describePlan, estimateS, type Plan, type PlannedRun } from './plan.js';
import { measure } from './measure.js';
import { collectorIdentity } from './collectors.js';
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
}

/** Gives up when this many runs in a row fail: then it is the machine, not one policy. */
const failuresInARow = 3;

/**
 * Measures what a plan lacks.
 * @throws Error when another campaign is running, Envoy cannot be used, or `failuresInARow` runs fail in succession.
 */
export async function carryOut(plan: Plan, options: CampaignOptions = {}): Promise<CampaignResult> {
  return withTestbed(options, async (testbed) => {
    const { recorded, missing } = await split(plan, testbed, options.fresh ?? false);
    const progress = options.progress ?? silent;
    const total = missing.reduce((sum, run) => sum + estimateS(run), 0);
    progress.planned(`${describePlan(missing)} to measure; ${recorded.length} runs recorded already`, total);
    const result: CampaignResult = { measured: [], recorded, failed: [] };
    let done = 0;
    let inARow = 0;
    for (const run of missing) {
      try {
        result.measured.push(await measure(testbed, run));
        inARow = 0;
      } catch (error) {
        result.failed.push({ run, reason: (error as Error).message });
        if (++inARow === failuresInARow) throw giveUp(result);
      }
      done += estimateS(run);
      progress.advanced(`${run.config.label}, ${run.collector}`, done);
    }
    return result;
  });
}

/** What is on disk already, and what is not (with `fresh`: all of it again, numbered after the recorded repeats). */
async function split(plan: Plan, testbed: Testbed, fresh: boolean): Promise<{ recorded: Run[]; missing: PlannedRun[] }> {
  const recorded: Run[] = [];
  const missing: PlannedRun[] = [];
  for (const run of plan.runs) {
    const spec = await testbed.spec(run.config, run.load, await collectorIdentity(run.collector));
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
function giveUp({ failed, measured }: CampaignResult): Error {
  const { run, reason } = failed[failed.length - failuresInARow];
  return new Error(`${failuresInARow} runs in a row failed, the first (${run.config.id}, ${run.collector}) with: ${reason}; `
    + `${measured.length} runs were kept, the next start goes on from there`);
}

const silent: Progress = { planned: () => {}, advanced: () => {} };
