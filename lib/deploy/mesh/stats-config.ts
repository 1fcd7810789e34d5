/**
 * Which of Envoy's statistics a sidecar keeps: those that Istio keeps, and few more. Istio's filter istio.stats counts requests
 * itself and is not in stock Envoy; so that crossings can be counted here, Envoy's own counters of requests, connections and
 * handshakes are kept, which Istio drops (istio/istio@1.20.3:pkg/bootstrap/config.go).
 */

/** Istio's own patterns. */
const istios = [
  ...['reporter=', 'cluster_manager', 'listener_manager', 'server', 'cluster.xds-grpc', 'wasm'].map((prefix) => ({ prefix })),
  ...['rbac.allowed', 'rbac.denied', 'shadow_allowed', 'shadow_denied'].map((suffix) => ({ suffix })),
  { safe_regex: { regex: 'vhost\\.*\\.route\\.*' } },
  ...['component', 'istio'].map((prefix) => ({ prefix })),
];

/** Ours. */
const counting = [
  ...['downstream_rq_total', 'downstream_cx_total', 'upstream_rq_total', 'upstream_cx_total', 'ssl.handshake'].map((suffix) => ({ suffix })),
  { prefix: 'tracing.zipkin' },
];

/** Names' variable parts, which Istio tells Envoy to take for tags. */
const tags = {
  cluster_name: '^cluster\\.((.+?(\\..+?\\.svc\\.cluster\\.local)?)\\.)',
  tcp_prefix: '^tcp\\.((.*?)\\.)\\w+?$',
  response_code: '_rq(_(\\d{3}))$',
  response_code_class: '_rq(_(\\dxx))$',
  http_conn_manager_listener_prefix: '^listener(?=\\.).*?\\.http\\.(((?:[_.[:digit:]]*|[_\\[\\]aAbBcCdDeEfF[:digit:]]*))\\.)',
  http_conn_manager_prefix: '^http\\.(((?:[_.[:digit:]]*|[_\\[\\]aAbBcCdDeEfF[:digit:]]*))\\.)',
  listener_address: '^listener\\.(((?:[_.[:digit:]]*|[_\\[\\]aAbBcCdDeEfF[:digit:]]*))\\.)',
  mongo_prefix: '^mongo\\.(.+?)\\.(collection|cmd|cx_|op_|delays_|decoding_)(.*?)$',
  cache: '(cache\\.(.+?)\\.)',
  component: '(component\\.(.+?)\\.)',
  tag: '(tag\\.(.+?);\\.)',
  wasm_filter: '(wasm_filter\\.(.+?)\\.)',
  authz_enforce_result: 'rbac(\\.(allowed|denied))',
  authz_dry_run_action: '(\\.istio_dry_run_(allow|deny)_)',
  authz_dry_run_result: '(\\.shadow_(allowed|denied))',
};

export const statsConfig = {
  stats_tags: Object.entries(tags).map(([tag_name, regex]) => ({ tag_name, regex })),
  use_all_default_tags: false,
  stats_matcher: { inclusion_list: { patterns: [...istios, ...counting] } },
};
