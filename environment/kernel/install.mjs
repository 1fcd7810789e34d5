/** Registers the TypeScript kernel in this clone's Python environment. Absolute paths, so made at set-up, not committed. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The kernel's name in notebook metadata; our own, so that a tslab of the user's is never taken instead. */
export const kernelName = 'sidecar-workbench';

const here = path.dirname(fileURLToPath(import.meta.url));

/**
 * Writes `.workbench/venv/share/jupyter/kernels/sidecar-workbench/kernel.json`, only if it would change.
 * @returns the file's path.
 */
export function installKernel() {
  const file = path.join(here, '..', '..', '.workbench', 'venv', 'share', 'jupyter', 'kernels', kernelName, 'kernel.json');
  const spec = {
    argv: [process.execPath, path.join(here, 'launcher.cjs'), '{connection_file}'],
    display_name: 'TypeScript (sidecar-workbench)',
    language: 'typescript',
    interrupt_mode: 'signal',
  };
  const text = `${JSON.stringify(spec, null, 2)}\n`;
  if (!fs.existsSync(file) || fs.readFileSync(file, 'utf8') !== text) {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, text);
  }
  return file;
}
