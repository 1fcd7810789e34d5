/** Routes of a sidecar, as Istio's (istio/istio@1.20.3:pilot/pkg/networking/core/v1alpha3/{httproute.go,route/}). */
import { passthrough } from './clusters.js';
import { outboundName, type MeshService } from './mesh.js';
import { kubernetesNamespace } from './names.js';

/** What a route of Istio retries, and on another host than before. */
const retryPolicy = {
  retry_on: 'connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes',
  num_retries: 2,
  retry_host_predicate: [{
    name: 'envoy.retry_host_predicates.previous_hosts',
    typed_config: { '@type': 'type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate' },
  }],
  host_selection_retry_max_attempts: 5,
  retriable_status_codes: [503],
};

/**
 * Routes of requests that leave a pod, by the host they name.
 * @param name by which Istio asks for them: the port, or host and port of a service that is sniffed.
 * @param services those that listen there.
 */
export function renderOutboundRoutes(name: string, services: MeshService[]): object {
  return {
    name,
    virtual_hosts: [...services.map(virtualHost), allowAny],
    validate_clusters: false,
    max_direct_response_body_size_bytes: 1048576,
    ignore_port_in_host_matching: true,
  };
}

function virtualHost(service: MeshService): object {
  const { name, host, port, virtualAddress } = service;
  return {
    name: `${host}:${port}`,
    domains: [host, name, `${name}.${kubernetesNamespace}.svc`, `${name}.${kubernetesNamespace}`, virtualAddress],
    routes: [{
      match: { prefix: '/' },
      route: { cluster: outboundName(service), timeout: '0s', retry_policy: retryPolicy, max_grpc_timeout: '0s' },
      decorator: { operation: `${host}:${port}/*` },
      name: 'default',
    }],
    include_request_attempt_count: true,
  };
}

/** Any other host is let through to where the request was going. */
const allowAny = {
  name: 'allow_any',
  domains: ['*'],
  routes: [{ match: { prefix: '/' }, route: { cluster: passthrough, timeout: '0s', max_grpc_timeout: '0s' }, name: 'allow_any' }],
  include_request_attempt_count: true,
};

/**
 * The one route of requests that enter a pod.
 * @param operation what spans of it are called, e.g. `details.default.svc.cluster.local:9080/*`.
 */
export function renderInboundRoutes(cluster: string, port: number, operation: string): object {
  return {
    name: cluster,
    virtual_hosts: [{
      name: `inbound|http|${port}`,
      domains: ['*'],
      routes: [{
        match: { prefix: '/' },
        route: { cluster, timeout: '0s', max_stream_duration: { max_stream_duration: '0s', grpc_timeout_header_max: '0s' } },
        decorator: { operation },
        name: 'default',
      }],
    }],
    validate_clusters: false,
  };
}
