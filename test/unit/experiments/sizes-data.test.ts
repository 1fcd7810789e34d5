import * as fs from 'node:fs';
import * as path from 'node:path';
import * as zlib from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { cpuRounds, totalInstructions } from '../../../lib/analysis/request-cost.js';
import { formatStacks, parseStacks } from '../../../lib/counters/stacks.js';
import { sizesData } from '../../../lib/experiments/sizes-data.js';
import { sizes } from '../../../lib/experiments/sizes.js';
import { RunStore, type Run } from '../../../lib/store/run-store.js';
import { copyOfRoot, recording as captured } from './recording.js';

/** The captured runs of experiment `components` as if each had been made with two sizes, with Envoy's counters beside. */
const copy = copyOfRoot();
afterAll(() => copy.remove());
const recording = { ...captured, dir: path.join(copy.root, captured.name) };
const store = new RunStore(null, copy.root);
const runs = store.runs(store.recordings()[0], 'components').flatMap((run) => [16, 4096].map((bytes): Run => ({
  ...run, experiment: sizes, warnings: [], spec: { ...run.spec, load: { ...run.spec.load, path: `/${bytes}` } },
})));
const traffic = {
  'cluster.backend.upstream_cx_rx_bytes_total': 8 * 2 ** 20, 'cluster.backend.upstream_flow_control_paused_reading_total': 4,
  'listener.127.0.0.1_PORT.ssl.versions.TLSv1.3': 4, 'listener.127.0.0.1_PORT.ssl.ciphers.TLS_AES_256_GCM_SHA384': 4,
};
for (const { dir, spec } of runs) if (spec.collector.name === 'cpu-time') fs.writeFileSync(path.join(dir, 'traffic.json'), JSON.stringify(traffic));
const data = await sizesData(recording, runs);

describe('tidy data of experiment sizes', () => {
  it('keeps the costs of each size apart', async () => {
    expect(data.sizes).toEqual([16, 4096]);
    const one = await sizesData(recording, runs.filter(({ policy, spec }) => policy.id !== 'tcp' || spec.load.path === '/4096'));
    expect(totalInstructions(one.at(16), 'tcp')).toEqual([]);
    expect(totalInstructions(one.at(4096), 'tcp')).toHaveLength(1);
    expect(() => data.at(100)).toThrow('no response of 100 bytes was measured; there are 16, 4096');
  });

  it('has every repeat in a round of its own: nothing is measured twice a round here', () => {
    expect([...cpuRounds(data.at(16), 'http').keys()]).toEqual([0, 1, 2, 3]);
  });

  it('says who was busy in each undisturbed run, and how often Envoy stopped reading', () => {
    const http = data.paces.filter(({ policy, bytes }) => policy === 'http' && bytes === 16);
    expect(http.map(({ repeat }) => repeat)).toEqual([0, 1, 2, 3]);
    for (const pace of http) {
      expect(pace.pausesPerMiB).toBe(0.5);
      expect(pace.workerShare).toBeGreaterThan(0);
      expect(pace.workerShare).toBeLessThanOrEqual(1);
    }
  });

  it('adds up handshakes by version and cipher', () => {
    expect(data.agreed.find(({ policy }) => policy === 'ratelimit')).toEqual({ policy: 'ratelimit', versions: { 'TLSv1.3': 8 }, ciphers: { TLS_AES_256_GCM_SHA384: 8 } });
  });

  it('keeps runs with a connection for each request apart', async () => {
    expect(data.connecting).toBeNull();
    const opened = runs.map((run): Run => (run.policy.id === 'tcp' ? { ...run, spec: { ...run.spec, load: { ...run.spec.load, newConnections: true } } } : run));
    const apart = await sizesData(recording, opened);
    expect(cpuRounds(apart.connecting!, 'tcp').size).toBe(4);
    expect(cpuRounds(apart.at(16), 'tcp').size).toBe(0);
  });

  it('leaves marked runs out and says how many', async () => {
    const marked = runs.map((run): Run => (run.policy.id === 'tcp' ? { ...run, warnings: [{ code: 'other-load', text: 'something else ran there' }] } : run));
    const rest = await sizesData(recording, marked);
    expect(cpuRounds(rest.at(16), 'tcp').size).toBe(0);
    expect(rest.notes[0]).toMatch(/^Measured but left out: 10 of \d+ runs, the first TCP Router at 16 B, cpu-time, repeat 0: something else ran there\.$/);
    expect((await sizesData(recording, runs.map((run): Run => ({ ...run, warnings: [{ code: 'errors', text: 'x' }] })))).sizes).toEqual([]);
  });

  it('has no IPC of components where the CPU clock was sampled', () => expect(data.sampledIpc).toEqual([]));

  it('divides instructions by cycles where both were sampled side by side', async () => {
    const sampled = runs.find(({ spec }) => spec.collector.name === 'perf-record')!;
    const file = path.join(sampled.dir, 'stacks.json.gz');
    const raw = fs.readFileSync(file);
    const profile = parseStacks(zlib.gunzipSync(raw).toString('utf8'), file);
    const both = profile.stacks.flatMap((stack) => [{ ...stack, event: 'cycles', period: 1000 }, { ...stack, event: 'instructions', period: 600 }]);
    try {
      fs.writeFileSync(file, zlib.gzipSync(formatStacks({ ...profile, stacks: both })));
      const { sampledIpc } = await sizesData(recording, runs);
      expect(sampledIpc.map(({ component }) => component)).toContain('OS Write');
      for (const { ipc } of sampledIpc) expect(ipc).toBeCloseTo(0.6, 9);
    } finally {
      fs.writeFileSync(file, raw);
    }
  });

  it('names the damaged file', async () => {
    const [{ dir }] = runs.filter(({ spec }) => spec.collector.name === 'cpu-time');
    const file = path.join(dir, 'traffic.json');
    fs.rmSync(file);
    try {
      await expect(sizesData(recording, runs)).rejects.toThrow(file);
    } finally {
      fs.writeFileSync(file, JSON.stringify(traffic));
    }
  });
});
