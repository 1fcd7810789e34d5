/**
 * Who made a thing that outlives a `kill -9`, such as a folder or a network namespace: its name carries the pid and the start
 * time of the workbench it belongs to, so that the next start can tell what nobody holds any more from what is in use.
 */
import { isAlive, startTicks } from './process.js';

/** `<pid>-<start ticks>` of this process. */
export function ownerTag(): string {
  return `${process.pid}-${startTicks(process.pid)}`;
}

/**
 * Whether the owner whose tag stands between dashes in a name still runs.
 * @returns null for a name without a tag: not ours to judge.
 */
export function ownerLives(name: string): boolean | null {
  const tag = /-(\d+)-(\d+)-/.exec(name);
  return tag && isAlive(Number(tag[1]), Number(tag[2]));
}
