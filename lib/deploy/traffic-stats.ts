/** What Envoy itself counted of the traffic through it: bytes, flow control, TLS versions and ciphers. */

/** Growth of counters by name, those that did not grow left out. */
export type Traffic = Record<string, number>;

/** Of listeners, connection managers, TCP proxies and clusters; not of the admin page, whose reading counts itself. */
const ofTraffic = /^(cluster|listener|http|tcp)\.(?!admin\b)/;

/**
 * @param before counters and gauges by full name, as `Sidecar.stats()` returns them.
 * @param after the same, later. Listeners are called by their port, which is replaced by `PORT`.
 */
export function trafficBetween(before: Readonly<Record<string, number>>, after: Readonly<Record<string, number>>): Traffic {
  const grown = Object.entries(after).filter(([name]) => ofTraffic.test(name))
    .map(([name, value]): [string, number] => [name.replace(/^(listener\.[\d.]+_)\d+/, '$1PORT'), value - (before[name] ?? 0)]);
  return Object.fromEntries(grown.filter(([, growth]) => growth > 0));
}

/** How often Envoy stopped reading from the backend or the client because it held more than its buffers may: a watermark was the limit then. */
export function pauses(traffic: Traffic): number {
  return sum(traffic, /flow_control_paused_reading_total$/);
}

/** Bytes received from the backend. */
export function upstreamBytes(traffic: Traffic): number {
  return sum(traffic, /^cluster\..*upstream_cx_rx_bytes_total$/);
}

/** Handshakes by TLS version and by cipher, e.g. `{ versions: { 'TLSv1.3': 8 }, ciphers: { TLS_AES_128_GCM_SHA256: 8 } }`. */
export function tlsOf(traffic: Traffic): { versions: Record<string, number>; ciphers: Record<string, number> } {
  const named = (kind: string) => Object.fromEntries(Object.entries(traffic).flatMap(([name, count]) => {
    const found = new RegExp(`^listener\\..*\\.ssl\\.${kind}\\.(.+)$`).exec(name);
    return found ? [[found[1], count]] : [];
  }));
  return { versions: named('versions'), ciphers: named('ciphers') };
}

function sum(traffic: Traffic, name: RegExp): number {
  return Object.entries(traffic).filter(([each]) => name.test(each)).reduce((total, [, growth]) => total + growth, 0);
}
