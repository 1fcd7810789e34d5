import { describe, expect, it } from 'vitest';
import type { Policy } from '../../../lib/deploy/policy.js';
import { estimateS, type Mode } from '../../../lib/experiments/plan.js';
import { allSizes, bytesOf, headerOnlyPolicies, sizedPolicies, sizeLabel, sizesPlan } from '../../../lib/experiments/sizes.js';
import { leastRepeats } from '../../../lib/report/verdicts.js';

const runsOf = (mode: Mode, collector: string) => sizesPlan(mode).runs.filter((run) => run.collector === collector);

describe('plan of experiment sizes', () => {
  it('takes 16 B to 1 MiB in steps of 4', () => {
    expect(allSizes.map(sizeLabel)).toEqual(['16 B', '64 B', '256 B', '1 KiB', '4 KiB', '16 KiB', '64 KiB', '256 KiB', '1 MiB']);
    expect(new Set(runsOf('full', 'cpu-time').map(({ load }) => bytesOf(load)))).toEqual(new Set(allSizes));
  });

  it('is done in six minutes in quick mode, without the counters that most machines lack', () => {
    const seconds = sizesPlan('quick').runs.filter(({ collector }) => collector !== 'perf-stat').reduce((sum, run) => sum + estimateS(run), 0);
    expect(seconds).toBeLessThanOrEqual(360);
  });

  it('has both ends and the size at which the paper sees IPC fall in quick mode, of every policy', () => {
    for (const policy of sizedPolicies) {
      const own = runsOf('quick', 'cpu-time').filter(({ config, load }) => config.id === policy && !load.newConnections);
      expect(new Set(own.map(({ load }) => bytesOf(load)))).toEqual(new Set([16, 16_384, 1_048_576]));
    }
  });

  it('measures every policy by the same collectors in both modes, so that a quick run here can stand for a full recording', () => {
    const asked = (mode: Mode) => new Set(sizesPlan(mode).runs.map(({ config, collector, load }) => `${config.id} ${collector} ${load.mode}`));
    expect(asked('quick')).toEqual(asked('full'));
  });

  it('counts instructions of every header-only filter at both ends, and of TLS step by step up to where that takes seconds', () => {
    const counted = runsOf('quick', 'instructions');
    for (const policy of headerOnlyPolicies) {
      expect(counted.filter(({ config }) => config.id === policy).map(({ load }) => bytesOf(load)).sort()).toEqual([1_048_576, 16]);
    }
    expect(counted.filter(({ config }) => config.id.startsWith('tls'))).toEqual([]);
    expect(new Set(runsOf('quick', 'single-step').map(({ config, load }) => `${config.id} ${bytesOf(load)}`))).toEqual(new Set(['tls 16', 'tls 16384', 'tls-http 16', 'tls-http 16384']));
  });

  it('gives Envoy more room than the largest response needs, and leaves a configuration of the user\'s own alone', () => {
    for (const { config } of sizesPlan('full').runs) expect((config as Policy).bufferLimitBytes).toBeGreaterThan(2 * allSizes[allSizes.length - 1]);
    const mine = { frame: 'user' as const, id: 'mine', label: 'mine', yaml: '' };
    expect(sizesPlan('quick', { policies: [mine] }).runs[0].config).toEqual(mine);
  });

  it('opens connections with and without TLS, at the size whose cost over kept ones is known', () => {
    const connecting = runsOf('quick', 'cpu-time').filter(({ load }) => load.newConnections);
    expect(new Set(connecting.map(({ config }) => config.id))).toEqual(new Set(['tcp', 'tls']));
    expect(new Set(connecting.map(({ load }) => bytesOf(load)))).toEqual(new Set([16]));
  });

  it('repeats CPU time often enough for a verdict in full mode', () => {
    const repeats = runsOf('full', 'cpu-time').filter(({ config, load }) => config.id === 'tcp' && bytesOf(load) === 16 && !load.newConnections);
    expect(repeats.map(({ repeat }) => repeat)).toEqual([...Array(leastRepeats).keys()]);
  });

  it('measures what is chosen with every collector', () => {
    const collectors = (policy: string) => new Set(sizesPlan('quick', { policies: [policy], bytes: [65_536] }).runs.map(({ collector }) => collector));
    expect(collectors('header-read')).toEqual(new Set(['instructions', 'cpu-time', 'perf-stat', 'perf-record']));
    expect(collectors('tls')).toEqual(new Set(['single-step', 'cpu-time', 'perf-stat', 'perf-record']));
    expect(sizesPlan('quick', { policies: ['tls'], bytes: [65_536] }).runs.every(({ load }) => bytesOf(load) === 65_536)).toBe(true);
  });
});

describe('bytes of a response', () => {
  it('are those in the path, where there are any', () => {
    expect(bytesOf({ path: '/16384' })).toBe(16_384);
    expect(bytesOf({ path: '/headers' })).toBeNull();
    expect(bytesOf({ path: '' })).toBeNull();
  });
});
