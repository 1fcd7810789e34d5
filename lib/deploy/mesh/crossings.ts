/** How often a sidecar was crossed, by its own counters. */
import type { SidecarRequests } from '../application.js';

/** Since it started. */
export interface Crossings {
  /** Requests that it read as HTTP, on their way in and out. */
  inboundRequests: number;
  outboundRequests: number;
  /** Connections whose bytes it passed on unread, whatever number of calls they carried. */
  inboundConnections: number;
  outboundConnections: number;
}

/** @param stats as `PodSidecar.stats()` gives them. */
export function crossingsOf(stats: Readonly<Record<string, number>>): Crossings {
  const sum = (name: RegExp) => Object.entries(stats).reduce((total, [each, value]) => (name.test(each) ? total + value : total), 0);
  return {
    inboundRequests: sum(/^http\.(inbound_|InboundPassthrough).*\.downstream_rq_total$/),
    outboundRequests: sum(/^http\.outbound_.*\.downstream_rq_total$/),
    inboundConnections: sum(/^tcp\.(inbound\||InboundPassthrough).*\.downstream_cx_total$/),
    outboundConnections: sum(/^tcp\.(outbound\||PassthroughCluster).*\.downstream_cx_total$/),
  };
}

/** Requests alone; null where a sidecar keeps no such counters, as Istio's own settings have it. */
export function requestsOf(stats: Readonly<Record<string, number>>): SidecarRequests | null {
  const { inboundRequests: inbound, outboundRequests: outbound } = crossingsOf(stats);
  return Object.keys(stats).some((name) => /^http\.(inbound|outbound).*\.downstream_rq_total$/i.test(name)) ? { inbound, outbound } : null;
}
