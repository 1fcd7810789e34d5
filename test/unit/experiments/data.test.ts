import * as fs from 'node:fs';
import * as path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { capacityData, cpuUsPerRequest, onlyPolicies } from '../../../lib/experiments/capacity-data.js';
import { componentsData } from '../../../lib/experiments/components-data.js';
import { instructionsByComponent, totalInstructions, userIpc, userShare } from '../../../lib/analysis/request-cost.js';
import { RunStore } from '../../../lib/store/run-store.js';
import { copyOfRoot, quietRuns, recording, store } from './recording.js';

const runs = quietRuns('components');

describe('tidy data of experiment components, from a captured recording', async () => {
  const data = await componentsData(recording, runs);

  it('has every policy once, with the runs behind its values', () => {
    expect(data.policies.map(({ id }) => id).sort()).toEqual(['http', 'ratelimit', 'tcp']);
    expect(data.runsOf('http', 'instructions')).toEqual(['amd-epyc-9xx4-2026-11-23/components/d98e4a0cb2c7f109/0']);
    expect(data.runsOf('http', 'cpu-time')).toHaveLength(4);
    expect(data.allRunsOf('http')).toHaveLength(6);
    expect(data).toMatchObject({ origin: recording.name, envoyVersion: runs[0].provenance.envoyVersion });
  });

  it('counts the same instructions in both groupings, and Rate-Limit as more than bare HTTP in the filter', () => {
    for (const policy of ['tcp', 'http', 'ratelimit']) {
      for (const grouping of ['ours', 'authors'] as const) {
        const sum = [...instructionsByComponent(data, policy, grouping).values()].reduce((total, { value }) => total + value, 0);
        expect(sum).toBeCloseTo(totalInstructions(data, policy)[0], 6);
      }
    }
    const filter = (policy: string) => instructionsByComponent(data, policy, 'ours').get('Sidecar Filter')!.value;
    expect(filter('http')).toBe(0);
    expect(filter('ratelimit')).toBeGreaterThan(0);
    expect(instructionsByComponent(data, 'tcp', 'ours').get('HTTP Protocol Parse')!.value).toBe(0);
  });

  it('keeps the number of samples, and splits them by user and kernel', () => {
    const stacks = (grouping: string) => (data.samples.objects() as { grouping: string; samples: number }[]).filter((row) => row.grouping === grouping).reduce((sum, { samples }) => sum + samples, 0);
    expect(stacks('ours')).toBeCloseTo(stacks('authors'), 6);
    expect(userShare(data, 'http').n).toBeCloseTo(stacks('ours'), 6);
    expect(userShare(data, 'http').value).toBeGreaterThan(0);
    expect(userShare(data, 'http').value).toBeLessThan(1);
    expect(userIpc(data, 'http')!.value).toBeGreaterThan(0);
    expect(userIpc(data, 'tcp')).toBeNull(); // no stacks of it were captured
  });

  it('puts the twins of the noise floor into one round, and only whole pairs', async () => {
    expect(data.cpu.objects().filter((row) => (row as { policy: string }).policy === 'http').map((row) => (row as { round: number }).round)).toEqual([0, 0, 1, 1]);
    expect(data.twins('http')).toHaveLength(2);
    expect(data.twins('ratelimit')).toEqual([]);
    const withoutOne = await componentsData(recording, runs.filter((run) => !(run.policy.id === 'http' && run.spec.collector.name === 'cpu-time' && run.repeat === 1)));
    expect(withoutOne.twins('http')).toHaveLength(1);
  });

  it('leaves marked runs out and names them', async () => {
    const asMeasured = await componentsData(recording, store.runs(recording, 'components'));
    expect(asMeasured.runsOf('http', 'perf-record')).toEqual([]);
    expect(asMeasured.notes[0]).toMatch(/^Measured but left out: .*requests failed \(more than 1 %\).* and \d+ more runs\.$/);
  });

  it('is empty, and no error, when every run is marked', async () => {
    const marked = runs.map((run) => ({ ...run, warnings: [{ code: 'other-load' as const, text: 'noise' }] }));
    const empty = await componentsData(recording, marked);
    expect([empty.cpu, empty.samples, empty.instructions].map((table) => table.numRows())).toEqual([0, 0, 0]);
    expect(empty.policies).toHaveLength(3);
  });

  it('does without a clock, but then without IPC', async () => {
    const clockless = runs.map((run) => ({ ...run, provenance: { ...run.provenance, coreClockHz: undefined } }));
    const without = await componentsData(recording, clockless);
    expect(userIpc(without, 'http')).toBeNull();
    expect(without.cpu.numRows()).toBe(data.cpu.numRows());
  });

  it('does not take an earlier way of measuring for more repeats', async () => {
    const [counted] = runs.filter((run) => run.policy.id === 'http' && run.spec.collector.name === 'instructions');
    const earlier = { ...counted, key: 'other', startedAt: '2020-01-01', id: 'earlier' };
    expect(totalInstructions(await componentsData(recording, [...runs, earlier]), 'http')).toEqual(totalInstructions(data, 'http'));
  });

  it('warns of a stand-in backend, and keeps quiet about the paper\'s own', async () => {
    expect(data.notes.join()).not.toContain('stand-in');
    const standIn = runs.map((run) => ({ ...run, spec: { ...run.spec, backend: { name: 'uws-js', version: '1' } } }));
    expect((await componentsData(recording, standIn)).notes).toContain("The backend was the uws-js stand-in, not the paper's socketify echo server.");
  });
});

