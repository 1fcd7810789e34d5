/** Tags of images that change with their contents, so that a node never runs an old one by a new name. */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';

/** @param files whose contents count, in an order that stays. */
export function tagOf(files: readonly string[]): string {
  const hash = createHash('sha256');
  for (const file of files) hash.update(fs.readFileSync(file));
  return hash.digest('hex').slice(0, 12);
}
