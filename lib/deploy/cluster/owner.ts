/** Which process a cluster lives in: written down, so that a second one is refused and `down` finds the first. */
import * as fs from 'node:fs';
import { isAlive, startTicks } from '../../host/process.js';
import { removeCgroups } from './cgroups.js';
import { assertUnused, unlinkMachine } from './node-network.js';
import { statePath } from './places.js';

export interface Owner {
  pid: number;
  /** Tells a reused pid from the owner. */
  startTicks: number;
  /** ISO time. */
  since: string;
  nodes: number;
  /** Process 1 of every node; null until the cluster has come up. */
  nodePids: number[] | null;
}

const ownerFile = () => statePath('owner.json');

/** The process that holds a cluster of this clone; null when none does. */
export function currentOwner(): Owner | null {
  try {
    const owner = JSON.parse(fs.readFileSync(ownerFile(), 'utf8')) as Owner;
    return isAlive(owner.pid, owner.startTicks) ? owner : null;
  } catch {
    return null; // never there, or cut short by a full disk
  }
}

/**
 * Makes this process the owner; what a killed one left is removed.
 * @throws Error when a cluster is up on this machine.
 */
export async function takeOwnership(nodes: number): Promise<void> {
  const owner = currentOwner();
  if (owner) throw new Error(`a cluster is up since ${owner.since} (process ${owner.pid}); use it, or end it with: npm run cluster -- down`);
  await unlinkMachine();
  assertUnused();
  removeCgroups();
  fs.rmSync(statePath(), { recursive: true, force: true });
  fs.mkdirSync(statePath(), { recursive: true });
  write({ pid: process.pid, startTicks: startTicks(process.pid) ?? 0, since: new Date().toISOString(), nodes, nodePids: null });
}

/** Notes that the cluster has come up. */
export function markReady(nodePids: number[]): void {
  const owner = currentOwner();
  if (owner) write({ ...owner, nodePids });
}

function write(owner: Owner): void {
  fs.writeFileSync(`${ownerFile()}.fresh`, JSON.stringify(owner));
  fs.renameSync(`${ownerFile()}.fresh`, ownerFile());
}
