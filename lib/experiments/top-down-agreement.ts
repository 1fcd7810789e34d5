/** The top-down method by toplev beside our own formulas, for policies that were measured with both at one load. */
import { median } from '../analysis/statistics.js';
import { frontendCounters } from '../counters/frontend-counters.js';
import { valuesOf } from '../counters/frontend-counts.js';
import { sharesOf, toplev } from '../counters/toplev.js';
import { topDownOf, type TopDown, type TopDownWay } from '../counters/top-down.js';
import type { Run } from '../store/run-store.js';
import { loadLevel } from './frontend.js';
import { newestOnly } from './newest.js';
import { isGood } from './warnings.js';

export interface AgreementRow {
  /** Its label. */
  policy: string;
  node: keyof TopDown;
  /** Shares, 0 to 1: medians over the repeats. Level 1 and fetch latency of the slots, the others of the cycles. */
  ours: number;
  toplev: number;
  /** By our formulas too, from the metrics register of Ice Lake and later. */
  register: number | null;
}

const nodes: readonly (keyof TopDown)[] = ['frontend', 'badSpeculation', 'backend', 'retiring', 'fetchLatency', 'icacheMisses', 'itlbMisses', 'branchResteers'];

/**
 * Nodes that both have, policy by policy; runs with a warning are left out. The two counted different requests, in groups of
 * their own: what differs by more than repeats do is a fault of one of them.
 * @param runs of experiment `frontend`, of one recording.
 * @throws Error naming the file when raw output is damaged.
 */
export function topDownAgreement(runs: readonly Run[]): AgreementRow[] {
  const good = newestOnly(runs.filter((run) => isGood(run) && loadLevel(run.spec.load) === 'high'));
  const by = (collector: string, policy: string) => good.filter((run) => run.policy.id === policy && run.spec.collector.name === collector);
  const policies = new Map(good.map(({ policy }) => [policy.id, policy.label]));
  return [...policies].flatMap(([policy, label]) => {
    const counted = by(frontendCounters.name, policy).map(({ dir }) => frontendCounters.read(dir));
    const shares = (way: TopDownWay) => counted.flatMap((counts) => topDownOf(counts.table, valuesOf(counts), way) ?? []);
    const [ours, register] = [shares('counters'), shares('register')];
    const theirs = by(toplev.name, policy).map((run) => sharesOf(toplev.read(run.dir)));
    return nodes.flatMap((node) => {
      const [own, other, third] = [ours, theirs, register].map((all) => all.flatMap((run) => run[node] ?? []));
      if (own.length === 0 || other.length === 0) return [];
      return [{ policy: label, node, ours: median(own), toplev: median(other), register: third.length > 0 ? median(third) : null }];
    });
  });
}

/** How far toplev and the metrics register are from our formulas at most, each in a sentence; nothing where there is neither. */
export function agreementNotes(rows: readonly AgreementRow[]): string[] {
  return [furthest(rows, 'toplev', ({ toplev: share }) => share), furthest(rows, 'the metrics register', ({ register }) => register)].flatMap((note) => note ?? []);
}

function furthest(rows: readonly AgreementRow[], who: string, shareOf: (row: AgreementRow) => number | null): string | null {
  const apart = rows.flatMap((row) => {
    const share = shareOf(row);
    return share === null ? [] : [{ row, share, points: 100 * Math.abs(share - row.ours) }];
  });
  if (apart.length === 0) return null;
  const { row, share, points } = apart.reduce((a, b) => (b.points > a.points ? b : a));
  return `${who} differs from our formulas by ${points.toFixed(1)} points at most (${row.node} of ${row.policy}: ${(100 * share).toFixed(1)} and ${(100 * row.ours).toFixed(1)} %)`;
}
