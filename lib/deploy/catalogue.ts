/** The paper's policies (its section 4) and their variants, and which of them its figures show. */
import { compose, type HttpFilter, type HttpPolicy, type NetworkFilter, type Policy, type TcpPolicy } from './policy.js';
import { tagsForEveryone } from './policies/ip-tagging.js';

const tcp: TcpPolicy = { id: 'tcp', label: 'TCP Router', frame: 'tcp', filters: [] };
const http: HttpPolicy = { id: 'http', label: 'HTTP Router', frame: 'http', filters: [] };

const rbacAcceptAll = networkPolicy('rbac-accept-all', 'Accept All', { kind: 'rbac-network', action: 'ALLOW', sourceIps: 'any' });
const rbacReject1 = rejectList(1);
const rbacReject100 = rejectList(100);
const rbacReject1000 = rejectList(1000);

const tls: TcpPolicy = { ...tcp, id: 'tls', label: 'TLS', tls: {} };
const tlsHttp: HttpPolicy = { ...http, id: 'tls-http', label: 'TLS HTTP', tls: {} };

const headerRead: HttpPolicy = {
  ...httpPolicy('header-read', 'Header Read', { kind: 'header-to-metadata', header: 'x-version' }),
  // Its authors' cluster has it too: part of the cost they measured.
  subsetLoadBalancing: true,
};

/** Tokens a second that no load here uses up: a cheap 429 would look like capacity, so a single one marks a run. */
const neverLimiting = 1_000_000;
const ratelimit = httpPolicy('ratelimit', 'Rate-Limit', { kind: 'local-ratelimit', tokensPerSecond: neverLimiting });
/** The authors' bucket, below the 16.5 k requests/s of their full HTTP load. */
const ratelimitPublished = httpPolicy('ratelimit-published', 'Rate-Limit (published)', { kind: 'local-ratelimit', tokensPerSecond: 15_000 });

const ipTag1 = ipTag(1);
const ipTag5 = ipTag(5);
const ipTag10 = ipTag(10);
const logging: HttpPolicy = { ...http, id: 'logging', label: 'Logging', accessLog: {} };

const httpMix1 = compose('http-mix-1', 'HTTP Mix 1', [ratelimit, ipTag1]);

/** As published: more than the parts that the paper's Table 3 adds up (ten tags, an RBAC, a listener filter, two options). */
const httpMix2: HttpPolicy = {
  id: 'http-mix-2',
  label: 'HTTP Mix 2',
  frame: 'http',
  filters: [
    ...ipTag10.filters,
    ...ratelimit.filters,
    ...headerRead.filters,
    {
      kind: 'rbac-http',
      action: 'ALLOW',
      pathPrefix: '/',
      // Published: three ports, the last being the sidecar's. Here the kernel chooses that one, so a range holds it.
      ports: [3000, 3100, [1, 65535]],
    },
  ],
  accessLog: {},
  requestId: true,
  dynamicStats: true,
  httpInspector: true,
};

/** Exactly the parts that Table 3 adds up, each as it is measured alone. */
const httpMix2Exact = compose('http-mix-2-exact', 'HTTP Mix 2 (exact)', [headerRead, ratelimit, ipTag1, logging]);

/** Two further compositions for the test of additivity, fixed before any data was taken. */
const mixHeaderRatelimit = compose('mix-header-ratelimit', 'Header Read + Rate-Limit', [headerRead, ratelimit]);
const mixTag10Logging = compose('mix-tag10-logging', 'IP Tag (10) + Logging', [ipTag10, logging]);

/** A database's traffic, decoded: by our module in any Envoy, or by the extension that only builds with contrib have. One id, since an Envoy has one of the two; sql-policy.ts asks it. */
export const sqlModule = networkPolicy('sql', 'SQL (module)', { kind: 'mysql', by: 'module' });
export const sqlContrib = networkPolicy('sql', 'SQL (mysql_proxy)', { kind: 'mysql', by: 'contrib' });

/** Every policy for the echo, thus all but SQL, in the order of the paper's figures, variants beside their originals. */
export const policies: readonly Policy[] = [
  tcp, rbacAcceptAll, rbacReject1, rbacReject100, rbacReject1000, tls, tlsHttp,
  http, headerRead, ratelimit, ratelimitPublished, ipTag1, ipTag5, ipTag10, logging,
  httpMix1, httpMix2, httpMix2Exact, mixHeaderRatelimit, mixTag10Logging,
];

/** The six policies of the paper's Figure 6. */
export const paperFig6: readonly string[] = [
  'tcp',
  // Of the three reject lists, the one in the authors' table of full loads.
  'rbac-reject-100',
  'tls',
  'http',
  'logging',
  // The figure says only "Mix". The authors' full load for it, 12.1 k requests/s, lies below that of Logging (15.3 k)
  // and HTTP (16.5 k), so it holds a log: that is Mix 2, since Mix 1 has none.
  'http-mix-2',
];

/** All the policies of the paper's Figures 7 and 8, in their order. */
export const paperFig7: readonly string[] = [
  'tcp', 'rbac-accept-all', 'rbac-reject-1', 'rbac-reject-100', 'rbac-reject-1000', 'sql', 'tls',
  'http', 'header-read', 'ratelimit', 'ip-tag-1', 'ip-tag-5', 'ip-tag-10', 'logging', 'http-mix-1', 'http-mix-2',
];

/** Whether claims of the paper can be judged by a policy: not by our SQL module, whose code is not Envoy's. */
export function isEnvoysOwn({ label }: Pick<Policy, 'label'>): boolean {
  return label !== sqlModule.label;
}

/** Place of a policy in the paper's figures; what the paper does not have comes after. */
export function paperRank(id: string): number {
  const place = paperFig7.indexOf(id);
  return place < 0 ? paperFig7.length : place;
}

/**
 * The policy of that id.
 * @throws Error that lists the ids there are.
 */
export function policyById(id: string): Policy {
  const all = [...policies, sqlModule];
  const found = all.find((policy) => policy.id === id);
  if (!found) throw new Error(`no policy "${id}"; there are ${all.map((policy) => policy.id).join(', ')}`);
  return found;
}

function networkPolicy(id: string, label: string, filter: NetworkFilter): TcpPolicy {
  return { ...tcp, id, label, filters: [filter] };
}

function httpPolicy(id: string, label: string, filter: HttpFilter): HttpPolicy {
  return { ...http, id, label, filters: [filter] };
}

/**
 * A list the client is not on: every read is compared with each entry and then passes, so the scan is what it costs.
 * The addresses are those reserved for benchmarks (RFC 2544), which no client has.
 */
function rejectList(length: number): TcpPolicy {
  const sourceIps = Array.from({ length }, (_, i) => `198.18.${Math.floor(i / 250)}.${(i % 250) + 1}`);
  return networkPolicy(`rbac-reject-${length}`, `Reject ${length}`, { kind: 'rbac-network', action: 'DENY', sourceIps });
}

function ipTag(count: number): HttpPolicy {
  return httpPolicy(`ip-tag-${count}`, `IP Tag (${count})`, { kind: 'ip-tagging', tags: tagsForEveryone(count) });
}
