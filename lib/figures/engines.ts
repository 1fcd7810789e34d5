/** Does an application in network namespaces of one machine cost what it costs on a Kubernetes cluster with Istio? */
import type { CallGraph } from '../apps/call-graph.js';
import { estimateOf, type Rounds } from '../analysis/rounds.js';
import { ratioEstimate } from '../analysis/statistics.js';
import { paperApplications } from '../experiments/applications.js';
import type { ApplicationsData } from '../experiments/applications-data.js';
import type { Row } from '../store/value.js';
import { traversalCosts } from './added-hops.js';
import { applicationsIn, byServices, estimateText, labelOf } from './application-values.js';
import { seriesName } from './fig05.js';
import type { Item } from './item.js';

/** @param graphs by id: how often a request crosses each sidecar. */
export function engines(namespaces: ApplicationsData, cluster: ApplicationsData, graphs: Record<string, CallGraph>): Item {
  const compared = applicationsIn(cluster, paperApplications).filter((id) => graphs[id]).flatMap((id) => ['default', 'demo'].flatMap((profile) => {
    const [here, there] = [namespaces, cluster].map((data) => traversalCosts(data, graphs[id], profile));
    const relative = [cluster, namespaces].map((data) => [...traversalCosts(data, graphs[id], profile, byServices).values()]);
    return here.size > 0 && there.size > 0 ? [{ id, profile, here, there, relative: ratioEstimate(relative[0], relative[1]) }] : [];
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
        { key: 'relative', label: 'the same of sidecars by services in the same window' },
      ],
      rows: compared.map(({ id, profile, here, there, relative }) => (
        { application: labelOf(namespaces, id), profile, here: estimateText(estimateOf(here)), there: estimateText(estimateOf(there)), ratio: estimateText(ratioEstimate([...there.values()], [...here.values()])), relative: estimateText(relative) }
      )),
    },
    paper: [],
    notes: [...cluster.notes, 'Each engine ran at another time, and the machine\'s drift is in the ratio of CPU times; it is not in the ratio of sidecars by services, where services that cost more in one of them count instead.', 'Sidecars of one machine are rendered by the workbench, those of the cluster configured by Istio\'s control plane; both are stock Envoy.'],
    judgements: [],
  };
}
