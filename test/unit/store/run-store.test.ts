import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Machine } from '../../../lib/host/machine.js';
import { archive, importArchive, pack, tracesOfHome } from '../../../lib/store/pack.js';
import type { RunSpec } from '../../../lib/store/run-key.js';
import { RunStore } from '../../../lib/store/run-store.js';

const spec: RunSpec = {
  envoyYaml: 'static_resources: {}\n', envoyBuildId: 'b1', backend: { name: 'node', version: '20' },
  load: { mode: 'closed', connections: 4, path: '/100' }, collector: { name: 'cpu-time', version: '1' },
};
const about = { policy: { id: 'http', label: 'HTTP Router', frame: 'http' }, repeat: 0 };
const provenance = { machine: {} as Machine, envoyVersion: '1.40.0', projectVersion: '0', tools: {}, commands: [] };
const ok = async (dir: string) => {
  fs.writeFileSync(path.join(dir, 'load.json'), '{}');
  return { provenance, warnings: [] };
};

let root: string;
let store: RunStore;
beforeEach(() => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'store-'));
  store = new RunStore('test-cpu', root);
});
afterEach(() => fs.rmSync(root, { recursive: true, force: true }));

describe('RunStore', () => {
  it('reads back a recorded run with its raw files, its rendered configuration and where it came from', async () => {
    const run = await store.record('components', spec, about, ok);
    const [again] = store.measured('components', spec);
    expect(again).toEqual(run);
    expect(again.origin).toBe('live');
    expect(again.id).toBe(path.join('local', 'test-cpu', 'components', run.key.slice(0, 16), '0'));
    expect(fs.readdirSync(again.dir).sort()).toEqual(['envoy.yaml', 'load.json', 'run.json']);
  });

  it('leaves nothing behind when measuring fails half-way', async () => {
    const failing = async (dir: string) => {
      fs.writeFileSync(path.join(dir, 'half'), 'x');
      throw new Error('Envoy died');
    };
    await expect(store.record('components', spec, about, failing)).rejects.toThrow('Envoy died');
    expect(store.measured('components', spec)).toEqual([]);
    expect(fs.readdirSync(store.live().dir)).toEqual([]);
  });

  it('never reads a half-written run as data, and removes it once its process is gone', async () => {
    await store.record('components', spec, about, ok);
    const dead = path.join(store.live().dir, '.writing-999999-1-abc-0');
    const alive = path.join(store.live().dir, `.writing-${process.pid}-0-abc-0`);
    fs.mkdirSync(dead);
    fs.mkdirSync(alive);
    expect(store.runs(store.live(), 'components')).toHaveLength(1);
    expect(store.removeLeftovers()).toBe(2); // the second claims our pid with another start time: a reused pid
    expect(fs.existsSync(dead)).toBe(false);
  });

  it.each([
    ['met here', 'ENOSPC: no space left on device, write'],
    ['met by a program', 'the load generator ended with exit code 1: /x/requests.log: No space left on device'],
  ])('says what to do when the disk is full, %s', async (_, words) => {
    const full = async () => {
      throw new Error(words);
    };
    await expect(store.record('components', spec, about, full)).rejects.toThrow(/no space left while recording .*free some space and start again/);
  });

  it('names the file of a damaged run', async () => {
    const run = await store.record('components', spec, about, ok);
    for (const [text, message] of [
      ['{"format": 1, "key"', /run\.json cannot be read as a run/],
      ['', /run\.json cannot be read as a run/],
      ['null', /run\.json has format undefined, this version reads 1/],
      ['{"format": 2}', /run\.json has format 2, this version reads 1/],
    ] as const) {
      fs.writeFileSync(path.join(run.dir, 'run.json'), text);
      expect(() => store.runs(store.live(), 'components')).toThrow(message);
    }
  });

  it('shows committed recordings beside live ones, and only those when opened for reading', async () => {
    await store.record('components', spec, about, ok);
    pack(store, 'test-cpu-2026-01-01');
    expect(store.recordings().map((r) => r.origin)).toEqual(['live', 'test-cpu-2026-01-01']);
    expect(new RunStore(null, root).recordings().map((r) => r.origin)).toEqual(['test-cpu-2026-01-01']);
  });
});

describe('pack and import', () => {
  it('a packed recording, sent and taken in elsewhere, holds the same runs without the dropped raw files', async () => {
    await store.record('components', spec, about, async (dir) => {
      fs.writeFileSync(path.join(dir, 'perf.data'), 'raw');
      fs.writeFileSync(path.join(dir, 'stacks.json.gz'), 'reduced');
      return ok(dir);
    });
    const packed = pack(store, 'test-cpu-2026-01-01');
    const file = path.join(root, 'out.tar.gz');
    await archive(packed, file);
    const elsewhere = fs.mkdtempSync(path.join(os.tmpdir(), 'store-'));
    const name = await importArchive(file, new RunStore(null, elsewhere));
    const [recording] = new RunStore(null, elsewhere).recordings();
    const [run] = new RunStore(null, elsewhere).runs(recording, 'components');
    expect([name, run.origin, run.policy.id]).toEqual(['test-cpu-2026-01-01', 'test-cpu-2026-01-01', 'http']);
    expect(fs.readdirSync(run.dir).sort()).toEqual(['envoy.yaml', 'load.json', 'run.json', 'stacks.json.gz']);
    fs.rmSync(elsewhere, { recursive: true });
  });

  it('refuses to overwrite a recording', async () => {
    await store.record('components', spec, about, ok);
    pack(store, 'a');
    expect(() => pack(store, 'a')).toThrow(/exists already/);
  });

  it('refuses what is not an archive, and says which file', async () => {
    const file = path.join(root, 'foreign.tar.gz');
    fs.writeFileSync(file, 'not a tar');
    await expect(importArchive(file, store)).rejects.toThrow(/foreign\.tar\.gz is not a readable tar\.gz/);
  });

  it('refuses to pack what tells where it was made', async () => {
    await store.record('components', spec, about, async (dir) => {
      fs.writeFileSync(path.join(dir, 'tool.txt'), `run in ${process.cwd()}`);
      return { provenance, warnings: [] };
    });
    const traces = tracesOfHome(store.live().dir);
    expect(traces).toContainEqual(expect.stringMatching(/tool\.txt: /));
    expect(traces.filter((trace) => !trace.includes('tool.txt: '))).toEqual([]);
    expect(() => pack(store, 'a')).toThrow(/would tell where it was made/);
    expect(fs.existsSync(path.join(root, 'a'))).toBe(false);
  });
});
