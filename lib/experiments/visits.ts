/**
 * Carries out what is planned on deployed applications: each deployment is brought up once for all that is measured on
 * it, what is recorded already is skipped, an interrupted campaign goes on where it stopped.
 */
import { applicationEngine } from '../deploy/application-engine.js';
import type { ApplicationEngine, ApplicationSpec, DeployedApplication, DeploymentIdentity, EngineOptions } from '../deploy/application.js';
import { measureCoreClockHz } from '../host/clock.js';
import { interruptions } from '../host/process.js';
import { withoutPlaces } from '../store/json-file.js';
import type { PlacedApplication, PlannedLoad, RunSpec } from '../store/run-key.js';
import type { Run, RunRecord, Warning } from '../store/run-store.js';
import { projectVersion } from '../store/version.js';
import type { Progress } from './campaign.js';
import { collectorIdentity, worthPlanning } from './collectors.js';
import type { CollectorName } from './plan.js';
import { withTestbed, type Testbed, type TestbedOptions } from './testbed.js';

/** One run on a deployment. */
export interface Task {
  load: PlannedLoad;
  collector: CollectorName;
  /** The service whose sidecar is looked at, where it is one of them. */
  observed?: string;
  /** Expected, bringing up apart. */
  seconds: number;
  /** Writes raw files into the run's folder. */
  measure(scene: TaskScene): Promise<TaskOutcome>;
}

export interface TaskScene {
  testbed: Testbed;
  /** The run's folder. */
  dir: string;
  /** The application, brought up by the first task that asks; later ones get the same. */
  up(options?: EngineOptions): Promise<DeployedApplication>;
}

export interface TaskOutcome {
  warnings: Warning[];
  tools: Record<string, string>;
  commands: string[];
}

/** One deployment and what is measured while it is up, in this order. */
export interface Visit {
  experiment: string;
  application: ApplicationSpec;
  tasks: Task[];
  /** 0-based. */
  repeat: number;
}

export interface VisitOptions extends TestbedOptions {
  /** Measure again, as further repeats beside those recorded. */
  fresh?: boolean;
  progress?: Progress;
  engine?: ApplicationEngine;
}

export interface VisitsResult {
  measured: Run[];
  recorded: Run[];
  failed: { what: string; reason: string }[];
  /** Collectors that this machine lacks, with the runs that need them: not tried. */
  unavailable: { collector: CollectorName; runs: number; reason: string; remedy: string }[];
}

/** Bringing up and taking down, as seen on two cores; only for the estimate. */
const bringUpS = 8;
/** Gives up when this many visits in a row fail: then it is the machine, not one application. */
const failuresInARow = 3;

/**
 * @throws Error when another campaign measures, the engine does not work here, `failuresInARow` visits fail in
 *   succession, or the user interrupts; whole runs are kept.
 */
export async function carryOutVisits(visits: readonly Visit[], options: VisitOptions = {}): Promise<VisitsResult> {
  const engine = options.engine ?? applicationEngine();
  return withTestbed(options, async (testbed) => {
    const { possible, unavailable } = await withoutLackingTools(visits);
    const result: VisitsResult = { measured: [], recorded: [], failed: [], unavailable };
    const missing: Missing[] = [];
    for (const visit of possible) missing.push(...await whatIsMissing(testbed, engine, visit, options.fresh ?? false, result.recorded));
    const total = missing.reduce((sum, each) => sum + secondsOf(each), 0);
    const runs = missing.reduce((sum, { tasks }) => sum + tasks.length, 0);
    options.progress?.planned(`${runs} runs on ${missing.length} deployments, about ${(total / 60).toFixed(1)} min, to measure; ${result.recorded.length} runs recorded already`, total);
    const before = interruptions();
    let done = 0;
    let inARow = 0;
    for (const each of missing) {
      try {
        await visitOne(testbed, engine, each, result);
        inARow = 0;
      } catch (error) {
        if (interruptions() !== before) break;
        result.failed.push({ what: deploymentLabel(each.application), reason: (error as Error).message });
        if (++inARow === failuresInARow) throw new Error(`${failuresInARow} deployments in a row failed, the last (${deploymentLabel(each.application)}) with: ${(error as Error).message}; ${result.measured.length} runs kept`);
      }
      done += secondsOf(each);
      options.progress?.advanced(deploymentLabel(each.application), done);
    }
    if (interruptions() !== before) throw new Error(`measuring was interrupted; ${result.measured.length} runs kept, the next start goes on from there`);
    return result;
  });
}

/** Tries each collector once. */
async function withoutLackingTools(visits: readonly Visit[]): Promise<{ possible: Visit[]; unavailable: VisitsResult['unavailable'] }> {
  const unavailable: VisitsResult['unavailable'] = [];
  const using = (collector: CollectorName) => visits.flatMap(({ tasks }) => tasks).filter((task) => task.collector === collector);
  for (const collector of new Set(visits.flatMap(({ tasks }) => tasks.map((task) => task.collector)))) {
    const answer = await worthPlanning(collector);
    if (!answer.available) unavailable.push({ collector, runs: using(collector).length, reason: answer.reason, remedy: answer.remedy });
  }
  const lacking = unavailable.map(({ collector }) => collector);
  return { possible: visits.map((visit) => ({ ...visit, tasks: visit.tasks.filter(({ collector }) => !lacking.includes(collector)) })), unavailable };
}

