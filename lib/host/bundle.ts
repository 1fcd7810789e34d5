/** Programs of the workbench as one file each, which Node starts in a fifth of a second wherever that file is. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { projectPath } from './paths.js';
import { run } from './process.js';

/**
 * Bundles a program with all that it imports.
 * @param entry its file below the project's root.
 * @param file what is written: whole or not at all, since another workbench may be making it too.
 * @throws CommandFailed when it cannot be made: esbuild's last words.
 */
export async function bundleProgram(entry: string, file: string): Promise<void> {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  const fresh = `${file}.${process.pid}`;
  await run([
    projectPath('node_modules', '.bin', 'esbuild'), projectPath(entry),
    '--bundle', '--platform=node', '--format=cjs', '--minify', '--log-level=error', `--outfile=${fresh}`,
  ]);
  fs.renameSync(fresh, file);
}
