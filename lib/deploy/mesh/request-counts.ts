/** What a sidecar counted of its HTTP requests, from its statistics. */
import type { SidecarRequests } from '../application.js';

/** Its connection managers are called after their listeners, e.g. `inbound_0.0.0.0_9080`. */
const received = /^http\.(inbound|outbound)_.*\.downstream_rq_total$/;

/**
 * @param stats counters and gauges of a sidecar by full name.
 * @returns null where it keeps no such counters, as Istio's own settings have it.
 */
export function requestCounts(stats: Record<string, number>): SidecarRequests | null {
  const found = Object.entries(stats).flatMap(([name, value]) => {
    const direction = received.exec(name)?.[1] as keyof SidecarRequests | undefined;
    return direction ? [{ direction, value }] : [];
  });
  const sum = (wanted: keyof SidecarRequests) => found.filter(({ direction }) => direction === wanted).reduce((all, { value }) => all + value, 0);
  return found.length > 0 ? { inbound: sum('inbound'), outbound: sum('outbound') } : null;
}
