/** Simulated cores on the committed traces: what their figures are drawn from. */
import { beforeAll, describe, expect, it } from 'vitest';
import { frontendChecks } from '../../lib/experiments/frontend-checks.js';
import type { FrontendPoint, FrontendTraces } from '../../lib/experiments/frontend-data.js';
import { frontendSweep } from '../../lib/experiments/frontend-sweep.js';
import type { TracesData } from '../../lib/experiments/traces-data.js';
import { withL2Of } from '../../lib/figures/fig16.js';
import { frontendOf } from '../../lib/report/items.js';
import { coreById } from '../../lib/simulate/core/cores.js';
import { RunStore } from '../../lib/store/run-store.js';

const [haswell, iceLake] = ['haswell', 'ice-lake'].map(coreById);
const policies = ['tcp', 'http'];
let frontend: FrontendTraces;
let again: FrontendTraces;
let traces: TracesData;

beforeAll(async () => {
  const read = await frontendOf(new RunStore(null));
  ({ frontend, data: traces } = read);
  ({ frontend: again } = await frontendOf(new RunStore(null), read));
}, 120_000);

const sample = ({ samples }: FrontendPoint, quantity: keyof FrontendPoint['samples']) => samples[quantity] as readonly [number, number];

describe('simulated cores on committed traces', { timeout: 60_000 }, () => {
  it('give the same bits whenever they are asked', async () => {
    expect(await frontend.on([iceLake], policies)).toEqual(await again.on([iceLake], policies));
  });

  it('miss more with their state emptied at system calls, and spend all slots on something', async () => {
    for (const point of (await frontend.on([haswell, iceLake], policies)).points) {
      for (const quantity of ['l1iMpki', 'icacheStallCycles', 'cycles'] as const) expect(sample(point, quantity)[1], `${point.policy.id} ${quantity}`).toBeGreaterThanOrEqual(sample(point, quantity)[0]);
      for (const bound of [0, 1]) expect(sample(point, 'frontend')[bound] + sample(point, 'badSpeculation')[bound] + sample(point, 'retiring')[bound]).toBeCloseTo(100, 6);
      expect(point.samples.backend).toBeUndefined();
    }
  });

  it('wait no longer for instructions with a larger second level', async () => {
    const { points } = await frontend.on([haswell, withL2Of(haswell, iceLake)], policies);
    for (const policy of policies) {
      const [small, large] = points.filter((point) => point.policy.id === policy);
      for (const bound of [0, 1]) expect(sample(large, 'icacheStallCycles')[bound]).toBeLessThanOrEqual(sample(small, 'icacheStallCycles')[bound]);
    }
  });

  it('have caches and TLBs that miss what the simulator of Figure 11 says, to within 1 %', async () => {
    const { checks } = await frontendChecks(frontend, traces, iceLake, null, policies);
    const own = checks.filter(({ by }) => by === 'the simulator of Figure 11');
    expect(own).toHaveLength(3 * policies.length);
    for (const { counted, expected, of, quantity } of own) expect(Math.abs(counted - expected), `${of} ${quantity}`).toBeLessThanOrEqual(Math.max(0.01 * expected, 0.5));
  });

  it('are swept over changes that differ from them, each with what it saves', async () => {
    const { effects } = await frontendSweep(frontend, 'tcp', iceLake);
    expect(effects.map(({ label }) => label)).not.toContain('L2 of 1.25 MB');
    expect(effects.map(({ savedCycles: [kept] }) => kept)).toEqual(effects.map(({ savedCycles: [kept] }) => kept).sort((a, b) => b - a));
  });

  it('name a policy that was not traced', async () => {
    await expect(frontend.replay('http-mix-2-exact', iceLake)).rejects.toThrow(/^no trace of policy "http-mix-2-exact"; there are tcp, /);
  });
});
