/** The HTTP connection manager of a sidecar with its filters, as Istio configures it (istio/istio@1.20.3:pilot/pkg/networking/core/v1alpha3/listener_builder.go). */
import { renderHttpRbac } from '../policies/http-rbac.js';
import { extension, type Extension } from '../policies/typed-config.js';
import { renderIstioAccessLog } from './istio-access-log.js';
import { kubernetesNamespace } from './names.js';
import { renderInboundPeerMetadata, renderOutboundPeerMetadata, type PodIdentity } from './peer-metadata.js';
import { profiles } from './profiles.js';
import type { Mesh } from './mesh.js';

export interface ManagedSide {
  direction: 'inbound' | 'outbound';
  mesh: Mesh;
  pod: PodIdentity;
  statPrefix: string;
  /** A RouteConfiguration. */
  routes: object;
}

export function renderConnectionManager({ direction, mesh, pod, statPrefix, routes }: ManagedSide): Extension {
  const { sampledPercent, accessLog } = profiles[mesh.profile];
  return extension('envoy.filters.network.http_connection_manager', 'filters.network.http_connection_manager.v3.HttpConnectionManager', {
    stat_prefix: statPrefix,
    route_config: routes,
    http_filters: httpFilters(direction, mesh, pod),
    tracing: {
      client_sampling: { value: 100 }, random_sampling: { value: sampledPercent }, overall_sampling: { value: 100 },
      custom_tags: customTags(pod),
    },
    ...(accessLog && { access_log: [renderIstioAccessLog()] }),
    ...(direction === 'inbound' && {
      server_name: 'istio-envoy',
      forward_client_cert_details: 'APPEND_FORWARD',
      set_current_client_cert_details: { subject: true, dns: true, uri: true },
    }),
    use_remote_address: false,
    upgrade_configs: [{ upgrade_type: 'websocket' }],
    stream_idle_timeout: '0s',
    normalize_path: true,
    request_id_extension: {
      typed_config: { '@type': 'type.googleapis.com/envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig', use_request_id_for_trace_sampling: true },
    },
    path_with_escaped_slashes_action: 'KEEP_UNCHANGED',
  });
}

/**
 * In Istio's order. Stock Envoy lacks three of Istio's: metadata_exchange has a stand-in of the same header bytes;
 * alpn, outbound between grpc_stats and fault, does nothing without TLS, and with it the clusters say the protocol; stats, before
 * the router, has none but Envoy's own counters of requests (stats-config.ts), so that its histograms' cost is missing.
 */
function httpFilters(direction: ManagedSide['direction'], { rbac }: Mesh, pod: PodIdentity): Extension[] {
  return [
    ...(direction === 'inbound' ? renderInboundPeerMetadata(pod) : renderOutboundPeerMetadata(pod)),
    ...(rbac && direction === 'inbound' ? [renderHttpRbac({ kind: 'rbac-http', action: 'ALLOW', pathPrefix: '/' })] : []),
    extension('envoy.filters.http.grpc_stats', 'filters.http.grpc_stats.v3.FilterConfig', { emit_filter_state: true, stats_for_all_methods: false }),
    extension('envoy.filters.http.fault', 'filters.http.fault.v3.HTTPFault'),
    extension('envoy.filters.http.cors', 'filters.http.cors.v3.Cors'),
    extension('envoy.filters.http.router', 'filters.http.router.v3.Router'),
  ];
}

function customTags({ service }: PodIdentity): object[] {
  const dryRun = ['allow', 'deny'].flatMap((action) => [['name', 'effective_policy_id'], ['result', 'engine_result']].map(([what, key]) => ({
    tag: `istio.authorization.dry_run.${action}_policy.${what}`,
    metadata: { kind: { request: {} }, metadata_key: { key: 'envoy.filters.http.rbac', path: [{ key: `istio_dry_run_${action}_shadow_${key}` }] } },
  })));
  const literals = {
    'istio.canonical_revision': 'v1', 'istio.canonical_service': service, 'istio.mesh_id': 'cluster.local', 'istio.namespace': kubernetesNamespace,
  };
  return [...dryRun, ...Object.entries(literals).map(([tag, value]) => ({ tag, literal: { value } }))];
}
