/** What a sidecar does with connections that it does not read: it passes their bytes on. */
import { extension, type Extension } from '../policies/typed-config.js';
import { renderIstioAccessLog } from './istio-access-log.js';
import type { Mesh } from './mesh.js';
import { profiles } from './profiles.js';

/** The filters of such a chain. @param statPrefix the cluster's name when left out. */
export function tcpFilters({ profile }: Mesh, cluster: string, statPrefix = cluster): Extension[] {
  return [extension('envoy.filters.network.tcp_proxy', 'filters.network.tcp_proxy.v3.TcpProxy', {
    stat_prefix: statPrefix, cluster, ...(profiles[profile].accessLog && { access_log: [renderIstioAccessLog()] }),
  })];
}

/** Envoy's listener filters that find out what a connection is before a chain is chosen. */
export const inspectors = {
  originalDestination: extension('envoy.filters.listener.original_dst', 'filters.listener.original_dst.v3.OriginalDst'),
  tls: extension('envoy.filters.listener.tls_inspector', 'filters.listener.tls_inspector.v3.TlsInspector'),
  http: extension('envoy.filters.listener.http_inspector', 'filters.listener.http_inspector.v3.HttpInspector'),
};

/** Istio waits for what a connection says first as long as it takes, and goes on without should it say nothing. */
export const inspection = { listener_filters_timeout: '0s', continue_on_listener_filters_timeout: true };

/** A connection in plaintext whose first bytes are a request of HTTP. */
export const plainHttp = { transport_protocol: 'raw_buffer', application_protocols: ['http/1.1', 'h2c'] };
