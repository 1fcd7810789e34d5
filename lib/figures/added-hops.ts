/** What further calls would add to an application: each crosses the caller's sidecar and the callee's. */
import type { CallGraph } from '../apps/call-graph.js';
import { traversalsOf } from '../apps/traversals.js';
import { estimateOf, type Rounds } from '../analysis/rounds.js';
import { scaled } from '../analysis/statistics.js';
import { paperApplications } from '../experiments/applications.js';
import type { ApplicationsData, PodRow } from '../experiments/applications-data.js';
import { applicationsIn, estimateText, labelOf, podsOf } from './application-values.js';

/** Sidecars that one call crosses. */
const traversalsOfCall = 2;

/** Which CPU time of a pod's sidecar. */
export type SidecarCost = (row: PodRow) => number | null;
const asMeasured: SidecarCost = ({ sidecarCpuUs }) => sidecarCpuUs;
/** All repeats at one speed of the machine. */
const steady: SidecarCost = ({ steadySidecarCpuUs }) => steadySidecarCpuUs;

/**
 * CPU time of an application's sidecars per traversal, on the fewest nodes, by repeat: microseconds, or what `of` gives.
 * @returns empty where it did not run with that profile.
 */
export function traversalCosts(data: ApplicationsData, graph: CallGraph, profile: string, of: SidecarCost = asMeasured): Rounds {
  const crossed = traversalsOf(graph).filter(({ inbound, outbound }) => inbound + outbound > 0);
  const traversals = crossed.reduce((sum, { inbound, outbound }) => sum + inbound + outbound, 0);
  const pods = podsOf(data, graph.id, profile, crossed.map(({ service }) => service));
  const sums = new Map<number, number>();
  for (const pod of pods) sums.set(pod.repeat, (sums.get(pod.repeat) ?? 0) + (of(pod) ?? 0) / traversals);
  return sums;
}

/** Modelled: so many calls more per request, at the average cost of the application's traversals. One row an application and profile. */
export function addedHops(data: ApplicationsData, graphs: Record<string, CallGraph>, calls: number): Record<string, string>[] {
  return applicationsIn(data, paperApplications).filter((id) => graphs[id]).flatMap((id) => ['default', 'demo'].flatMap((profile) => {
    const [measured, steadied] = [asMeasured, steady].map((of) => traversalCosts(data, graphs[id], profile, of));
    if (measured.size === 0) return [];
    const added = (costs: Rounds) => estimateText(scaled(estimateOf(costs), calls * traversalsOfCall));
    return [{ application: labelOf(data, id), profile, 'calls more': String(calls), 'CPU time of sidecars, modelled (µs/request)': added(measured), 'the same, steadied (µs/request)': added(steadied) }];
  }));
}
