/** Measures one planned run: bring up the sidecar, load it, collect, write it down. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { isNodeCollector } from '../counters/node-tools.js';
import { cpuBetween, type CpuReading, type CpuSample } from '../counters/schedstat.js';
import type { DeployedSidecar } from '../deploy/deployed-sidecar.js';
import { speaksMysql } from '../deploy/policy.js';
import { trafficBetween } from '../deploy/traffic-stats.js';
import type { Machine } from '../host/machine.js';
import { findKnee } from '../load/knee.js';
import { countCompleted } from '../load/load.js';
import type { SourcedLoad } from '../load/source.js';
import type { LoadOutcome, LoadSpec, LoadTarget } from '../load/types.js';
import { connectVariedSql } from '../load/varied-sql.js';
import { connectVaried, plainRequest, variedVersion, type VariedClient } from '../load/varied.js';
import { runFiles } from '../store/files.js';
import { writeJson } from '../store/json-file.js';
import type { Run, RunRecord, Warning } from '../store/run-store.js';
import { projectVersion } from '../store/version.js';
import { backendFor, collectorIdentity, collectors, wrapFor } from './collectors.js';
import type { PlannedRun } from './plan.js';
import { wasPod } from './pods.js';
import { clockAfter, clockBefore, type Testbed } from './testbed.js';
import { isTracer, keepTrace } from './trace-collectors.js';
import { warningsFor } from './warnings.js';

/** `cpu.json`: CPU time of everything involved between two readings, and the requests answered meanwhile. */
export interface CpuWindow {
  /** Microseconds since the epoch. */
  windowUs: [number, number];
  /** Answered inside the window, by the generator's own log. */
  requests: number;
  worker: CpuSample;
  /** All threads of Envoy, the worker included. */
  sidecar: CpuSample;
  generator: CpuSample;
  backend: CpuSample;
}

/**
 * @returns the run as it stands on disk.
 * @throws Error when it could not be measured; nothing of it stays on disk then.
 */
export async function measure(testbed: Testbed, planned: PlannedRun): Promise<Run> {
  const host = await testbed.host();
  const collector = await collectorIdentity(planned.collector, host.tools);
  const spec = await testbed.spec(planned.config, planned.load, collector);
  const policy = { id: planned.config.id, label: planned.config.label, frame: planned.config.frame };
  return testbed.store.record(planned.experiment, spec, { policy, repeat: planned.repeat }, async (dir) => {
    const timed = !['exactly', 'varied', 'in-turn'].includes(planned.load.mode); // counts do not depend on the clock
    const before = timed ? await clockBefore(testbed, host) : null;
    const wrap = await wrapFor(planned.collector, testbed.envoy.path, dir);
    const deployed = await host.deploy(planned.config, { wrap, backend: backendFor(planned.collector, planned.config) });
    let warnings: Warning[];
    try {
      warnings = await whileAlive({ ...deployed, testbed, planned, dir }, underLoad);
    } finally {
      await deployed.stop();
      collectors[planned.collector].tidy?.(dir);
    }
    const coreClockHz = before === null ? undefined : [before, await clockAfter(testbed, host)];
    return { provenance: provenance(testbed, host.machine, { collector, dir, coreClockHz }), warnings };
  });
}

/** A sidecar that is up, and what it is loaded for. */
export interface Scene extends Omit<DeployedSidecar, 'stop'> {
  testbed: Testbed;
  planned: PlannedRun;
  /** The run's folder. */
  dir: string;
}

/** Collects while `body` runs, where the sidecar is. */
function collect<T>({ testbed, planned: { collector }, sidecar, tools, dir }: Scene, body: () => Promise<T>): Promise<T> {
  const { others } = testbed.cpus;
  return isNodeCollector(collector) ? tools.record(collector, sidecar, dir, body, others) : collectors[collector].record(sidecar, dir, body, others);
}

/** When the sidecar or the backend died meanwhile, that is the error, not what followed from it. */
async function whileAlive<T>(scene: Scene, body: (scene: Scene) => Promise<T>): Promise<T> {
  const { planned, sidecar, backend } = scene;
  const result = await body(scene).then((value) => ({ value }), (error: Error) => ({ error }));
  const during = `died under the load of ${planned.config.id}, ${planned.collector}`;
  const envoyEnd = await sidecar.ending();
  if (envoyEnd) throw new Error(`Envoy (process ${sidecar.pid}) ${during}: ${envoyEnd}; the run was not kept: start again to measure it, and look into \`dmesg\` should it happen again`);
  const backendEnd = await backend.ending();
  if (backendEnd) throw new Error(`the ${backend.name} backend (process ${backend.pid}) ${during}: ${backendEnd}; the run was not kept: start again to measure it, the next one gets a new backend`);
  if ('error' in result) throw result.error;
  return result.value;
}

