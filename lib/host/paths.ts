/** Where the workbench keeps things: every path of the project in one place. */
import * as fs from 'node:fs';
import * as path from 'node:path';

/**
 * The project's root folder: the nearest parent of the working directory whose package.json is ours.
 * Walking up (rather than `__dirname`) is what works alike in the notebook kernel, in vitest and in the commands.
 * @throws Error when the working directory is not inside a clone.
 */
export function projectRoot(from: string = process.cwd()): string {
  for (let folder = path.resolve(from); ; folder = path.dirname(folder)) {
    const manifest = path.join(folder, 'package.json');
    if (fs.existsSync(manifest) && JSON.parse(fs.readFileSync(manifest, 'utf8')).name === 'sidecar-workbench') return folder;
    if (folder === path.dirname(folder)) {
      throw new Error(`no sidecar-workbench clone at or above ${from}; run the command from inside the clone`);
    }
  }
}

/** A path below the project's root. */
export function projectPath(...parts: string[]): string {
  return path.join(projectRoot(), ...parts);
}

/** A path below `.workbench/`: everything set-up installs, caches and keeps for one clone; safe to delete. */
export function workbenchPath(...parts: string[]): string {
  return projectPath('.workbench', ...parts);
}

/** The Python environment set-up makes, e.g. `venvPath('bin', 'python')`. */
export function venvPath(...parts: string[]): string {
  return workbenchPath('venv', ...parts);
}
