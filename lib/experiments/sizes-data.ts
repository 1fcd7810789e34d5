/** Tidy data of experiment `sizes`: raw runs in; costs by size, what set the pace, and what TLS was spoken out. */
import { attributeSamples } from '../analysis/attribution.js';
import { perfRecord } from '../counters/perf-record.js';
import { pauses, tlsOf, upstreamBytes, type Traffic } from '../deploy/traffic-stats.js';
import type { Attributed } from '../paper/components.js';
import { loadBinary } from '../store/binaries.js';
import { runFiles } from '../store/files.js';
import type { Recording, Run } from '../store/run-store.js';
import { readJson } from './capacity-data.js';
import { componentsData, type ComponentsData, type PolicyInfo } from './components-data.js';
import type { CpuWindow } from './measure.js';
import { newestOnly } from './newest.js';
import { bytesOf } from './sizes.js';
import { isGood } from './warnings.js';

/** One undisturbed run: who was busy, and whether Envoy had to stop reading. */
export interface Pace {
  policy: string;
  /** Of a response. */
  bytes: number;
  repeat: number;
  /** CPU time per second of the window: 1 is one core. */
  workerShare: number;
  generatorShare: number;
  backendShare: number;
  /** Part of the worker's CPU time in the kernel by the kernel's ticks, good to about 2 points; null in windows too short for it. */
  kernelShare: number | null;
  /** Answers a second. */
  perS: number;
  /** Times that Envoy stopped reading since its buffers were full, for each MiB from the backend. */
  pausesPerMiB: number;
  run: string;
}

/** Instructions per cycle of one component in one run, by two hardware events that were sampled side by side. */
export interface SampledIpc {
  policy: string;
  bytes: number;
  repeat: number;
  component: Attributed;
  ipc: number;
  run: string;
}

/** What a policy's clients and Envoy agreed on, over all undisturbed runs: handshakes by version and cipher. */
export interface Agreed {
  policy: string;
  versions: Record<string, number>;
  ciphers: Record<string, number>;
}

export interface SizesData {
  origin: string;
  cpuModel: string;
  envoyVersion: string;
  policies: PolicyInfo[];
  /** Bytes of a response, ascending. */
  sizes: number[];
  /** Costs of requests with responses of one size, over connections that are kept. @throws Error naming the sizes there are. */
  at(bytes: number): ComponentsData;
  /** Costs with the smallest response and a connection for each request; null when that was not measured. */
  connecting: ComponentsData | null;
  paces: Pace[];
  /** Empty where the CPU shows no counters. */
  sampledIpc: SampledIpc[];
  /** Policies with TLS only. */
  agreed: Agreed[];
  notes: string[];
}

/**
 * Reads one recording's runs of the experiment, marked ones left out and named in the notes.
 * @throws Error naming the file when raw output is damaged.
 */
export async function sizesData(recording: Pick<Recording, 'name' | 'dir' | 'origin'>, runs: Run[]): Promise<SizesData> {
  const good = runs.filter(isGood);
  const kept = good.filter(({ spec }) => bytesOf(spec.load) !== null && !spec.load.newConnections);
  const connecting = good.filter(({ spec }) => spec.load.newConnections);
  const sizes = [...new Set(kept.map(({ spec }) => bytesOf(spec.load)!))].sort((a, b) => a - b);
  const bySize = new Map<number, ComponentsData>();
  for (const bytes of sizes) bySize.set(bytes, await componentsData(recording, kept.filter(({ spec }) => bytesOf(spec.load) === bytes)));
  const newest = newestOnly(kept);
  const undisturbed = newest.filter(({ spec }) => spec.collector.name === 'cpu-time');
  const all = [...bySize.values()];
  return {
    origin: recording.origin,
    cpuModel: runs[0].provenance.machine.cpuModel,
    envoyVersion: [...new Set(runs.map(({ provenance }) => provenance.envoyVersion))].join(', '),
    policies: [...new Map(runs.map(({ policy }) => [policy.id, policy])).values()],
    sizes,
    at: (bytes) => {
      const found = bySize.get(bytes);
      if (!found) throw new Error(`no response of ${bytes} bytes was measured; there are ${sizes.join(', ')}`);
      return found;
    },
    connecting: connecting.length > 0 ? await componentsData(recording, connecting) : null,
    paces: undisturbed.flatMap(paceOf),
    sampledIpc: newest.filter(({ spec }) => spec.collector.name === 'perf-record').flatMap((run) => sampledIpc(recording, run)),
    agreed: agreedBy(undisturbed),
    notes: [...leftOutNote(runs), ...new Set(all.flatMap(({ notes }) => notes))],
  };
}

