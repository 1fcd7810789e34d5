/** Does an application in network namespaces of one machine cost what it costs on a Kubernetes cluster with Istio? */
import type { CallGraph } from '../apps/call-graph.js';
import { hopsOf, traversalsOf } from '../apps/traversals.js';
import { estimateOf, type Rounds } from '../analysis/rounds.js';
import { medianEstimate, ratioEstimate, type Estimate } from '../analysis/statistics.js';
import { paperApplications } from '../experiments/applications.js';
import type { ApplicationsData, PodRow } from '../experiments/applications-data.js';
import { number } from '../report/verdicts.js';
import type { Row } from '../store/value.js';
import { traversalCosts } from './added-hops.js';
import { groupedBars, gridLayout, type Bar, type PanelGrid } from './application-panels.js';
import { applicationsIn, byServices, estimateText, labelOf, podsOf, shortName } from './application-values.js';
import { seriesName } from './fig05.js';
import { methodLine, unique, type Item } from './item.js';
import { engineColour } from './palette.js';
import { styled } from './style.js';

const meshProfiles = ['default', 'demo'] as const;
const engineNames: Record<string, string> = { namespaces: 'one machine', kubernetes: 'Kubernetes' };

/** What is compared, by sidecar: alone, and free of how fast the machine was just then. */
const quantities = [
  { title: 'CPU time of a sidecar<br>(µs/traversal)', unit: 'us CPU/traversal', of: ({ sidecarCpuUs }: PodRow, traversals: number) => sidecarCpuUs! / traversals },
  { title: 'the same by that of all<br>services (%)', unit: '% of the services\' CPU time/traversal', of: (row: PodRow, traversals: number) => (100 * byServices(row)) / traversals },
] as const;

/** @param graphs by id: how often a request crosses each sidecar. */
export function engines(namespaces: ApplicationsData, cluster: ApplicationsData, graphs: Record<string, CallGraph>): Item {
  const applications = applicationsIn(cluster, paperApplications).filter((id) => graphs[id] && meshProfiles.some((profile) => traversalCosts(namespaces, graphs[id], profile).size > 0));
  const grid: PanelGrid = {
    columns: applications.map((id) => ({ title: labelOf(namespaces, id), groups: servicesOf(graphs[id]).map(shortName) })), places: 2 * meshProfiles.length, xTitle: '',
    rows: quantities.map(({ title }) => ({ title, height: 1 })),
  };
  const bars = quantities.flatMap((quantity, row) => applications.flatMap((id, column) => meshProfiles.flatMap((profile, i) =>
    [namespaces, cluster].flatMap((data, j) => sidecarBars(data, graphs[id], profile, quantity).map((bar): Bar => ({ ...bar, row, column, place: 2 * i + j }))))));
  const rows = bars.map(({ value }) => value as Row);
  return {
    item: 'fig14-engines',
    title: 'Sidecars on a cluster beside those of one machine',
    rows,
    figure: styled({
      title: 'Sidecars on a cluster beside those of one machine',
      alt: 'CPU time of each sidecar for one traversal, in network namespaces of one machine and on a Kubernetes cluster, with the profiles default and demo.',
      method: `${methodLine(rows)}, at full speed`,
      data: groupedBars(bars, grid),
      layout: { ...gridLayout(grid, { width: Math.max(720, 340 * applications.length), height: 700 }), legend: { orientation: 'h', x: 0, y: -0.22, yanchor: 'top' } },
    }),
    table: table(namespaces, cluster, graphs, applications),
    paper: [],
    notes: [
      ...cluster.notes,
      'Each ran at another time, and the machine\'s drift is in the ratio of CPU times; it is not in the ratio of sidecars by services, where services that cost more in one of them count instead.',
      'Sidecars of one machine are rendered by the workbench, those of the cluster configured by Istio\'s control plane; both are stock Envoy.',
      'Under demo every request is traced. On one machine somebody takes the spans; on a cluster nobody does, unless it has a service zipkin in istio-system: they are built and lost.',
      'The kubelet counts the sidecar\'s container, Istio\'s agent and the reading of its counters included.',
    ],
    judgements: [],
  };
}

/** Callers before those they call; those that a request reaches. */
function servicesOf(graph: CallGraph): string[] {
  return unique(hopsOf(graph).map(({ callee }) => callee)).filter((service) => traversalsIn(graph, service) > 0);
}

function traversalsIn(graph: CallGraph, service: string): number {
  const { inbound, outbound } = traversalsOf(graph).find((one) => one.service === service)!;
  return inbound + outbound;
}

/** One bar a sidecar that was measured. */
function sidecarBars(data: ApplicationsData, graph: CallGraph, profile: string, { unit, of }: (typeof quantities)[number]): Omit<Bar, 'row' | 'column' | 'place'>[] {
  const series = `${seriesName(profile)}, ${engineNames[data.engine]}`;
  return servicesOf(graph).flatMap((service, group) => {
    const pods = podsOf(data, graph.id, profile, [service]);
    if (pods.length === 0) return [];
    const { value, interval } = medianEstimate(pods.map((row) => of(row, traversalsIn(graph, service))));
    const x = `${labelOf(data, graph.id)}, ${service}`;
    const row: Row = { series, x, value, interval, unit, method: 'measured: CPU time', origin: data.origin, runs: pods.map(({ run }) => run) };
    return [{ group, series, colour: engineColour(profile, data.engine), value: row, text: `${x}, ${series}: ${number(value)} ${unit}` }];
  });
}

function table(namespaces: ApplicationsData, cluster: ApplicationsData, graphs: Record<string, CallGraph>, applications: readonly string[]): Item['table'] {
  const rows = applications.flatMap((id) => meshProfiles.flatMap((profile) => {
    const [here, there] = [namespaces, cluster].map((data) => traversalCosts(data, graphs[id], profile));
    const relative = [cluster, namespaces].map((data) => [...traversalCosts(data, graphs[id], profile, byServices).values()]);
    if (here.size === 0 || there.size === 0) return [];
    return [{
      application: labelOf(namespaces, id), profile, here: estimateText(estimateOf(here)), there: estimateText(estimateOf(there)), ratio: ratioText(there, here),
      relative: estimateText(ratioEstimate(relative[0], relative[1])), kubelet: estimateText(kubeletRatio(cluster, id, profile)),
    }];
  }));
  return {
    columns: [
      { key: 'application', label: 'application' }, { key: 'profile', label: 'profile' }, { key: 'here', label: 'one machine: CPU time of a traversal (µs)' },
      { key: 'there', label: 'Kubernetes: CPU time of a traversal (µs)' }, { key: 'ratio', label: 'Kubernetes / one machine' },
      { key: 'relative', label: 'the same of sidecars by services in the same window' }, { key: 'kubelet', label: 'sidecars by the kubelet / by the scheduler' },
    ],
    rows,
  };
}

function ratioText(a: Rounds, b: Rounds): string {
  return estimateText(ratioEstimate([...a.values()], [...b.values()]));
}

/** Of all sidecars, over whole loads; null where no kubelet was asked. */
function kubeletRatio({ kubelet }: ApplicationsData, application: string, profile: string): Estimate | null {
  const own = kubelet.filter((row) => row.application === application && row.profile === profile);
  const ratios = unique(own.map(({ run }) => run)).map((run) => {
    const checks = own.filter((row) => row.run === run);
    return checks.reduce((sum, { kubeletNs }) => sum + kubeletNs, 0) / checks.reduce((sum, { schedulerNs }) => sum + schedulerNs, 0);
  });
  return ratios.length > 0 ? medianEstimate(ratios) : null;
}
