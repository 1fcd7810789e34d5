/**
 * The programs that run an application, for whoever deploys it: what to start where, and what fills a store. They know
 * nothing of pods or sidecars: start them in a network namespace and they live there.
 */
import type { Address } from '../deploy/types.js';
import { isStore, pathOf, serviceOf, type CallGraph, type ServiceNode } from './call-graph.js';
import { emulatorBundle, emulatorDigest } from './emulator-bundle.js';
import type { Callee, SeedPlan, ServePlan } from './emulator/plan.js';
import { storeAvailability, storeCommand } from './stores.js';

export interface Program {
  name: string;
  argv: string[];
  env?: Record<string, string>;
  /** What its output says once it serves; `listening`: it says nothing, ask its port (or run its seeding, which waits for it). */
  ready: RegExp | 'listening';
}

/**
 * Small heaps and few threads: many share a machine with what is measured. Code is compiled once, simply, and never again:
 * with V8's optimizer a request costs a service less and less over its first thousands, and how far it has come would depend on
 * the load before, so on the sidecars.
 */
const nodeOptions = ['--max-old-space-size=64', '--max-semi-space-size=2', '--single-threaded-gc', '--no-opt', '--always-sparkplug'];
const nodeEnv = { UV_THREADPOOL_SIZE: '1', NODE_OPTIONS: '' };

/**
 * The program that plays a service: the emulator, or a real store.
 * @param at where it listens; `0.0.0.0` for all of a pod's addresses.
 * @param addressOf where it reaches a service that it calls; the host may be a name.
 * @throws Error when the graph has no such service, or its store is not installed.
 */
export async function programOf(graph: CallGraph, service: string, at: Address, addressOf: (callee: string) => Address): Promise<Program> {
  const node = serviceOf(graph, service);
  if (isStore(node)) {
    const ready = node.protocol === 'redis' ? /Ready to accept connections/ : 'listening';
    return { name: service, argv: await storeCommand(node.protocol, at), ready };
  }
  const plan: ServePlan = { service: node, at, forwardedHeaders: graph.forwardedHeaders ?? [], callees: calleesOf(graph, node, addressOf) };
  return { name: service, argv: await emulator('serve', plan), env: nodeEnv, ready: /"service":"[^"]+","port":\d+/ };
}

/**
 * A program that waits until the store at `at` answers (ten seconds at most), fills it and ends; null for services that are
 * no store. Run it to its end where the store can be reached, e.g. in its pod.
 */
export async function seedingOf(graph: CallGraph, service: string, at: Address): Promise<Program | null> {
  const node = serviceOf(graph, service);
  if (!isStore(node)) return null;
  const plan: SeedPlan = { protocol: node.protocol, address: at, seed: node.seed ?? [] };
  return { name: `seeding-${service}`, argv: await emulator('seed', plan), env: nodeEnv, ready: /$/ };
}

/** What stands behind the sidecars of a graph, for run keys: the emulator and the stores that it needs. */
export async function backendVersion(graph: CallGraph): Promise<{ name: string; version: string }> {
  const kinds = [...new Set(graph.services.filter(isStore).map(({ protocol }) => protocol))];
  const stores = await Promise.all(kinds.map(async (kind) => {
    const there = await storeAvailability(kind);
    return `${kind} ${there.available ? there.version : 'missing'}`;
  }));
  return { name: 'emulator', version: [emulatorDigest(), `node ${process.versions.node} ${nodeOptions.join(' ')}`, ...stores].join(', ') };
}

async function emulator(task: 'serve' | 'seed', plan: ServePlan | SeedPlan): Promise<string[]> {
  return [process.execPath, ...nodeOptions, await emulatorBundle(), task, JSON.stringify(plan)];
}

function calleesOf(graph: CallGraph, { operations = {} }: ServiceNode, addressOf: (callee: string) => Address): Record<string, Callee> {
  const calls = Object.values(operations).flatMap((operation) => (operation.calls ?? []).flat());
  const names = [...new Set(calls.map(({ to }) => to))];
  return Object.fromEntries(names.map((name) => {
    const callee = serviceOf(graph, name);
    const paths = Object.fromEntries(Object.keys(callee.operations ?? {}).map((operation) => [operation, pathOf(callee, operation)]));
    return [name, { protocol: callee.protocol, address: addressOf(name), paths }];
  }));
}
