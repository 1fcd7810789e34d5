/** The captured recording of test/fixtures/recording, and runs made up from its real ones. */
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { RunStore, type Recording, type Run } from '../../../lib/store/run-store.js';

export const recordingRoot = path.resolve('test/fixtures/recording');
export const store = new RunStore(null, recordingRoot);
export const recording: Recording = store.recordings()[0];

/** The runs without their warnings, as if the machine had been quiet. */
export function quietRuns(experiment: string): Run[] {
  return store.runs(recording, experiment).map((run) => ({ ...run, warnings: [] }));
}

/** A writable copy of the data folder, and how to remove it. */
export function copyOfRoot(): { root: string; remove(): void } {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'recording-'));
  fs.cpSync(recordingRoot, root, { recursive: true, filter: (file) => !file.endsWith('README.md') });
  return { root, remove: () => fs.rmSync(root, { recursive: true }) };
}

/** Changes every run.json below a folder. */
export function rewriteRuns(dir: string, change: (record: Record<string, unknown>) => void): void {
  for (const file of fs.readdirSync(dir, { recursive: true, encoding: 'utf8' }).filter((name) => path.basename(name) === 'run.json')) {
    const record = JSON.parse(fs.readFileSync(path.join(dir, file), 'utf8')) as Record<string, unknown>;
    change(record);
    fs.writeFileSync(path.join(dir, file), JSON.stringify(record));
  }
}
