/** What further calls would add to an application: each crosses the caller's sidecar and the callee's. */
import type { CallGraph } from '../apps/call-graph.js';
import { traversalsOf } from '../apps/traversals.js';
import { estimateOf, type Rounds } from '../analysis/rounds.js';
import { scaled } from '../analysis/statistics.js';
import { paperApplications } from '../experiments/applications.js';
import type { ApplicationsData, PodRow } from '../experiments/applications-data.js';
import { applicationsIn, estimateText, labelOf, nodeCounts } from './application-values.js';

/** Sidecars that one call crosses. */
const traversalsOfCall = 2;

/**
 * CPU time of an application's sidecars per traversal, on the fewest nodes, by repeat: microseconds.
 * @returns empty where it did not run with that profile.
 */
export function traversalCosts(data: ApplicationsData, graph: CallGraph, profile: string): Rounds {
  const crossed = traversalsOf(graph).filter(({ inbound, outbound }) => inbound + outbound > 0);
  const traversals = crossed.reduce((sum, { inbound, outbound }) => sum + inbound + outbound, 0);
  const [fewest] = nodeCounts(data);
  const pods = (data.pods.objects() as PodRow[]).filter((row) => row.application === graph.id && row.profile === profile && row.nodes === fewest && crossed.some(({ service }) => service === row.service));
  const sums = new Map<number, number>();
  for (const { repeat, sidecarCpuUs } of pods) sums.set(repeat, (sums.get(repeat) ?? 0) + (sidecarCpuUs ?? 0) / traversals);
  return sums;
}

/** Modelled: so many calls more per request, at the average cost of the application's traversals. One row an application and profile. */
export function addedHops(data: ApplicationsData, graphs: Record<string, CallGraph>, calls: number): Record<string, string>[] {
  return applicationsIn(data, paperApplications).filter((id) => graphs[id]).flatMap((id) => ['default', 'demo'].flatMap((profile) => {
    const costs = traversalCosts(data, graphs[id], profile);
    if (costs.size === 0) return [];
    const added = scaled(estimateOf(costs), calls * traversalsOfCall);
    return [{ application: labelOf(data, id), profile, 'calls more': String(calls), 'CPU time of sidecars, modelled (µs/request)': estimateText(added) }];
  }));
}
