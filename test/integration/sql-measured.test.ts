import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { instructionsByComponent, shareByComponent, totalInstructions } from '../../lib/analysis/request-cost.js';
import { median } from '../../lib/analysis/statistics.js';
import { findEnvoy } from '../../lib/deploy/envoy.js';
import { sqlPolicyHere } from '../../lib/deploy/sql-policy.js';
import { carryOut } from '../../lib/experiments/campaign.js';
import { componentsData, type ComponentsData } from '../../lib/experiments/components-data.js';
import { componentsPlan } from '../../lib/experiments/components.js';
import type { CollectorName, Plan } from '../../lib/experiments/plan.js';
import { tracesPlan } from '../../lib/experiments/traces.js';
import { tracesData, type TracedPolicy } from '../../lib/experiments/traces-data.js';
import { newPlace, type Place } from './support/small-campaign.js';

const here = await sqlPolicyHere(await findEnvoy());
const title = (what: string) => (here.available ? what : `${what} (${here.reason})`);
/** The first of each kind. */
const once = ({ experiment, runs }: Plan, ...collectors: CollectorName[]): Plan =>
  ({ experiment, runs: runs.filter(({ collector, repeat }) => repeat === 0 && collectors.includes(collector)) });

let place: Place;
let data: ComponentsData;
let traced: TracedPolicy;
beforeAll(async () => {
  if (!here.available) return;
  place = newPlace();
  const { store } = place;
  for (const plan of [once(componentsPlan('quick', ['sql', 'tcp']), 'instructions', 'cpu-time', 'perf-record'), tracesPlan('quick', ['sql'])]) {
    expect((await carryOut(plan, { store })).failed).toEqual([]);
  }
  const live = store.live();
  data = await componentsData(live, store.runs(live, 'components').map((run) => ({ ...run, warnings: [] })));
  [traced] = (await tracesData(live, store.runs(live, 'traces'))).shown;
}, 180_000);
afterAll(() => place?.remove());

describe.skipIf(!here.available)(title('a query through the SQL policy'), () => {
  it('is parsed in the filter, and costs the same beside it by either count', () => {
    const counted = instructionsByComponent(data, 'sql', 'ours');
    const filter = counted.get('Sidecar Filter')!.value;
    const total = totalInstructions(data, 'sql')[0];
    expect(filter).toBeGreaterThan(0.1 * total);
    expect(counted.get('HTTP Protocol Parse')!.value).toBe(0);
    // Traced statements differ from the counted one, so that parsing them costs something else.
    const beside = median(traced.profiles.ours.requests.map(({ instructions, byComponent }) => instructions - byComponent.get('Sidecar Filter')!.instructions));
    expect(Math.abs(beside / (total - filter) - 1)).toBeLessThan(0.1);
  });

  it('is what the policy costs more than bare TCP, by and large', () => {
    const [sql, tcp] = ['sql', 'tcp'].map((id) => totalInstructions(data, id)[0]);
    const filter = instructionsByComponent(data, 'sql', 'ours').get('Sidecar Filter')!.value;
    expect(sql).toBeGreaterThan(tcp);
    expect(Math.abs(sql - tcp - filter)).toBeLessThan(0.5 * filter);
  });

  it('leaves stacks that can be followed through the module', () => {
    const shares = shareByComponent(data, 'sql', 'ours');
    expect(shares.get('Unattributed')!.value).toBeLessThan(0.2); // some stacks are deeper than perf copies
    expect(shares.get('Sidecar Filter')!.value).toBeGreaterThan(0);
  });

  it('is traced whole, over many connections, no two alike', () => {
    expect(traced.spans).toHaveLength(24);
    expect(new Set(traced.spans.map(({ descriptor }) => descriptor)).size).toBe(8);
    expect(new Set(traced.spans.map(({ instructions }) => instructions)).size).toBeGreaterThan(12);
  });
});
