/** Writes a raw file of a run as JSON. */
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { projectRoot } from '../host/paths.js';

export function writeJson(dir: string, file: string, value: unknown): void {
  fs.writeFileSync(path.join(dir, file), `${withoutPlaces(JSON.stringify(value, null, 1))}\n`);
}

/** Command lines are among what is kept; where on this machine they ran is not. */
export function withoutPlaces(text: string): string {
  return text.split(projectRoot()).join('.').split(os.tmpdir()).join('.');
}
