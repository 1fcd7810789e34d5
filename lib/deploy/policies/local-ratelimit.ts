/** Local rate limit: a token bucket inside this Envoy; an empty bucket answers 429. */
import { extension, type Extension } from './typed-config.js';

export interface LocalRatelimit {
  kind: 'local-ratelimit';
  /** Size of the bucket, filled up once a second. */
  tokensPerSecond: number;
}

export function renderLocalRatelimit(filter: LocalRatelimit): Extension {
  const always = { numerator: 100, denominator: 'HUNDRED' };
  return extension('envoy.filters.http.local_ratelimit', 'filters.http.local_ratelimit.v3.LocalRateLimit', {
    stat_prefix: 'local_ratelimit',
    token_bucket: { max_tokens: filter.tokensPerSecond, tokens_per_fill: filter.tokensPerSecond, fill_interval: '1s' },
    filter_enabled: { runtime_key: 'local_rate_limit_enabled', default_value: always },
    filter_enforced: { runtime_key: 'local_rate_limit_enforced', default_value: always },
    response_headers_to_add: [
      { append_action: 'OVERWRITE_IF_EXISTS_OR_ADD', header: { key: 'x-local-rate-limit', value: 'true' } },
    ],
  });
}

/** Envoy's counter (admin /stats) of requests this filter answered with 429; anything above 0 marks a run. */
export const rateLimitedCounter = 'local_ratelimit.http_local_rate_limit.rate_limited';
