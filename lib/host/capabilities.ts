/** What this machine can do for the workbench: each thing available, or the reason why not and the remedy. */
import * as fs from 'node:fs';
import { storeAvailability } from '../apps/stores.js';
import type { Collector } from '../counters/collector.js';
import { frontendCounters } from '../counters/frontend-counters.js';
import { probeHardwareCounters } from '../counters/hardware-counters.js';
import { instructionRegions } from '../counters/instruction-regions.js';
import { perfRecord } from '../counters/perf-record.js';
import { perfStat } from '../counters/perf-stat.js';
import { strace } from '../counters/strace.js';
import { syscallEvents } from '../counters/syscall-events.js';
import { toplev } from '../counters/toplev.js';
import { whyNoSocketify } from '../deploy/backend.js';
import { findEnvoy } from '../deploy/envoy-binary.js';
import { mariadbAvailability } from '../deploy/mariadb.js';
import { probeMesh } from '../deploy/mesh/availability.js';
import { sqlPolicyFor } from '../deploy/sql-policy.js';
import { browserAvailability } from '../figures/browser.js';
import { buildNative, findGenerator } from '../load/generators.js';
import { probe as probeSingleStep } from '../trace/single-step.js';
import { probeValgrindTrace } from '../trace/valgrind.js';
import type { Availability } from './availability.js';
import { run } from './process.js';

export type CapabilityKind = 'sidecar' | 'collector' | 'generator' | 'backend' | 'renderer' | 'system';

export type Capability = Availability & { kind: CapabilityKind };

/** The names under which `probeCapabilities` answers. */
export const capabilityNames = [
  'envoy', 'SQL policy', 'schedstat', 'hardware counters', 'perf stat', 'frontend counters', 'toplev', 'perf record', 'instruction counts', 'instruction traces', 'single-step', 'strace', 'system call events',
  'native generator', 'npm generator', 'socketify echo', 'node echo', 'mariadb', 'redis', 'memcached', 'browser', 'jsdom',
  'thread pinning', 'network namespaces', 'huge pages',
] as const;

export type CapabilityName = (typeof capabilityNames)[number];

const probes: Record<CapabilityName, { kind: CapabilityKind; probe: () => Promise<Availability> | Availability }> = {
  envoy: { kind: 'sidecar', probe: probeEnvoy },
  'SQL policy': { kind: 'sidecar', probe: async () => sqlPolicyFor(await findEnvoy()) },
  schedstat: { kind: 'collector', probe: () => schedstatAvailability(readIfThere('/proc/self/schedstat')) },
  'hardware counters': { kind: 'collector', probe: probeHardwareCounters },
  'perf stat': { kind: 'collector', probe: () => perfStat.probe() },
  'frontend counters': { kind: 'collector', probe: () => frontendCounters.probe() },
  toplev: { kind: 'collector', probe: () => toplev.probe() },
  'perf record': { kind: 'collector', probe: () => perfRecord.probe() },
  'instruction counts': { kind: 'collector', probe: () => (instructionRegions as Collector<unknown>).probe() },
  'instruction traces': { kind: 'collector', probe: probeValgrindTrace },
  'single-step': { kind: 'collector', probe: probeSingleStep },
  strace: { kind: 'collector', probe: () => strace.probe() },
  'system call events': { kind: 'collector', probe: () => syscallEvents.probe() },
  'native generator': { kind: 'generator', probe: buildNative },
  'npm generator': { kind: 'generator', probe: async () => ({ available: true, version: (await findGenerator('npm')).version }) },
  'socketify echo': { kind: 'backend', probe: probeSocketify },
  'node echo': { kind: 'backend', probe: () => ({ available: true, version: process.versions.node }) },
  mariadb: { kind: 'backend', probe: mariadbAvailability },
  redis: { kind: 'backend', probe: () => storeAvailability('redis') },
  memcached: { kind: 'backend', probe: () => storeAvailability('memcached') },
  browser: { kind: 'renderer', probe: browserAvailability },
  jsdom: { kind: 'renderer', probe: () => ({ available: true, version: 'SVG with approximate text' }) },
  'thread pinning': { kind: 'system', probe: () => tryProgram(['taskset', '-p', '1'], ['taskset', '--version'], 'install the package util-linux') },
  'network namespaces': { kind: 'system', probe: probeMesh },
  'huge pages': { kind: 'system', probe: () => hugePageAvailability(readIfThere('/sys/kernel/mm/transparent_hugepage/enabled')) },
};

