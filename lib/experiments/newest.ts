/** Which of a recording's runs belong into one table, where the same thing was measured in several ways. */
import { canonicalJson } from '../store/run-key.js';
import type { Run } from '../store/run-store.js';

/**
 * Runs of one policy, collector and kind of load have several keys when they were measured in quick and in full mode,
 * or before and after an update of Envoy, of a tool or of the policy itself. Their repeats count from 0 each, and they
 * are not repeats of each other: only those of the key measured last are kept.
 */
export function newestOnly(runs: readonly Run[]): Run[] {
  const newest = new Map<string, Run>();
  for (const run of runs) {
    const other = newest.get(question(run));
    if (!other || run.startedAt > other.startedAt) newest.set(question(run), run);
  }
  return runs.filter((run) => run.key === newest.get(question(run))!.key);
}

/** What a run asks, however long and often it asked. */
function question({ policy, spec }: Run): string {
  const { warmUpS: _warmUp, durationS: _duration, requests: _requests, ...load } = spec.load;
  return canonicalJson([policy.id, spec.application, spec.carrier, spec.collector.name, load]);
}
