import { describe, expect, it } from 'vitest';
import { componentOfPath, regionOfPath, resolveAnchors, type Anchor } from '../../../lib/analysis/anchors.js';
import { functionTable, type LiteralFunction } from './function-table.js';

const CONNECTION = 'source/common/network/connection_impl.cc';

function resolve(...functions: LiteralFunction[]) {
  const { anchors, outcomes } = resolveAnchors(functionTable(functions));
  return {
    anchors: anchors.map(({ functionIndex, region, component, authors, source }) => ({ functionIndex, region, component, authors, source })),
    outcome: (rule: string) => outcomes.find((outcome) => outcome.rule === rule)!,
  };
}

describe('an anchor is found', () => {
  it('by its log statements, with its component in both groupings', () => {
    const { anchors, outcome } = resolve({}, { logs: [`${CONNECTION}:700 onReadReady`] });
    expect(anchors).toEqual([{ functionIndex: 1, region: 'sidecar read', component: 'Sidecar Read', authors: 'Sidecar Read', source: 'log' }]);
    expect(outcome('Network::ConnectionImpl::onReadReady')).toMatchObject({ status: 'found', functions: 1, consequence: '' });
  });

  it('by its symbol rather than by what was inlined', () => {
    const { anchors } = resolve({ symbols: ['_ZN5Envoy7Network14ConnectionImpl11onReadReadyEv'] }, { symbols: ['_ZN5Envoy7Network14ConnectionImpl9somethingEv'], logs: [`${CONNECTION}:700 onReadReady`] });
    expect(anchors.map((anchor) => [anchor.functionIndex, anchor.source])).toEqual([[0, 'symbol']]);
  });

  it('by its place in the virtual table when it never logs', () => {
    const { anchors } = resolve({ virtual: ['N5Envoy4Http21ConnectionManagerImplE', 1] }, { virtual: ['N5Envoy4Http21ConnectionManagerImplE', 2] });
    expect(anchors).toMatchObject([{ functionIndex: 1, region: 'packet', component: 'Packet Processing', authors: null }]);
  });
});

describe('a filter', () => {
  it.each([
    ['by the folder of its sources', { logs: ['source/extensions/filters/http/local_ratelimit/local_ratelimit.cc:8 onDestroy'] }, 'filter:local_ratelimit'],
    ['by its class', { virtual: ['N5Envoy10Extensions11HttpFilters20LocalRateLimitFilter6FilterE', 3] }, 'filter:local_ratelimit'],
    ['by its class', { virtual: ['N5Envoy10Extensions11HttpFilters22HeaderToMetadataFilter22HeaderToMetadataFilterE', 3] }, 'filter:header_to_metadata'],
    ['by its class', { virtual: ['N5Envoy10Extensions11HttpFilters9IpTagging15IpTaggingFilterE', 3] }, 'filter:ip_tagging'],
    ['by its class', { virtual: ['N5Envoy10Extensions14NetworkFilters10RBACFilter28RoleBasedAccessControlFilterE', 3] }, 'filter:rbac'],
    ['by the lambda that makes it', { virtual: ['NSt3__110__function6__funcIZN5Envoy10Extensions11HttpFilters9IpTagging3FooEvE3$_0FvRNS2_4Http27FilterChainFactoryCallbacksEEEE', 6] }, 'filter:ip_tagging'],
    ['by the shared pointer that frees it', { virtual: ['NSt3__120__shared_ptr_emplaceIN5Envoy10Extensions11HttpFilters9IpTagging15IpTaggingFilterENS_9allocatorIS5_EEEE', 2] }, 'filter:ip_tagging'],
    ['as an access logger', { virtual: ['N5Envoy10Extensions13AccessLoggers4File13FileAccessLogE', 3] }, 'log:file'],
  ])('has a region of its own: %s', (_, literal, region) => {
    expect(resolve(literal as LiteralFunction).anchors).toMatchObject([{ region, component: 'Sidecar Filter' }]);
  });

  it('is not the router, the connection manager, the TCP proxy or code that filters share', () => {
    const { anchors } = resolve(
      { virtual: ['N5Envoy10Extensions11HttpFilters12RouterFilter18RouterFilterConfigE', 2] },
      { virtual: ['N5Envoy10Extensions14NetworkFilters21HttpConnectionManager6ConfigE', 2] },
      { virtual: ['N5Envoy10Extensions14NetworkFilters8TcpProxy13ConfigFactoryE', 2] },
      { logs: ['source/extensions/filters/http/common/factory_base.cc:8 create'] },
    );
    expect(anchors).toEqual([]);
  });

  it("that never logs counts in the authors' map by the slot that the others' decodeHeaders shares", () => {
    const logging = ['5AlphaN', '4BetaN', '5GammaN'].map((name, i): LiteralFunction => ({
      logs: [`source/extensions/filters/http/f${i}/f.cc:8 decodeHeaders`], virtual: [`N5Envoy10Extensions11HttpFilters${name.slice(0, -1)}6FilterE`, 6],
    }));
    const silent: LiteralFunction[] = [5, 6].map((slot) => ({ virtual: ['N5Envoy10Extensions11HttpFilters5Quiet6FilterE', slot] }));
    expect(resolve(...logging, ...silent).anchors.map((anchor) => anchor.authors)).toEqual(['Sidecar Filter', 'Sidecar Filter', 'Sidecar Filter', null, 'Sidecar Filter']);
  });
});

