/** Table 2: the nine components, with what of each this Envoy build lets us tell apart. */
import { instructionsByComponent, shareByComponent } from '../analysis/request-cost.js';
import { scaled, type Estimate } from '../analysis/statistics.js';
import type { ComponentsData } from '../experiments/components-data.js';
import type { CollectorName } from '../experiments/plan.js';
import type { BinaryFacts } from '../store/binaries.js';
import { components, descriptions } from '../paper/components.js';
import type { Method, Row } from '../store/value.js';
import type { Item } from './item.js';

/** @param binary anchors of the Envoy that was measured. @param policy whose values stand beside. */
export function tab02(data: ComponentsData, binary: BinaryFacts, policy = 'http'): Item {
  const instructions = instructionsByComponent(data, policy, 'ours');
  const shares = shareByComponent(data, policy, 'ours');
  const label = data.policies.find(({ id }) => id === policy)?.label ?? policy;
  const row = (x: string, { value, interval, n }: Estimate, unit: string, method: Method, collector: CollectorName): Row => {
    const common = { series: label, x, unit, origin: data.origin, runs: data.runsOf(policy, collector) };
    return n > 0 ? { ...common, value, interval, method } : { ...common, value: null, interval: null, method: 'unavailable', reason: 'not measured in this recording' };
  };
  return {
    item: 'tab02',
    title: 'Table 2: functional components of a sidecar',
    rows: components.flatMap((component) => [
      row(component, instructions.get(component)!, 'user instructions/request', 'measured: exact instruction counts', 'instructions'),
      row(component, scaled(shares.get(component)!, 100), '% of CPU time', 'measured: sampled stacks', 'perf-record'),
    ]),
    figure: null,
    table: {
      columns: [
        { key: 'component', label: 'component' }, { key: 'description', label: 'description (paper)' },
        { key: 'anchors', label: `anchors in Envoy ${binary.envoyVersion}` },
        { key: 'instructions', label: `${label}: user instructions/request` }, { key: 'share', label: `${label}: share of CPU time` },
      ],
      rows: components.map((component) => ({
        component,
        description: descriptions[component],
        anchors: anchorsOf(binary, component),
        instructions: instructions.get(component)!.n ? Math.round(instructions.get(component)!.value) : 'unavailable',
        share: shares.get(component)!.n ? `${(100 * shares.get(component)!.value).toFixed(1)} %` : 'unavailable',
      })),
    },
    paper: [],
    notes: binary.outcomes.filter(({ consequence }) => consequence !== '').map(({ consequence }) => consequence),
    judgements: [],
  };
}

function anchorsOf(binary: BinaryFacts, component: string): string {
  const own = binary.anchors.filter((anchor) => anchor.component === component);
  if (own.length === 0) return component.startsWith('OS ') ? 'the kernel, by system call' : 'whatever runs under no anchor';
  return `${own.length} functions, e.g. ${own.slice(0, 2).map(({ label }) => label).join(', ')}`;
}
