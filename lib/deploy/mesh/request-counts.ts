/** What a sidecar counted of its HTTP requests, from its statistics. */
import type { SidecarRequests } from '../application.js';

/** Its connection managers are called after their listeners, e.g. `inbound_0.0.0.0_9080`. */
const received = /^http\.(inbound|outbound)_.*\.downstream_rq_total$/;

/** @param stats counters and gauges of a sidecar by full name. */
export function requestCounts(stats: Record<string, number>): SidecarRequests {
  const counts: SidecarRequests = { inbound: 0, outbound: 0 };
  for (const [name, value] of Object.entries(stats)) {
    const direction = received.exec(name)?.[1] as keyof SidecarRequests | undefined;
    if (direction) counts[direction] += value;
  }
  return counts;
}
