import { describe, expect, it } from 'vitest';
import { paperFig6, paperFig7, policies } from '../../../lib/deploy/catalogue.js';
import { capacityPlan, kneeShares } from '../../../lib/experiments/capacity.js';
import { componentsPlan, noiseFloorPolicies } from '../../../lib/experiments/components.js';
import { selectByKey } from '../../../lib/load/sql.js';
import { leastRepeats } from '../../../lib/report/verdicts.js';
import { describePlan, estimateS, type PlannedRun } from '../../../lib/experiments/plan.js';

const ids = (runs: PlannedRun[]) => runs.map(({ config }) => config.id);

describe('plan of experiment capacity', () => {
  it('searches every knee before it asks for shares of it', () => {
    const { runs } = capacityPlan('quick');
    expect(runs).toHaveLength(paperFig6.length * (1 + kneeShares.length));
    expect(runs.slice(0, paperFig6.length).every(({ load }) => load.mode === 'knee-search')).toBe(true);
    expect(ids(runs.slice(0, paperFig6.length))).toEqual(paperFig6);
    expect(runs.slice(paperFig6.length).every(({ load }) => load.kneeShare !== undefined)).toBe(true);
  });

  it('repeats points in full mode, each policy and share once a round', () => {
    const points = capacityPlan('full', ['tcp', 'http']).runs.slice(2);
    const perRound = 2 * kneeShares.length;
    expect(points).toHaveLength(5 * perRound);
    for (let round = 0; round < 5; round++) {
      const own = points.slice(round * perRound, (round + 1) * perRound);
      expect(own.every(({ repeat }) => repeat === round)).toBe(true);
      expect(new Set(own.map(({ config, load }) => `${config.id} ${load.kneeShare}`)).size).toBe(perRound);
    }
  });

  it('names a policy that does not exist', () => {
    expect(() => capacityPlan('quick', ['htpp'])).toThrow(/no policy "htpp"; there are tcp/);
  });
});

describe('plan of experiment components', () => {
  const { runs } = componentsPlan('quick');
  const of = (collector: string) => runs.filter((run) => run.collector === collector);

  const variants = ['tls-http', 'ratelimit-published'];
  const usual = [...policies.map(({ id }) => id).filter((id) => !variants.includes(id)), 'sql'];

  it('counts and times all policies but the variants, and samples the stacks of those that the figure shows', () => {
    expect(new Set(ids(of('instructions')))).toEqual(new Set(usual.filter((id) => id !== 'tls')));
    expect(ids(of('single-step'))).toEqual(['tls']); // Valgrind would hide its crypto instructions
    expect(of('cpu-time')).toHaveLength(3 * (usual.length + noiseFloorPolicies.length));
    expect(new Set(ids(of('perf-record')))).toEqual(new Set(paperFig7));
  });

  it('reads hardware counters of every policy under the load that CPU time is measured under, often enough for a verdict in full mode', () => {
    expect(ids(of('perf-stat')).sort()).toEqual([...usual].sort());
    expect(of('perf-stat')[0].load).toEqual(of('cpu-time')[0].load);
    const full = componentsPlan('full', ['http']).runs.filter(({ collector }) => collector === 'perf-stat');
    expect(full.map(({ repeat }) => repeat)).toEqual([...Array(leastRepeats).keys()]);
  });

  it('in full mode counts and samples every policy, variants included', () => {
    const full = componentsPlan('full').runs;
    const of = (collector: string) => new Set(ids(full.filter((run) => run.collector === collector)));
    const all = [...policies.map(({ id }) => id), 'sql'];
    expect(of('perf-record')).toEqual(new Set(all));
    expect(new Set([...of('instructions'), ...of('single-step')])).toEqual(new Set(all));
    expect(of('single-step')).toEqual(new Set(['tls', 'tls-http']));
  });

  it('measures a composition of the user with every collector', () => {
    const mine = { ...policies[0], id: 'mine' };
    expect(new Set(componentsPlan('quick', ['http', mine]).runs.filter(({ config }) => config.id === 'mine').map(({ collector }) => collector)).size).toBe(4);
  });

  it('asks the database of the SQL policy for a row, and the echo of every other for bytes', () => {
    for (const { config, load } of runs) expect(load.path).toBe(config.id === 'sql' ? selectByKey : '/100');
  });

  it('takes each round of all policies before the next, in another order', () => {
    const perRound = usual.length + noiseFloorPolicies.length;
    const rounds = [0, 1, 2].map((round) => of('cpu-time').slice(round * perRound, (round + 1) * perRound));
    for (const round of rounds) expect(new Set(ids(round))).toEqual(new Set(usual));
    expect(ids(rounds[0])).not.toEqual(ids(rounds[1]));
  });

  it('takes the twins of the noise floor one right after the other, under repeats of their own', () => {
    const timed = of('cpu-time');
    for (const id of noiseFloorPolicies) {
      const at = timed.flatMap(({ config }, i) => (config.id === id ? [i] : []));
      expect(at.map((i) => timed[i].repeat)).toEqual([0, 1, 2, 3, 4, 5]);
      expect([at[1] - at[0], at[3] - at[2], at[5] - at[4]]).toEqual([1, 1, 1]);
    }
  });

  it('is the same plan every time, so that what is measured already is found again', () => {
    expect(componentsPlan('quick')).toEqual(componentsPlan('quick'));
  });
});

describe('what a plan costs', () => {
  it('is said in runs, minutes and MB', () => {
    const { runs } = componentsPlan('quick', ['ratelimit']);
    expect(describePlan(runs)).toBe(`6 runs, about ${(runs.reduce((sum, run) => sum + estimateS(run), 0) / 60).toFixed(1)} min and 69 MB`);
    expect(describePlan([])).toBe('0 runs, about 0.0 min and 0 MB');
  });

  it('counts warm-up and load, and more for a knee search than for a point', () => {
    const [search, point] = capacityPlan('quick', ['tcp']).runs;
    expect(estimateS(point)).toBe(1.5 + 0.5 + 3);
    expect(estimateS(search)).toBeGreaterThan(estimateS(point));
    const [counted, stepped] = ['instructions', 'single-step'].map((name) => componentsPlan('quick', ['tls', 'http']).runs.find(({ collector }) => collector === name)!);
    expect(estimateS(counted)).toBe(7.5 + 2 * 200 / 400);
    expect(estimateS(stepped)).toBe(5 + 4 * 4);
  });
});
