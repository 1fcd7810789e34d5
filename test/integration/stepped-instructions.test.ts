import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { instructionsByComponent, instructionsByRegion, totalInstructions } from '../../lib/analysis/request-cost.js';
import { policyById } from '../../lib/deploy/catalogue.js';
import { carryOut } from '../../lib/experiments/campaign.js';
import { componentsData, type ComponentsData } from '../../lib/experiments/components-data.js';
import { countedLoad, steppedLoad } from '../../lib/experiments/components.js';
import type { CollectorName, PlannedRun } from '../../lib/experiments/plan.js';
import type { PlannedLoad } from '../../lib/store/run-key.js';
import { probe } from '../../lib/trace/single-step.js';
import { newPlace, type Place } from './support/small-campaign.js';

const able = await probe();

/** An experiment a case, since a later way of measuring a policy takes the place of an earlier one. */
const cases: readonly [experiment: string, policy: string, collector: CollectorName, load: PlannedLoad][] = [
  ['counted', 'http', 'instructions', countedLoad(200)],
  ['stepped', 'http', 'single-step', steppedLoad('/100', 3)],
  ['small', 'tls', 'single-step', steppedLoad('/16', 2)],
  ['large', 'tls', 'single-step', steppedLoad('/16384', 2)],
];

let place: Place;
const data = new Map<string, ComponentsData>();
beforeAll(async () => {
  if (!able.available) return;
  place = newPlace();
  const runs = cases.map(([experiment, policy, collector, load]): PlannedRun => ({ experiment, config: policyById(policy), collector, load, repeat: 0 }));
  expect((await carryOut({ experiment: 'stepped', runs }, { store: place.store })).failed).toEqual([]);
  const live = place.store.live();
  for (const [experiment] of cases) data.set(experiment, await componentsData(live, place.store.runs(live, experiment)));
}, 180_000);
afterAll(() => place?.remove());

const total = (experiment: string, policy: string) => totalInstructions(data.get(experiment)!, policy)[0];

describe.skipIf(!able.available)(`instructions of a request that was stepped${able.available ? '' : ` (${able.reason})`}`, () => {
  it('are those that the Valgrind tool counts of the same request, but for timers and the CPU features it hides', () => {
    expect(total('stepped', 'http') / total('counted', 'http')).toBeGreaterThan(0.9);
    expect(total('stepped', 'http') / total('counted', 'http')).toBeLessThan(1.05);
    for (const component of ['HTTP Protocol Parse', 'Header En/Decoder'] as const) {
      const [stepped, counted] = ['stepped', 'counted'].map((experiment) => instructionsByComponent(data.get(experiment)!, 'http', 'ours').get(component)!.value);
      expect(Math.abs(stepped / counted - 1), component).toBeLessThan(0.1);
    }
  });

  it('grow with the size of a response that is encrypted, in TLS', () => {
    const tls = (experiment: string) => instructionsByRegion(data.get(experiment)!, 'tls').get('tls')!.value;
    expect(tls('small')).toBeGreaterThan(1000);
    expect(tls('large')).toBeGreaterThan(1.2 * tls('small'));
    expect(total('large', 'tls') - total('small', 'tls')).toBeGreaterThan(0.3 * (tls('large') - tls('small')));
  });
});
