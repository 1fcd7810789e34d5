/** A campaign small enough to be broken on purpose: its plan, a place of its own, and who runs for it. */
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { policyById } from '../../../lib/deploy/catalogue.js';
import type { CollectorName, Plan, PlannedRun } from '../../../lib/experiments/plan.js';
import { workbenchPath } from '../../../lib/host/paths.js';
import { isAlive, startTicks } from '../../../lib/host/process.js';
import { RunStore } from '../../../lib/store/run-store.js';

const experiment = 'faults';

/** One run each, a few seconds in all, given as `policy` or `policy/collector`. */
export function smallPlan(...wanted: string[]): Plan {
  const seen = new Map<string, number>();
  const runs = wanted.map((name): PlannedRun => {
    const [policy, collector = 'cpu-time'] = name.split('/');
    const repeat = seen.get(name) ?? 0;
    seen.set(name, repeat + 1);
    const load = { mode: 'open', connections: 4, path: '/100', ratePerS: 300, warmUpS: 0.3, durationS: 1.5 } as const;
    return { experiment, config: policyById(policy), collector: collector as CollectorName, load, repeat };
  });
  return { experiment, runs };
}

export interface Place {
  folder: string;
  store: RunStore;
  lock: string;
  remove(): void;
}

/** A store and a measuring lock of its own, so that other measurements on this machine neither wait nor matter. */
export function newPlace(folder = fs.mkdtempSync(path.join(os.tmpdir(), 'faults-'))): Place {
  const lock = path.join(folder, 'measuring.lock');
  process.env.WORKBENCH_LOCK = lock;
  return {
    folder, lock, store: new RunStore('test', path.join(folder, 'data')),
    remove: () => {
      delete process.env.WORKBENCH_LOCK;
      fs.rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** `policy/collector` of every run that reads as data. */
export function recordedIn(store: RunStore): string[] {
  return store.runs(store.live(), experiment).map((run) => `${run.policy.id}/${run.spec.collector.name}`);
}

/** Everything in the store that is not a whole run or the facts of a binary. */
export function draftsIn(store: RunStore): string[] {
  const { dir } = store.live();
  return fs.existsSync(dir) ? (fs.readdirSync(dir, { recursive: true }) as string[]).filter((name) => name.includes('.writing-')) : [];
}

export interface Process {
  name: string;
  pid: number;
  startTicks: number;
}

/** The long-lived programs of one workbench process, by its ledger. */
export function daemonsOf(owner: number): Process[] {
  const folder = workbenchPath('processes');
  return (fs.existsSync(folder) ? fs.readdirSync(folder) : []).flatMap((file) => {
    try {
      const entry = JSON.parse(fs.readFileSync(path.join(folder, file), 'utf8')) as Process & { ownerPid: number };
      return entry.ownerPid === owner ? [entry] : [];
    } catch {
      return []; // removed, or not yet written
    }
  });
}

/** Temporary folders of one workbench process below `.workbench/run/`. */
export function runFoldersOf(owner: number): string[] {
  const folder = workbenchPath('run');
  return fs.existsSync(folder) ? fs.readdirSync(folder).filter((name) => name.includes(`-${owner}-`)) : [];
}

/** All processes below one, whoever started them, as /proc has it now. */
export function descendantsOf(pid: number): Process[] {
  const all = fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number).flatMap((one) => {
    try {
      const stat = fs.readFileSync(`/proc/${one}/stat`, 'utf8');
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
      return [{ name: stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')')), pid: one, parent, startTicks: startTicks(one) ?? 0 }];
    } catch {
      return []; // ended meanwhile
    }
  });
  const below = (parent: number): Process[] => all.filter((one) => one.parent === parent).flatMap((one) => [one, ...below(one.pid)]);
  return below(pid);
}

export function stillAlive(processes: Process[]): string[] {
  return processes.filter((one) => isAlive(one.pid, one.startTicks)).map(({ name, pid }) => `${name} (${pid})`);
}

/** Waits for something to hold; gives up loudly. */
export async function until<T>(what: string, find: () => T | undefined | false, timeoutS = 60): Promise<T> {
  for (const deadline = Date.now() + timeoutS * 1000; Date.now() < deadline; await sleep(10)) {
    const found = find();
    if (found !== undefined && found !== false) return found;
  }
  throw new Error(`waited ${timeoutS} s in vain for ${what}`);
}

/** Waits until one of a process's programs is there and, for a load, has left its warm-up behind. */
export async function underWay(owner: number, name: RegExp): Promise<Process> {
  await until('a load', () => daemonsOf(owner).some((daemon) => daemon.name === 'load generator'));
  await sleep(600);
  return until(String(name), () => daemonsOf(owner).find((daemon) => name.test(daemon.name)), 1);
}
