/** Two applications under all profiles, on one and on five nodes, in numbers that are easy to follow. */
import { table } from 'arquero';
import { graphById } from '../../../lib/apps/graph-file.js';
import { traversalsOf } from '../../../lib/apps/traversals.js';
import type { ApplicationsData, LoadRow, PodRow } from '../../../lib/experiments/applications-data.js';

const clockHz = 2e9;
/** Microseconds of sidecars' CPU time for one traversal. */
export const traversalUs: Record<string, number> = { none: 0, default: 100, demo: 150 };
const applications = ['bookinfo', 'hotel-reservation'];
const repeats = 6;
const loads = ['one', 'busy', 'share', 'knee'] as const;

export interface Change {
  /** Multiplies the sidecars' cost of a deployment. */
  sidecars?: (application: string, nodes: number) => number;
  /** Marks loads. */
  warning?: (row: Pick<LoadRow, 'application' | 'profile' | 'load'>) => string;
}

export function applicationsData({ sidecars = () => 1, warning = () => '' }: Change = {}): ApplicationsData {
  const cells = applications.flatMap((application) => ['none', 'default', 'demo'].flatMap((profile) => [1, 5].flatMap((nodes) => Array.from({ length: repeats }, (_, repeat) => ({ application, profile, nodes, repeat })))));
  const loadRows = cells.flatMap((cell) => loads.map((load): LoadRow => {
    const sidecarCpuUs = traversals(cell.application) * traversalUs[cell.profile] * sidecars(cell.application, cell.nodes);
    const marked = warning({ ...cell, load });
    return {
      ...cell, load, achievedPerS: 1e6 / (1000 + sidecarCpuUs), p50Us: 1000 + sidecarCpuUs, p90Us: 2000 + 3 * sidecarCpuUs, p99Us: 4000, appCpuUs: 1000, sidecarCpuUs, referenceCpuUs: 1000, steadySidecarCpuUs: marked === '' ? sidecarCpuUs : null, clockHz,
      good: marked === '', warning: marked, run: `${cell.application}/${cell.profile}/${cell.nodes}/${load}/${cell.repeat}`,
    };
  }));
  const podRows = cells.filter(({ profile }) => profile !== 'none').flatMap((cell) => traversalsOf(graphById(cell.application)).map(({ service, inbound, outbound }): PodRow => {
    const sidecarCpuUs = (inbound + outbound) * traversalUs[cell.profile] * sidecars(cell.application, cell.nodes);
    return { ...cell, service, node: 0, appCpuUs: 100, sidecarCpuUs, referenceCpuUs: 1000, steadySidecarCpuUs: sidecarCpuUs, inbound, outbound, clockHz, run: `${cell.application}/${cell.repeat}` };
  }));
  return {
    origin: 'test-2026-11-30', cpuModel: 'Test CPU', envoyVersion: '1.40.0', engine: 'namespaces', podCores: 1,
    labels: { bookinfo: 'BookInfo', 'hotel-reservation': 'Hotel Reservation' },
    loads: table(columnsOf(loadRows)), pods: table(columnsOf(podRows)), counts: [], kubelet: [], notes: [],
  };
}

/** Of the whole application. */
export function traversals(application: string): number {
  return traversalsOf(graphById(application)).reduce((sum, { inbound, outbound }) => sum + inbound + outbound, 0);
}

/** Of equal rows, for a table. */
export function columnsOf<T extends object>(rows: T[]): Record<string, unknown[]> {
  return Object.fromEntries(Object.keys(rows[0]).map((name) => [name, rows.map((row) => row[name as keyof T])]));
}
