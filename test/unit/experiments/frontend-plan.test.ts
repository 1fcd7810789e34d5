import { describe, expect, it } from 'vitest';
import { paperFig7 } from '../../../lib/deploy/catalogue.js';
import { acrossLoads, frontendLoad, frontendPlan, loadLevel } from '../../../lib/experiments/frontend.js';
import { kneeSearchLoad } from '../../../lib/experiments/capacity.js';
import { estimateS } from '../../../lib/experiments/plan.js';

describe('plan of experiment frontend', () => {
  const counted = (runs: ReturnType<typeof frontendPlan>['runs']) => runs.filter(({ collector }) => collector === 'frontend-counters');

  it('counts every policy of Figure 7 at high load, and some at low and medium load too', () => {
    const runs = counted(frontendPlan('quick').runs);
    const at = (level: string) => runs.filter(({ load }) => loadLevel(load) === level).map(({ config }) => config.id).sort();
    expect(at('high')).toEqual([...paperFig7].sort());
    expect([at('low'), at('medium')]).toEqual([[...acrossLoads].sort(), [...acrossLoads].sort()]);
  });

  it('counts all of them at all three loads in full mode, six times', () => {
    const runs = counted(frontendPlan('full').runs);
    expect(runs).toHaveLength(paperFig7.length * 3 * 6);
  });

  it('searches the knee of every policy that is counted below it, first and once', () => {
    const { runs } = frontendPlan('quick');
    const searches = runs.filter(({ load }) => load.mode === 'knee-search');
    expect(runs.slice(0, searches.length)).toEqual(searches);
    expect(searches.map(({ config }) => config.id).sort()).toEqual([...acrossLoads].sort());
  });

  it('measures what the user names with both collectors', () => {
    const { runs } = frontendPlan('full', ['logging']);
    expect(new Set(runs.map(({ collector }) => collector))).toEqual(new Set(['cpu-time', 'frontend-counters', 'toplev']));
    expect(new Set(runs.map(({ config }) => config.id))).toEqual(new Set(['logging']));
  });

  it('takes a few minutes in quick mode', () => {
    expect(frontendPlan('quick').runs.reduce((sum, run) => sum + estimateS(run), 0)).toBeLessThan(4 * 60);
  });
});

describe('the paper\'s three loads', () => {
  it('are told from a run\'s load', () => {
    for (const level of ['low', 'medium', 'high'] as const) expect(loadLevel(frontendLoad(level, 3))).toBe(level);
    expect(loadLevel(kneeSearchLoad)).toBeNull();
    expect(loadLevel({ mode: 'open', connections: 1, path: '/', kneeShare: 0.8 })).toBeNull();
  });
});
