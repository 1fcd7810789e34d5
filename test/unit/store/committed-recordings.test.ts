import * as fs from 'node:fs';
import * as path from 'node:path';
import * as zlib from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { projectPath } from '../../../lib/host/paths.js';
import { droppedByPack } from '../../../lib/store/files.js';
import { experiments } from '../../../lib/store/pack.js';
import { RunStore } from '../../../lib/store/run-store.js';

const store = new RunStore(null, projectPath('data'));
const filesOf = (dir: string) => (fs.readdirSync(dir, { recursive: true }) as string[]).filter((name) => fs.statSync(path.join(dir, name)).isFile());
const textOf = (file: string) => (file.endsWith('.gz') ? zlib.gunzipSync(fs.readFileSync(file)).toString() : fs.readFileSync(file, 'utf8'));

describe.each(store.recordings())('the committed recording $name', ({ name, dir, origin }) => {
  it('can be read whole, every run under the key it says', () => {
    const recording = { name, dir, origin };
    const runs = experiments(recording).flatMap((experiment) => store.runs(recording, experiment));
    expect(runs.length).toBeGreaterThan(0);
    for (const run of runs) expect(path.basename(path.dirname(run.dir))).toBe(run.key.slice(0, 16));
  });

  it('holds no folder of the machine that made it', () => {
    const telling = filesOf(dir).filter((file) => /(?:^|[\s"'=])\/(?:home|root|tmp|work|Users)\//m.test(textOf(path.join(dir, file))));
    expect(telling).toEqual([]);
  });

  it('holds nothing that pack leaves out', () => {
    expect(filesOf(dir).filter((file) => droppedByPack(path.basename(file)))).toEqual([]);
  });
});
