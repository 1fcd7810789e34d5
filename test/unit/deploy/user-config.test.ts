import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { Wiring } from '../../../lib/deploy/render.js';
import type { UserConfig } from '../../../lib/deploy/types.js';
import { rebind, userConfig } from '../../../lib/deploy/user-config.js';

const wiring: Wiring = {
  listener: { host: '127.0.0.1', port: 0 },
  admin: { host: '127.0.0.1', port: 0 },
  upstream: { host: '127.0.0.1', port: 4000 },
  certificate: { cert: '', key: '' },
};

const config = (yaml: string, more: Partial<UserConfig> = {}): UserConfig => ({ frame: 'user', id: 'mine', label: 'Mine', yaml, ...more });
const rebound = (yaml: string, more?: Partial<UserConfig>) => parse(rebind(config(yaml, more), wiring).yaml);

const shop = `\
# the shop's edge
admin:
  address: { socket_address: { address: 0.0.0.0, port_value: 9901 } }
static_resources:
  listeners:
    - name: web
      address: { socket_address: { address: 0.0.0.0, port_value: 80 } }
      filter_chains:
        - filters:
            - name: envoy.filters.network.http_connection_manager
              typed_config:
                route_config:
                  virtual_hosts:
                    - routes:
                        - match: { prefix: /cart }
                          route: { cluster: cart, timeout: 3s }
                        - match: { prefix: / }
                          route: { weighted_clusters: { clusters: [{ name: old, weight: 1 }, { name: new, weight: 9 }] } }
                http_filters:
                  - name: envoy.filters.http.ext_authz
                    typed_config: { http_service: { server_uri: { uri: "http://auth", cluster: auth } }, enabled: "yes" }
  clusters:
    - name: cart
      type: STRICT_DNS
      load_assignment: { endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address: { address: cart.shop, port_value: 8080 } } } }] }] }
    - name: old
      type: LOGICAL_DNS
      load_assignment: { endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address: { address: old.shop, named_port: http } } } }] }] }
    - name: new
      load_assignment:
        endpoints:
          - lb_endpoints:
              - endpoint: { address: { pipe: { path: /run/new.sock } } }
              - endpoint: { address: { socket_address: { address: 10.0.0.9, port_value: 1 } } }
    - name: auth
      load_assignment: { endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address: { address: 10.0.0.7, port_value: 9 } } } }] }] }
`;

const backend = { socket_address: { address: '127.0.0.1', port_value: 4000 } };
const loopback = { socket_address: { address: '127.0.0.1', port_value: 0 } };
const endpoints = (cluster: any) => cluster.load_assignment.endpoints.flatMap((group: any) => group.lb_endpoints.map((entry: any) => entry.endpoint.address));

describe('rebind', () => {
  it('connects listener, admin and the clusters its routes name, whatever form their addresses had', () => {
    const { admin, static_resources: resources } = rebound(shop);
    expect(admin.address).toEqual(loopback);
    expect(resources.listeners[0].address).toEqual(loopback);
    expect(resources.clusters.slice(0, 3).map(endpoints)).toEqual([[backend], [backend], [backend, backend]]);
  });
  it('touches nothing else: not the cluster a filter asks, not a quoted word, not a comment', () => {
    const { yaml } = rebind(config(shop), wiring);
    expect(endpoints(parse(yaml).static_resources.clusters[3])).toEqual([{ socket_address: { address: '10.0.0.7', port_value: 9 } }]);
    expect(yaml).toContain('enabled: "yes"');
    expect(yaml).toContain("# the shop's edge");
    expect(parse(yaml).static_resources.listeners[0].filter_chains).toEqual(parse(shop).static_resources.listeners[0].filter_chains);
  });
  it('adds an admin page and a listener name where there are none', () => {
    const bare = 'static_resources: {listeners: [{address: {pipe: {path: /x}}}], clusters: [{name: a, load_assignment: {endpoints: [{lb_endpoints: [{endpoint: {}}]}]}}]}';
    const result = rebind(config(bare), wiring);
    expect(parse(result.yaml).admin).toEqual({ address: loopback });
    expect(parse(result.yaml).static_resources.listeners).toEqual([{ address: loopback, name: result.listener }]);
  });
  it('changes an address shared through an anchor in one place at a time', () => {
    const { admin, static_resources: resources } = rebound(`
admin: { address: &here { socket_address: { address: 0.0.0.0, port_value: 1 } } }
static_resources:
  listeners: [{ name: l, address: *here }]
  clusters: [{ name: c, load_assignment: { endpoints: [{ lb_endpoints: [{ endpoint: { address: *here } }] }] } }]
`);
    expect([admin.address, resources.listeners[0].address]).toEqual([loopback, loopback]);
    expect(endpoints(resources.clusters[0])).toEqual([backend]);
  });
  it('sees whether clients must speak TLS', () => {
    const tls = '{name: t, typed_config: {"@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext}}';
    const withChains = (chains: string) => `static_resources: {listeners: [{name: l, filter_chains: ${chains}}], clusters: [{name: a, load_assignment: {endpoints: [{lb_endpoints: [{endpoint: {}}]}]}}]}`;
    const tlsOf = (chains: string) => rebind(config(withChains(chains)), wiring).tls;
    expect(tlsOf(`[{filters: [], transport_socket: ${tls}}]`)).toBe(true);
    expect(tlsOf(`[{filters: []}]`)).toBe(false);
    expect(tlsOf(`[{filters: [], transport_socket: ${tls}}, {filters: []}]`)).toBe(false);
  });
});

