/**
 * Experiment `deployment` (Figures 2, 3 and 4): what this machine is and can do, and two services with sidecars as they
 * really ran on it. Each look is a run of its own; one that is recorded is looked at again only when asked.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { policyById } from '../deploy/catalogue.js';
import { startLivePair } from '../deploy/live-pair.js';
import { observePair, type PairObservation } from '../deploy/observe-pair.js';
import type { HttpPolicy } from '../deploy/policy.js';
import { canMeasure, capabilityNames, probeCapabilities, type Capability, type CapabilityName } from '../host/capabilities.js';
import { measureCoreClockHz, type CoreClock } from '../host/clock.js';
import type { Machine } from '../host/machine.js';
import type { Run, RunStore } from '../store/run-store.js';
import { projectVersion } from '../store/version.js';
import { sessionMode, type SessionMode } from './session.js';
import { withTestbed, type Testbed, type TestbedOptions } from './testbed.js';

export const deployment = 'deployment';

/** Raw file of a run. */
const observationFile = 'observation.json';

/** `observation.json`. */
export interface Observation extends PairObservation {
  capabilities: Record<CapabilityName, Capability>;
  /** Of the sidecars' core, in Hz. */
  coreClock: CoreClock & { cpu: number };
}

export interface DeploymentData {
  /** `live`, or the recording's name. */
  origin: string;
  runs: string[];
  machine: Machine;
  /** Day it was looked at, ISO. */
  date: string;
  observation: Observation;
}

export interface DeploymentOptions {
  /** Bytes of each answer, 100 by default as in the paper. */
  payloadBytes?: number;
  /** An HTTP policy of the catalogue, for both sidecars; `http` by default. */
  policy?: string;
  /** Look again where such a pair was looked at already; by default as WORKBENCH_FRESH says (`--fresh`). */
  fresh?: boolean;
}

const defaults = { payloadBytes: 100, policy: 'http' };
const followedRequests = 20;
const timedRounds = 200;
const collector = { name: 'deployment', version: '1' };

/**
 * Brings the pair up, looks at it, takes it down, unless that is recorded; says instead why not, where this machine or
 * session does not measure.
 * @returns one line for the reader.
 */
export async function deployHere(options: DeploymentOptions = {}, mode: SessionMode = sessionMode()): Promise<string> {
  if (mode === 'recorded') return 'Not deploying (WORKBENCH_MODE=recorded): what follows is what was seen when the recording was made.';
  const able = await canMeasure();
  if (!able.available) return `Not deploying here: ${able.reason}. What follows is from the committed recordings. To deploy: ${able.remedy}.`;
  const { run: { policy, provenance, startedAt }, recorded } = await measureDeployment(options);
  const pair = `Two services with their sidecars (${policy.label}, Envoy ${provenance.envoyVersion}) were up on this machine`;
  if (recorded) return `${pair} on ${startedAt.slice(0, 10)}; what was seen then is recorded already. To look again: deployHere({ fresh: true }), or --fresh.`;
  return `${pair}, were looked at, and are down again.`;
}

/**
 * The last look at a live pair that this clone recorded; without one, or with `fresh`, a look now, recorded as a
 * further repeat.
 * @throws Error when another measurement runs, there is no usable Envoy, or a request fails; nothing is kept then.
 */
export async function measureDeployment(options: DeploymentOptions = {}, testbedOptions: TestbedOptions = {}): Promise<{ run: Run; recorded: boolean }> {
  const { payloadBytes, policy: id, fresh } = { ...defaults, fresh: process.env.WORKBENCH_FRESH === '1', ...options };
  const policy = httpPolicy(id);
  return withTestbed(testbedOptions, async (testbed) => {
    const load = { mode: 'exactly', connections: 1, path: `/${payloadBytes}`, requests: followedRequests } as const;
    const spec = await testbed.spec(policy, load, collector);
    const last = testbed.store.measured(deployment, spec).at(-1);
    if (last && !fresh) return { run: last, recorded: true };
    // Probing builds what is missing, e.g. the load generator: before, not beside, the timed requests.
    const capabilities = await probeCapabilities();
    const about = { policy: { id, label: policy.label, frame: policy.frame }, repeat: last ? last.repeat + 1 : 0 };
    const run = await testbed.store.record(deployment, spec, about, async (dir) => {
      const cpu = testbed.cpus.worker;
      const coreClock = { cpu, ...(await measureCoreClockHz(cpu)) };
      const observation: Observation = { ...(await observe(testbed, policy, payloadBytes)), capabilities, coreClock };
      fs.writeFileSync(path.join(dir, observationFile), `${JSON.stringify(observation, withoutPlaces, 1)}\n`);
      const tools = { [collector.name]: collector.version };
      const { machine, envoy } = testbed;
      return { provenance: { machine, envoyVersion: envoy.version, projectVersion: projectVersion(), tools, commands: [], coreClockHz: [coreClock.hz] }, warnings: [] };
    });
    return { run, recorded: false };
  });
}

async function observe(testbed: Testbed, policy: HttpPolicy, payloadBytes: number): Promise<PairObservation> {
  const pair = await startLivePair(policy, await testbed.backend(), { envoy: testbed.envoy, cpus: testbed.cpus });
  try {
    return await observePair(pair, { payloadBytes, requests: followedRequests, rounds: timedRounds });
  } finally {
    await pair.stop();
  }
}

/** Only HTTP policies count requests. */
function httpPolicy(id: string): HttpPolicy {
  const policy = policyById(id);
  if (policy.frame !== 'http') throw new Error(`policy ${id} is a TCP one, which counts no requests; take an HTTP one, e.g. http`);
  return policy;
}

/** For JSON: absolute paths, which would say where this machine keeps things, become the file's name; /proc and /sys are the same everywhere. */
function withoutPlaces(_key: string, value: unknown): unknown {
  return typeof value === 'string' ? value.replace(/(?<![\w.:/])\/(?!(?:proc|sys|dev)\/)(?:[\w.@+-]+\/)+([\w.@+-]+)/g, '$1') : value;
}

/**
 * The latest look: this machine's own where there is one, else the newest recording's.
 * @throws Error when nobody looked at such a pair yet.
 */
export function deploymentOf(store: RunStore, options: DeploymentOptions = {}): DeploymentData {
  const { payloadBytes, policy } = { ...defaults, ...options };
  const wanted = (run: Run) => run.policy.id === policy && run.spec.load.path === `/${payloadBytes}`;
  const looks = store.recordings().flatMap((recording) => store.runs(recording, deployment)).filter(wanted);
  const [latest] = looks.sort((a, b) => Number(b.origin === 'live') - Number(a.origin === 'live') || b.startedAt.localeCompare(a.startedAt));
  if (!latest) throw new Error(`no deployment of ${policy} with answers of ${payloadBytes} bytes is recorded; deploy it first: \`npm run reproduce -- --only fig03\``);
  return { origin: latest.origin, runs: [latest.id], machine: latest.provenance.machine, date: latest.startedAt.slice(0, 10), observation: readObservation(latest.dir) };
}

/** What later versions probe for besides was not probed then. */
function readObservation(dir: string): Observation {
  const observation = JSON.parse(fs.readFileSync(path.join(dir, observationFile), 'utf8')) as Observation;
  const unknown: Capability = { kind: 'system', available: false, reason: 'not probed when this was recorded', remedy: 'deploy again' };
  const capabilities = Object.fromEntries(capabilityNames.map((name) => [name, observation.capabilities[name] ?? unknown]));
  return { ...observation, capabilities: capabilities as Observation['capabilities'] };
}
