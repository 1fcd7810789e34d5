import { describe, expect, it } from 'vitest';
import { pauses, tlsOf, trafficBetween, upstreamBytes } from '../../../lib/deploy/traffic-stats.js';

const before = { 'cluster.backend.upstream_cx_rx_bytes_total': 1000, 'listener.127.0.0.1_38011.ssl.handshake': 1, 'tcp.tcp.downstream_cx_total': 4, 'http.admin.downstream_rq_total': 3, 'server.uptime': 1 };
const after = {
  'cluster.backend.upstream_cx_rx_bytes_total': 5000, 'cluster.backend.upstream_flow_control_paused_reading_total': 2,
  'listener.127.0.0.1_38011.ssl.handshake': 9, 'listener.127.0.0.1_38011.ssl.versions.TLSv1.3': 8, 'listener.127.0.0.1_38011.ssl.ciphers.TLS_AES_256_GCM_SHA384': 8,
  'listener.admin.downstream_cx_total': 9, 'tcp.tcp.downstream_cx_total': 4, 'http.admin.downstream_rq_total': 9, 'server.uptime': 4,
};
const traffic = trafficBetween(before, after);

describe('what Envoy counted of the traffic', () => {
  it('is what grew, new counters included, under names that no port is part of', () => {
    expect(traffic).toEqual({
      'cluster.backend.upstream_cx_rx_bytes_total': 4000, 'cluster.backend.upstream_flow_control_paused_reading_total': 2,
      'listener.127.0.0.1_PORT.ssl.handshake': 8, 'listener.127.0.0.1_PORT.ssl.versions.TLSv1.3': 8, 'listener.127.0.0.1_PORT.ssl.ciphers.TLS_AES_256_GCM_SHA384': 8,
    });
  });

  it('tells when a full buffer was the limit', () => {
    expect(pauses(traffic)).toBe(2);
    expect(pauses(trafficBetween(after, after))).toBe(0);
    expect(upstreamBytes(traffic)).toBe(4000);
  });

  it('names the TLS version and cipher of every handshake', () => {
    expect(tlsOf(traffic)).toEqual({ versions: { 'TLSv1.3': 8 }, ciphers: { TLS_AES_256_GCM_SHA384: 8 } });
    expect(tlsOf({})).toEqual({ versions: {}, ciphers: {} });
  });
});
