import { describe, expect, it } from 'vitest';
import { applicationsPlan, comparedShare, paperApplications, profiles } from '../../../lib/experiments/applications.js';
import type { Mode } from '../../../lib/experiments/plan.js';
import { leastRepeats } from '../../../lib/report/verdicts.js';
import type { PlannedLoad } from '../../../lib/store/run-key.js';

const loadsOf = (mode: Mode, application: string) =>
  applicationsPlan(mode).filter(({ application: { graph } }) => graph.id === application).flatMap(({ tasks }) => tasks.filter(({ collector }) => collector === 'cpu-time').map(({ load }) => load));
const busyS = (mode: Mode) => paperApplications.map((application) => new Set(loadsOf(mode, application).filter(atFullSpeed).map(({ durationS }) => durationS)));
const atFullSpeed = ({ mode, connections }: PlannedLoad) => mode === 'closed' && connections > 1;

describe('plan of experiment applications', () => {
  it('in full mode measures a request of more calls for longer at full speed, whatever the profile; in quick mode all alike', () => {
    expect(busyS('full')).toEqual([new Set([6]), new Set([16]), new Set([25])]); // 7, 19 and 29 sidecar traversals
    expect(busyS('quick')).toEqual([new Set([2]), new Set([2]), new Set([2])]);
  });

  it('loads every deployment at full speed and at both shares of the knee, often enough for a verdict in full mode', () => {
    const once = loadsOf('full', 'online-boutique').filter((load) => atFullSpeed(load) || load.kneeShare === comparedShare || load.kneeShare === 1);
    expect(once).toHaveLength(3 * profiles.length * 5 * leastRepeats);
  });

  it('searches every knee before a share of it is asked for', () => {
    const modes = applicationsPlan('quick').flatMap(({ application, tasks }) => tasks.map(({ load }) => ({ who: `${application.graph.id} ${application.profile}`, load })));
    for (const { who, load } of modes.filter(({ load: { kneeShare } }) => kneeShare !== undefined)) {
      const search = modes.findIndex((other) => other.who === who && other.load.mode === 'knee-search');
      expect(search).toBeGreaterThanOrEqual(0);
      expect(search).toBeLessThan(modes.findIndex((other) => other.load === load));
    }
  });

  it('never measures cold programs', () => {
    expect(applicationsPlan('quick').every(({ warmUp }) => warmUp && warmUp.requests >= 100)).toBe(true);
  });
});
