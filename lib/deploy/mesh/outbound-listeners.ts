/**
 * What leaves a pod: every connection is redirected to one listener, which hands it to the listener of the address that the
 * application meant, or lets it pass to there (istio/istio@1.20.3:pilot/pkg/networking/core/v1alpha3/listener.go).
 */
import { socketAddress } from '../socket-address.js';
import { blackHole, passthrough } from './clusters.js';
import { renderConnectionManager } from './connection-manager.js';
import { ports } from './interception.js';
import { renderListenerAccessLog } from './istio-access-log.js';
import { outboundName, type Mesh, type MeshService } from './mesh.js';
import type { PodIdentity } from './peer-metadata.js';
import { profiles } from './profiles.js';
import { renderOutboundRoutes } from './routes.js';
import { inspection, inspectors, plainHttp, tcpFilters } from './tcp-chain.js';

export function renderOutboundListeners(mesh: Mesh, pod: PodIdentity): object[] {
  const http = mesh.services.filter(({ kind }) => kind === 'http' || kind === 'http2');
  const httpPorts = [...new Set(http.map(({ port }) => port))];
  return [
    virtualOutbound(mesh),
    ...httpPorts.map((port) => wildcardListener(mesh, pod, port, http.filter((service) => service.port === port))),
    ...mesh.services.filter(({ kind }) => kind === 'sniffed').map((service) => sniffingListener(mesh, pod, service)),
    ...mesh.services.filter(({ kind }) => kind === 'tcp').map((service) => tcpListener(mesh, service)),
  ];
}

function virtualOutbound(mesh: Mesh): object {
  return {
    name: 'virtualOutbound',
    address: socketAddress({ host: '0.0.0.0', port: ports.outbound }),
    filter_chains: [
      // Nobody means this port itself: such a connection would come back for ever.
      { filter_chain_match: { destination_port: ports.outbound }, filters: tcpFilters(mesh, blackHole), name: 'virtualOutbound-blackhole' },
      { filters: tcpFilters(mesh, passthrough), name: 'virtualOutbound-catchall-tcp' },
    ],
    use_original_dst: true,
    traffic_direction: 'OUTBOUND',
    ...listenerLog(mesh),
  };
}

/** All HTTP services of a port: which one is meant is read from the request. */
function wildcardListener(mesh: Mesh, pod: PodIdentity, port: number, services: MeshService[]): object {
  const statPrefix = `outbound_0.0.0.0_${port}`;
  return {
    ...httpListener(mesh, '0.0.0.0', port, renderConnectionManager({ direction: 'outbound', mesh, pod, statPrefix, routes: renderOutboundRoutes(String(port), services) })),
    default_filter_chain: { filter_chain_match: {}, filters: tcpFilters(mesh, passthrough), name: 'PassthroughFilterChain' },
  };
}

/** A service of whose port nothing is known: HTTP where a connection begins so, bytes otherwise. */
function sniffingListener(mesh: Mesh, pod: PodIdentity, service: MeshService): object {
  const { host, port, virtualAddress } = service;
  const statPrefix = `outbound_${virtualAddress}_${port}`;
  const routes = renderOutboundRoutes(`${host}:${port}`, [service]);
  return {
    ...httpListener(mesh, virtualAddress, port, renderConnectionManager({ direction: 'outbound', mesh, pod, statPrefix, routes })),
    default_filter_chain: { filters: tcpFilters(mesh, outboundName(service)) },
  };
}

function httpListener(mesh: Mesh, address: string, port: number, manager: object): object {
  return {
    ...serviceListener(mesh, address, port),
    filter_chains: [{ filter_chain_match: plainHttp, filters: [manager] }],
    listener_filters: [inspectors.tls, inspectors.http],
  };
}

function tcpListener(mesh: Mesh, service: MeshService): object {
  return {
    ...serviceListener(mesh, service.virtualAddress, service.port),
    filter_chains: [{ filters: tcpFilters(mesh, outboundName(service)) }],
  };
}

/** Only ever reached through `virtualOutbound`, hence bound to nothing. */
function serviceListener(mesh: Mesh, address: string, port: number): object {
  return {
    name: `${address}_${port}`,
    address: socketAddress({ host: address, port }),
    ...inspection,
    traffic_direction: 'OUTBOUND',
    bind_to_port: false,
    ...listenerLog(mesh),
  };
}

function listenerLog({ profile }: Mesh): object {
  return profiles[profile].accessLog ? { access_log: [renderListenerAccessLog()] } : {};
}
