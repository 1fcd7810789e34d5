import { describe, expect, it } from 'vitest';
import { parseSummaries } from '../../../../lib/deploy/kubernetes/cpu.js';

describe('parseSummaries', () => {
  const cpu = (usageCoreNanoSeconds?: number) => ({ time: '2026-01-01T00:00:01.500Z', usageCoreNanoSeconds });
  it("takes the containers of an application's pods over several nodes, and no one else's", () => {
    const first = { pods: [{ podRef: { uid: 'u1' }, containers: [{ name: 'app', cpu: cpu(7_000) }, { name: 'istio-proxy', cpu: cpu(9_000) }] }, { podRef: { uid: 'other' }, containers: [] }] };
    const second = { pods: [{ podRef: { uid: 'u2' }, containers: [{ name: 'app', cpu: cpu(5_000) }, { name: 'istio-proxy', cpu: cpu() }] }] };
    const read = parseSummaries([JSON.stringify(first), JSON.stringify(second)], new Map([['u1', 'ratings'], ['u2', 'details']]));
    expect([...read.keys()]).toEqual(['ratings', 'details']);
    expect(read.get('ratings')?.['istio-proxy']).toMatchObject({ runNs: 9_000, atUs: Date.UTC(2026, 0, 1, 0, 0, 1, 500) * 1000 });
    // Not counted yet is not zero.
    expect(Object.keys(read.get('details')!)).toEqual(['app']);
  });
});
