/** From a policy, which is data, to the envoy.yaml that Envoy runs and to the normalised text that identifies a run. */
import { parse, stringify } from 'yaml';
import { renderAccessLog } from './policies/access-log.js';
import { renderDownstreamTls, type Certificate } from './policies/downstream-tls.js';
import { renderHeaderToMetadata, subsetLoadBalancing } from './policies/header-to-metadata.js';
import { renderHttpRbac } from './policies/http-rbac.js';
import { renderIpTagging } from './policies/ip-tagging.js';
import { renderLocalRatelimit } from './policies/local-ratelimit.js';
import { mysqlModule } from './mysql-module.js';
import { renderMysqlProxy, type MysqlModule } from './policies/mysql-proxy.js';
import { renderNetworkRbac } from './policies/network-rbac.js';
import { extension, type Extension } from './policies/typed-config.js';
import type { HttpFilter, HttpPolicy, NetworkFilter, Policy } from './policy.js';
import { socketAddress } from './socket-address.js';
import type { Address, SidecarConfig } from './types.js';
import { rebind } from './user-config.js';

/** What a configuration is connected to. Port 0 lets the kernel choose. */
export interface Wiring {
  listener: Address;
  admin: Address;
  upstream: Address;
  /** Shown to clients by policies with TLS. */
  certificate: Certificate;
  /** Loaded by the SQL policy in an Envoy without mysql_proxy. */
  mysqlModule?: MysqlModule;
}

/** A configuration ready to run. */
export interface Rendered {
  yaml: string;
  /** Name of the listener clients use. */
  listener: string;
  /** Whether it speaks TLS. */
  tls: boolean;
}

/** Renders a policy, or rebinds a configuration of the user's own. */
export function render(config: SidecarConfig, wiring: Wiring): Rendered {
  if (config.frame === 'user') return rebind(config, wiring);
  return { yaml: renderPolicy(config, wiring), listener: listenerName, tls: config.tls !== undefined };
}

const listenerName = 'sidecar';
const clusterName = 'backend';

/** The envoy.yaml of a policy: one listener, one static cluster, the paper's common frame (its section 4). */
export function renderPolicy(policy: Policy, wiring: Wiring): string {
  const bootstrap = {
    admin: { address: socketAddress(wiring.admin) },
    static_resources: {
      listeners: [listener(policy, wiring)],
      clusters: [cluster(policy, wiring.upstream)],
    },
  };
  return stringify(bootstrap, stringifyOptions);
}

const stringifyOptions = { aliasDuplicateObjects: false, lineWidth: 0 };

function listener(policy: Policy, wiring: Wiring): object {
  const all: (NetworkFilter | HttpFilter)[] = policy.filters;
  const before = all.filter(isNetworkFilter).map((filter) => renderNetworkFilter(filter, wiring));
  const filters = [...before, terminal(policy)];
  const inspect = policy.frame === 'http' && policy.httpInspector;
  return {
    name: listenerName,
    address: socketAddress(wiring.listener),
    ...bufferLimit(policy),
    ...(inspect && {
      listener_filters: [extension('envoy.filters.listener.http_inspector', 'filters.listener.http_inspector.v3.HttpInspector')],
    }),
    filter_chains: [
      { filters, ...(policy.tls && { transport_socket: renderDownstreamTls(policy.tls, wiring.certificate) }) },
    ],
  };
}

function bufferLimit({ bufferLimitBytes }: Policy): object {
  return bufferLimitBytes === undefined ? {} : { per_connection_buffer_limit_bytes: bufferLimitBytes };
}

function terminal(policy: Policy): Extension {
  return policy.frame === 'tcp' ? tcpProxy() : connectionManager(policy);
}

function tcpProxy(): Extension {
  return extension('envoy.filters.network.tcp_proxy', 'filters.network.tcp_proxy.v3.TcpProxy', {
    stat_prefix: 'tcp',
    cluster: clusterName,
  });
}

function connectionManager(policy: HttpPolicy): Extension {
  const router = extension('envoy.filters.http.router', 'filters.http.router.v3.Router', {
    dynamic_stats: policy.dynamicStats ?? false,
  });
  return extension(
    'envoy.filters.network.http_connection_manager',
    'filters.network.http_connection_manager.v3.HttpConnectionManager',
    {
      stat_prefix: 'http',
      generate_request_id: policy.requestId ?? false,
      ...(policy.accessLog && { access_log: [renderAccessLog(policy.accessLog)] }),
      http_filters: [...policy.filters.filter(isHttpFilter).map(renderHttpFilter), router],
      route_config: {
        name: 'route',
        virtual_hosts: [
          { name: 'all', domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster: clusterName } }] },
        ],
      },
    },
  );
}

