/**
 * What one request of a client makes its application do: every call in order, and how often each sidecar is crossed.
 * A traversal is one call crossing one sidecar, with a request and a response direction each: a call crosses the caller's
 * sidecar outbound and the callee's inbound, the client's own only the front's. (The paper's Figure 14 counts directions.)
 */
import { defaultKeyBytes, isStore, pathOf, serviceOf, type Call, type CallGraph, type Protocol, type ServiceNode } from './call-graph.js';

/** One call, made once. */
export interface Hop {
  /** null: the client. */
  caller: string | null;
  callee: string;
  protocol: Protocol;
  operation: string;
  /** Path of the request; the command for stores. */
  path: string;
  /** Of body, message or value; keys and framing do not count. */
  requestBytes: number;
  responseBytes: number;
  /** Whether it opens a TCP connection of its own: its caller wants that, or its callee keeps none. */
  newConnection: boolean;
  /** Index of the hop that it serves; null for the client's. */
  parent: number | null;
  /** Hops of one group run at the same time, repetitions of one call one after another; null: alone. */
  group: number | null;
}

/** How often a request crosses a service's sidecar. */
export interface Traversals {
  service: string;
  /** Calls it answers. */
  inbound: number;
  /** Calls it makes. */
  outbound: number;
}

/**
 * The calls behind one entry request, each before those it makes, in the order in which they begin; parallel ones as listed.
 * @param graph a graph that `readGraph` took.
 */
export function hopsOf(graph: CallGraph): Hop[] {
  const hops: Hop[] = [];
  let groups = 0;
  const visit = (caller: string | null, call: Call, parent: number | null, group: number | null): void => {
    const callee = serviceOf(graph, call.to);
    const index = hops.push(hopOf(caller, callee, call, parent, group)) - 1;
    for (const step of callee.operations?.[call.operation]?.calls ?? []) {
      const together = Array.isArray(step) ? groups++ : null;
      for (const next of [step].flat()) for (let i = 0; i < (next.times ?? 1); i++) visit(callee.name, next, index, together);
    }
  };
  visit(null, { to: graph.entry.service, operation: graph.entry.operation }, null, null);
  return hops;
}

function hopOf(caller: string | null, callee: ServiceNode, call: Call, parent: number | null, group: number | null): Hop {
  const operation = callee.operations?.[call.operation];
  return {
    caller, callee: callee.name, protocol: callee.protocol, operation: call.operation,
    path: isStore(callee) ? call.operation : pathOf(callee, call.operation),
    requestBytes: call.requestBytes ?? 0,
    responseBytes: operation ? operation.responseBytes : valueBytes(callee, call),
    newConnection: (call.newConnection ?? false) || callee.keepAlive === false,
    parent, group,
  };
}

/** Of the values that a store has for the keys it is asked for. */
function valueBytes(store: ServiceNode, { operation, keys = 1, keyBytes = defaultKeyBytes }: Call): number {
  if (operation !== 'get') return 0;
  let [sum, first] = [0, 0];
  for (const seed of store.seed ?? []) {
    if ((seed.keyBytes ?? defaultKeyBytes) === keyBytes) sum += Math.max(0, Math.min(keys, first + seed.keys) - first) * seed.valueBytes;
    first += seed.keys;
  }
  return sum;
}

/** Per service, in the graph's order; those that are not asked have none. */
export function traversalsOf(graph: CallGraph): Traversals[] {
  const hops = hopsOf(graph);
  return graph.services.map(({ name }) => ({
    service: name,
    inbound: hops.filter(({ callee }) => callee === name).length,
    outbound: hops.filter(({ caller }) => caller === name).length,
  }));
}

/** Of all sidecars together: BookInfo 7, Online Boutique 29, Hotel Reservation 19. */
export function traversalCount(graph: CallGraph): number {
  return traversalsOf(graph).reduce((sum, { inbound, outbound }) => sum + inbound + outbound, 0);
}
