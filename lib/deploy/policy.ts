/** A policy as data: an ordered list of filters over a TCP or HTTP frame. Anything listed composes with anything. */
import type { AccessLog } from './policies/access-log.js';
import type { DownstreamTls } from './policies/downstream-tls.js';
import type { HeaderToMetadata } from './policies/header-to-metadata.js';
import type { HttpRbac } from './policies/http-rbac.js';
import type { IpTagging } from './policies/ip-tagging.js';
import type { LocalRatelimit } from './policies/local-ratelimit.js';
import type { MysqlProxy } from './policies/mysql-proxy.js';
import type { NetworkRbac } from './policies/network-rbac.js';
import type { SidecarConfig } from './types.js';

export type { AccessLog, DownstreamTls };
export type NetworkFilter = NetworkRbac | MysqlProxy;
export type HttpFilter = HeaderToMetadata | LocalRatelimit | IpTagging | HttpRbac;

interface Common {
  /** Stable id, as the paper's: `http-mix-2`. */
  id: string;
  /** As the paper's figures print it: `HTTP Mix 2`. */
  label: string;
  /** Self-signed certificate, made by set-up. */
  tls?: DownstreamTls;
  /** What Envoy buffers of a connection before it stops reading, bytes; its default, 1 MiB, when left out. */
  bufferLimitBytes?: number;
  /** Ids of the single policies this one is exactly composed of; absent on a single policy. */
  composedOf?: string[];
}

export interface TcpPolicy extends Common {
  frame: 'tcp';
  filters: NetworkFilter[];
}

export interface HttpPolicy extends Common {
  frame: 'http';
  /** Network filters run before the connection manager, HTTP filters before the router, each in this order. */
  filters: (NetworkFilter | HttpFilter)[];
  /** Access log to standard output. */
  accessLog?: AccessLog;
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

/**
 * The policy that has every filter and option of its parts, filters in the parts' order; HTTP as soon as one part is.
 * The same part twice is allowed and runs twice.
 *
 * @example compose('my-mix', 'My Mix', [policyById('ratelimit'), policyById('ip-tag-5'), policyById('tls')])
 * @throws Error when there is no part, or two parts want different TLS or access logs.
 */
export function compose(id: string, label: string, parts: Policy[]): Policy {
  if (parts.length === 0) throw new Error(`policy ${id} has no parts; give at least one, e.g. [policyById('http')]`);
  const tls = agreed(id, 'tls', parts.map((part) => part.tls));
  const composedOf = parts.flatMap((part) => part.composedOf ?? [part.id]);
  const common = { id, label, composedOf, ...(tls && { tls }) };
  const http = parts.filter((part): part is HttpPolicy => part.frame === 'http');
  if (http.length === 0) return { ...common, frame: 'tcp', filters: (parts as TcpPolicy[]).flatMap((part) => part.filters) };
  const accessLog = agreed(id, 'access log', http.map((part) => part.accessLog));
  return {
    ...common,
    frame: 'http',
    filters: parts.flatMap((part): HttpPolicy['filters'] => part.filters),
    ...(accessLog && { accessLog }),
    ...anyOf(http, ['requestId', 'dynamicStats', 'httpInspector', 'subsetLoadBalancing']),
  };
}

/** The one value that the parts which have one agree on. */
function agreed<T>(id: string, what: string, values: (T | undefined)[]): T | undefined {
  const given = values.filter((value) => value !== undefined);
  const different = new Set(given.map((value) => JSON.stringify(value)));
  if (different.size > 1) throw new Error(`policy ${id}: its parts want different ${what}: ${[...different].join(' and ')}; keep one`);
  return given[0];
}

type Option = 'requestId' | 'dynamicStats' | 'httpInspector' | 'subsetLoadBalancing';

function anyOf(parts: HttpPolicy[], options: Option[]): Partial<Record<Option, true>> {
  const wanted = options.filter((option) => parts.some((part) => part[option]));
  return Object.fromEntries(wanted.map((option) => [option, true]));
}

/** Whether the clients of a configuration speak MySQL: it is of no use before another backend than a database. */
export function speaksMysql(config: SidecarConfig): boolean {
  return config.frame !== 'user' && config.filters.some((filter) => filter.kind === 'mysql');
}