describe('an anchor that a release does not have in one function is reported with its consequence', () => {
  it('missing', () => {
    expect(resolve().outcome('TcpProxy::Filter::onNewConnection')).toMatchObject({ status: 'missing', consequence: expect.stringContaining('its cost is charged to Event Poll') });
  });

  it('inlined', () => {
    const { anchors, outcome } = resolve({ logs: [`${CONNECTION}:600 onFileEvent`, `${CONNECTION}:601 onFileEvent`, `${CONNECTION}:700 onReadReady`] });
    expect(anchors.map((anchor) => anchor.region)).toEqual(['packet']);
    expect(outcome('Network::ConnectionImpl::onReadReady')).toMatchObject({ status: 'inlined', consequence: expect.stringContaining('inlined in onFileEvent') });
  });

  it('ambiguous: all of them are anchors', () => {
    const { anchors, outcome } = resolve({ logs: [`${CONNECTION}:600 write`] }, { logs: [`${CONNECTION}:700 write`] });
    expect(anchors).toHaveLength(2);
    expect(outcome('Network::ConnectionImpl::write')).toMatchObject({ status: 'ambiguous', functions: 2, consequence: expect.stringContaining('2 functions') });
  });
});

describe('a call path', () => {
  const anchor = (region: string, component: Anchor['component'], authors: Anchor['authors']): Anchor => ({ address: 0, end: 1, functionIndex: 0, label: region, region, component, authors, source: 'log' });
  const read = anchor('sidecar read', 'Sidecar Read', 'Sidecar Read');
  const parse = anchor('parse', 'HTTP Protocol Parse', 'HTTP Protocol Parse');
  const router = anchor('router', 'Header En/Decoder', null);

  it('belongs to its innermost anchor in our grouping', () => {
    expect(componentOfPath([read, parse, router], 'ours')).toBe('Header En/Decoder');
    expect(regionOfPath([read, parse, router])).toBe('router');
  });

  it("belongs to the innermost anchor that the authors' map has", () => {
    expect(componentOfPath([read, parse, router], 'authors')).toBe('HTTP Protocol Parse');
  });

  it('without an anchor is the event loop', () => {
    expect([componentOfPath([], 'ours'), componentOfPath([router], 'authors'), regionOfPath([])]).toEqual(['Event Poll', 'Event Poll', 'loop']);
  });
});
