/** Where a program is installed. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { workbenchPath } from './paths.js';

/** Where Debian puts programs of root, which are not on everyone's PATH. */
const rootFolders = ['/usr/sbin', '/usr/local/sbin', '/usr/libexec'];

/**
 * The program's file: on PATH, among root's programs, or among those that set-up unpacked for the workbench alone.
 * @returns undefined when it is nowhere.
 */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(path.delimiter).filter((folder) => folder !== ''), ...rootFolders, workbenchPath('debian', 'usr', 'bin')];
  return folders.map((folder) => path.join(folder, name)).find((file) => fs.existsSync(file));
}
