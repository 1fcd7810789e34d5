/**
 * What enters a pod: one listener to which every connection is redirected, with chains for the port that its application
 * listens on and for all others (istio/istio@1.20.3:pilot/pkg/networking/core/v1alpha3/listener_inbound.go). With mutual TLS
 * each chain stands there twice, for TLS and for plaintext; without, Istio leaves out whatever is about TLS.
 */
import type { Extension } from '../policies/typed-config.js';
import { socketAddress } from '../socket-address.js';
import { blackHole, inboundPassthrough } from './clusters.js';
import { renderConnectionManager } from './connection-manager.js';
import { ports } from './interception.js';
import { renderListenerAccessLog } from './istio-access-log.js';
import { inboundName, type Mesh, type MeshService, type PortKind } from './mesh.js';
import { meshProtocols, renderInboundTls, type WorkloadCertificate } from './mutual-tls.js';
import { profiles } from './profiles.js';
import { renderInboundRoutes } from './routes.js';
import { inspection, inspectors, plainHttp, tcpFilters } from './tcp-chain.js';

export function renderInboundListener(mesh: Mesh, own: MeshService, certificate?: WorkloadCertificate): object {
  const itself = ports.inbound;
  return {
    name: 'virtualInbound',
    address: socketAddress({ host: '0.0.0.0', port: itself }),
    filter_chains: [
      { filter_chain_match: { destination_port: itself }, filters: tcpFilters(mesh, blackHole), name: 'virtualInbound-blackhole' },
      ...chains(passthroughSide(mesh, own), certificate),
      ...chains(ownSide(mesh, own), certificate),
    ],
    listener_filters: [
      inspectors.originalDestination,
      ...(certificate ? [{ ...inspectors.tls, filter_disabled: portRange(itself) }] : []),
      // HTTP is looked for only where the port does not say what it is.
      { ...inspectors.http, filter_disabled: own.kind === 'sniffed' ? portRange(itself) : { or_match: { rules: [portRange(own.targetPort), portRange(itself)] } } },
    ],
    ...inspection,
    traffic_direction: 'INBOUND',
    ...(profiles[mesh.profile].accessLog && { access_log: [renderListenerAccessLog()] }),
  };
}

function portRange(port: number): object {
  return { destination_port_range: { start: port, end: port + 1 } };
}

/** What chains for one destination have in common. */
interface Side {
  kind: PortKind;
  match: object;
  http: Extension[];
  tcp: Extension[];
  names: { http: string; tcp: string };
}

function ownSide(mesh: Mesh, own: MeshService): Side {
  const { host, port, targetPort, kind } = own;
  const name = `0.0.0.0_${targetPort}`;
  return {
    kind,
    match: { destination_port: targetPort },
    http: [manager(mesh, own, `inbound_${name}`, renderInboundRoutes(inboundName(own), port, `${host}:${port}/*`))],
    tcp: tcpFilters(mesh, inboundName(own)),
    names: { http: name, tcp: name },
  };
}

/** Ports that no Service names. */
function passthroughSide(mesh: Mesh, own: MeshService): Side {
  return {
    kind: 'sniffed',
    match: { prefix_ranges: [{ address_prefix: '0.0.0.0', prefix_len: 0 }] },
    http: [manager(mesh, own, inboundPassthrough, renderInboundRoutes(inboundPassthrough, 0, ':0/*'))],
    tcp: tcpFilters(mesh, inboundPassthrough),
    names: { http: 'virtualInbound-catchall-http', tcp: 'virtualInbound' },
  };
}

function manager(mesh: Mesh, { name, podAddress }: MeshService, statPrefix: string, routes: object): Extension {
  return renderConnectionManager({ direction: 'inbound', mesh, pod: { service: name, address: podAddress }, statPrefix, routes });
}

function chains(side: Side, certificate?: WorkloadCertificate): object[] {
  const chain = (match: object, filters: Extension[], name: string, tls?: Extension) => ({
    filter_chain_match: { ...side.match, ...match }, filters, ...(tls && { transport_socket: tls }), name,
  });
  const tls = certificate && renderInboundTls(certificate);
  const overTls = (application_protocols: string[]) => ({ transport_protocol: 'tls', application_protocols });
  const plain = { transport_protocol: 'raw_buffer' };
  if (side.kind === 'http' || side.kind === 'http2') {
    const all = ['istio', 'istio-peer-exchange', ...meshProtocols.http];
    return [...(tls ? [chain(overTls(all), side.http, side.names.http, tls)] : []), chain(plain, side.http, side.names.http)];
  }
  const http = side.kind === 'sniffed'
    ? [...(tls ? [chain(overTls(meshProtocols.http), side.http, side.names.http, tls)] : []), chain(plainHttp, side.http, side.names.http)]
    : [];
  const tcpOverTls = tls ? [chain(overTls(meshProtocols.tcp), side.tcp, side.names.tcp, tls)] : [];
  // TLS that is the application's own passes as it is.
  const foreignTls = tls ? [chain({ transport_protocol: 'tls' }, side.tcp, side.names.tcp)] : [];
  return [...http, ...tcpOverTls, chain(plain, side.tcp, side.names.tcp), ...foreignTls];
}
