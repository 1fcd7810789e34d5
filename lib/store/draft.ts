/** What is being written goes by a name that nothing reads as data, and that tells who writes. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { isAlive, startTicks } from '../host/process.js';

/** A path in `dir` for something of this process's that is not whole yet; rename it when it is. */
export function draftPath(dir: string, name: string): string {
  return path.join(dir, `.writing-${process.pid}-${startTicks(process.pid) ?? 0}-${name}`);
}

/** Removes the drafts in `dir` whose writer is gone. @returns how many. */
export function removeDrafts(dir: string): number {
  if (!fs.existsSync(dir)) return 0;
  const dead = fs.readdirSync(dir).filter((name) => {
    const writer = /^\.writing-(\d+)-(\d+)-/.exec(name);
    return writer !== null && !isAlive(Number(writer[1]), Number(writer[2]));
  });
  for (const name of dead) fs.rmSync(path.join(dir, name), { recursive: true, force: true });
  return dead.length;
}