async function underLoad(scene: Scene): Promise<Warning[]> {
  switch (scene.planned.load.mode) {
    case 'exactly': return countedRequests(scene);
    case 'varied':
    case 'in-turn': return tracedRequests(scene);
    case 'knee-search': return kneeSearch(scene);
    default: return steadyLoad(scene);
  }
}

/** A fixed number of requests between collector on and off; a first batch of the same kind warms code paths and pools. */
async function countedRequests(scene: Scene): Promise<Warning[]> {
  const { testbed, planned, sidecar, load, dir } = scene;
  const { requests = 0, connections, ratePerS, path: where } = planned.load;
  const batch = { requests, connections, ratePerS, path: where };
  const options = { cpus: testbed.cpus.others };
  await load.sendExactly(target(sidecar), batch, options);
  const outcome = await collect(scene, () => load.sendExactly(target(sidecar), batch, options));
  writeJson(dir, runFiles.load, outcome);
  return warningsFor({ requests: outcome.requests, errors: outcome.errors, statuses: outcome.statuses });
}

/** One request after another over connections that stand already; the code they ran is kept too. */
async function tracedRequests(scene: Scene): Promise<Warning[]> {
  const { testbed, planned, sidecar, dir } = scene;
  const { requests = 0, connections } = planned.load;
  const client = clientFor(planned, target(sidecar), connections);
  try {
    await client.send(warmUpRequests);
    await collect(scene, () => client.send(requests));
  } finally {
    client.close();
  }
  if (isTracer(planned.collector)) await keepTrace(testbed.store.live().dir, dir, { pid: sidecar.pid, requests });
  writeJson(dir, runFiles.load, { generator: { name: planned.load.mode, version: variedVersion, argv: [] }, requests, errors: 0, statuses: { 200: requests } });
  return [];
}

function clientFor({ config, load }: PlannedRun, to: LoadTarget, connections: number): VariedClient {
  if (speaksMysql(config)) return connectVariedSql(to, connections);
  return load.mode === 'varied' ? connectVaried(to, connections) : connectVaried(to, connections, () => plainRequest(load.path));
}

/** Every path of the warm code, pools and allocator included, was gone through by then. The same for every recorder, so that their requests correspond. */
const warmUpRequests = 64;

/** Constant or maximum rate; the collector and both CPU readings bracket the measured part. */
async function steadyLoad(scene: Scene): Promise<Warning[]> {
  const { dir } = scene;
  const spec = await absoluteLoad(scene);
  const before = await scene.sidecar.stats();
  const { outcome, cpu: [cpu] } = await loadAndRead(scene, spec, dir, (window) => collect(scene, window));
  writeJson(dir, runFiles.load, outcome);
  writeJson(dir, runFiles.cpu, cpu);
  writeJson(dir, runFiles.traffic, trafficBetween(before, await scene.sidecar.stats()));
  return warningsFor({ ...outcome, cpu, cpus: scene.cpus });
}

/**
 * One load, and what it cost in one or several windows of it, each of the load's `durationS`.
 * @param dir gets the load's log.
 * @param around opens the windows one after another; what else it does, e.g. start a collector, goes on under the load too.
 * @returns `cpu` of the windows in order.
 */
export async function loadAndRead(
  scene: Scene,
  spec: LoadSpec,
  dir: string,
  around: (window: () => Promise<void>) => Promise<void> = (window) => window(),
): Promise<{ outcome: LoadOutcome; cpu: CpuWindow[] }> {
  const load = await scene.load.startLoad(target(scene.sidecar), spec, { cpus: scene.testbed.cpus.others, dir });
  try {
    await load.warm;
    const pairs: [before: Readings, after: Readings][] = [];
    await around(async () => {
      const before = await readings(scene, load);
      await sleep(spec.durationS * 1000);
      pairs.push([before, await readings(scene, load)]);
    }).catch(async (error: Error) => {
      if (await hasEnded(load)) await load.finish(); // the generator's last words say more
      throw error;
    });
    const outcome = await load.finish();
    // By the generator's clock, as its log is.
    const windows = pairs.map(([before, after]): [number, number] => [before.generator.atUs, after.generator.atUs]);
    const completed = countCompleted(dir, windows);
    return { outcome, cpu: pairs.map((pair, i) => ({ windowUs: windows[i], requests: completed[i], ...betweenReadings(...pair) })) };
  } finally {
    await load.stop();
  }
}

function betweenReadings(before: Readings, after: Readings): Record<keyof Readings, CpuSample> {
  const of = (name: keyof Readings) => cpuBetween(before[name], after[name]);
  return { worker: of('worker'), sidecar: of('sidecar'), generator: of('generator'), backend: of('backend') };
}

