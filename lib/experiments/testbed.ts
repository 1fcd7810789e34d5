/** What a measuring campaign holds while it runs: the Envoy, the backend, the cores, the store. */
import { resolveAnchors } from '../analysis/anchors.js';
import { nameFunctions } from '../analysis/function-names.js';
import { onThisMachine } from '../counters/node-tools.js';
import { startEcho, type BackendName } from '../deploy/backend.js';
import { startMariadb } from '../deploy/mariadb.js';
import { findEnvoy, startSidecar } from '../deploy/envoy.js';
import { deployedHere, type SidecarHost } from '../deploy/deployed-sidecar.js';
import type { SidecarPods } from '../deploy/kubernetes/engine.js';
import { removeMeshLeftovers } from '../deploy/mesh/leftovers.js';
import { normalisedYaml } from '../deploy/render.js';
import type { Backend, EnvoyBinary, Sidecar, SidecarConfig } from '../deploy/types.js';
import { allowedCpus, planCpus, pin, type CpuPlan } from '../host/cpus.js';
import { withMeasuringLock } from '../host/lock.js';
import { machineSlug, readMachine, type Machine } from '../host/machine.js';
import { endLeftovers } from '../host/process.js';
import type { RunSpec } from '../store/run-key.js';
import { hasBinary, saveBinary } from '../store/binaries.js';
import { RunStore } from '../store/run-store.js';
import { backendFor, backendOf } from './collectors.js';

export interface Testbed {
  machine: Machine;
  cpus: CpuPlan;
  envoy: EnvoyBinary;
  store: RunStore;
  /** Where the sidecars of campaigns run; null for this machine. */
  pods: SidecarPods | null;
  /** The same, set up at first use. */
  host(): Promise<SidecarHost>;
  /** The paper's echo server unless another is preferred; started at first use and again should it have died. */
  backend(prefer?: BackendName): Promise<Backend>;
  /** Starts a sidecar on this machine in front of the backend preferred, or else the policy's own. `wrap` is an argv prefix, e.g. of Valgrind. */
  sidecar(config: SidecarConfig, wrap?: string[], prefer?: BackendName): Promise<Sidecar>;
  /** The keyed part of a run. */
  spec(config: SidecarConfig, load: RunSpec['load'], collector: RunSpec['collector']): Promise<RunSpec>;
  /** The last reading of the worker core's clock. */
  lastClock: { hz: number; atMs: number } | null;
}

export interface TestbedOptions {
  /** Path of an Envoy; the pinned one by default. */
  envoy?: string;
  store?: RunStore;
  /** A cluster for the sidecars of a campaign; null, or left out, for this machine. */
  pods?: SidecarPods | null;
}

/**
 * Sets the table for measuring and clears it afterwards, whatever happens in between.
 * Only one campaign measures on a machine at a time; leftovers of a killed one are ended first.
 * @throws Error when another campaign holds the machine, or there is no usable Envoy.
 */
export async function withTestbed<T>(options: TestbedOptions, body: (testbed: Testbed) => Promise<T>): Promise<T> {
  return withMeasuringLock(async () => {
    endLeftovers();
    await removeMeshLeftovers();
    const machine = readMachine();
    const store = options.store ?? liveStore(machine);
    store.removeLeftovers();
    const cpus = planCpus();
    const envoy = await findEnvoy(options.envoy);
    await keepAnchors(store, envoy);
    const ours = await keepOffWorkerCore(cpus);
    const { backend, stopBackends } = backendsOn(cpus);
    const sidecar: Testbed['sidecar'] = async (config, wrap, prefer) => startSidecar(config, { envoy, upstream: (await backend(prefer ?? backendOf(config))).address, cpus, wrap });
    const here: SidecarHost = {
      machine, cpus, tools: onThisMachine, close: async () => undefined,
      deploy: async (config, { wrap, backend: prefer } = {}) => deployedHere(await sidecar(config, wrap, prefer), await backend(prefer ?? backendOf(config)), cpus),
    };
    const { pods = null } = options;
    const hosts: Promise<SidecarHost>[] = []; // none, or the one that was asked for
    const host = () => {
      if (hosts.length === 0) hosts.push(pods ? pods.open(envoy) : Promise.resolve(here));
      return hosts[0];
    };
    try {
      return await body({
        machine, cpus, envoy, store, pods, host, backend, sidecar,
        spec: async (config, load, collector) => {
          const { name, version } = pods ? pods.backend : await backend(backendFor(collector.name, config));
          return { envoyYaml: normalisedYaml(config), carrier: await pods?.carrier(), envoyBuildId: envoy.buildId, backend: { name, version }, load, collector };
        },
        lastClock: null,
      });
    } finally {
      for (const one of hosts) await one.then(({ close }) => close(), () => undefined); // whoever asked for one that could not be had was told
      await stopBackends();
      await ours.restore();
    }
  });
}

/** One of each kind, started when it is first asked for. */
function backendsOn(cpus: CpuPlan): Pick<Testbed, 'backend'> & { stopBackends(): Promise<void> } {
  const backends = new Map<BackendName, Backend>();
  return {
    backend: async (prefer = 'socketify') => {
      const there = backends.get(prefer);
      if (there?.alive()) return there;
      await there?.stop(); // it is dead, its folder is not
      backends.delete(prefer);
      const started = prefer === 'mariadb' ? await startMariadb({ cpus }) : await startEcho({ cpus, prefer });
      backends.set(prefer, started);
      return started;
    },
    stopBackends: async () => { for (const started of backends.values()) await started.stop(); },
  };
}

/** The store that measures below `data/local/<this kind of machine>/`. */
export function liveStore(machine: Machine = readMachine()): RunStore {
  return new RunStore(machineSlug(machine));
}

/** Puts what the functions of this Envoy are called into the recording, where redrawing finds it without the binary. */
async function keepAnchors(store: RunStore, envoy: EnvoyBinary): Promise<void> {
  if (hasBinary(store.live(), envoy.buildId)) return;
  const { anchors, outcomes } = resolveAnchors(await nameFunctions(envoy.path));
  saveBinary(store.live(), { buildId: envoy.buildId, envoyVersion: envoy.version, anchors, outcomes });
}

/** Moves this process to the other cores while it measures; restored afterwards, since a notebook kernel lives on. */
async function keepOffWorkerCore(cpus: CpuPlan): Promise<{ restore(): Promise<void> }> {
  const before = allowedCpus();
  await pin(process.pid, cpus.others, { allThreads: true });
  return { restore: () => pin(process.pid, before, { allThreads: true }) };
}

/** The reading after one run serves as the one before the next when that follows at once. */
const longestReuseMs = 1000;

/** Where a worker runs. */
type WorkerCore = Pick<SidecarHost, 'tools' | 'cpus'>;

/** Hertz of the worker's core, before a run. */
export async function clockBefore(testbed: Testbed, core: WorkerCore): Promise<number> {
  const last = testbed.lastClock;
  return last && Date.now() - last.atMs <= longestReuseMs ? last.hz : clockAfter(testbed, core);
}

/** Hertz of the worker's core, after a run. */
export async function clockAfter(testbed: Testbed, { tools, cpus }: WorkerCore): Promise<number> {
  const hz = await tools.coreClockHz(cpus.worker);
  testbed.lastClock = { hz, atMs: Date.now() };
  return hz;
}
