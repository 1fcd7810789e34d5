import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventTable, eventTables } from '../../../lib/counters/events/tables.js';
import { frontendCounters } from '../../../lib/counters/frontend-counters.js';
import { valuesOf } from '../../../lib/counters/frontend-counts.js';
import { toplev } from '../../../lib/counters/toplev.js';
import { loadLevel } from '../../../lib/experiments/frontend.js';
import { commands, importCounters, type Told } from '../../../lib/experiments/import-counters.js';
import { RunStore } from '../../../lib/store/run-store.js';

const cpuinfo = [
  'processor\t: 0', 'vendor_id\t: GenuineIntel', 'cpu family\t: 6', 'model\t\t: 106', 'model name\t: Intel(R) Xeon(R) Silver 4314 CPU @ 2.40GHz', 'stepping\t: 6',
  'physical id\t: 0', 'core id\t\t: 0', 'flags\t\t: fpu avx512f', '',
].join('\n');
const counts = '2000;;cycles;1;100.00;;\n1000;;instructions;1;100.00;;\n60;;icache_64b.iftag_miss;1;100.00;;\n7;;idq.ms_uops;1;100.00;;\n';
const told: Told = { policy: 'http', load: 'high', requests: 500, date: new Date('2026-01-02T00:00:00Z') };

let root: string;
let folder: string;
let store: RunStore;
beforeEach(() => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'imported-'));
  folder = path.join(root, 'counted');
  fs.mkdirSync(path.join(folder, 'machine', 'proc'), { recursive: true });
  fs.writeFileSync(path.join(folder, 'machine', 'proc', 'cpuinfo'), cpuinfo);
  fs.writeFileSync(path.join(folder, 'machine', 'proc', 'meminfo'), 'MemTotal:       65000000 kB\n');
  fs.writeFileSync(path.join(folder, 'perf-stat.csv'), counts);
  store = new RunStore(null, path.join(root, 'data'));
});
afterEach(() => fs.rmSync(root, { recursive: true }));

describe('counts recorded elsewhere', () => {
  it('become a run of a recording that is named for the machine, and says that it was taken in', async () => {
    const [{ run, quantities, unknown }] = await importCounters(folder, { ...told, note: 'CloudLab' }, store);
    expect(run).toMatchObject({
      origin: 'intel-xeon-silver-4314-2026-01-02', experiment: 'frontend', policy: { id: 'http' }, repeat: 0,
      provenance: { machine: { microarchitecture: 'Ice Lake-SP' }, envoyVersion: 'not known', imported: { files: ['perf-stat.csv'], note: 'CloudLab' } },
    });
    expect(loadLevel(run.spec.load)).toBe('high');
    expect(quantities).toMatchObject({ l1iMpki: 60, instructionsPerCycle: 0.5 });
    expect(unknown).toEqual(['idq.ms_uops']);
  });

  it('are read back as those of a measured run are', async () => {
    const [{ run }] = await importCounters(folder, told, store);
    expect(frontendCounters.read(run.dir)).toMatchObject({ table: 'ice-lake', code: 'all' });
    expect(valuesOf(frontendCounters.read(run.dir))).toEqual({ cycles: 2000, instructions: 1000, l1iMisses: 60 });
    expect(JSON.parse(fs.readFileSync(path.join(run.dir, 'cpu.json'), 'utf8'))).toEqual({ requests: 500 });
  });

  it('may be in perf\'s other format, too', async () => {
    fs.writeFileSync(path.join(folder, 'perf-stat.csv'), '{"counter-value" : "12.000000", "unit" : "", "event" : "cycles", "event-runtime" : 1, "pcnt-running" : 100.00}\n');
    const [{ run }] = await importCounters(folder, told, store);
    expect(valuesOf(frontendCounters.read(run.dir))).toEqual({ cycles: 12 });
  });

  it('of several policies, loads and repeats lie side by side in one recording', async () => {
    const runs = [];
    for (const what of [told, told, { ...told, load: 'low' as const }, { ...told, policy: 'tcp' }]) runs.push((await importCounters(folder, what, store))[0].run);
    expect(runs.map(({ policy, repeat, spec }) => [policy.id, loadLevel(spec.load), repeat])).toEqual([['http', 'high', 0], ['http', 'high', 1], ['http', 'low', 0], ['tcp', 'high', 0]]);
    expect(store.recordings().map(({ name }) => name)).toEqual(['intel-xeon-silver-4314-2026-01-02']);
    expect(fs.readdirSync(store.root)).toEqual(['intel-xeon-silver-4314-2026-01-02']);
  });

  it('can be toplev\'s nodes instead', async () => {
    fs.rmSync(path.join(folder, 'perf-stat.csv'));
    fs.copyFileSync('test/fixtures/counters/frontend/toplev-skylake.csv', path.join(folder, 'toplev.csv'));
    const [{ run, quantities }] = await importCounters(folder, told, store);
    expect([run.spec.collector.name, quantities]).toEqual(['toplev', null]);
    expect(toplev.read(run.dir)[0]).toMatchObject({ node: 'Frontend_Bound', value: 53.9 });
  });

  it('and toplev\'s nodes of the same folder become two runs, none of them when one is damaged', async () => {
    fs.writeFileSync(path.join(folder, 'toplev.csv'), 'Area,Value');
    await expect(importCounters(folder, told, store)).rejects.toThrow(/toplev\.csv:1: no node in it/);
    expect(store.recordings()).toEqual([]);
    fs.copyFileSync('test/fixtures/counters/frontend/toplev-skylake.csv', path.join(folder, 'toplev.csv'));
    expect((await importCounters(folder, told, store)).map(({ run }) => run.spec.collector.name)).toEqual(['frontend-counters', 'toplev']);
  });

  it('do not change a recording that the workbench measured', async () => {
    fs.mkdirSync(path.join(store.root, 'intel-xeon-silver-4314-2026-01-02', 'components'), { recursive: true });
    await expect(importCounters(folder, told, store)).rejects.toThrow(/recordings are never changed; give another day: --date/);
  });

  it.each<[string, () => void, Partial<Told>, RegExp]>([
    ['a machine that nobody knows', () => fs.rmSync(path.join(folder, 'machine'), { recursive: true }), {}, /machine\/proc\/cpuinfo does not exist; record as/],
    ['no counts', () => fs.rmSync(path.join(folder, 'perf-stat.csv')), {}, /holds neither perf-stat\.csv nor toplev\.csv/],
    ['a cut-off file', () => fs.writeFileSync(path.join(folder, 'perf-stat.csv'), counts.slice(0, -20)), {}, /perf-stat\.csv:4: no run time/],
    ['no requests', () => undefined, { requests: 0 }, /0 requests answered; give how many/],
    ['an unknown policy', () => undefined, { policy: 'htpp' }, /no policy "htpp"/],
  ])('are refused with %s, and nothing is left behind', async (_, damage, also, message) => {
    damage();
    await expect(importCounters(folder, { ...told, ...also }, store)).rejects.toThrow(message);
    expect(store.recordings()).toEqual([]);
  });
});

describe('what to run on the other machine', () => {
  it.each(eventTables.map(({ id }) => id))('names the events of %s and the files that import looks for', (id) => {
    const lines = commands(eventTable(id));
    expect(lines).toContain(`-e '{${eventTable(id).groups[0][0]},`);
    for (const file of ['perf-stat.csv', 'toplev.csv', '/proc/cpuinfo']) expect(lines).toContain(file);
  });
});
