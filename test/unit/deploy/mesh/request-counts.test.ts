import { expect, test } from 'vitest';
import { requestCounts } from '../../../../lib/deploy/mesh/request-counts.js';

test('requests are those of the connection managers of all listeners, by direction', () => {
  expect(requestCounts({
    'http.inbound_details.downstream_rq_total': 3, 'http.outbound_0.0.0.0_9080.downstream_rq_total': 4, 'http.outbound_10.0.240.2_7000.downstream_rq_total': 5,
    'http.admin.downstream_rq_total': 90, 'http.inbound_details.downstream_cx_total': 80, 'cluster.outbound|9080||details.upstream_rq_total': 70,
  })).toEqual({ inbound: 3, outbound: 9 });
});

test('a sidecar that keeps no such counters counts nothing, rather than none', () => {
  expect(requestCounts({ 'server.live': 1 })).toBeNull();
});