/** Tries everything the workbench knows; nothing is changed by it. A probe that fails unexpectedly counts as not available. */
export async function probeCapabilities(): Promise<Record<CapabilityName, Capability>> {
  const answers = await Promise.all(capabilityNames.map(async (name) => {
    const { kind, probe } = probes[name];
    const answer = await Promise.resolve().then(probe).catch((error: Error): Availability => ({
      available: false, reason: error.message.split('\n')[0], remedy: 'if the reason does not say what to do, please report it',
    }));
    return [name, { ...answer, kind }] as const;
  }));
  return Object.fromEntries(answers) as Record<CapabilityName, Capability>;
}

/** Whether a sidecar can be run and measured here at all, by the least any measurement needs. Takes a fraction of a second. */
export async function canMeasure(): Promise<Availability> {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    return { available: false, reason: `measuring needs Linux on x86-64, this is ${process.platform} on ${process.arch}`, remedy: 'use such a machine' };
  }
  const answers = await Promise.all([probes['thread pinning'].probe(), probeEnvoy()]);
  return answers.find((answer) => !answer.available) ?? answers[1];
}

async function probeEnvoy(): Promise<Availability> {
  try {
    const { version, buildId } = await findEnvoy();
    return { available: true, version, note: `build id ${buildId.slice(0, 12)}` };
  } catch (error) {
    return { available: false, reason: (error as Error).message.split(';')[0], remedy: 'run `npm run doctor` with a network connection, or set WORKBENCH_ENVOY to an Envoy binary' };
  }
}

/** @param schedstat text of /proc/self/schedstat: run time, wait time (nanoseconds), time slices. */
export function schedstatAvailability(schedstat: string | undefined): Availability {
  const runNs = Number(schedstat?.split(' ')[0]);
  if (runNs > 0) return { available: true, version: '/proc/PID/task/TID/schedstat' };
  return {
    available: false,
    reason: schedstat === undefined ? 'this kernel has no /proc/PID/schedstat' : `/proc/self/schedstat says "${schedstat.trim()}"`,
    remedy: 'boot a kernel with CONFIG_SCHED_INFO (every distribution kernel has it)',
  };
}

/** @param enabled text of transparent_hugepage/enabled, the chosen word in brackets. */
export function hugePageAvailability(enabled: string | undefined): Availability {
  const chosen = /\[(\w+)\]/.exec(enabled ?? '')?.[1];
  if (chosen === 'always' || chosen === 'madvise') return { available: true, version: `transparent: ${chosen}` };
  return {
    available: false,
    reason: chosen ? `transparent huge pages are set to "${chosen}"` : 'this kernel has no transparent huge pages',
    remedy: chosen ? 'as root: echo madvise > /sys/kernel/mm/transparent_hugepage/enabled' : 'boot a kernel with CONFIG_TRANSPARENT_HUGEPAGE',
  };
}

async function probeSocketify(): Promise<Availability> {
  const reason = await whyNoSocketify();
  if (reason === null) return { available: true, version: "the paper's backend" };
  return { available: false, reason, remedy: 'install the package libuv1; the Node echo stands in until then, and figures say so' };
}

/** Runs `trial`; the version is the first line of what `versionOf` prints. */
async function tryProgram(trial: string[], versionOf: string[], remedy: string): Promise<Availability> {
  const { exitCode, stderr } = await run(trial, { allow: 'any', timeoutMs: 10_000 });
  if (exitCode === 127) return { available: false, reason: `${trial[0]} is not installed`, remedy };
  if (exitCode !== 0) return { available: false, reason: stderr.trim().split('\n').pop() || `${trial[0]} exited with ${exitCode}`, remedy };
  const { stdout } = await run(versionOf, { allow: 'any' });
  return { available: true, version: /\d+(\.\d+)+/.exec(stdout)?.[0] ?? 'any' };
}

function readIfThere(file: string): string | undefined {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
