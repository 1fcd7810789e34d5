/** TLS on the client's side of the sidecar. */
import { extension, type Extension } from './typed-config.js';

export interface DownstreamTls {
  /** The only version offered; Envoy's default range when left out. */
  version?: 'TLSv1_2' | 'TLSv1_3';
  /** Cipher suites of TLS 1.2 (those of 1.3 are fixed), e.g. `ECDHE-RSA-AES128-GCM-SHA256`; Envoy's default when left out. */
  cipherSuites?: string[];
}

/** Files in PEM. */
export interface Certificate {
  cert: string;
  key: string;
}

export function renderDownstreamTls(tls: DownstreamTls, certificate: Certificate): Extension {
  const params = {
    ...(tls.version && { tls_minimum_protocol_version: tls.version, tls_maximum_protocol_version: tls.version }),
    ...(tls.cipherSuites && { cipher_suites: tls.cipherSuites }),
  };
  const files = { certificate_chain: { filename: certificate.cert }, private_key: { filename: certificate.key } };
  return extension('envoy.transport_sockets.tls', 'transport_sockets.tls.v3.DownstreamTlsContext', {
    common_tls_context: {
      ...(Object.keys(params).length > 0 && { tls_params: params }),
      tls_certificates: [files],
    },
  });
}
