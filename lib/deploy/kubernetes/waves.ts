/** In which order an application's pods are made, where some have to know the addresses of others' pods. */
import type { CallGraph, ServiceNode } from '../../apps/call-graph.js';

/** Names of the services that a service calls, each once. */
export function calleesOf({ operations = {} }: ServiceNode): string[] {
  return [...new Set(Object.values(operations).flatMap(({ calls = [] }) => calls.flat().map(({ to }) => to)))];
}

/**
 * Services in waves: those of one wave only call, by pod address, services of earlier ones.
 * @param graph a graph without circles, as every one that `readGraph` took.
 */
export function wavesOf(graph: CallGraph): ServiceNode[][] {
  const byAddress = new Set(graph.services.filter((service) => service.calledByPodAddress).map(({ name }) => name));
  const waves: ServiceNode[][] = [];
  let left = graph.services;
  while (left.length > 0) {
    const made = new Set(waves.flat().map(({ name }) => name));
    const next = left.filter((service) => calleesOf(service).every((callee) => !byAddress.has(callee) || made.has(callee)));
    if (next.length === 0) throw new Error(`${graph.id}: ${left.map(({ name }) => name).join(', ')} call each other in a circle`);
    waves.push(next);
    left = left.filter((service) => !next.includes(service));
  }
  return waves;
}
