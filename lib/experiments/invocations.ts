/**
 * Experiment `invocations` (Figure 14): exact user instructions of every sidecar of an application, for one request of a
 * client at a time. All sidecars of a deployment are counted at once; their services run at speed.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { entryPath } from '../apps/call-graph.js';
import { graphById } from '../apps/graph-file.js';
import { traversalsOf } from '../apps/traversals.js';
import { instructionRegions, instructionWrap } from '../counters/instruction-regions.js';
import type { ApplicationSpec, DeployedApplication, MeshProfile } from '../deploy/application.js';
import { runFiles } from '../store/files.js';
import { writeJson } from '../store/json-file.js';
import type { PlannedLoad } from '../store/run-key.js';
import { collectedIn } from './application-load.js';
import { paperApplications, topologyOf } from './applications.js';
import type { Mode } from './plan.js';
import type { Task, TaskOutcome, TaskScene, Visit } from './visits.js';
import { errorWarnings } from './warnings.js';

export const invocations = 'invocations';

const settings = { quick: { requests: 20, repeats: 1 }, full: { requests: 200, repeats: 3 } } as const;

/** One request at a time. */
const connections = 1;

/** What to count instead of what the paper's figure shows. */
export interface InvocationsChoice {
  applications?: readonly Omit<ApplicationSpec, 'profile' | 'nodes'>[];
  profiles?: readonly Exclude<MeshProfile, 'none'>[];
}

/** The paper's applications under both profiles, on one node: instructions do not depend on where a pod runs. */
export function invocationsPlan(mode: Mode, chosen: InvocationsChoice = {}): Visit[] {
  const { requests, repeats } = settings[mode];
  const which = chosen.applications ?? paperApplications.map((id) => ({ graph: graphById(id) }));
  return Array.from({ length: repeats }, (_, repeat) => which.flatMap((application) => (chosen.profiles ?? ['default', 'demo'] as const).map((profile): Visit => {
    const placed = { ...application, profile, nodes: 1 };
    // Warms code paths and pools.
    return { experiment: invocations, application: placed, repeat, warmUp: { requests, connections }, tasks: [countingTask(placed, requests)] };
  }))).flat();
}

/** Seconds that a dozen sidecars take to come up under Valgrind on two cores; only for the estimate. */
const wrappedStartS = 25;

function countingTask(application: ApplicationSpec, requests: number): Task {
  const load: PlannedLoad = { mode: 'exactly', connections, path: entryPath(application.graph), requests };
  return {
    load,
    collector: 'instructions',
    wrapsSidecars: true,
    seconds: wrappedStartS + requests * 0.1,
    measure: (scene) => countSidecars(application, scene, load),
  };
}

async function countSidecars(application: ApplicationSpec, { testbed, dir, up }: TaskScene, { requests = 0, path: where }: PlannedLoad): Promise<TaskOutcome> {
  const crossed = traversalsOf(application.graph).filter(({ inbound, outbound }) => inbound + outbound > 0).map(({ service }) => service);
  const app = await up({ wrapSidecar: async (service) => {
    if (!crossed.includes(service)) return undefined;
    fs.mkdirSync(sidecarFolder(dir, service));
    return instructionWrap(testbed.envoy.path, sidecarFolder(dir, service));
  } });
  const cpus = testbed.cpus.others;
  const send = () => app.load.sendExactly(app.target, { requests, connections, path: where }, { cpus });
  const before = await app.countRequests();
  const outcome = await countingAll(app, crossed, testbed, dir, cpus, send);
  writeJson(dir, runFiles.load, outcome);
  writeJson(dir, runFiles.topology, topologyOf(app, before, await app.countRequests()));
  const version = await instructionRegions.version();
  return { warnings: errorWarnings(outcome), tools: { instructions: version, [outcome.generator.name]: outcome.generator.version }, commands: [outcome.generator.argv.join(' ')] };
}

/** One collector a sidecar, all at once: each takes seconds to be told that it begins and ends. */
async function countingAll<T>(app: DeployedApplication, services: readonly string[], testbed: TaskScene['testbed'], dir: string, cpus: number[], body: () => Promise<T>): Promise<T> {
  const pods = app.pods.filter(({ service }) => services.includes(service));
  let counting = 0;
  let begin!: () => void;
  let giveUp!: (reason: Error) => void;
  const allCount = new Promise<void>((resolve, reject) => { [begin, giveUp] = [resolve, reject]; });
  const result = allCount.then(body);
  result.catch(() => undefined); // told by those who wait for it
  const counted = pods.map((pod) => instructionRegions.record(collectedIn(app, pod, testbed.envoy), sidecarFolder(dir, pod.service), () => {
    if (++counting === pods.length) begin();
    return result;
  }, cpus));
  // One that cannot begin keeps nobody waiting.
  for (const each of counted) each.catch(giveUp);
  await Promise.allSettled(counted);
  await Promise.all(counted);
  return result;
}

/** Where the raw files of a service's sidecar are within a run. */
export function sidecarFolder(dir: string, service: string): string {
  return path.join(dir, service);
}
