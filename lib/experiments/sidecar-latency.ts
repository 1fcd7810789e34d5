/**
 * Experiment `sidecar-latency` (Figure 13): how long a request is inside each sidecar of an application, by direction, in
 * system calls and in user code. One request of a client at a time; one sidecar traced at a time.
 */
import { entryPath } from '../apps/call-graph.js';
import { graphById } from '../apps/graph-file.js';
import { hopsOf } from '../apps/traversals.js';
import type { ApplicationSpec, MeshProfile } from '../deploy/application.js';
import type { LoadOutcome } from '../load/types.js';
import { runFiles } from '../store/files.js';
import { writeJson } from '../store/json-file.js';
import type { PlannedLoad } from '../store/run-key.js';
import { collectedIn } from './application-load.js';
import type { Mode } from './plan.js';
import { recordLatency } from './traced-latency.js';
import type { Task, TaskOutcome, TaskScene, Visit } from './visits.js';
import { errorWarnings } from './warnings.js';

export const sidecarLatency = 'sidecar-latency';

const settings = {
  quick: { profiles: ['default'], rounds: 2, requests: 25, repeats: 1 },
  full: { profiles: ['default', 'demo'], rounds: 4, requests: 200, repeats: 2 },
} as const;

/** What to trace instead of what the paper's figure shows. */
export interface SidecarLatencyChoice {
  application?: Omit<ApplicationSpec, 'profile' | 'nodes'>;
  profiles?: readonly Exclude<MeshProfile, 'none'>[];
}

/** Every sidecar of BookInfo that a page crosses, on one node. */
export function sidecarLatencyPlan(mode: Mode, chosen: SidecarLatencyChoice = {}): Visit[] {
  const { rounds, requests, repeats } = settings[mode];
  const application = chosen.application ?? { graph: graphById('bookinfo') };
  const services = [...new Set(hopsOf(application.graph).map(({ callee }) => callee))];
  const load: PlannedLoad = { mode: 'exactly', connections: 1, path: entryPath(application.graph), requests };
  return Array.from({ length: repeats }, (_, repeat) => (chosen.profiles ?? settings[mode].profiles).map((profile): Visit => ({
    experiment: sidecarLatency, application: { ...application, profile, nodes: 1 }, repeat, tasks: services.map((service) => tracingTask(service, load, rounds)),
  }))).flat();
}

/** Seconds of a traced request, and of starting and ending a tracer; only for the estimate. */
const requestS = 0.02;
const tracerS = 1.5;
/** Untraced, strace, tracepoints. */
const kinds = 3;

function tracingTask(service: string, load: PlannedLoad, rounds: number): Task {
  return {
    load, observed: service, collector: 'strace', seconds: rounds * kinds * (tracerS + load.requests! * requestS),
    measure: (scene) => traceSidecar(scene, service, load, rounds),
  };
}

async function traceSidecar({ testbed, dir, up }: TaskScene, service: string, { requests = 0, connections, path }: PlannedLoad, rounds: number): Promise<TaskOutcome> {
  const app = await up();
  const pod = app.pods.find((each) => each.service === service)!;
  const cpus = testbed.cpus.others;
  const outcomes: LoadOutcome[] = [];
  const send = async () => {
    outcomes.push(await app.load.sendExactly(app.target, { requests, connections, path }, { cpus }));
    return outcomes[outcomes.length - 1].requests;
  };
  await send(); // connections stand before
  await recordLatency(collectedIn(app, pod, testbed.envoy), dir, send, { rounds, cpus, tools: pod.tools });
  const [first] = outcomes;
  writeJson(dir, runFiles.load, first);
  return { warnings: outcomes.flatMap(errorWarnings), tools: { [first.generator.name]: first.generator.version }, commands: [first.generator.argv.join(' ')] };
}
