/**
 * Carries out what is planned on deployed applications: each deployment is brought up once for all that is measured on
 * it, what is recorded already is skipped, an interrupted campaign goes on where it stopped.
 */
import { onThisMachine } from '../counters/node-tools.js';
import { applicationEngine } from '../deploy/engines.js';
import type { ApplicationEngine, ApplicationSpec, DeployedApplication, DeploymentIdentity, EngineOptions } from '../deploy/application.js';
import type { BatchSpec } from '../load/types.js';
import { withoutPlaces } from '../store/json-file.js';
import type { PlacedApplication, PlannedLoad, RunSpec } from '../store/run-key.js';
import type { Run, RunRecord, Warning } from '../store/run-store.js';
import { projectVersion } from '../store/version.js';
import { carryOutAll, recordedOrRepeat, withoutLackingTools, type CampaignOptions, type Lacking } from './carry-out.js';
import { collectorIdentity } from './collectors.js';
import type { CollectorName } from './plan.js';
import { clockAfter, clockBefore, withTestbed, type Testbed } from './testbed.js';

/** One run on a deployment. */
export interface Task {
  load: PlannedLoad;
  collector: CollectorName;
  /** The service whose sidecar is looked at, where it is one of them. */
  observed?: string;
  /** Whether it brings the application up with its sidecars under another program. */
  wrapsSidecars?: boolean;
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
  /** As soon as it is up, before anything is measured; as it starts when left out. */
  warmUp?: Pick<BatchSpec, 'requests' | 'connections'>;
  tasks: Task[];
  /** 0-based. */
  repeat: number;
}

export interface VisitOptions extends CampaignOptions {
  engine?: ApplicationEngine;
}

export interface VisitsResult {
  measured: Run[];
  /** Runs that were already there. */
  recorded: Run[];
  /** Deployments of which not everything could be had; the others go on. */
  failed: { what: string; reason: string }[];
  /** Collectors this machine lacks. */
  unavailable: Lacking<Task>[];
}

/** Bringing up, warming up and taking down, as seen on two cores; only for the estimate. */
const bringUpS = 10;

/**
 * Measures what visits lack, as far as this machine has the collectors for it.
 * @throws Error when another campaign measures, the engine does not work here, visits fail in succession, or the user
 *   interrupts; whole runs are kept.
 */
export async function carryOutVisits(visits: readonly Visit[], options: VisitOptions = {}): Promise<VisitsResult> {
  const engine = options.engine ?? applicationEngine();
  return withTestbed(options, async (testbed) => {
    const refused = await refusedBy(engine, visits);
    const { possible, unavailable } = await withoutLackingTools(visits.flatMap(({ tasks }) => tasks).filter((task) => !refused.some(({ runs }) => runs.includes(task))));
    const worthIt = visits.map((visit) => ({ ...visit, tasks: visit.tasks.filter((task) => possible.includes(task)) })).filter(({ tasks }) => tasks.length > 0);
    const { failed, ...result } = await carryOutAll<Missing>(await split(worthIt, testbed, engine, options.fresh), {
      items: 'deployments',
      describe: (missing, seconds) => `${missing.flatMap(({ tasks }) => tasks).length} runs on ${missing.length} deployments, about ${(seconds / 60).toFixed(1)} min,`,
      label: ({ application }) => deploymentLabel(application),
      seconds: ({ tasks }) => bringUpS + tasks.reduce((sum, { seconds }) => sum + seconds, 0),
      measure: (visit, keep) => visitOne(testbed, engine, visit, keep),
    }, options.progress);
    return { ...result, failed: failed.map(({ item, reason }) => ({ what: deploymentLabel(item.application), reason })), unavailable: [...refused, ...unavailable] };
  });
}