function leftOutNote(runs: Run[]): string[] {
  const marked = runs.filter((run) => !isGood(run));
  if (marked.length === 0) return [];
  const [{ policy, spec, repeat, warnings }] = marked;
  return [`Measured but left out: ${marked.length} of ${runs.length} runs, the first ${policy.label} at ${spec.load.path.slice(1)} B, ${spec.collector.name}, repeat ${repeat}: ${warnings.map(({ text }) => text).join('; ')}.`];
}

/** None when nothing was answered in the window. */
function paceOf(run: Run): Pace[] {
  const cpu = readJson<CpuWindow>(run, runFiles.cpu);
  if (cpu.requests === 0) return [];
  const windowNs = (cpu.windowUs[1] - cpu.windowUs[0]) * 1000;
  const traffic = readJson<Traffic>(run, runFiles.traffic);
  const { userShare } = cpu.worker;
  return [{
    policy: run.policy.id, bytes: bytesOf(run.spec.load)!, repeat: run.repeat, run: run.id,
    workerShare: cpu.worker.runNs / windowNs, generatorShare: cpu.generator.runNs / windowNs, backendShare: cpu.backend.runNs / windowNs,
    kernelShare: userShare === null ? null : 1 - userShare,
    perS: cpu.requests / (windowNs / 1e9),
    pausesPerMiB: pauses(traffic) / (upstreamBytes(traffic) / 2 ** 20),
  }];
}

/** None where the CPU clock was sampled: time alone has no instructions. */
function sampledIpc(recording: Pick<Recording, 'dir'>, run: Run): SampledIpc[] {
  const profile = perfRecord.read(run.dir);
  const named = (name: RegExp) => profile.stacks.map(({ event }) => event).find((event) => name.test(event));
  const [cycles, instructions] = [named(/^cycles/), named(/^instructions/)];
  if (cycles === undefined || instructions === undefined) return [];
  const { anchors } = loadBinary(recording, run.spec.envoyBuildId);
  const byComponent = (event: string) => {
    const sums = new Map<Attributed, number>();
    for (const { component, period } of attributeSamples(profile, anchors, 'authors', event)) sums.set(component, (sums.get(component) ?? 0) + period);
    return sums;
  };
  const ran = byComponent(instructions);
  return [...byComponent(cycles)].filter(([, spent]) => spent > 0).map(([component, spent]) =>
    ({ policy: run.policy.id, bytes: bytesOf(run.spec.load)!, repeat: run.repeat, component, ipc: (ran.get(component) ?? 0) / spent, run: run.id }));
}

function agreedBy(runs: Run[]): Agreed[] {
  const agreed = new Map<string, Agreed>();
  for (const run of runs) {
    const { versions, ciphers } = tlsOf(readJson<Traffic>(run, runFiles.traffic));
    if (Object.keys(versions).length === 0) continue;
    const own = agreed.get(run.policy.id) ?? { policy: run.policy.id, versions: {}, ciphers: {} };
    add(own.versions, versions);
    add(own.ciphers, ciphers);
    agreed.set(run.policy.id, own);
  }
  return [...agreed.values()];
}

function add(to: Record<string, number>, more: Record<string, number>): void {
  for (const [name, count] of Object.entries(more)) to[name] = (to[name] ?? 0) + count;
}
