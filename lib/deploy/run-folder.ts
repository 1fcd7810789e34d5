/** A temporary folder of one running program below `.workbench/run/`, removed when it stops, or when we end before it. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { ownerLives, ownerTag } from '../host/owner.js';
import { workbenchPath } from '../host/paths.js';

/**
 * Makes one, and removes those whose workbench was killed. The name carries the owner's pid and start time, so a
 * folder of another workbench that still runs is never taken away.
 */
export function makeRunFolder(program: string): string {
  const base = workbenchPath('run');
  fs.mkdirSync(base, { recursive: true });
  for (const name of fs.readdirSync(base)) {
    if (ownerLives(name) === false) removeRunFolder(path.join(base, name));
  }
  const folder = fs.mkdtempSync(path.join(base, `${program}-${ownerTag()}-`));
  if (ours.size === 0) process.once('exit', removeOurs);
  ours.add(folder);
  return folder;
}

export function removeRunFolder(folder: string): void {
  fs.rmSync(folder, removal);
  if (ours.delete(folder) && ours.size === 0) process.removeListener('exit', removeOurs);
}

const ours = new Set<string>();

/** Programs that were just killed may have a last file on its way: hence the further tries. */
const removal = { recursive: true, force: true, maxRetries: 5, retryDelay: 100 };

function removeOurs(): void {
  for (const folder of ours) {
    try {
      fs.rmSync(folder, removal);
    } catch {
      // Too late to say so to anyone; the next makeRunFolder removes it.
    }
  }
}
