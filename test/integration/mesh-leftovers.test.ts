import { spawn } from 'node:child_process';
import * as path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { probeMesh } from '../../lib/deploy/mesh/availability.js';
import { removeMeshLeftovers } from '../../lib/deploy/mesh/leftovers.js';
import { makeRunFolder, removeRunFolder } from '../../lib/deploy/run-folder.js';
import { endLeftovers, startTicks } from '../../lib/host/process.js';
import { networkOf } from './support/network-left.js';
import { daemonsOf, descendantsOf, runFoldersOf, stillAlive, until, type Process } from './support/small-campaign.js';

const probed = await probeMesh();
const here = describe.skipIf(!probed.available);

interface Holder {
  pid: number;
  ticks: number;
  up(): boolean;
  ended: Promise<number | null>;
}

const holders: Holder[] = [];
afterEach(() => {
  for (const { pid, ticks } of holders.splice(0)) if (startTicks(pid) === ticks) process.kill(pid, 'SIGKILL');
});

/** An application held by a process of its own. */
function hold(id: string, profile: string): Holder {
  const script = path.resolve('test/integration/support/hold-mesh.ts');
  const child = spawn(process.execPath, ['--import', 'tsx', script, id, profile], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (text) => { said += String(text); });
  const holder = {
    pid: child.pid!, ticks: startTicks(child.pid!)!, up: () => said.includes('up'), ended: new Promise<number | null>((resolve) => child.on('close', resolve)),
  };
  holders.push(holder);
  return holder;
}

/** What the next start of anything does first. */
async function nextStart(): Promise<void> {
  endLeftovers();
  await removeMeshLeftovers();
  removeRunFolder(makeRunFolder('next'));
}

function left({ pid, ticks }: Holder): { network: string[]; daemons: Process[]; folders: string[] } {
  return { network: networkOf(pid, ticks), daemons: daemonsOf(pid), folders: runFoldersOf(pid) };
}

const nothing = { network: [], daemons: [], folders: [] };

here('kill -9 of a workbench that holds an application', () => {
  // From its very first namespace to its last sidecar.
  it.each([0, 0.05, 0.2, 0.5, 1, 2, 4])('%s s after it began to build leaves nothing that the next start does not clear away', async (afterS) => {
    const holder = hold('bookinfo', 'default');
    await until('its first namespace', () => networkOf(holder.pid, holder.ticks).length > 0);
    await new Promise((resolve) => setTimeout(resolve, afterS * 1000));
    const processes = descendantsOf(holder.pid);
    process.kill(holder.pid, 'SIGKILL');
    await holder.ended;
    await nextStart();
    expect(left(holder)).toEqual(nothing);
    await until('its programs to end', () => stillAlive(processes).length === 0, 5);
  });

  it('when all is up: its programs end with it, its network with the next start', async () => {
    const holder = hold('bookinfo', 'default');
    await until('the application', holder.up);
    const processes = descendantsOf(holder.pid);
    expect(processes.filter(({ name }) => name === 'envoy')).toHaveLength(4);
    process.kill(holder.pid, 'SIGKILL');
    await until('its programs to end', () => stillAlive(processes).length === 0, 5);
    expect(left(holder).network).not.toEqual([]);
    await nextStart();
    expect(left(holder)).toEqual(nothing);
  });
});

here('Ctrl-C', () => {
  it('ends everything at once: programs, namespaces, interfaces, folders', async () => {
    const holder = hold('bookinfo', 'default');
    await until('the application', holder.up);
    const processes = descendantsOf(holder.pid);
    process.kill(holder.pid, 'SIGINT');
    expect(await holder.ended).toBe(130);
    await until('its programs to end', () => stillAlive(processes).length === 0, 5);
    expect(left(holder)).toEqual(nothing);
  });
});

here('an application of a workbench that lives', () => {
  it('is not touched by the start of another', async () => {
    const holder = hold('bookinfo', 'none');
    await until('the application', holder.up);
    const before = left(holder);
    await nextStart();
    expect(left(holder)).toEqual(before);
    process.kill(holder.pid, 'SIGINT');
    await holder.ended;
  });
});