describe('tidy data of experiment capacity, from a captured recording', () => {
  const all = store.runs(recording, 'capacity');

  it('has one row a point and one a knee', () => {
    const data = capacityData(recording, quietRuns('capacity'));
    expect(data.points.objects()).toHaveLength(3);
    expect(data.knees.objects()).toHaveLength(2);
    for (const row of data.points.objects() as { p50Us: number; p90Us: number; p99Us: number; good: boolean }[]) {
      expect(row).toMatchObject({ good: true });
      expect(row.p50Us <= row.p90Us && row.p90Us <= row.p99Us).toBe(true);
    }
    expect((data.knees.objects() as { limitedBy: string; good: boolean }[]).map(({ limitedBy, good }) => [limitedBy, good])).toEqual([['sidecar', true], ['sidecar', true]]);
  });

  it('keeps marked points with their warning, and tells a limit of the backend from noise', () => {
    const data = capacityData(recording, all);
    expect((data.points.objects() as { good: boolean; warning: string }[]).every(({ good, warning }) => !good && warning.includes('something else ran there'))).toBe(true);
    expect(data.knees.objects()).toMatchObject([{ limitedBy: 'backend', good: false }, { limitedBy: 'backend', good: false }]);
    const limitOnly = all.map((run) => ({ ...run, warnings: run.warnings.filter(({ code }) => code === 'backend-limit') }));
    expect(capacityData(recording, limitOnly).knees.objects()).toMatchObject([{ limitedBy: 'backend', good: true }, { limitedBy: 'backend', good: true }]);
  });

  it('can be cut down to some policies', () => {
    const tcp = onlyPolicies(capacityData(recording, all), ['tcp']);
    expect(new Set(tcp.points.array('policy'))).toEqual(new Set(['tcp']));
    expect(tcp.knees.numRows()).toBe(1);
  });

  it('divides the worker\'s run time by the requests of the same window', () => {
    expect(cpuUsPerRequest({ requests: 4, worker: { runNs: 100_000 } })).toBe(25);
  });
});

describe('damaged raw output', () => {
  let copy: ReturnType<typeof copyOfRoot>;
  afterEach(() => copy.remove());
  const read = (file: string, damage: (where: string) => void, experiment: 'capacity' | 'components' = 'components') => {
    copy = copyOfRoot();
    const where = path.join(copy.root, recording.name, file);
    damage(where);
    const damaged = new RunStore(null, copy.root);
    const all = damaged.runs(damaged.recordings()[0], experiment).map((run) => ({ ...run, warnings: [] }));
    return async () => (experiment === 'capacity' ? capacityData(recording, all) : componentsData({ ...recording, dir: path.join(copy.root, recording.name) }, all));
  };
  const cut = (where: string) => fs.truncateSync(where, Math.floor(fs.statSync(where).size / 2));

  it.each([
    ['components/d22671e5420fc3fb/0/cpu.json', 'components'],
    ['components/d98e4a0cb2c7f109/0/regions.txt', 'components'],
    ['components/d98e4a0cb2c7f109/0/load.json', 'components'],
    ['components/8ed45859a715b647/0/stacks.json.gz', 'components'],
    ['binaries/9e5580933739775e8bce696a57a2e1bc99368f23.json.gz', 'components'],
    ['capacity/ae8049ef5953ff20/0/knee.json', 'capacity'],
  ] as const)('%s: cut in half, it is named in the error', async (file, experiment) => {
    await expect(read(file, cut, experiment)()).rejects.toThrow(file);
  });

  it('says what to do', async () => {
    await expect(read('components/d22671e5420fc3fb/0/cpu.json', cut)()).rejects.toThrow(/remove that run's folder to measure it again/);
  });

  it('is not mistaken for data when a file is gone', async () => {
    await expect(read('components/d98e4a0cb2c7f109/0/regions.txt', (where) => fs.rmSync(where))()).rejects.toThrow('components/d98e4a0cb2c7f109/0/regions.txt');
    copy.remove();
    await expect(read('binaries/9e5580933739775e8bce696a57a2e1bc99368f23.json.gz', (where) => fs.rmSync(where))()).rejects.toThrow(/cannot be attributed: remove it and measure again/);
  });
});
