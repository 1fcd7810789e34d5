/** The workbench's own version, as runs write it down. */
import * as fs from 'node:fs';
import { projectPath } from '../host/paths.js';

export function projectVersion(): string {
  return (JSON.parse(fs.readFileSync(projectPath('package.json'), 'utf8')) as { version: string }).version;
}
