/** Carries out a plan of runs, each with a sidecar of its own. */
import { sqlModule } from '../deploy/catalogue.js';
import { sidecarPods } from '../deploy/engines.js';
import { sqlPolicyHere } from '../deploy/sql-policy.js';
import type { EnvoyBinary } from '../deploy/types.js';
import type { Run } from '../store/run-store.js';
import { carryOutAll, recordedOrRepeat, withoutLackingTools, type CampaignOptions, type Lacking } from './carry-out.js';
import { collectorIdentity } from './collectors.js';
import { measure } from './measure.js';
import { describePlan, estimateS, type Plan, type PlannedRun } from './plan.js';
import { withTestbed, type Testbed } from './testbed.js';

export interface CampaignResult {
  measured: Run[];
  /** Runs that were already there. */
  recorded: Run[];
  /** Runs that could not be had, each with its reason; the others go on. */
  failed: { run: PlannedRun; reason: string }[];
  /** Collectors and policies this machine lacks. */
  unavailable: Lacking<PlannedRun>[];
}

/**
 * Measures what a plan lacks, as far as this machine, or the cluster that WORKBENCH_KUBECONFIG names, has the collectors for it.
 * @throws Error when another campaign is running, Envoy cannot be used, runs fail in succession, or the user interrupts.
 */
export async function carryOut(plan: Plan, options: CampaignOptions = {}): Promise<CampaignResult> {
  return withTestbed({ pods: sidecarPods(), ...options }, async (testbed) => {
    const { runs: planned, lacking } = await withSqlPolicy(plan.runs, testbed.envoy);
    const { runs, refused } = withoutRefused(planned, testbed);
    const { possible, unavailable } = await withoutLackingTools(runs, (await testbed.host()).tools);
    const worthIt = possible.filter((run) => isWorthSearching(run, runs, possible));
    const { failed, ...result } = await carryOutAll(await split(worthIt, testbed, options.fresh), {
      items: 'runs',
      describe: describePlan,
      label: ({ config, collector }) => `${config.label}, ${collector}`,
      seconds: estimateS,
      measure: async (run, keep) => keep(await measure(testbed, run)),
    }, options.progress);
    return { ...result, failed: failed.map(({ item: run, reason }) => ({ run, reason })), unavailable: [...lacking, ...refused, ...unavailable] };
  });
}

/** Plans name the SQL policy of our module; which one it is in the end, the Envoy decides. */
async function withSqlPolicy(runs: PlannedRun[], envoy: EnvoyBinary): Promise<{ runs: PlannedRun[]; lacking: Lacking<PlannedRun>[] }> {
  const isSql = ({ config }: PlannedRun) => config.id === sqlModule.id;
  if (!runs.some(isSql)) return { runs, lacking: [] };
  const answer = await sqlPolicyHere(envoy);
  if (answer.available) return { runs: runs.map((run) => (isSql(run) ? { ...run, config: answer.policy } : run)), lacking: [] };
  return { runs: runs.filter((run) => !isSql(run)), lacking: [{ what: `of ${sqlModule.label}`, runs: runs.filter(isSql), reason: answer.reason, remedy: answer.remedy }] };
}

/** What a cluster never carries is not tried there. */
function withoutRefused(planned: PlannedRun[], { pods }: Testbed): { runs: PlannedRun[]; refused: Lacking<PlannedRun>[] } {
  const refused = new Map<string, Lacking<PlannedRun>>();
  const runs = planned.filter((run) => {
    const refusal = pods?.refusal(run);
    if (!refusal) return true;
    const same = refused.get(refusal.what) ?? { ...refusal, runs: [] };
    refused.set(refusal.what, { ...same, runs: [...same.runs, run] });
    return false;
  });
  return { runs, refused: [...refused.values()] };
}

/** A knee is searched for the runs at shares of it: not when all of them are lost. */
function isWorthSearching(run: PlannedRun, planned: PlannedRun[], possible: PlannedRun[]): boolean {
  const needsKnee = (other: PlannedRun) => other.config.id === run.config.id && other.load.kneeShare !== undefined;
  return run.load.mode !== 'knee-search' || possible.some(needsKnee) || !planned.some(needsKnee);
}

/** What is on disk already, and what is not. */
async function split(runs: PlannedRun[], testbed: Testbed, fresh?: boolean): Promise<{ recorded: Run[]; missing: PlannedRun[] }> {
  const recorded: Run[] = [];
  const missing: PlannedRun[] = [];
  const identities = new Map<string, Awaited<ReturnType<typeof collectorIdentity>>>();
  for (const run of runs) {
    // Once each: it may take a program to say its version.
    const identity = identities.get(run.collector) ?? await collectorIdentity(run.collector, (await testbed.host()).tools);
    identities.set(run.collector, identity);
    const found = recordedOrRepeat(testbed, run.experiment, await testbed.spec(run.config, run.load, identity), run.repeat, fresh);
    if (typeof found === 'number') missing.push({ ...run, repeat: found });
    else recorded.push(found);
  }
  return { recorded, missing };
}
