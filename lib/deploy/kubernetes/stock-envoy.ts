/** Which Envoy a mesh runs: Istio's own build has filters that stock Envoy lacks, and they cost something. */

/** Goes beside every number that comes from such sidecars. */
export const stockEnvoyNote = "the sidecars are stock Envoy under Istio's control plane, without the filters that only Istio's build has: "
  + 'no metrics by istio.stats (a counter and three histograms a request), no exchange of peer metadata (about 0.8 kB of headers a hop and direction), '
  + "no istio.alpn; Istio's own proxy costs more";

/** @param configuration page /config_dump of the sidecar. */
export function isStockEnvoy(configuration: string): boolean {
  return !/istio\.stats|istio_stats|istio\.metadata_exchange|peer_metadata/.test(configuration);
}