interface Readings { worker: CpuReading; sidecar: CpuReading; generator: CpuReading; backend: CpuReading }

async function readings({ tools, sidecar: { pid, workerTid }, backend }: Scene, load: SourcedLoad): Promise<Readings> {
  const [worker, sidecar, behind] = await tools.readCpu([{ pid, tid: workerTid }, { pid }, { pid: backend.pid }]);
  return { worker, sidecar, generator: await load.readCpu(), backend: behind };
}

/** Then its CPU time cannot be read any more. */
async function hasEnded(load: SourcedLoad): Promise<boolean> {
  return load.readCpu().then(() => false, () => true);
}

/** Turns a planned load into an absolute one: a share of the knee becomes a rate. */
async function absoluteLoad(scene: Scene): Promise<LoadSpec> {
  const { load } = scene.planned;
  if (load.mode !== 'open' && load.mode !== 'closed') throw new Error(`a "${load.mode}" load has no rate`);
  const { mode, connections, path: where, warmUpS = 0, durationS = 0, newConnections } = load;
  return { mode, connections, path: where, warmUpS, durationS, newConnections, ratePerS: mode === 'open' ? await wantedRate(scene) : undefined };
}

async function wantedRate(scene: Scene): Promise<number> {
  const { ratePerS, kneeShare } = scene.planned.load;
  if (ratePerS !== undefined) return ratePerS;
  if (kneeShare !== undefined) return kneeShare * kneeOf(scene);
  throw new Error('an open load needs ratePerS or kneeShare');
}

/** The knee found for this policy earlier in the same experiment, of pods or of processes as it is itself. @throws Error when it was not searched yet. */
function kneeOf({ testbed, planned }: Scene): number {
  const search = testbed.store.runs(testbed.store.live(), planned.experiment)
    .filter((run) => run.policy.id === planned.config.id && run.spec.load.mode === 'knee-search' && wasPod(run) === (testbed.pods !== null))
    .sort((a, b) => b.startedAt.localeCompare(a.startedAt))[0];
  if (!search) throw new Error(`no knee of ${planned.config.id} yet; plan its knee search before shares of it`);
  return (JSON.parse(fs.readFileSync(path.join(search.dir, runFiles.knee), 'utf8')) as { kneeRatePerS: number }).kneeRatePerS;
}

/** Searches the knee with short loads and keeps every probe, CPU times included. */
async function kneeSearch(scene: Scene): Promise<Warning[]> {
  const { planned, dir } = scene;
  const scratch = path.join(dir, 'probe');
  const trial = async (load: Pick<LoadSpec, 'mode' | 'ratePerS' | 'durationS'>) => {
    fs.rmSync(scratch, { recursive: true, force: true });
    fs.mkdirSync(scratch);
    const { connections, path: where } = planned.load;
    const { outcome, cpu: [cpu] } = await loadAndRead(scene, { connections, path: where, warmUpS: 0.3, ...load }, scratch);
    return { outcome, cpu };
  };
  const maximum = await trial({ mode: 'closed', durationS: 1.5 });
  const seen: Awaited<ReturnType<typeof trial>>[] = [];
  const knee = await findKnee(async (ratePerS) => {
    const probe = await trial({ mode: 'open', ratePerS, durationS: 1.5 });
    seen.push(probe);
    return probe.outcome;
  }, { closedLoopMaximumPerS: maximum.outcome.achievedRatePerS });
  fs.rmSync(scratch, { recursive: true, force: true });
  writeJson(dir, runFiles.knee, { ...knee, closedLoop: maximum, seen });
  writeJson(dir, runFiles.load, maximum.outcome);
  writeJson(dir, runFiles.cpu, maximum.cpu);
  return warningsFor({ ...maximum.outcome, cpu: maximum.cpu, cpus: scene.cpus });
}

interface Measured {
  collector: { name: string; version: string };
  dir: string;
  coreClockHz?: number[];
}

function provenance(testbed: Testbed, machine: Machine, { collector, dir, coreClockHz }: Measured): RunRecord['provenance'] {
  const load = readJson<LoadOutcome>(dir, runFiles.load);
  return {
    machine,
    envoyVersion: testbed.envoy.version,
    projectVersion: projectVersion(),
    tools: { [collector.name]: collector.version, [load.generator.name]: load.generator.version },
    commands: [load.generator.argv.join(' ')],
    coreClockHz,
  };
}

function target(sidecar: Scene['sidecar']): LoadTarget {
  return { address: sidecar.address, tls: sidecar.tls };
}

function readJson<T>(dir: string, file: string): T {
  return JSON.parse(fs.readFileSync(path.join(dir, file), 'utf8')) as T;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
