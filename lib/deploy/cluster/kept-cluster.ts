/** A cluster that stays up between commands: a process of its own keeps it, and is told to end it. */
import * as fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { projectPath, projectRoot } from '../../host/paths.js';
import { isAlive, startOnItsOwn, startTicks } from '../../host/process.js';
import { removeWhatStays, startCluster } from './cluster.js';
import { currentOwner } from './owner.js';
import { clusterPath } from './places.js';

const upTimeoutMs = 300_000;
const downTimeoutMs = 10_000;

/** What the keeping process prints; beside `state/`, which goes with the cluster. */
const keeperLog = () => clusterPath('keeper.log');

/**
 * Brings up a cluster in a process of its own; does nothing when one is up already.
 * @param log is told what that process prints.
 * @throws Error with its last words when it ends instead.
 */
export async function bringUp(nodes: number, log: (line: string) => void): Promise<void> {
  const owner = currentOwner();
  if (owner && owner.nodes !== nodes) throw new Error(`a cluster of ${owner.nodes} is up; end it first: npm run cluster -- down`);
  if (owner?.nodePids) return;
  const argv = [process.execPath, '--import', 'tsx', projectPath('lib', 'commands', 'cluster.ts'), 'keep', '--nodes', String(nodes)];
  const pid = owner?.pid ?? startOnItsOwn(argv, { cwd: projectRoot(), logFile: keeperLog() });
  await followUntilReady(pid, log);
}

async function followUntilReady(pid: number, log: (line: string) => void): Promise<void> {
  const ticks = startTicks(pid);
  const deadline = Date.now() + upTimeoutMs;
  for (let said = 0; ;) {
    const alive = ticks !== undefined && isAlive(pid, ticks);
    const lines = fs.readFileSync(keeperLog(), 'utf8').split('\n').slice(0, -1);
    for (const line of lines.slice(said)) log(line);
    said = lines.length;
    if (currentOwner()?.nodePids) return;
    if (!alive) throw new Error('the cluster did not come up; the line above says why');
    if (Date.now() > deadline) throw new Error(`the cluster is not up after ${upTimeoutMs / 1000} s; its log: ${keeperLog()}`);
    await sleep(50);
  }
}

/** Keeps a cluster up in this process until it is told to end, or a program of the cluster ends. */
export async function keep(nodes: number, log: (line: string) => void): Promise<void> {
  const told = new Promise<null>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve(null));
  });
  const cluster = await startCluster({ nodes, log });
  const over = new AbortController();
  const ending = await Promise.race([told, firstEnding(cluster.ending, over.signal)]);
  over.abort();
  await cluster.stop();
  if (ending) throw new Error(`the cluster is down: ${ending}`);
}

async function firstEnding(ask: () => Promise<string | null>, stop: AbortSignal): Promise<string | null> {
  while (!stop.aborted) {
    const ending = await ask();
    if (ending) return ending;
    await sleep(500);
  }
  return null;
}

/**
 * Ends the cluster of this clone and removes what is left of one that was killed.
 * @returns whether one was up.
 */
export async function takeDown(): Promise<boolean> {
  const owner = currentOwner();
  if (owner) {
    process.kill(owner.pid, 'SIGTERM');
    const deadline = Date.now() + downTimeoutMs;
    while (isAlive(owner.pid, owner.startTicks)) {
      if (Date.now() > deadline) process.kill(owner.pid, 'SIGKILL');
      await sleep(20);
    }
  }
  await removeWhatStays();
  return owner !== null;
}
