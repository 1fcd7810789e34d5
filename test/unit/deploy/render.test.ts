import { parse } from 'yaml';
import { describe, expect, it } from 'vitest';
import { policies, policyById } from '../../../lib/deploy/catalogue.js';
import type { HttpPolicy, Policy } from '../../../lib/deploy/policy.js';
import { normalise, normalisedYaml, renderPolicy, type Wiring } from '../../../lib/deploy/render.js';

const wiring: Wiring = {
  listener: { host: '127.0.0.1', port: 0 },
  admin: { host: '127.0.0.1', port: 0 },
  upstream: { host: '127.0.0.1', port: 4000 },
  certificate: { cert: '/tls/cert.pem', key: '/tls/key.pem' },
};

const rendered = (policy: Policy) => parse(renderPolicy(policy, wiring));
const listener = (policy: Policy) => rendered(policy).static_resources.listeners[0];
const networkFilters = (policy: Policy) => listener(policy).filter_chains[0].filters;
const manager = (policy: Policy) => networkFilters(policy).slice(-1)[0].typed_config;
const shortName = (filter: { name: string }) => filter.name.replace(/^envoy\.filters\.(network|http)\./, '');

const http = (filter: HttpPolicy['filters'][number]): HttpPolicy => ({ id: 'x', label: 'X', frame: 'http', filters: [filter] });
const firstHttpFilter = (policy: Policy) => manager(policy).http_filters[0].typed_config;

describe('renderPolicy', () => {
  it('limits buffers on both sides alike, and only when told to', () => {
    const limits = (policy: Policy) => [listener(policy), rendered(policy).static_resources.clusters[0]].map((side) => side.per_connection_buffer_limit_bytes);
    expect(limits({ ...policyById('tls'), bufferLimitBytes: 4096 })).toEqual([4096, 4096]);
    expect(limits(policyById('tls'))).toEqual([undefined, undefined]);
  });

  it('renders the TCP frame as a whole', () => {
    expect(renderPolicy(policyById('tcp'), wiring)).toBe(`\
admin:
  address:
    socket_address:
      address: 127.0.0.1
      port_value: 0
static_resources:
  listeners:
    - name: sidecar
      address:
        socket_address:
          address: 127.0.0.1
          port_value: 0
      filter_chains:
        - filters:
            - name: envoy.filters.network.tcp_proxy
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy
                stat_prefix: tcp
                cluster: backend
  clusters:
    - name: backend
      type: STATIC
      connect_timeout: 0.25s
      load_assignment:
        cluster_name: backend
        endpoints:
          - lb_endpoints:
              - endpoint:
                  address:
                    socket_address:
                      address: 127.0.0.1
                      port_value: 4000
      circuit_breakers:
        thresholds:
          - priority: DEFAULT
            max_connections: 1000000000
            max_pending_requests: 1000000000
            max_requests: 1000000000
            max_retries: 1000000000
          - priority: HIGH
            max_connections: 1000000000
            max_pending_requests: 1000000000
            max_requests: 1000000000
            max_retries: 1000000000
`);
  });
  it('keeps request ids, dynamic statistics, log and listener filter off in the HTTP frame', () => {
    expect(manager(policyById('http'))).toEqual({
      '@type': 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
      stat_prefix: 'http',
      generate_request_id: false,
      http_filters: [{
        name: 'envoy.filters.http.router',
        typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router', dynamic_stats: false },
      }],
      route_config: {
        name: 'route',
        virtual_hosts: [{ name: 'all', domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster: 'backend' } }] }],
      },
    });
    expect(listener(policyById('http'))).not.toHaveProperty('listener_filters');
  });
  it('turns them all on in HTTP Mix 2, whose filters come in the published order', () => {
    const mix = policyById('http-mix-2');
    expect(manager(mix).http_filters.map(shortName)).toEqual(['ip_tagging', 'local_ratelimit', 'header_to_metadata', 'rbac', 'router']);
    expect(firstHttpFilter(mix).ip_tags).toHaveLength(10);
    expect(manager(mix)).toMatchObject({ generate_request_id: true, access_log: [{ name: 'envoy.access_loggers.stdout' }] });
    expect(manager(mix).http_filters[4].typed_config.dynamic_stats).toBe(true);
    expect(listener(mix).listener_filters).toMatchObject([{ name: 'envoy.filters.listener.http_inspector' }]);
  });
  it('puts network filters before the connection manager wherever they stand in the list', () => {
    const policy = http({ kind: 'local-ratelimit', tokensPerSecond: 5 });
    policy.filters.push({ kind: 'rbac-network', action: 'ALLOW', sourceIps: 'any' });
    expect(networkFilters(policy).map(shortName)).toEqual(['rbac', 'http_connection_manager']);
    expect(manager(policy).http_filters.map(shortName)).toEqual(['local_ratelimit', 'router']);
  });
});

