import { describe, expect, it } from 'vitest';
import { newestOnly } from '../../../lib/experiments/newest.js';
import type { Run } from '../../../lib/store/run-store.js';

const run = (key: string, startedAt: string, load: object, more: object = {}) =>
  ({ key, startedAt, policy: { id: 'http', label: 'HTTP', frame: 'http' }, spec: { load: { mode: 'open', connections: 16, path: '/100', ...load }, collector: { name: 'cpu-time', version: '1' } }, ...more }) as Run;

describe('runs that belong together', () => {
  const quick = [run('a', '2026-01-01T10', { durationS: 2 }), run('a', '2026-01-01T11', { durationS: 2 })];
  const full = run('b', '2026-01-02', { durationS: 5, warmUpS: 2 });

  it('are those of the key measured last: quick repeats are no repeats of full ones', () => {
    expect(newestOnly([...quick, full])).toEqual([full]);
    expect(newestOnly(quick)).toEqual(quick);
    expect(newestOnly([])).toEqual([]);
  });

  it('are told apart by policy, collector and what was asked of the load', () => {
    const others = [
      run('c', '2025', { kneeShare: 0.6 }), run('d', '2025', { kneeShare: 0.8 }), run('e', '2025', { mode: 'knee-search' }),
      run('f', '2025', {}, { policy: { id: 'tcp' } }), run('g', '2025', {}, { spec: { ...full.spec, collector: { name: 'perf-record' } } }),
    ];
    expect(newestOnly([...others, full])).toEqual([...others, full]);
  });

  it('are told apart by whether the sidecar was a pod of a cluster', () => {
    const pod = run('h', '2027-01-01', { durationS: 5 }, { spec: { ...full.spec, carrier: { engine: 'kubernetes', version: 'v1.28.15' } } });
    expect(newestOnly([full, pod])).toEqual([full, pod]);
  });
});
