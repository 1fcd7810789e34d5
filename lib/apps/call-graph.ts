/**
 * A call graph: an application as data. Which services there are, what each does for one request, whom it calls, in
 * which protocol, how often and with how many bytes. One generic emulator (emulator/) runs any graph; stores are real.
 *
 * To write one: a JSON file of the shape below, e.g. graphs/two-tier.json, read by `readGraph(file)`, which names what is
 * wrong with it and where.
 */

/** `http`: HTTP/1.1; `grpc`: unary gRPC over HTTP/2; the stores speak their own. */
export type Protocol = 'http' | 'grpc' | 'redis' | 'memcached';

export interface CallGraph {
  format: 1;
  /** `bookinfo` */
  id: string;
  /** `BookInfo` */
  label: string;
  /** Where its numbers come from, and what it leaves out. */
  source: string;
  /** What one request of a client asks. */
  entry: { service: string; operation: string };
  /** Headers of a request that its services hand on with their own calls, in small letters. None when left out. */
  forwardedHeaders?: string[];
  services: ServiceNode[];
  /** Alternatives by name, e.g. an era; each replaces services of the same name. */
  variants?: Record<string, { about: string; services: ServiceNode[] }>;
  /** Which of its variants this is, where it is one; set by `graphById`. */
  variant?: string;
}

export interface ServiceNode {
  name: string;
  protocol: Protocol;
  /** Port of the Service. */
  port: number;
  /** Port that its pod listens on; the Service's when left out. */
  targetPort?: number;
  /** Name of the Service's port as the mesh sees it: Istio takes the protocol from it. A nameless port is sniffed. */
  portName?: string;
  /** By operation. A service that is only there has none. Nor have stores: they answer from what `seed` put there. */
  operations?: Record<string, Operation>;
  /** HTTP only: whether the server keeps a connection for a next request. True when left out. */
  keepAlive?: boolean;
  /** HTTP only: where it is false, the head and the body of an answer leave as Nagle's algorithm lets them. True when left out. */
  noDelay?: boolean;
  /** Stores: what is put there at start. Nothing when left out. */
  seed?: Seed[];
  /** Callers connect to the pod's own address rather than to the Service, as clients of Consul do. */
  calledByPodAddress?: boolean;
}

/** Keys are numbered from 0 through all seeds of a store; a key is its number, padded to `keyBytes`. */
export interface Seed {
  keys: number;
  /** 8 when left out. */
  keyBytes?: number;
  valueBytes: number;
}

export interface Operation {
  /** HTTP: what is asked, e.g. `/details/0`. gRPC: `/package.Service/Method`, `/<service>/<operation>` when left out. */
  path?: string;
  /** Of the body (HTTP) or the message without its five bytes of prefix (gRPC). */
  responseBytes: number;
  /** HTTP only: the body comes in chunks rather than with a length. */
  chunked?: boolean;
  /** CPU time that the service spends on its own, microseconds. None when left out. */
  computeUs?: number;
  /** One after another; what stands together in an inner list is called in parallel. */
  calls?: (Call | Call[])[];
}

export interface Call {
  to: string;
  /** Operation of the service called; for stores the command: `get` or `set`. */
  operation: string;
  /** So often in a row; once when left out. */
  times?: number;
  /** Of the body (an HTTP call with one is a POST) or message; of the value for `set`. None when left out. */
  requestBytes?: number;
  /** Stores: number of keys asked for at once, from key 0; 1 when left out. `set` writes one. */
  keys?: number;
  /** Stores: length of each key; 8 when left out. Keys of another length than the seed's are misses. */
  keyBytes?: number;
  /** HTTP only: a new TCP connection for each call, rather than one that is kept. */
  newConnection?: boolean;
}

export const defaultKeyBytes = 8;

export type StoreKind = 'redis' | 'memcached';

export function isStore(service: ServiceNode): service is ServiceNode & { protocol: StoreKind } {
  return service.protocol === 'redis' || service.protocol === 'memcached';
}

/** The service of that name. @throws Error when the graph has none. */
export function serviceOf(graph: CallGraph, name: string): ServiceNode {
  const found = graph.services.find((service) => service.name === name);
  if (!found) throw new Error(`${graph.id} has no service '${name}'; it has ${graph.services.map((service) => service.name).join(', ')}`);
  return found;
}

/** What is asked of HTTP and gRPC services; stores have no paths. */
export function pathOf(service: ServiceNode, operation: string): string {
  return service.operations?.[operation]?.path ?? `/${service.name}/${operation}`;
}

/** What a client asks of the application. */
export function entryPath(graph: CallGraph): string {
  return pathOf(serviceOf(graph, graph.entry.service), graph.entry.operation);
}
