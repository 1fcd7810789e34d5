/** A policy as data: an ordered list of filters over a TCP or HTTP frame. Anything listed composes with anything. */

/** TLS on the client's side of the sidecar, self-signed certificate made by set-up. */
export interface DownstreamTls {
  /** e.g. 'TLSv1_3'; Envoy's default range when left out. */
  version?: 'TLSv1_2' | 'TLSv1_3';
}

export type NetworkFilter = { kind: 'rbac-network'; action: 'ALLOW' | 'DENY'; sourceIps: string[] | 'any' };

export type HttpFilter =
  | { kind: 'header-to-metadata'; header: string }
  | { kind: 'local-ratelimit'; tokensPerSecond: number }
  | { kind: 'ip-tagging'; tags: { name: string; cidr: string }[] }
  | { kind: 'rbac-http'; pathPrefix: string; port?: number };

interface Common {
  /** Stable id, as the paper's: `http-mix-2`. */
  id: string;
  /** As figures print it: `HTTP Mix 2`. */
  label: string;
  tls?: DownstreamTls;
}

export interface TcpPolicy extends Common {
  frame: 'tcp';
  filters: NetworkFilter[];
}

export interface HttpPolicy extends Common {
  frame: 'http';
  /** Network filters run before the connection manager, HTTP filters before the router, each in this order. */
  filters: (NetworkFilter | HttpFilter)[];
  /** Access log to standard output in Envoy's default text format. */
  accessLog?: boolean;
  /** Generate x-request-id; the paper's policies do not, except HTTP Mix 2. */
  requestId?: boolean;
  /** Router statistics with dynamic names; off in the paper's policies, except HTTP Mix 2. */
  dynamicStats?: boolean;
  /** `http_inspector` listener filter, only in the paper's HTTP Mix 2. */
  httpInspector?: boolean;
  /** Subset load balancing on the cluster, as the paper's Header Read has. */
  subsetLoadBalancing?: boolean;
}

export type Policy = TcpPolicy | HttpPolicy;
