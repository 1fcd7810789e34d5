import * as fs from 'node:fs';
import * as path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { componentsPlan } from '../../../lib/experiments/components.js';
import { wasPod } from '../../../lib/experiments/pods.js';
import { chooseSource, measureHere, planMode, sessionMode } from '../../../lib/experiments/session.js';
import { RunStore } from '../../../lib/store/run-store.js';
import { copyOfRoot, recording, rewriteRuns } from './recording.js';

describe('mode of a session', () => {
  it('is quick unless WORKBENCH_MODE says otherwise', () => {
    expect(sessionMode('')).toBe('quick');
    expect(sessionMode('full')).toBe('full');
    expect(sessionMode('recorded')).toBe('recorded');
  });

  it('names a value that is none, and those there are', () => {
    expect(() => sessionMode('fast')).toThrow('WORKBENCH_MODE is "fast"; it can be quick, full or recorded');
  });

  it('plans as in quick mode when it only reads recordings, and measures nothing', async () => {
    expect(planMode('recorded')).toBe('quick');
    expect(planMode('full')).toBe('full');
    expect(await measureHere(componentsPlan('quick'), 'recorded')).toMatch(/^Not measuring \(WORKBENCH_MODE=recorded\)/);
  });
});

describe('where an experiment is drawn from', () => {
  const plan = componentsPlan('quick', ['http', 'tcp']);
  let copy: ReturnType<typeof copyOfRoot>;
  beforeEach(() => { copy = copyOfRoot(); rewriteRuns(copy.root, (record) => { record.warnings = []; }); });
  afterEach(() => {
    copy.remove();
    vi.unstubAllEnvs();
  });
  const at = (name: string) => path.join(copy.root, name);
  const goLive = () => fs.cpSync(at(recording.name), at('local/here'), { recursive: true });
  const choose = () => chooseSource(new RunStore('here', copy.root), plan);

  it('is this machine, when its runs cover all that is recorded', () => {
    goLive();
    expect(choose()).toMatchObject({ recording: { origin: 'live' }, why: 'measured live on this machine (13 runs)' });
  });

  it('never mixes sidecars that were pods with processes: pods are drawn in a session that has them, as far as there are some', () => {
    goLive();
    vi.stubEnv('WORKBENCH_KUBECONFIG', '/nowhere/config');
    expect(choose().runs).toHaveLength(13); // nobody measured a pod
    rewriteRuns(at('local/here/components/8ed45859a715b647'), (record) => {
      record.spec = { ...(record.spec as object), carrier: { engine: 'kubernetes', version: 'v1.28.15' } };
    });
    const pods = choose();
    expect(pods.runs.length).toBeGreaterThan(0);
    expect(pods.runs.every(wasPod)).toBe(true);
    vi.stubEnv('WORKBENCH_KUBECONFIG', '');
    expect(choose().runs.some(wasPod)).toBe(false);
  });

  it('is no recording of processes that were measured beside pods, however new', () => {
    fs.cpSync(at(recording.name), at('aa-new-2027-01-01'), { recursive: true });
    rewriteRuns(at('aa-new-2027-01-01/components/8ed45859a715b647'), (record) => {
      record.spec = { ...(record.spec as object), carrier: { engine: 'kubernetes', version: 'v1.28.15' } };
    });
    expect(choose().recording.name).toBe(recording.name);
  });

  it('is the recording, when a collector lacks here, and says which', () => {
    goLive();
    fs.rmSync(at('local/here/components/8ed45859a715b647'), { recursive: true });
    expect(choose()).toMatchObject({ recording: { origin: recording.name }, why: `recorded: ${recording.name}; this machine's own runs lack http/perf-record/open` });
  });

  it('is the recording, when this machine measured in noise only', () => {
    goLive();
    rewriteRuns(at('local/here'), (record) => { record.warnings = [{ code: 'other-load', text: 'noise' }]; });
    expect(choose().recording.origin).toBe(recording.name);
    expect(choose().why).toMatch(/lack .*, .*, .* and \d more$/);
  });

  it('is this machine, when it lacks but the SQL policy, which takes a compiler and a database', () => {
    goLive();
    const asSql = (record: { policy: unknown }) => { record.policy = { id: 'sql', label: 'SQL (module)', frame: 'tcp' }; };
    rewriteRuns(at(`${recording.name}/components/8ed45859a715b647`), asSql as never);
    expect(choose().recording.origin).toBe('live');
  });

  it('is this machine, when a knee was cut off by the generator: that is a result', () => {
    goLive();
    rewriteRuns(at('local/here/capacity'), (record) => {
      if ((record.spec as { load: { mode: string } }).load.mode === 'knee-search') record.warnings = [{ code: 'generator-limit', text: 'limit' }];
    });
    expect(chooseSource(new RunStore('here', copy.root), { ...plan, experiment: 'capacity' }).recording.origin).toBe('live');
  });

  it('is the newest of several recordings', () => {
    fs.cpSync(at(recording.name), at('zz-old-2024-01-01'), { recursive: true });
    fs.cpSync(at(recording.name), at('aa-new-2027-01-01'), { recursive: true });
    expect(choose()).toMatchObject({ recording: { name: 'aa-new-2027-01-01' }, why: 'recorded: aa-new-2027-01-01' });
  });

  it('is this machine in part, when nothing else is there, and says what the plan wants besides', () => {
    fs.renameSync(at(recording.name), at('here'));
    fs.mkdirSync(at('local'));
    fs.renameSync(at('here'), at('local/here'));
    expect(choose().why).toBe('measured live on this machine, in part: it lacks tcp/cpu-time/closed, http/cpu-time/closed, tcp/perf-record/closed and 1 more');
  });

  it('never is this machine for a store that only reads recordings', () => {
    goLive();
    expect(chooseSource(new RunStore(null, copy.root), plan).recording.name).toBe(recording.name);
  });

  it('is an error that says what it takes, when there is nothing at all', () => {
    fs.rmSync(at(recording.name), { recursive: true });
    expect(choose).toThrow(/^no runs of "components": measure them first \(18 runs, about [\d.]+ min and \d+ MB\) with `npm run reproduce`$/);
  });
});
