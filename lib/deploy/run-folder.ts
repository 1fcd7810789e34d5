/** A temporary folder of one running program below `.workbench/run/`, removed when it stops. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { workbenchPath } from '../host/paths.js';
import { isAlive, startTicks } from '../host/process.js';

/**
 * Makes one, and removes those whose workbench was killed. The name carries the owner's pid and start time, so a
 * folder of another workbench that still runs is never taken away.
 */
export function makeRunFolder(program: string): string {
  const base = workbenchPath('run');
  fs.mkdirSync(base, { recursive: true });
  for (const name of fs.readdirSync(base)) {
    const owner = /-(\d+)-(\d+)-[^-]+$/.exec(name);
    if (owner && !isAlive(Number(owner[1]), Number(owner[2]))) removeRunFolder(path.join(base, name));
  }
  return fs.mkdtempSync(path.join(base, `${program}-${process.pid}-${startTicks(process.pid)}-`));
}

export function removeRunFolder(folder: string): void {
  fs.rmSync(folder, { recursive: true, force: true });
}
