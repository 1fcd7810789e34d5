/**
 * What every campaign does with what it planned: tells missing tools once, leaves out what is recorded, does one thing after
 * another with progress, gives up on a machine that does not work, and stops when it is interrupted.
 */
import { interruptions } from '../host/process.js';
import type { RunSpec } from '../store/run-key.js';
import type { Run } from '../store/run-store.js';
import type { NodeTools } from '../counters/node-tools.js';
import { worthPlanning } from './collectors.js';
import type { CollectorName } from './plan.js';
import type { Testbed, TestbedOptions } from './testbed.js';

/** Told what happens; notebooks draw a bar, commands print lines. */
export interface Progress {
  /** Before anything starts: what is planned, what is recorded already, seconds expected. */
  planned(text: string, seconds: number): void;
  /** After each piece of work: seconds of the plan that are done. */
  advanced(text: string, secondsDone: number): void;
}

export interface CampaignOptions extends TestbedOptions {
  /** Measure again, as further repeats beside those recorded. */
  fresh?: boolean;
  progress?: Progress;
}

/**
 * What cannot be measured here, with the planned runs that need it: they are not tried, and recorded ones are not looked
 * up, since their key names the tool's version.
 */
export interface Lacking<Planned> {
  /** `with perf-stat`, `of SQL (module)`. */
  what: string;
  runs: Planned[];
  reason: string;
  remedy: string;
}

/**
 * Tries each collector once, so that a missing tool is told once rather than by every run that needs it.
 * @param tools of the node that runs are measured on; this machine's when left out.
 */
export async function withoutLackingTools<Planned extends { collector: CollectorName }>(
  runs: readonly Planned[],
  tools?: NodeTools,
): Promise<{ possible: Planned[]; unavailable: Lacking<Planned>[] }> {
  const unavailable: Lacking<Planned>[] = [];
  for (const collector of new Set(runs.map((run) => run.collector))) {
    const answer = await worthPlanning(collector, tools);
    if (answer.available) continue;
    unavailable.push({ what: `with ${collector}`, runs: runs.filter((run) => run.collector === collector), reason: answer.reason, remedy: answer.remedy });
  }
  return { possible: runs.filter((run) => !unavailable.some(({ runs: lacking }) => lacking.includes(run))), unavailable };
}

/** The run as it is recorded already, or else as which repeat it is to be measured: when `fresh`, numbered after those recorded. */
export function recordedOrRepeat({ store }: Testbed, experiment: string, spec: RunSpec, repeat: number, fresh = false): Run | number {
  const there = store.measured(experiment, spec);
  if (fresh) return repeat + Math.max(0, ...there.map((other) => other.repeat + 1));
  return there.find((other) => other.repeat === repeat) ?? repeat;
}

/** How one kind of work is done. */
export interface Work<Item> {
  /** What its items are called, e.g. `deployments`. */
  items: string;
  /** `18 runs, about 3.2 min`, said before anything starts. */
  describe(items: Item[], seconds: number): string;
  label(item: Item): string;
  /** Expected. */
  seconds(item: Item): number;
  /** @param keep is told each run as soon as it is recorded. */
  measure(item: Item, keep: (run: Run) => void): Promise<void>;
}

/** Gives up when this many items in a row fail: then it is the machine, not one policy or application. */
const failuresInARow = 3;

/**
 * Does what is missing in its order; an item that fails does not keep the next from being tried.
 * @throws Error when `failuresInARow` of them fail in succession, or the user interrupts.
 */
export async function carryOutAll<Item>({ recorded, missing }: { recorded: Run[]; missing: Item[] }, work: Work<Item>, progress?: Progress) {
  const measured: Run[] = [];
  const failed: { item: Item; reason: string }[] = [];
  const kept = () => `${measured.length} run${measured.length === 1 ? '' : 's'} kept, the next start goes on from there`;
  const total = missing.reduce((sum, item) => sum + work.seconds(item), 0);
  progress?.planned(`${work.describe(missing, total)} to measure; ${recorded.length} runs recorded already`, total);
  const before = interruptions();
  let done = 0;
  let inARow = 0;
  for (const item of missing) {
    const error = await work.measure(item, (run) => measured.push(run)).then(() => null, (reason: Error) => reason);
    if (interruptions() !== before) throw new Error(`measuring was interrupted; ${kept()}`);
    inARow = error ? inARow + 1 : 0;
    if (error) failed.push({ item, reason: error.message });
    if (inARow === failuresInARow) {
      const first = failed[failed.length - failuresInARow]; // the others often only follow from it
      throw new Error(`${failuresInARow} ${work.items} in a row failed, the first (${work.label(first.item)}) with: ${first.reason}; ${kept()}`);
    }
    done += work.seconds(item);
    progress?.advanced(work.label(item), done);
  }
  return { measured, recorded, failed };
}
