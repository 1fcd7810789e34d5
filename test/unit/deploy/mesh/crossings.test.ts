import { expect, test } from 'vitest';
import { crossingsOf, requestsOf } from '../../../../lib/deploy/mesh/crossings.js';

test('requests and connections are counted by direction; the admin page and clusters do not count', () => {
  expect(crossingsOf({
    'http.inbound_0.0.0.0_8080.downstream_rq_total': 3,
    'http.outbound_0.0.0.0_7000.downstream_rq_total': 30,
    'http.outbound_10.203.240.1_5000.downstream_rq_total': 2,
    'http.admin.downstream_rq_total': 9,
    'cluster.inbound|8080||.upstream_rq_total': 3,
    'tcp.outbound|6379||redis-cart.default.svc.cluster.local.downstream_cx_total': 1,
    'tcp.PassthroughCluster.downstream_cx_total': 4,
    'tcp.inbound|6379||.downstream_cx_total': 5,
    'listener.0.0.0.0_15006.downstream_cx_total': 7,
  })).toEqual({ inboundRequests: 3, outboundRequests: 32, inboundConnections: 5, outboundConnections: 5 });
});

test('requests alone are those of the connection managers of all listeners, by direction', () => {
  expect(requestsOf({
    'http.inbound_details.downstream_rq_total': 3, 'http.outbound_0.0.0.0_9080.downstream_rq_total': 4, 'http.outbound_10.0.240.2_7000.downstream_rq_total': 5,
    'http.admin.downstream_rq_total': 90, 'http.inbound_details.downstream_cx_total': 80,
  })).toEqual({ inbound: 3, outbound: 9 });
});

test('a sidecar that keeps no such counters has not counted, rather than counted none', () => expect(requestsOf({ 'server.live': 1 })).toBeNull());