describe('several listeners', () => {
  const two = shop.replace('  listeners:\n', '  listeners:\n    - {name: metrics, address: {socket_address: {address: 0.0.0.0, port_value: 15090}}}\n');
  it('are named, and one is asked for', () => {
    expect(() => rebind(config(two), wiring)).toThrow('mine has 2 listeners: metrics, web; choose one with the option listener');
    expect(() => rebind(config(two, { listener: 'wbe' }), wiring)).toThrow('mine has no listener "wbe"; it has: metrics, web');
  });
  it('all move to loopback, so that none is in the way or open to the network', () => {
    expect(rebind(config(two, { listener: 'web' }), wiring).listener).toBe('web');
    const far = { ...wiring, listener: { host: '127.0.0.1', port: 15001 } };
    const { listeners } = parse(rebind(config(two, { listener: 'web' }), far).yaml).static_resources;
    expect(listeners.map((listener: any) => listener.address.socket_address)).toEqual([
      { address: '127.0.0.1', port_value: 0 },
      { address: '127.0.0.1', port_value: 15001 },
    ]);
  });
});

describe('what cannot be rebound is said in one line', () => {
  const refused = (yaml: string, more?: Partial<UserConfig>) => () => rebind(config(yaml, { file: 'envoy.yaml', ...more }), wiring);
  it.each([
    ['not YAML, with its line', 'a: 1\nb: [1, 2\nc: 3\n', /^envoy\.yaml:3: not YAML: /],
    ['a wrong indentation', 'a:\n  b: 1\n c: 2\n', /^envoy\.yaml:3: not YAML: /],
    ['an empty file', '', /^envoy\.yaml has no static listener/],
    ['only xDS', 'dynamic_resources: {lds_config: {ads: {}}}', /^envoy\.yaml has no static listener/],
    ['a UDP listener', shop.replace('address: 0.0.0.0, port_value: 80', 'protocol: UDP, address: 0.0.0.0, port_value: 443'), /listener web is UDP/],
    ['a cluster that is not there', shop.replace('cluster: cart', 'cluster: card'), /no static cluster "card"; it has: cart, old, new, auth/],
    ['endpoints from elsewhere', shop.replace('STRICT_DNS', 'EDS'), /cluster cart is of type EDS; make it one of STATIC, STRICT_DNS, LOGICAL_DNS/],
    ['TLS to the upstream', shop.replace('type: STRICT_DNS', 'type: STRICT_DNS\n      transport_socket: {name: envoy.transport_sockets.tls}'), /cluster cart speaks envoy.transport_sockets.tls to its upstream/],
    ['routes that come from elsewhere', shop.replace(/route: \{.*\}/g, 'redirect: {}'), /routes name no cluster; clusters: cart, old, new, auth; choose with the option clusters/],
  ])('%s', (_what, yaml, message) => {
    expect(refused(yaml)).toThrow(message);
  });
  it('but a choice of clusters is taken', () => {
    const { clusters } = rebound(shop.replace(/route: \{.*\}/g, 'redirect: {}'), { clusters: ['auth'] }).static_resources;
    expect(endpoints(clusters[3])).toEqual([backend]);
  });
});

describe('userConfig', () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'user-config-'));
  afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));
  it('takes its id from the file name and refuses a bad file at once', () => {
    const file = path.join(folder, 'shop.yaml');
    fs.writeFileSync(file, shop);
    expect(userConfig(file)).toMatchObject({ frame: 'user', id: 'shop', label: 'shop', file });
    fs.writeFileSync(file, '{}');
    expect(() => userConfig(file)).toThrow(`${file} has no static listener`);
  });
});
