/** The top-down method by toplev beside our own formulas, for policies that were measured with both at one load. */
import { frontendQuantities } from '../analysis/frontend-quantities.js';
import { median } from '../analysis/statistics.js';
import { frontendCounters } from '../counters/frontend-counters.js';
import { valuesOf } from '../counters/frontend-counts.js';
import { sharesOf, toplev } from '../counters/toplev.js';
import type { TopDown } from '../counters/top-down.js';
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
    const ours = by(frontendCounters.name, policy).map(countedShares);
    const theirs = by(toplev.name, policy).map((run) => sharesOf(toplev.read(run.dir)));
    return nodes.flatMap((node) => {
      const [own, other] = [ours, theirs].map((all) => all.flatMap((shares) => shares[node] ?? []));
      return own.length > 0 && other.length > 0 ? [{ policy: label, node, ours: median(own), toplev: median(other) }] : [];
    });
  });
}

function countedShares({ dir }: Run): TopDown {
  const counts = frontendCounters.read(dir);
  return frontendQuantities(counts.table, valuesOf(counts));
}
