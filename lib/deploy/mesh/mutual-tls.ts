/** TLS between sidecars, both sides with a certificate of their workload: Istio's auto mTLS, whose callees still take plaintext (PERMISSIVE). */
import { extension, type Extension } from '../policies/typed-config.js';
import { kubernetesNamespace } from './names.js';
import type { MeshService } from './mesh.js';

/** Files in PEM. */
export interface WorkloadCertificate {
  cert: string;
  key: string;
  /** Of the mesh's certificate authority. */
  ca: string;
}

/** As which a workload is known to others. */
export function spiffeId(service: string): string {
  return `spiffe://cluster.local/ns/${kubernetesNamespace}/sa/${service}`;
}

const versions = { tls_minimum_protocol_version: 'TLSv1_2', tls_maximum_protocol_version: 'TLSv1_3' };
/** Of TLS 1.2; those of 1.3 are fixed. */
const cipherSuites = [
  'ECDHE-ECDSA-AES256-GCM-SHA384', 'ECDHE-RSA-AES256-GCM-SHA384', 'ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-RSA-AES128-GCM-SHA256',
  'AES256-GCM-SHA384', 'AES128-GCM-SHA256',
];

/** Protocols (ALPN) by which callees know a connection for one between sidecars. */
export const meshProtocols = { http: ['istio-http/1.0', 'istio-http/1.1', 'istio-h2'], tcp: ['istio-peer-exchange', 'istio'] };

/** The callee's side. */
export function renderInboundTls(certificate: WorkloadCertificate): Extension {
  return extension('envoy.transport_sockets.tls', 'transport_sockets.tls.v3.DownstreamTlsContext', {
    common_tls_context: {
      tls_params: { ...versions, cipher_suites: cipherSuites },
      alpn_protocols: ['h2', 'http/1.1'],
      ...identity(certificate, [{ prefix: 'spiffe://cluster.local/' }]),
    },
    require_client_certificate: true,
  });
}

/**
 * The caller's side, of a cluster: TLS to endpoints whose pod has a sidecar. Istio's filter istio.alpn says for each request
 * which HTTP follows; here the cluster says so, which always speaks one. One that is sniffed speaks any, and says TCP.
 */
export function renderOutboundTls(to: MeshService, certificate: WorkloadCertificate): object {
  const alpn = { http: ['istio-http/1.1', 'istio', 'http/1.1'], http2: ['istio-h2', 'istio', 'h2'], tcp: ['istio'], sniffed: ['istio'] }[to.kind];
  const tls = extension('envoy.transport_sockets.tls', 'transport_sockets.tls.v3.UpstreamTlsContext', {
    common_tls_context: { tls_params: versions, alpn_protocols: alpn, ...identity(certificate, [{ exact: spiffeId(to.name) }]) },
    sni: `outbound_.${to.port}_._.${to.host}`,
  });
  return {
    transport_socket_matches: [
      { name: 'tlsMode-istio', match: { tlsMode: 'istio' }, transport_socket: tls },
      {
        name: 'tlsMode-disabled', match: {},
        transport_socket: extension('envoy.transport_sockets.raw_buffer', 'transport_sockets.raw_buffer.v3.RawBuffer'),
      },
    ],
  };
}

function identity({ cert, key, ca }: WorkloadCertificate, names: Record<string, string>[]): object {
  return {
    tls_certificates: [{ certificate_chain: { filename: cert }, private_key: { filename: key } }],
    validation_context: {
      trusted_ca: { filename: ca },
      match_typed_subject_alt_names: names.map((matcher) => ({ san_type: 'URI', matcher })),
    },
  };
}
