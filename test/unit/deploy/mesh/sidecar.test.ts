import { describe, expect, test } from 'vitest';
import { graphById } from '../../../../lib/apps/graph-file.js';
import type { ApplicationSpec } from '../../../../lib/deploy/application.js';
import { layOut } from '../../../../lib/deploy/mesh/layout.js';
import { meshOf } from '../../../../lib/deploy/mesh/mesh.js';
import { nodeId, renderOutboundPeerMetadata } from '../../../../lib/deploy/mesh/peer-metadata.js';
import { sidecarConfig } from '../../../../lib/deploy/mesh/sidecar.js';

const certificate = { cert: 'cert.pem', key: 'key.pem', ca: 'ca.pem' };

/** Configurations are looked into by path. */
type Any = any;

function configOf(id: string, service: string, profile: 'default' | 'demo', more: Partial<ApplicationSpec> = {}): Any {
  const spec: ApplicationSpec = { graph: graphById(id), profile, nodes: 1, ...more };
  return sidecarConfig(meshOf(spec, profile, layOut(spec, '10.203')), service, certificate);
}

/** Every connection manager of a configuration, outbound ones first. */
function managersOf(config: Any, direction: 'INBOUND' | 'OUTBOUND'): Any[] {
  return config.static_resources.listeners.filter((listener: Any) => listener.traffic_direction === direction)
    .flatMap((listener: Any) => listener.filter_chains.flatMap((chain: Any) => chain.filters))
    .filter((filter: Any) => filter.name.endsWith('http_connection_manager')).map((filter: Any) => filter.typed_config);
}

const namesOf = (manager: Any) => manager.http_filters.map(({ name }: Any) => name.replace('envoy.filters.http.', ''));
const listenerOf = (config: Any, name: string) => config.static_resources.listeners.find((listener: Any) => listener.name === name);
const clusterOf = (config: Any, name: string) => config.static_resources.clusters.find((cluster: Any) => cluster.name === name);

describe.each(['default', 'demo'] as const)('the profile %s', (profile) => {
  const config = configOf('bookinfo', 'reviews', profile);

  test('has Istio’s HTTP filters in their order, stand-ins in the place of those that stock Envoy lacks', () => {
    expect(managersOf(config, 'OUTBOUND').map(namesOf)).toEqual([['header_mutation', 'grpc_stats', 'fault', 'cors', 'router']]);
    for (const names of managersOf(config, 'INBOUND').map(namesOf)) {
      expect(names).toEqual(['header_to_metadata', 'header_mutation', 'grpc_stats', 'fault', 'cors', 'router']);
    }
  });
  test('has RBAC in every inbound chain where it is asked for, and in none else', () => {
    const withRbac = configOf('bookinfo', 'reviews', profile, { rbac: true });
    expect(managersOf(withRbac, 'INBOUND').map((manager) => namesOf(manager).filter((name: string) => name === 'rbac').length)).toEqual([1, 1]);
    expect(managersOf(withRbac, 'OUTBOUND').flatMap(namesOf)).not.toContain('rbac');
  });
  test('traces one request of a hundred, or all of them with demo', () => {
    for (const manager of [...managersOf(config, 'OUTBOUND'), ...managersOf(config, 'INBOUND')]) {
      expect(manager.tracing.random_sampling).toEqual({ value: profile === 'demo' ? 100 : 1 });
    }
  });
  test('logs every request and connection with demo, nothing else', () => {
    const text = JSON.stringify(config);
    const logs = text.match(/envoy\.access_loggers\.file/g)?.length ?? 0;
    // Two HTTP chains in, one out; their four TCP chains in, three out; three listeners.
    expect(logs).toBe(profile === 'demo' ? managersOf(config, 'OUTBOUND').length + managersOf(config, 'INBOUND').length + text.match(/tcp_proxy\.v3/g)!.length + 3 : 0);
  });
  test('has no word of TLS without mutual TLS, and refuses it without a certificate', () => {
    expect(JSON.stringify(config)).not.toMatch(/TlsContext|"tls"|\.pem/);
    const spec: ApplicationSpec = { graph: graphById('bookinfo'), profile, nodes: 1, mtls: true };
    expect(() => sidecarConfig(meshOf(spec, profile, layOut(spec, '10.203')), 'reviews')).toThrow('the sidecar of reviews needs a certificate for mutual TLS');
  });
});

