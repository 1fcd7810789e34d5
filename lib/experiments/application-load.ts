/** Loads one application that is up: what was answered, how late, and the CPU time of every pod meanwhile. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cpuBetween, type CpuReading, type CpuSample } from '../counters/schedstat.js';
import type { Collected } from '../counters/collector.js';
import type { DeployedApplication, DeployedPod, PodCpu } from '../deploy/application.js';
import type { EnvoyBinary } from '../deploy/types.js';
import { findKnee, type Knee } from '../load/knee.js';
import { countCompleted } from '../load/load.js';
import type { SourcedLoad } from '../load/source.js';
import type { LoadOutcome, LoadSpec } from '../load/types.js';

/** A pod's sidecar as collectors take it. @throws Error for a pod without one. */
export function collectedIn(app: DeployedApplication, { service, sidecar, address }: DeployedPod, envoy: EnvoyBinary): Collected {
  if (!sidecar) throw new Error(`${service} has no sidecar to be counted; take the profile default or demo`);
  return { pid: sidecar.pid, workerTid: sidecar.workerTid, address, envoy, ending: app.ending };
}

/** CPU time of one pod in a window. */
export interface PodSample {
  service: string;
  /** 0-based. */
  node: number;
  /** All threads of the service or store. */
  app: CpuSample;
  /** All threads of its Envoy, and its worker alone; null without one. */
  sidecar: CpuSample | null;
  worker: CpuSample | null;
}

/** `pods.json`: CPU time of everything involved between two readings, and the requests answered meanwhile. */
export interface ApplicationWindow {
  /** Microseconds since the epoch. */
  windowUs: [number, number];
  /** Answered inside the window, by the generator's own log. */
  requests: number;
  generator: CpuSample;
  pods: PodSample[];
}

/** Where a load of an application leaves its traces, and who watches. */
export interface LoadPlace {
  /** Gets the load's log. */
  dir: string;
  /** Cores of the generator. */
  cpus: number[];
  /** Opens the measured window, e.g. inside a collector; as it is when left out. */
  around?: (window: () => Promise<Readings[]>) => Promise<Readings[]>;
}

/**
 * One load of an application.
 * @throws Error when the load could not run.
 */
export async function loadApplication(app: DeployedApplication, spec: LoadSpec, { dir, cpus, around = (window) => window() }: LoadPlace): Promise<{ outcome: LoadOutcome; window: ApplicationWindow }> {
  const load = await app.load.startLoad(app.target, spec, { cpus, dir });
  try {
    await load.warm;
    const [before, after] = await around(async () => {
      const first = await readings(app, load);
      await sleep(spec.durationS * 1000);
      return [first, await readings(app, load)];
    });
    const outcome = await load.finish();
    const windowUs: [number, number] = [before.generator.atUs, after.generator.atUs];
    const [requests] = countCompleted(dir, [windowUs]);
    return { outcome, window: { windowUs, requests, generator: cpuBetween(before.generator, after.generator), pods: samples(app, before.pods, after.pods) } };
  } finally {
    await load.stop();
  }
}

/** CPU time of everything at one moment. */
export interface Readings { generator: CpuReading; pods: PodCpu[] }

async function readings(app: DeployedApplication, load: SourcedLoad): Promise<Readings> {
  return { pods: await app.readCpu(), generator: await load.readCpu() };
}

function samples(app: DeployedApplication, before: PodCpu[], after: PodCpu[]): PodSample[] {
  const between = (a: CpuReading | null, b: CpuReading | null) => (a && b ? cpuBetween(a, b) : null);
  return after.map((pod, i) => ({
    service: pod.service, node: app.pods[i].node, app: cpuBetween(before[i].app, pod.app),
    sidecar: between(before[i].sidecar, pod.sidecar), worker: between(before[i].worker, pod.worker),
  }));
}

/** `knee.json`: the search, its closed loop first. */
export interface KneeSearch extends Knee {
  closedLoop: { outcome: LoadOutcome; window: ApplicationWindow };
}

const probeLoad = { warmUpS: 0.3, durationS: 1.5 };
/** A probe of fewer says little; of a slow application they take longer. */
const probeRequests = 150;
const longestProbeS = 6;
/**
 * Where to search: while the machine drifts, a rate is sustained that is well below what a closed loop reached for a moment.
 * Four probes leave a sixteenth of it, five per cent of the maximum: less than the machine drifts meanwhile.
 */
const lowest = 0.35;
const probes = 4;

/** Searches the highest rate that a warm application sustains (lib/load/knee.ts). */
export async function searchKnee(app: DeployedApplication, spec: Pick<LoadSpec, 'connections' | 'path'>, { dir, cpus }: { dir: string; cpus: number[] }): Promise<KneeSearch> {
  const scratch = path.join(dir, 'probe');
  const trial = async (load: Pick<LoadSpec, 'mode'> & Partial<LoadSpec>) => {
    fs.rmSync(scratch, { recursive: true, force: true });
    fs.mkdirSync(scratch);
    return loadApplication(app, { ...spec, ...probeLoad, ...load }, { dir: scratch, cpus });
  };
  const closedLoop = await trial({ mode: 'closed' });
  const { achievedRatePerS: closedLoopMaximumPerS } = closedLoop.outcome;
  const durationS = Math.min(longestProbeS, Math.max(probeLoad.durationS, probeRequests / closedLoopMaximumPerS));
  const knee = await findKnee(async (ratePerS) => (await trial({ mode: 'open', ratePerS, durationS })).outcome, { closedLoopMaximumPerS, lowest, probes });
  fs.rmSync(scratch, { recursive: true, force: true });
  return { ...knee, closedLoop };
}
