/**
 * A pod's envoy.yaml, as Istio's profile of the mesh would configure its sidecar. Written at once into one file: there is no
 * control plane. How it compares with what a real one sends is held in dump-comparison.ts.
 */
import { stringify } from 'yaml';
import { extension } from '../policies/typed-config.js';
import { socketAddress } from '../socket-address.js';
import { collectorCluster, renderClusters } from './clusters.js';
import { renderInboundListener } from './inbound-listener.js';
import { ports } from './interception.js';
import type { Mesh } from './mesh.js';
import type { WorkloadCertificate } from './mutual-tls.js';
import { kubernetesNamespace } from './names.js';
import { renderOutboundListeners } from './outbound-listeners.js';
import { nodeId } from './peer-metadata.js';
import { statsConfig } from './stats-config.js';

export interface SidecarConfiguration {
  /** The inbound listener is the last. */
  static_resources: { listeners: object[]; clusters: object[] };
  [field: string]: unknown;
}

/**
 * The configuration as an object.
 * @param service whose pod it is.
 * @param certificate of the workload; needed where the mesh has mutual TLS, and unused elsewhere.
 * @throws Error when the mesh has no such service, or has mutual TLS and no certificate is given.
 */
export function sidecarConfig(mesh: Mesh, service: string, certificate?: WorkloadCertificate): SidecarConfiguration {
  const own = mesh.services.find(({ name }) => name === service);
  if (!own) throw new Error(`the mesh has no service '${service}'; it has ${mesh.services.map(({ name }) => name).join(', ')}`);
  if (mesh.mtls && !certificate) throw new Error(`the sidecar of ${service} needs a certificate for mutual TLS; give it one (workloadCertificates())`);
  const identity = mesh.mtls ? certificate : undefined;
  const pod = { service, address: own.podAddress };
  return {
    node: { id: nodeId(pod), cluster: `${service}.${kubernetesNamespace}` },
    static_resources: {
      listeners: [...renderOutboundListeners(mesh, pod), renderInboundListener(mesh, own, identity)],
      clusters: renderClusters(mesh, own, identity),
    },
    tracing: {
      http: {
        name: 'envoy.tracers.zipkin',
        typed_config: {
          '@type': 'type.googleapis.com/envoy.config.trace.v3.ZipkinConfig',
          collector_cluster: collectorCluster, collector_endpoint: '/api/v2/spans', collector_endpoint_version: 'HTTP_JSON',
          trace_id_128bit: true, shared_span_context: false,
        },
      },
    },
    // Istio's listens on the pod's loopback alone; ours is read from outside the pod.
    admin: { address: socketAddress({ host: '0.0.0.0', port: ports.admin }) },
    stats_config: statsConfig,
    layered_runtime: {
      layers: [
        { name: 'global config', static_layer: { 'overload.global_downstream_max_connections': '2147483647', 're2.max_program_size.error_level': '32768', 'envoy.reloadable_features.http_reject_path_with_fragment': false } },
        { name: 'admin', admin_layer: {} },
      ],
    },
    bootstrap_extensions: [extension('envoy.bootstrap.internal_listener', 'bootstrap.internal_listener.v3.InternalListener', { buffer_size_kb: 64 })],
  };
}

/** The same as text, for Envoy. */
export function renderSidecar(mesh: Mesh, service: string, certificate?: WorkloadCertificate): string {
  return stringify(sidecarConfig(mesh, service, certificate), { aliasDuplicateObjects: false, lineWidth: 0 });
}
