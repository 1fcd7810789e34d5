/**
 * A call graph: an application as data. Which services there are, what each does for one request, whom it calls, in
 * which protocol, how often and with how many bytes. One generic emulator (emulator/) runs any graph; stores are real.
 */

/** `http`: HTTP/1.1; `grpc`: unary gRPC over HTTP/2; the stores speak their own. */
export type Protocol = 'http' | 'grpc' | 'redis' | 'memcached';

export interface CallGraph {
  format: 1;
  /** `bookinfo` */
  id: string;
  /** `BookInfo` */
  label: string;
  /** Where its numbers come from. */
  source: string;
  /** What one request of a client asks. */
  entry: { service: string; operation: string };
  services: ServiceNode[];
  /** Alternatives by name, e.g. an era; each replaces services of the same name. */
  variants?: Record<string, { about: string; services: ServiceNode[] }>;
}

export interface ServiceNode {
  name: string;
  protocol: Protocol;
  /** Port of the Service. */
  port: number;
  /** Name of the Service's port as the mesh sees it: Istio takes the protocol from it. A nameless port is sniffed. */
  portName?: string;
  /** By operation. Stores have none: they answer from what `seed` put there. */
  operations?: Record<string, Operation>;
  /** HTTP only: whether the server keeps a connection for a next request. True when left out. */
  keepAlive?: boolean;
  /** HTTP only: where it is false, answers leave in pieces as Nagle's algorithm lets them. True when left out. */
  noDelay?: boolean;
  /** Stores: how many keys are put there at start, and how large each value is. */
  seed?: { keys: number; valueBytes: number };
  /** Callers connect to the pod's own address rather than to the Service, as clients of Consul do. */
  calledByPodAddress?: boolean;
}

export interface Operation {
  /** HTTP only, e.g. `/details/0`. gRPC's path is `/service/Operation`. */
  path?: string;
  /** Of the body (HTTP) or the message without its five bytes of prefix (gRPC). */
  responseBytes: number;
  /** CPU time that the service spends on its own, microseconds. */
  computeUs?: number;
  /** One after another; what stands together in an inner list is called in parallel. */
  calls?: (Call | Call[])[];
}

export interface Call {
  to: string;
  /** Operation of the service called; for stores the command: `get`, `set`. */
  operation: string;
  /** So often in a row; once when left out. */
  times?: number;
  /** Of the body or message; for stores the number of keys asked for is `keys`. */
  requestBytes?: number;
  keys?: number;
  /** A new TCP connection for each call, rather than one that is kept. */
  newConnection?: boolean;
}