interface Missing extends Visit {
  identity: DeploymentIdentity;
}

function secondsOf({ tasks }: Pick<Visit, 'tasks'>): number {
  return bringUpS + tasks.reduce((sum, { seconds }) => sum + seconds, 0);
}

/** The visit with the tasks that are not recorded; none when all are. */
async function whatIsMissing(testbed: Testbed, engine: ApplicationEngine, visit: Visit, fresh: boolean, recorded: Run[]): Promise<Missing[]> {
  const identity = await engine.describe(visit.application);
  const repeats = await Promise.all(visit.tasks.map(async (task) => {
    const there = testbed.store.measured(visit.experiment, await specOf(testbed, engine, visit.application, identity, task));
    const same = there.find(({ repeat }) => repeat === visit.repeat);
    if (same && !fresh) recorded.push(same);
    return fresh ? visit.repeat + Math.max(0, ...there.map(({ repeat }) => repeat + 1)) : same ? null : visit.repeat;
  }));
  const tasks = visit.tasks.filter((_, i) => repeats[i] !== null);
  const repeat = Math.max(...repeats.map((each) => each ?? 0));
  return tasks.length === 0 ? [] : [{ ...visit, tasks, repeat, identity }];
}

async function visitOne(testbed: Testbed, engine: ApplicationEngine, visit: Missing, result: VisitsResult): Promise<void> {
  let running: DeployedApplication | undefined;
  const up = async (options?: EngineOptions) => {
    // By now this process may use the generator's cores only, and would plan with those.
    running ??= await engine.start(visit.application, { cpus: testbed.cpus, ...options });
    return running;
  };
  try {
    for (const task of visit.tasks) {
      const spec = await specOf(testbed, engine, visit.application, visit.identity, task);
      const about = { policy: { id: deploymentId(visit.application), label: deploymentLabel(visit.application), frame: 'application' }, repeat: visit.repeat };
      result.measured.push(await testbed.store.record(visit.experiment, spec, about, async (dir) => {
        const { hz: before } = await measureCoreClockHz(testbed.cpus.worker);
        const outcome = await whileAlive(() => running, () => task.measure({ testbed, dir, up }));
        const { hz: after } = await measureCoreClockHz(testbed.cpus.worker);
        return { provenance: provenance(testbed, outcome, [before, after]), warnings: outcome.warnings };
      }));
    }
  } finally {
    await running?.stop();
  }
}

/** When a pod died meanwhile, that is the error, not what followed from it. */
async function whileAlive<T>(app: () => DeployedApplication | undefined, body: () => Promise<T>): Promise<T> {
  const result = await body().then((value) => ({ value }), (error: Error) => ({ error }));
  const end = await app()?.ending();
  if (end) throw new Error(`the deployment broke under load: ${end}; the run was not kept: start again to measure it`);
  if ('error' in result) throw result.error;
  return result.value;
}

async function specOf(testbed: Testbed, engine: ApplicationEngine, application: ApplicationSpec, { normalised, backend, loadFrom }: DeploymentIdentity, { load, collector, observed }: Task): Promise<RunSpec> {
  return { envoyYaml: normalised, application: { ...placed(application, engine), loadFrom, observed }, envoyBuildId: testbed.envoy.buildId, backend, load, collector: await collectorIdentity(collector) };
}

function placed({ graph, manifests, profile, nodes, placement, mtls, rbac }: ApplicationSpec, engine: ApplicationEngine): PlacedApplication {
  return { graph: graph.id, variant: variantOf({ graph, manifests }), profile, nodes, placement, mtls, rbac, engine: engine.name };
}

function provenance(testbed: Testbed, { tools, commands }: TaskOutcome, coreClockHz: number[]): RunRecord['provenance'] {
  return { machine: testbed.machine, envoyVersion: testbed.envoy.version, projectVersion: projectVersion(), tools, commands: commands.map(withoutPlaces), coreClockHz };
}

/** `upstream` where its authors' own programs run, whichever variant the emulator would play. */
function variantOf({ graph, manifests }: Pick<ApplicationSpec, 'graph' | 'manifests'>): string | undefined {
  return manifests === undefined ? graph.variant : 'upstream';
}

/** `bookinfo/demo`; variants and switches besides. The number of nodes is no part of it: a figure's source is chosen by what ran, not by how often. */
export function deploymentId({ graph, manifests, profile, placement, mtls, rbac }: Omit<ApplicationSpec, 'nodes'>): string {
  return [graph.id, profile, variantOf({ graph, manifests }), placement === 'packed' && placement, mtls && 'mtls', rbac && 'rbac'].filter(Boolean).join('/');
}

/** `BookInfo, demo profile, 5 nodes`. */
export function deploymentLabel({ graph, manifests, profile, nodes }: ApplicationSpec): string {
  const variant = variantOf({ graph, manifests });
  return `${graph.label}${variant ? ` (${variant})` : ''}, ${profile === 'none' ? 'no sidecars' : `${profile} profile`}, ${nodes} ${nodes === 1 ? 'node' : 'nodes'}`;
}
