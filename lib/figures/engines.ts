/** Does an application in network namespaces of one machine cost what it costs on a Kubernetes cluster with Istio? */
import { hopsOf, traversalsOf } from '../apps/traversals.js';
import type { CallGraph } from '../apps/call-graph.js';
import { estimateOf, type Rounds } from '../analysis/rounds.js';
import { ratioEstimate, type Estimate } from '../analysis/statistics.js';
import { paperApplications } from '../experiments/applications.js';
import type { ApplicationsData, PodRow } from '../experiments/applications-data.js';
import { number } from '../report/verdicts.js';
import type { Row } from '../store/value.js';
import { applicationsIn, labelOf, nodeCounts } from './application-values.js';
import { seriesName } from './fig05.js';
import { unique, type Item } from './item.js';

/** @param graphs by id: how often a request crosses each sidecar. */
export function engines(namespaces: ApplicationsData, cluster: ApplicationsData, graphs: Record<string, CallGraph>): Item {
  const compared = applicationsIn(cluster, paperApplications).filter((id) => graphs[id]).flatMap((id) => ['default', 'demo'].flatMap((profile) => {
    const [here, there] = [namespaces, cluster].map((data) => traversalCosts(data, graphs[id], profile));
    return here.size > 0 && there.size > 0 ? [{ id, profile, here, there }] : [];
  }));
  const rows = compared.flatMap(({ id, profile, here, there }): Row[] => [[namespaces, here], [cluster, there]].map(([data, costs]) => {
    const { value, interval } = estimateOf(costs as Rounds);
    const { engine, origin } = data as ApplicationsData;
    return { series: `${seriesName(profile)}, ${engine}`, x: labelOf(namespaces, id), value, interval, unit: 'us CPU/traversal', method: 'measured: CPU time', origin, runs: [] };
  }));
  return {
    item: 'fig14-engines',
    title: 'Sidecars on a cluster beside those of one machine',
    rows,
    figure: null,
    table: {
      columns: [
        { key: 'application', label: 'application' }, { key: 'profile', label: 'profile' }, { key: 'here', label: 'namespaces: CPU time of a traversal (µs)' },
        { key: 'there', label: 'Kubernetes: CPU time of a traversal (µs)' }, { key: 'ratio', label: 'Kubernetes / namespaces' },
      ],
      rows: compared.map(({ id, profile, here, there }) => ({ application: labelOf(namespaces, id), profile, here: text(estimateOf(here)), there: text(estimateOf(there)), ratio: text(ratioEstimate([...there.values()], [...here.values()])) })),
    },
    paper: [],
    notes: [...cluster.notes, 'Sidecars of one machine are rendered by the workbench, those of the cluster configured by Istio\'s control plane; both are stock Envoy.'],
    judgements: [],
  };
}

/** Of all sidecars of an application, on the fewest nodes, by repeat: microseconds a traversal. */
function traversalCosts(data: ApplicationsData, graph: CallGraph, profile: string): Rounds {
  const crossed = unique(hopsOf(graph).map(({ callee }) => callee));
  const traversals = traversalsOf(graph).reduce((sum, { inbound, outbound }) => sum + inbound + outbound, 0);
  const [fewest] = nodeCounts(data);
  const sums = new Map<number, number>();
  const pods = (data.pods.objects() as PodRow[]).filter((row) => row.application === graph.id && row.profile === profile && row.nodes === fewest && crossed.includes(row.service));
  for (const { repeat, sidecarCpuUs } of pods) sums.set(repeat, (sums.get(repeat) ?? 0) + (sidecarCpuUs ?? 0) / traversals);
  return sums;
}

function text({ value, interval }: Estimate): string {
  return `${number(value)}${interval ? ` [${interval.map(number).join(', ')}]` : ''}`;
}