describe('each filter', () => {
  it('network RBAC: listed addresses as /32, evaluated on every read', () => {
    const [rbac] = networkFilters({ id: 'x', label: 'X', frame: 'tcp', filters: [{ kind: 'rbac-network', action: 'DENY', sourceIps: ['10.0.0.1', '10.0.0.2'] }] });
    expect(rbac.typed_config).toEqual({
      '@type': 'type.googleapis.com/envoy.extensions.filters.network.rbac.v3.RBAC',
      stat_prefix: 'network_rbac',
      enforcement_type: 'CONTINUOUS',
      rules: {
        action: 'DENY',
        policies: {
          listed: {
            permissions: [{ any: true }],
            principals: [
              { source_ip: { address_prefix: '10.0.0.1', prefix_len: 32 } },
              { source_ip: { address_prefix: '10.0.0.2', prefix_len: 32 } },
            ],
          },
        },
      },
    });
  });
  it('header to metadata: value when present, a default when missing, the header stays', () => {
    expect(firstHttpFilter(policyById('header-read')).request_rules).toEqual([{
      header: 'x-version',
      on_header_present: { metadata_namespace: 'envoy.lb', key: 'version', type: 'STRING' },
      on_header_missing: { metadata_namespace: 'envoy.lb', key: 'default', value: 'true', type: 'STRING' },
      remove: false,
    }]);
    expect(rendered(policyById('header-read')).static_resources.clusters[0].lb_subset_config).toEqual({
      fallback_policy: 'ANY_ENDPOINT',
      subset_selectors: [{ keys: ['default'] }, { keys: ['version'] }],
    });
  });
  it('local rate limit: the bucket a second, enforced on everything', () => {
    expect(firstHttpFilter(http({ kind: 'local-ratelimit', tokensPerSecond: 7 }))).toMatchObject({
      token_bucket: { max_tokens: 7, tokens_per_fill: 7, fill_interval: '1s' },
      filter_enabled: { default_value: { numerator: 100, denominator: 'HUNDRED' } },
      filter_enforced: { default_value: { numerator: 100, denominator: 'HUNDRED' } },
    });
  });
  it('IP tagging: one tag a range, and a range must be a range', () => {
    expect(firstHttpFilter(http({ kind: 'ip-tagging', tags: [{ name: 'lan', cidr: '10.0.0.0/8' }] }))).toMatchObject({
      request_type: 'BOTH',
      ip_tags: [{ ip_tag_name: 'lan', ip_list: [{ address_prefix: '10.0.0.0', prefix_len: 8 }] }],
    });
    expect(() => renderPolicy(http({ kind: 'ip-tagging', tags: [{ name: 'lan', cidr: '10.0.0.0' }] }), wiring)).toThrow('"10.0.0.0" is not an address range');
  });
  it('HTTP RBAC: path and ports; a range of ports includes its last', () => {
    const { rules } = firstHttpFilter(http({ kind: 'rbac-http', action: 'ALLOW', pathPrefix: '/a', ports: [80, [90, 99]] }));
    expect(rules.policies.general.permissions).toEqual([{
      and_rules: {
        rules: [
          { url_path: { path: { prefix: '/a' } } },
          { or_rules: { rules: [{ destination_port: 80 }, { destination_port_range: { start: 90, end: 100 } }] } },
        ],
      },
    }]);
  });
  it('TLS: version and cipher suites only where asked for', () => {
    const socket = (tls: Policy['tls']) => listener({ ...policyById('tcp'), tls }).filter_chains[0].transport_socket.typed_config.common_tls_context;
    const files = [{ certificate_chain: { filename: '/tls/cert.pem' }, private_key: { filename: '/tls/key.pem' } }];
    expect(socket({})).toEqual({ tls_certificates: files });
    expect(socket({ version: 'TLSv1_2', cipherSuites: ['ECDHE-RSA-AES128-GCM-SHA256'] })).toEqual({
      tls_params: {
        tls_minimum_protocol_version: 'TLSv1_2',
        tls_maximum_protocol_version: 'TLSv1_2',
        cipher_suites: ['ECDHE-RSA-AES128-GCM-SHA256'],
      },
      tls_certificates: files,
    });
  });
});

describe('normalise', () => {
  it('gives the same text wherever a policy runs, and different texts for different policies', () => {
    const elsewhere: Wiring = {
      ...wiring,
      listener: { host: '127.0.0.1', port: 15001 },
      upstream: { host: '127.0.0.1', port: 39999 },
      certificate: { cert: '/home/someone/cert.pem', key: '/home/someone/key.pem' },
    };
    const texts = policies.map((policy) => normalise(renderPolicy(policy, wiring)));
    expect(policies.map((policy) => normalise(renderPolicy(policy, elsewhere)))).toEqual(texts);
    expect(policies.map(normalisedYaml)).toEqual(texts);
    expect(new Set(texts).size).toBe(policies.length);
  });
  it('changes nothing the second time', () => {
    for (const text of policies.map(normalisedYaml)) expect(normalise(text)).toBe(text);
  });
  it('leaves paths of URLs alone, and comments and layout out', () => {
    expect(normalise('# mine\nroute:   {match: {path: /users}}\nlog: {"@type": x.FileAccessLog, path: /var/log/a}\npipe: {path: /run/a.sock}\ntls: {filename: "/etc/a.pem"}\n')).toBe(`\
route:
  match:
    path: /users
log:
  "@type": x.FileAccessLog
  path: PATH
pipe:
  path: PATH
tls:
  filename: PATH
`);
  });
});