function renderNetworkFilter(filter: NetworkFilter, wiring: Wiring): Extension {
  return filter.kind === 'mysql' ? renderMysqlProxy(filter, wiring.mysqlModule) : renderNetworkRbac(filter);
}

function renderHttpFilter(filter: HttpFilter): Extension {
  switch (filter.kind) {
    case 'header-to-metadata': return renderHeaderToMetadata(filter);
    case 'local-ratelimit': return renderLocalRatelimit(filter);
    case 'ip-tagging': return renderIpTagging(filter);
    case 'rbac-http': return renderHttpRbac(filter);
  }
}

function isNetworkFilter(filter: NetworkFilter | HttpFilter): filter is NetworkFilter {
  return filter.kind === 'rbac-network' || filter.kind === 'mysql';
}

function isHttpFilter(filter: NetworkFilter | HttpFilter): filter is HttpFilter {
  return !isNetworkFilter(filter);
}

function cluster(policy: Policy, upstream: Address): object {
  const subsets = policy.frame === 'http' && policy.subsetLoadBalancing;
  // As the paper's: no circuit breaker may be what limits a measurement.
  const outOfTheWay = { max_connections: 1e9, max_pending_requests: 1e9, max_requests: 1e9, max_retries: 1e9 };
  return {
    name: clusterName,
    type: 'STATIC',
    connect_timeout: '0.25s',
    ...bufferLimit(policy),
    ...(subsets && { lb_subset_config: subsetLoadBalancing }),
    load_assignment: {
      cluster_name: clusterName,
      endpoints: [{ lb_endpoints: [{ endpoint: { address: socketAddress(upstream) } }] }],
    },
    circuit_breakers: {
      thresholds: [{ priority: 'DEFAULT', ...outOfTheWay }, { priority: 'HIGH', ...outOfTheWay }],
    },
  };
}

/** The module, for the one policy that loads it. */
export function mysqlModuleFor(config: SidecarConfig): MysqlModule | undefined {
  const loads = config.frame !== 'user' && config.filters.some((filter) => filter.kind === 'mysql' && filter.by === 'module');
  return loads ? mysqlModule() : undefined;
}

/** The normalised envoy.yaml of a configuration, without starting anything: what a run key is made of. */
export function normalisedYaml(config: SidecarConfig): string {
  const anywhere: Address = { host: '127.0.0.1', port: 0 };
  const certificate = { cert: 'cert.pem', key: 'key.pem' };
  const wiring = { listener: anywhere, admin: anywhere, upstream: anywhere, certificate, mysqlModule: mysqlModuleFor(config) };
  return normalise(render(config, wiring).yaml);
}

/**
 * An envoy.yaml with its ports and file paths replaced by `PORT` and `PATH` and its layout made uniform, so that
 * the same configuration gives the same text in every run, clone and machine.
 */
export function normalise(yaml: string): string {
  return stringify(withoutPlaces(parse(yaml, { intAsBigInt: true }), ''), stringifyOptions);
}

/** Fields of Envoy's API that hold a file path wherever they appear; `path` itself is mostly a URL's. */
const pathFields = new Set(['filename', 'access_log_path', 'profile_path', 'socket_path', 'bind_mount_path']);
const portFields = new Set(['port_value', 'named_port']);

function withoutPlaces(node: unknown, field: string): unknown {
  if (Array.isArray(node)) return node.map((child) => withoutPlaces(child, field));
  if (node === null || typeof node !== 'object') return node;
  const holdsPath = ['pipe', 'watched_directory'].includes(field) || /FileAccessLog$/.test(String((node as Record<string, unknown>)['@type']));
  return Object.fromEntries(Object.entries(node).map(([key, child]) => {
    if (portFields.has(key)) return [key, 'PORT'];
    if (typeof child === 'string' && (pathFields.has(key) || (key === 'path' && holdsPath))) return [key, 'PATH'];
    return [key, withoutPlaces(child, key)];
  }));
}