describe('services by the names of their ports', () => {
  const boutique = configOf('online-boutique', 'cartservice', 'default');
  const hotel = configOf('hotel-reservation', 'rate', 'default');

  test('HTTP and gRPC are read: one listener a port, whoever is asked there', () => {
    const routes = managersOf(boutique, 'OUTBOUND').find(({ stat_prefix }) => stat_prefix === 'outbound_0.0.0.0_50051').route_config;
    expect(routes.virtual_hosts.map(({ name }: Any) => name)).toEqual([
      'shippingservice.default.svc.cluster.local:50051', 'paymentservice.default.svc.cluster.local:50051', 'allow_any',
    ]);
  });
  test('gRPC is HTTP/2 on both sides, HTTP is HTTP/1.1', () => {
    const http2 = (cluster: Any) => JSON.stringify(cluster.typed_extension_protocol_options ?? {}).includes('explicit_http_config');
    expect(http2(clusterOf(boutique, 'inbound|7070||'))).toBe(true);
    expect(http2(clusterOf(boutique, 'outbound|7000||currencyservice.default.svc.cluster.local'))).toBe(true);
    expect(http2(clusterOf(boutique, 'outbound|80||frontend.default.svc.cluster.local'))).toBe(false);
  });
  test('TCP passes as bytes, at the virtual address', () => {
    const redis = listenerOf(boutique, '10.203.240.6_6379');
    expect(redis.filter_chains).toMatchObject([{ filters: [{ name: 'envoy.filters.network.tcp_proxy', typed_config: { cluster: 'outbound|6379||redis-cart.default.svc.cluster.local' } }] }]);
    expect(redis.listener_filters).toBeUndefined();
  });
  test('a port that says nothing is sniffed, and passes as bytes unless it is HTTP', () => {
    const memcached = listenerOf(hotel, '10.203.240.9_11211');
    expect(memcached.filter_chains[0].filter_chain_match).toEqual({ transport_protocol: 'raw_buffer', application_protocols: ['http/1.1', 'h2c'] });
    expect(memcached.default_filter_chain.filters[0].typed_config.cluster).toBe('outbound|11211||memcached-rate.default.svc.cluster.local');
  });
  test('what comes in is matched by the port that the pod listens on', () => {
    const inbound = listenerOf(configOf('online-boutique', 'frontend', 'default'), 'virtualInbound');
    expect(inbound.filter_chains.at(-1).filter_chain_match).toEqual({ destination_port: 8080, transport_protocol: 'raw_buffer' });
  });
});

describe('mutual TLS', () => {
  const config = configOf('bookinfo', 'reviews', 'default', { mtls: true });

  test('takes plaintext too, as PERMISSIVE does, and asks TLS callers for a certificate', () => {
    const own = listenerOf(config, 'virtualInbound').filter_chains.filter(({ filter_chain_match }: Any) => filter_chain_match.destination_port === 9080);
    expect(own.map(({ filter_chain_match }: Any) => filter_chain_match.transport_protocol)).toEqual(['tls', 'raw_buffer']);
    expect(own[0].transport_socket.typed_config.require_client_certificate).toBe(true);
  });
  test('goes to pods with a sidecar, whose name the caller checks', () => {
    const { transport_socket_matches: [{ match, transport_socket }] } = clusterOf(config, 'outbound|9080||ratings.default.svc.cluster.local');
    expect(match).toEqual({ tlsMode: 'istio' });
    expect(transport_socket.typed_config.common_tls_context.validation_context.match_typed_subject_alt_names)
      .toEqual([{ san_type: 'URI', matcher: { exact: 'spiffe://cluster.local/ns/default/sa/ratings' } }]);
  });
});

describe('peer metadata', () => {
  const productpage = { service: 'productpage', address: '10.244.0.18' };
  test('has about as many bytes as Istio’s: 696 of productpage, and some 85 of its id', () => {
    const { request_mutations } = renderOutboundPeerMetadata(productpage)[0].typed_config.mutations as Any;
    const [id, metadata] = request_mutations.map(({ append }: Any) => append.header.value.length);
    expect(Math.abs(metadata - 696)).toBeLessThan(30);
    expect(Math.abs(id - 85)).toBeLessThan(10);
  });
  test('is a protobuf Struct that names the pod', () => {
    const { request_mutations } = renderOutboundPeerMetadata(productpage)[0].typed_config.mutations as Any;
    const text = Buffer.from(request_mutations[1].append.header.value, 'base64').toString('latin1');
    for (const part of ['NAME', nodeId(productpage).split('~')[2].split('.')[0], 'WORKLOAD_NAME', 'productpage-v1', '10.244.0.18']) expect(text).toContain(part);
  });
});

test('a service that the mesh has not is refused', () => {
  expect(() => configOf('bookinfo', 'payments', 'default')).toThrow("the mesh has no service 'payments'; it has productpage, details, reviews, ratings");
});
