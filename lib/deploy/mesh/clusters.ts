/** The clusters of a sidecar: every service of the mesh, its own application, and whatever is addressed past both. */
import { extension } from '../policies/typed-config.js';
import { socketAddress } from '../socket-address.js';
import { inboundName, outboundName, type Mesh, type MeshService } from './mesh.js';
import { renderOutboundTls, type WorkloadCertificate } from './mutual-tls.js';
import { collectorName, kubernetesNamespace } from './names.js';

export const blackHole = 'BlackHoleCluster';
export const passthrough = 'PassthroughCluster';
export const inboundPassthrough = 'InboundPassthroughClusterIpv4';
const collector = 'zipkin';
const collectorPort = 9411;

export { collector as collectorCluster, collectorPort };

/** In Istio's order. */
export function renderClusters(mesh: Mesh, own: MeshService, certificate?: WorkloadCertificate): object[] {
  return [
    collectorCluster(),
    { name: blackHole, type: 'STATIC', connect_timeout: connectTimeout },
    { ...originalDestination(inboundPassthrough), ...fromProxy, ...protocolOptions({ common_http_protocol_options: { idle_timeout: '300s' }, ...asDownstream }) },
    { ...originalDestination(passthrough), ...protocolOptions({ common_http_protocol_options: { idle_timeout: '300s' }, ...asDownstream }) },
    { ...originalDestination(inboundName(own)), ...fromProxy, ...serviceMetadata(own), common_lb_config: {}, ...protocolOf(own) },
    ...mesh.services.map((service) => outboundCluster(service, certificate)),
  ];
}

const connectTimeout = '10s';
const unlimited = 4294967295;
const circuitBreakers = {
  thresholds: [{ max_connections: unlimited, max_pending_requests: unlimited, max_requests: unlimited, max_retries: unlimited, track_remaining: true }],
};

/** By this source address the application's namespace knows what the sidecar has let in already. */
const fromProxy = { upstream_bind_config: { source_address: { address: '127.0.0.6', port_value: 0 } } };

function originalDestination(name: string): object {
  return { name, type: 'ORIGINAL_DST', connect_timeout: connectTimeout, lb_policy: 'CLUSTER_PROVIDED', circuit_breakers: circuitBreakers };
}

/** Istio gets endpoints from its control plane (EDS); here there is one pod to a service, known beforehand. */
function outboundCluster(service: MeshService, certificate?: WorkloadCertificate): object {
  const name = outboundName(service);
  const endpoint = {
    endpoint: { address: socketAddress({ host: service.podAddress, port: service.targetPort }) },
    metadata: {
      filter_metadata: {
        ...(certificate && { 'envoy.transport_socket_match': { tlsMode: 'istio' } }),
        istio: { workload: `${service.name};${kubernetesNamespace};${service.name};;Kubernetes` },
      },
    },
    load_balancing_weight: 1,
  };
  return {
    name,
    type: 'STATIC',
    connect_timeout: connectTimeout,
    lb_policy: 'LEAST_REQUEST',
    circuit_breakers: circuitBreakers,
    ...serviceMetadata(service),
    common_lb_config: { locality_weighted_lb_config: {} },
    load_assignment: { cluster_name: name, endpoints: [{ locality: {}, lb_endpoints: [endpoint], load_balancing_weight: 1 }] },
    ...protocolOf(service),
    ...(certificate && renderOutboundTls(service, certificate)),
  };
}

/**
 * Where sampled spans go. Neither profile installs a collector: Istio builds sampled spans and then loses them. Here there is
 * one unless it is left out, so that spans are really sent and can be counted.
 */
function collectorCluster(): object {
  const endpoint = { endpoint: { address: socketAddress({ host: collectorName, port: collectorPort }) } };
  return {
    name: collector, type: 'STRICT_DNS', connect_timeout: '1s', dns_refresh_rate: '30s', dns_lookup_family: 'V4_ONLY',
    load_assignment: { cluster_name: collector, endpoints: [{ lb_endpoints: [endpoint] }] },
    respect_dns_ttl: true,
  };
}

function serviceMetadata({ name, host }: MeshService): object {
  return { metadata: { filter_metadata: { istio: { services: [{ namespace: kubernetesNamespace, name, host }] } } } };
}

/** HTTP/1.1 is what Envoy speaks unless told otherwise. */
function protocolOf({ kind }: MeshService): object {
  if (kind === 'http2') return protocolOptions({ explicit_http_config: { http2_protocol_options: {} } });
  return kind === 'sniffed' ? protocolOptions(asDownstream) : {};
}

const asDownstream = { use_downstream_protocol_config: { http_protocol_options: {}, http2_protocol_options: {} } };

function protocolOptions(options: Record<string, unknown>): object {
  const { name, typed_config } = extension('envoy.extensions.upstreams.http.v3.HttpProtocolOptions', 'upstreams.http.v3.HttpProtocolOptions', options);
  return { typed_extension_protocol_options: { [name]: typed_config } };
}
