/** Why a sidecar of ours is not, at some place, what a real control plane made it (dump-comparison.ts). A test holds the two together. */

/** Places, and why they differ; the first that fits counts. */
export const dumpReasons: { at: RegExp; reason: string }[] = [
  { at: /^node \/ id$/, reason: 'Kubernetes ends the names of pods in characters by chance, ours follow from the service' },
  { at: /^node \//, reason: 'only a control plane reads it' },
  { at: /^dynamic_resources$|\/ (rds|eds_cluster_config|type)$/, reason: 'there is no control plane: listeners, routes, clusters and endpoints stand in the file' },
  { at: /^clusters \/ (xds-grpc|sds-grpc)$/, reason: 'there is no control plane and no agent to ask for configuration or certificates' },
  { at: /^(clusters \/ (agent|prometheus_stats)|listeners \/ port (15090|15021))$/, reason: 'there is no agent, no kubelet that asks for health and no Prometheus that asks for statistics' },
  { at: /^admin \/ (profile_path|access_log)$/, reason: "Envoy's own defaults: nobody profiles, and the admin page keeps no log" },
  { at: /^admin \/ address/, reason: 'the admin page is read from outside the pod' },
  { at: /^stats_config .*(downstream|upstream)_(rq|cx)_total|ssl\.handshake|tracing\.zipkin/, reason: "istio.stats, which counts requests, is not in stock Envoy: Envoy's own counters are kept instead" },
  { at: /^layered_runtime /, reason: 'stock Envoy no longer knows these switches' },
  { at: /^(listeners \/ 10\.96\.|listeners \/ 0\.0\.0\.0_150|clusters \/ outbound\|\d+\|\|(istiod|kubernetes|kube-dns)\.)/, reason: 'services of the cluster itself, which is not there' },
  { at: /plain\.default\.svc\.cluster\.local/, reason: "another service of the dump's cluster" },
  { at: /http_filters \/ envoy\.filters\.http\.(header_mutation|header_to_metadata)$/, reason: 'stand-ins for istio.metadata_exchange, with the same header bytes; the dump was taken without it' },
  { at: /custom_tags \/ istio\.canonical_revision/, reason: 'our pods are all labelled version v1, like those of BookInfo; the pod of the dump has no version' },
  { at: /custom_tags \/ istio\.cluster_id/, reason: '1.20.3 does not have this tag, 1.22 has' },
  { at: /common_tls_context \/ (tls_certificate_sds_secret_configs|combined_validation_context|tls_certificates|validation_context)$/, reason: 'certificates come from files rather than from the agent (SDS), and each of our workloads has a service account of its own' },
  { at: /common_tls_context \/ alpn_protocols$/, reason: 'the cluster says what istio.alpn, which stock Envoy lacks, would say for each request' },
  { at: /^clusters \/ (\w+|inbound\|\d+\|\|) \/ load_assignment$|load_assignment \/ (policy|.*\/ (health_check_config|health_status))$/, reason: 'what /config_dump adds: defaults, and the endpoints in use at that moment' },
];

/** @returns null for a place that nobody has a reason for. */
export function reasonFor(path: string): string | null {
  return dumpReasons.find(({ at }) => at.test(path))?.reason ?? null;
}
