/** Clears away the networks of workbenches that were killed, with whatever still runs in them. Nobody else's is touched. */
import * as fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { ownerLives } from '../../host/owner.js';
import { isAlive, run } from '../../host/process.js';
import { namespacePrefix } from './network.js';

/** Where iproute2 keeps the network namespaces that have names. */
const namespaceFolder = '/run/netns';
const interfaceFolder = '/sys/class/net';

/**
 * Ends processes inside, then removes namespaces and interfaces, of owners that are gone. Both carry their owner in the name.
 * @returns the names of what was removed.
 */
export async function removeMeshLeftovers(): Promise<string[]> {
  const namespaces = namesIn(namespaceFolder).filter((name) => name.startsWith(namespacePrefix) && ownerLives(name) === false);
  const interfaces = namesIn(interfaceFolder).filter(isLeftover);
  if (namespaces.length + interfaces.length === 0) return [];
  await Promise.all(namespaces.map(endProcessesIn));
  const commands = [...interfaces.map((name) => `link del ${name}`), ...namespaces.map((name) => `netns del ${name}`)];
  await run(['ip', '-force', '-batch', '-'], { input: commands.map((command) => `${command}\n`).join(''), allow: 'any' });
  return [...namespaces, ...interfaces];
}

/** By `hostInterface`: pid and start ticks of its owner in base 36. */
function isLeftover(name: string): boolean {
  const owner = /^wb([0-9a-z]{5})([0-9a-z]{7})[0-9a-z]$/.exec(name);
  return owner !== null && !isAlive(parseInt(owner[1], 36), parseInt(owner[2], 36));
}

/** One may be starting another just then, hence more than one look. */
async function endProcessesIn(namespace: string): Promise<void> {
  for (let looks = 0; looks < 50; looks++) {
    const { stdout } = await run(['ip', 'netns', 'pids', namespace], { allow: 'any' });
    const pids = stdout.split('\n').filter((line) => line !== '').map(Number);
    if (pids.length === 0) return;
    for (const pid of pids) killQuietly(pid);
    await sleep(20);
  }
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // gone by itself meanwhile
  }
}

function namesIn(folder: string): string[] {
  return fs.existsSync(folder) ? fs.readdirSync(folder) : [];
}
