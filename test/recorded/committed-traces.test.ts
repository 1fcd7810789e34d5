/** The committed traces: their figures, and the simulated cores that replay them. In one file, since reading them takes most of the time. */
import { beforeAll, describe, expect, it } from 'vitest';
import { policyById, paperFig7 } from '../../lib/deploy/catalogue.js';
import { frontendChecks } from '../../lib/experiments/frontend-checks.js';
import type { FrontendPoint, FrontendTraces } from '../../lib/experiments/frontend-data.js';
import { frontendSweep } from '../../lib/experiments/frontend-sweep.js';
import type { TracesData } from '../../lib/experiments/traces-data.js';
import { fig11aRecorders } from '../../lib/figures/fig11a-recorders.js';
import { fig11a } from '../../lib/figures/fig11a.js';
import { fig11b } from '../../lib/figures/fig11b.js';
import { fig11c } from '../../lib/figures/fig11c.js';
import { withL2Of } from '../../lib/figures/fig16.js';
import { frontendOf } from '../../lib/report/items.js';
import { coreById } from '../../lib/simulate/core/cores.js';
import { RunStore } from '../../lib/store/run-store.js';
import type { Row } from '../../lib/store/value.js';

const [haswell, iceLake] = ['haswell', 'ice-lake'].map(coreById);
const policies = ['tcp', 'http'];
let data: TracesData;
let frontend: FrontendTraces;
let again: FrontendTraces;

beforeAll(async () => {
  const read = await frontendOf(new RunStore(null));
  ({ frontend, data } = read);
  ({ frontend: again } = await frontendOf(new RunStore(null), read));
}, 120_000);

const label = (id: string) => policyById(id).label;
const valuesOf = (rows: Row[], series: string) => rows.filter((row) => row.series === series);

describe('figures of the committed traces', () => {
  it('have the policies in the order of the paper', () => {
    const order = paperFig7.map(label);
    for (const { rows } of [fig11a(data), fig11b(data)]) {
      const shown = [...new Set(rows.map(({ series }) => series))].filter((series) => order.includes(series));
      expect(shown).toEqual(order.filter((series) => shown.includes(series)));
      expect(shown.length).toBeGreaterThan(10);
    }
  });

  it('rest on at least 20 requests over at least 8 connections, no two of which are one instruction for instruction', () => {
    for (const { spans, policy } of data.shown) {
      expect(spans.length, policy.label).toBeGreaterThanOrEqual(20);
      expect(new Set(spans.map(({ descriptor }) => descriptor)).size, policy.label).toBeGreaterThanOrEqual(policy.id.startsWith('tls') ? 2 : 8);
    }
  });

  it('touch no more code than pages of it hold, and more of it through HTTP than through TCP', () => {
    const { rows } = fig11a(data);
    const touched = (id: string, unit: string) => valuesOf(rows, label(id)).find((row) => row.unit === unit)!.value!;
    for (const id of ['tcp', 'http', 'http-mix-2']) {
      expect(1000 * touched(id, 'kB/request')).toBeLessThan(4096 * touched(id, 'pages of 4 kB/request'));
    }
    expect(touched('http', 'kB/request')).toBeGreaterThan(3 * touched('tcp', 'kB/request'));
  });

  it('lose no more of a TLB that is kept over system calls than of one that is emptied, and no more of a larger one', () => {
    const { rows } = fig11b(data);
    const simulated = rows.filter(({ method, interval }) => method === 'simulated' && interval);
    expect(simulated.filter(({ value, interval }) => value !== interval![0] || interval![0] > interval![1])).toEqual([]);
    for (const { policy } of data.shown) {
      const [share, whole, walks] = valuesOf(rows, policy.label).filter(({ unit }) => unit === 'per request').map(({ value }) => value!);
      expect(share, policy.label).toBeGreaterThanOrEqual(whole);
      expect(share, policy.label).toBeGreaterThanOrEqual(walks);
    }
  });

  it('miss less with every further huge page, which costs memory', () => {
    const { rows } = fig11c(data);
    const series = (name: string) => valuesOf(rows, name).filter(({ x }) => x !== 'all code').map(({ value }) => value!);
    const [misses, memory] = [series(label('http')), series(`${label('http')}, memory added`)];
    expect(misses).toEqual([...misses].sort((a, b) => b - a));
    expect(misses[5]).toBeLessThan(0.3 * misses[0]);
    expect(memory).toEqual([...memory].sort((a, b) => a - b));
    expect(memory).toHaveLength(misses.length);
  });

  it('show recorders and callgrind to agree to 1 % where they see the same CPU', () => {
    const ratios = fig11aRecorders(data).rows.filter(({ series }) => /masked|callgrind/.test(series) && !/as the CPU is/.test(series))
      .filter(({ x }) => !/branches|jumps/.test(String(x)));
    expect(ratios.length).toBeGreaterThanOrEqual(4);
    expect(ratios.filter(({ value }) => Math.abs(value! - 1) > 0.01).map(({ series, x, value }) => `${series}, ${x}: ${value}`)).toEqual([]);
  });
});

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
    const { checks } = await frontendChecks(frontend, data, iceLake, null, policies);
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
