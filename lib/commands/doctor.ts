/**
 * `npm run doctor`: what this machine is and can measure, what is missing and how to get it, which figures that allows;
 * then a hundred live requests through the real Envoy as proof. Exits with 1 when Envoy cannot be run.
 */
import { capabilityNames, probeCapabilities, type Capability, type CapabilityKind, type CapabilityName } from '../host/capabilities.js';
import { measureCoreClockHz } from '../host/clock.js';
import { planCpus } from '../host/cpus.js';
import { feasibility } from '../host/feasibility.js';
import { machineWarnings, readMachine, type Machine } from '../host/machine.js';
import { endLeftovers } from '../host/process.js';
import { median } from '../analysis/statistics.js';
import { startEcho } from '../deploy/backend.js';
import { policyById } from '../deploy/catalogue.js';
import { startSidecar } from '../deploy/envoy.js';
import { removeMeshLeftovers } from '../deploy/mesh/leftovers.js';
import type { Address, Backend, Sidecar } from '../deploy/types.js';
import { connect } from '../load/sequential.js';
import { runMain } from './main.js';

const requests = 100;

async function doctor(): Promise<void> {
  for (const name of endLeftovers()) console.log(`ended ${name}, left behind by a killed run`);
  for (const name of await removeMeshLeftovers()) console.log(`removed the network ${name}, left behind by a killed run`);
  const machine = readMachine();
  const found = await probeCapabilities();
  console.log(await describeMachine(machine));
  console.log(describeCapabilities(found));
  console.log(describeFigures(found));
  if (!found.envoy.available) throw new Error(`Envoy cannot be run: ${found.envoy.reason}; ${found.envoy.remedy}`);
  console.log(await proof());
}

async function describeMachine(machine: Machine): Promise<string> {
  const { worker } = planCpus();
  const { hz } = await measureCoreClockHz(worker);
  const name = [machine.cpuModel, [machine.series, machine.microarchitecture].filter(Boolean).join(', ')].filter(Boolean).join(': ');
  return [
    `${name}; ${machine.cores} cores, ${machine.threads} threads, ${(machine.memoryBytes / 2 ** 30).toFixed(0)} GiB; ${machine.os}, Linux ${machine.kernel}`,
    `the sidecar's worker gets core ${worker}, which runs at ${(hz / 1e9).toFixed(2)} GHz (measured by a chain of additions)`,
    ...machineWarnings(machine).map((warning) => `note: ${warning}`),
  ].join('\n');
}

const headings: Record<CapabilityKind, string> = {
  sidecar: 'sidecar', collector: 'collectors', generator: 'load generators', backend: 'backends', renderer: 'pictures', system: 'system',
};

function describeCapabilities(found: Record<CapabilityName, Capability>): string {
  const width = Math.max(...capabilityNames.map((name) => name.length));
  return (Object.keys(headings) as CapabilityKind[]).flatMap((kind) => [
    '', headings[kind],
    ...capabilityNames.filter((name) => found[name].kind === kind).flatMap((name) => describeOne(name.padEnd(width), found[name])),
  ]).join('\n');
}

function describeOne(name: string, capability: Capability): string[] {
  if (capability.available) return [`  ${name}  yes  ${capability.version}${capability.note ? ` (${capability.note})` : ''}`];
  const indent = ' '.repeat(name.length + 9);
  return [`  ${name}  no   ${capability.reason}`, `${indent}${capability.remedy}`];
}

function describeFigures(found: Record<CapabilityName, Capability>): string {
  return ['', 'figures', ...feasibility(found).flatMap(({ item, verdict, parts, missing }) => [
    `  ${item}  ${verdict}${parts.length > 0 && missing.length > 0 ? ', in part' : ''}`,
    ...[...parts, ...missing.map((what) => `missing: ${what}`)].map((line) => `         ${line}`),
  ])].join('\n');
}

/** Sends real requests through a real sidecar. @throws Error when any of them is not answered with 200. */
async function proof(): Promise<string> {
  let backend: Backend | undefined;
  let sidecar: Sidecar | undefined;
  try {
    backend = await startEcho();
    sidecar = await startSidecar(policyById('http'), { upstream: backend.address });
    const before = await sidecar.stats();
    const timesMs = await sendRequests(sidecar.address);
    const passed = counted(await sidecar.stats()) - counted(before);
    if (passed !== requests) throw new Error(`Envoy passed on ${passed} requests, not ${requests}; something else answers on its port ${sidecar.address.port}`);
    return `\nproof: ${requests} of ${requests} requests answered through Envoy ${sidecar.envoy.version} to the ${backend.name} echo, median ${median(timesMs).toFixed(2)} ms`;
  } finally {
    await sidecar?.stop();
    await backend?.stop();
  }
}

/** Requests that reached the backend through Envoy, over all its clusters. */
function counted(stats: Record<string, number>): number {
  return Object.entries(stats).filter(([name]) => /^cluster\..*\.upstream_rq_total$/.test(name)).reduce((sum, [, value]) => sum + value, 0);
}

/** One after another over one connection. @returns milliseconds each took. */
async function sendRequests(address: Address): Promise<number[]> {
  const client = connect(address);
  const timesMs: number[] = [];
  try {
    for (let i = 0; i < requests; i++) timesMs.push(await client.get('/100') / 1000);
  } finally {
    client.close();
  }
  return timesMs;
}

runMain(doctor);