/** Asked once for each kind of deployment. */
async function refusedBy(engine: ApplicationEngine, visits: readonly Visit[]): Promise<Lacking<Task>[]> {
  const refused = new Map<string, Lacking<Task> | null>();
  for (const { application: { nodes }, tasks } of visits) {
    for (const task of tasks) {
      const kind = `${nodes} ${task.wrapsSidecars ?? false}`;
      if (!refused.has(kind)) {
        const refusal = await engine.refusal({ nodes, wrapsSidecars: task.wrapsSidecars });
        refused.set(kind, refusal && { ...refusal, runs: [] });
      }
      refused.get(kind)?.runs.push(task);
    }
  }
  return [...refused.values()].flatMap((one) => one ?? []);
}

interface Missing extends Visit {
  identity: DeploymentIdentity;
}

/** What is on disk already, and each visit with the tasks that are not. */
async function split(visits: Visit[], testbed: Testbed, engine: ApplicationEngine, fresh?: boolean): Promise<{ recorded: Run[]; missing: Missing[] }> {
  const recorded: Run[] = [];
  const missing: Missing[] = [];
  // Once each, however often it is repeated: rendering all sidecars takes a moment.
  const identities = new Map<ApplicationSpec, DeploymentIdentity>();
  for (const visit of visits) {
    const { experiment, application } = visit;
    const identity = identities.get(application) ?? await engine.describe(application);
    identities.set(application, identity);
    const tasks: Task[] = [];
    let { repeat } = visit;
    for (const task of visit.tasks) {
      const found = recordedOrRepeat(testbed, experiment, await specOf(testbed, engine, application, identity, task), visit.repeat, fresh);
      if (typeof found !== 'number') recorded.push(found);
      else {
        tasks.push(task);
        repeat = Math.max(repeat, found);
      }
    }
    if (tasks.length > 0) missing.push({ ...visit, tasks, repeat, identity });
  }
  return { recorded, missing };
}

async function visitOne(testbed: Testbed, engine: ApplicationEngine, visit: Missing, keep: (run: Run) => void): Promise<void> {
  let running: DeployedApplication | undefined;
  const up = async (options?: EngineOptions) => {
    if (running) return running;
    // By now this process may use the generator's cores only, and would plan with those.
    running = await engine.start(visit.application, { cpus: testbed.cpus, ...options });
    if (visit.warmUp) await running.load.sendExactly(running.target, { ...visit.warmUp, path: running.path }, { cpus: testbed.cpus.others });
    return running;
  };
  try {
    for (const task of visit.tasks) {
      const spec = await specOf(testbed, engine, visit.application, visit.identity, task);
      const about = { policy: { id: deploymentId(visit.application), label: deploymentLabel(visit.application), frame: 'application' }, repeat: visit.repeat };
      keep(await testbed.store.record(visit.experiment, spec, about, async (dir) => {
        const before = await clocksAt(clockBefore, testbed, engine, running);
        const outcome = await whileAlive(() => running, () => task.measure({ testbed, dir, up }));
        const after = await clocksAt(clockAfter, testbed, engine, running);
        return { provenance: await provenance(testbed, outcome, [...before, ...after], running), warnings: outcome.warnings };
      }));
    }
  } finally {
    await running?.stop();
  }
}

/** Of this machine, or of a cluster's first node as soon as something looks at it; none where nothing does. */
async function clocksAt(moment: typeof clockBefore, testbed: Testbed, engine: ApplicationEngine, app: DeployedApplication | undefined): Promise<number[]> {
  if (engine.name === 'namespaces') return [await moment(testbed, { tools: onThisMachine, cpus: testbed.cpus })];
  const [first] = app?.pods ?? [];
  return first ? moment(testbed, { tools: first.tools, cpus: await first.tools.planCpus() }).then((hz) => [hz], () => []) : [];
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

/** The machine is that of a cluster's first node, or this one where nothing looks at nodes; the run's notes say so then. */
async function provenance(testbed: Testbed, { tools, commands }: TaskOutcome, coreClockHz: number[], app: DeployedApplication | undefined): Promise<RunRecord['provenance']> {
  const machine = await app?.pods[0].tools.machine().catch(() => undefined) ?? testbed.machine;
  return { machine, envoyVersion: testbed.envoy.version, projectVersion: projectVersion(), tools, commands: commands.map(withoutPlaces), coreClockHz };
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
