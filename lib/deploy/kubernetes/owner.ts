/** Whose something on a cluster is. */
import { createHash } from 'node:crypto';
import * as os from 'node:os';
import { projectRoot } from '../../host/paths.js';

/** This clone on this machine, as a label can hold it: what it left behind is its own to remove. */
export function thisClone(): string {
  return createHash('sha256').update(`${os.hostname()} ${projectRoot()}`).digest('hex').slice(0, 12);
}
