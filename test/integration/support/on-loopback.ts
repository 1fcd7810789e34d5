/** An application without sidecars: all of its programs on loopback, every call through a relay that keeps what passes. */
import { setTimeout as sleep } from 'node:timers/promises';
import { serviceOf, type CallGraph } from '../../../lib/apps/call-graph.js';
import { programOf, seedingOf, type Program } from '../../../lib/apps/programs.js';
import type { Address } from '../../../lib/deploy/types.js';
import { run, start, type Daemon } from '../../../lib/host/process.js';
import { wireCalls, type WireCall } from './wire-calls.js';
import { recordWire, type WireConnection } from './wire-relay.js';

export interface OnLoopback {
  /** The front, the client's relay first. */
  address: Address;
  /** Where each service listens itself. */
  at: Map<string, Address>;
  daemons: Map<string, Daemon>;
  connections: WireConnection[];
  /** Recorded so far, by when they began. */
  calls(): WireCall[];
  stop(): Promise<void>;
}

/** Loopback addresses of this process alone, so that every service has its own port. */
const ownHosts = `127.${128 + (process.pid >> 8) % 64}.${process.pid % 256}`;

/** @param without services that are not started: calls to them meet nobody. */
export async function bringUp(graph: CallGraph, { without = [] as string[] } = {}): Promise<OnLoopback> {
  const wire = recordWire();
  const at = new Map<string, Address>();
  graph.services.forEach(({ name, port, targetPort = port }, i) => at.set(name, { host: `${ownHosts}.${i + 1}`, port: targetPort }));
  const daemons = new Map<string, Daemon>();
  const stop = async () => {
    await Promise.all([...daemons.values()].map((daemon) => daemon.stop()));
    wire.close();
  };
  try {
    const started = await Promise.allSettled(graph.services.filter((service) => !without.includes(service.name)).map(async ({ name }) => {
      const relays = new Map<string, Address>();
      for (const callee of calleesOf(graph, name)) relays.set(callee, without.includes(callee) ? at.get(callee)! : await wire.relay(name, callee, at.get(callee)!));
      const program = await programOf(graph, name, at.get(name)!, (callee) => relays.get(callee)!);
      const daemon = await start(program.argv, { name, env: program.env });
      daemons.set(name, daemon);
      await untilReady(daemon, program);
      const seeding = await seedingOf(graph, name, at.get(name)!);
      if (seeding) await run(seeding.argv, { env: seeding.env, timeoutMs: 20_000 });
    }));
    for (const one of started) if (one.status === 'rejected') throw one.reason;
    const address = await wire.relay('client', graph.entry.service, at.get(graph.entry.service)!);
    const calls = () => wireCalls(wire.connections, (service) => serviceOf(graph, service).protocol);
    return { address, at, daemons, connections: wire.connections, calls, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function calleesOf(graph: CallGraph, name: string): string[] {
  const operations = Object.values(serviceOf(graph, name).operations ?? {});
  return [...new Set(operations.flatMap(({ calls = [] }) => calls.flat().map(({ to }) => to)))];
}

async function untilReady(daemon: Daemon, { name, ready }: Program): Promise<void> {
  for (const deadline = Date.now() + 20_000; ready !== 'listening' && !ready.test(daemon.output());) {
    if (!daemon.alive() || Date.now() > deadline) throw new Error(`${name} did not come up: ${daemon.output()}`);
    await sleep(20);
  }
}
