/**
 * Anchors: functions of Envoy at which the work of one component begins. Whatever runs while an anchor is the innermost
 * one on the call stack (allocator, libraries, unnamed functions) is charged to its component; with no anchor on the
 * stack it is the event loop's own work. Rules are data and name Envoy's sources; where they land in a given binary is
 * found through `function-names.ts`, and what a release does not have is reported, never passed over.
 */
import type { Component, Grouping } from '../paper/components.js';
import { logNameOf, logNamesIn, readableSymbol, symbolsOf, virtualPlaceOf, type FunctionTable, type NameSource } from './function-names.js';
import { qualifiedName } from './rtti.js';

export interface Anchor {
  /** Address in the file; the function is [address, end). */
  address: number;
  end: number;
  functionIndex: number;
  label: string;
  /** Finer than a component: `parse`, `router`, `filter:local_ratelimit`, `log:file`, ... */
  region: string;
  /** Component in our grouping. */
  component: Component;
  /** Component in the grouping of the paper's authors; null where their map has no such function. */
  authors: Component | null;
  source: NameSource;
}

/** What became of one wanted anchor, and what that means for the figures. */
export interface RuleOutcome {
  rule: string;
  region: string;
  /** `inlined`: the code is there but within another function, which cannot be split. */
  status: 'found' | 'ambiguous' | 'inlined' | 'missing';
  /** How many functions bear it. */
  functions: number;
  /** One sentence; empty when found. */
  consequence: string;
}

export interface ResolvedAnchors {
  /** Sorted by address. */
  anchors: Anchor[];
  outcomes: RuleOutcome[];
}

/** Methods of one class in one file, each expected in exactly one function. */
interface MethodRule {
  region: string;
  component: Component;
  authors?: Component;
  file: string;
  class: string;
  methods: string[];
  /** Place in the class's primary virtual table, for a method that never logs. Only where it is the same in all releases seen. */
  slot?: number;
  /** Who is charged when there is no such function. */
  otherwise: string;
}

/** Any function of some files or classes. */
interface GroupRule {
  name: string;
  component: Component;
  /** Region of a function from this file, or of this class (mangled name); null when the rule is not about it. */
  ofFile?: (file: string) => string | null;
  ofClass?: (mangled: string) => string | null;
  otherwise: string;
}

const SOURCE = 'source/common/';
const HEADER: Component = 'Header En/Decoder';

const methodRules: MethodRule[] = [
  { region: 'sidecar read', component: 'Sidecar Read', authors: 'Sidecar Read', file: 'network/connection_impl.cc', class: 'Network::ConnectionImpl', methods: ['onReadReady'], otherwise: 'Packet Processing (onFileEvent, its caller)' },
  { region: 'sidecar write', component: 'Sidecar Write', authors: 'Sidecar Write', file: 'network/connection_impl.cc', class: 'Network::ConnectionImpl', methods: ['onWriteReady'], otherwise: 'Packet Processing (onFileEvent, its caller)' },
  { region: 'packet', component: 'Packet Processing', file: 'network/connection_impl.cc', class: 'Network::ConnectionImpl', methods: ['onFileEvent'], otherwise: 'Event Poll (the loop, its caller)' },
  { region: 'packet', component: 'Packet Processing', file: 'network/connection_impl.cc', class: 'Network::ConnectionImpl', methods: ['write'], otherwise: 'the component that sends (codec or TCP proxy)' },
  { region: 'packet', component: 'Packet Processing', authors: 'Packet Processing', file: 'tcp_proxy/tcp_proxy.cc', class: 'TcpProxy::Filter', methods: ['onData', 'onUpstreamData'], otherwise: 'Sidecar Read (onReadReady, its caller)' },
  { region: 'packet', component: 'Packet Processing', file: 'tcp_proxy/tcp_proxy.cc', class: 'TcpProxy::Filter', methods: ['onNewConnection'], otherwise: "Event Poll (the listener, its caller), once a connection" },
  { region: 'packet', component: 'Packet Processing', file: 'http/codec_client.cc', class: 'Http::CodecClient', methods: ['onData'], otherwise: 'Sidecar Read (onReadReady, its caller)' },
  { region: 'packet', component: 'Packet Processing', file: 'http/conn_manager_impl.cc', class: 'Http::ConnectionManagerImpl', methods: ['onData'], slot: 2, otherwise: 'Sidecar Read (onReadReady, its caller)' },
  { region: 'parse', component: 'HTTP Protocol Parse', authors: 'HTTP Protocol Parse', file: 'http/http1/codec_impl.cc', class: 'Http::Http1::ConnectionImpl', methods: ['dispatch'], otherwise: 'Packet Processing (onData, its caller)' },
  { region: 'parse', component: 'HTTP Protocol Parse', file: 'http/http2/codec_impl.cc', class: 'Http::Http2::ConnectionImpl', methods: ['dispatch'], otherwise: 'Packet Processing (onData, its caller); HTTP/2 only' },
  { region: 'stream', component: HEADER, file: 'http/conn_manager_impl.cc', class: 'Http::ConnectionManagerImpl::ActiveStream', methods: ['decodeHeaders', 'encodeHeaders', 'encodeData', 'onCodecEncodeComplete'], otherwise: 'HTTP Protocol Parse or the filter chain, its caller' },
  { region: 'stream', component: HEADER, file: 'http/conn_manager_impl.cc', class: 'Http::ConnectionManagerImpl', methods: ['newStream', 'doEndStream'], otherwise: 'HTTP Protocol Parse or the stream, its caller' },
  { region: 'chain', component: HEADER, authors: HEADER, file: 'http/filter_manager.cc', class: 'Http::FilterManager', methods: ['decodeHeaders'], otherwise: 'Header En/Decoder (the stream, its caller); the authors\' map loses this component' },
  { region: 'chain', component: HEADER, file: 'http/filter_manager.cc', class: 'Http::FilterManager', methods: ['decodeData', 'decodeTrailers', 'encodeHeaders', 'encodeData', 'encodeTrailers'], otherwise: 'Header En/Decoder (the stream or router, its caller)' },
  { region: 'encode', component: HEADER, file: 'http/http1/codec_impl.cc', class: 'Http::Http1::RequestEncoderImpl', methods: ['encodeHeaders'], otherwise: 'Header En/Decoder all the same: the router, its caller' },
  { region: 'router', component: HEADER, file: 'router/router.cc', class: 'Router::Filter', methods: ['decodeHeaders', 'onUpstreamHeaders'], otherwise: 'Header En/Decoder all the same: the chain or the stream, its caller' },
  { region: 'router', component: HEADER, file: 'router/upstream_request.cc', class: 'Router::UpstreamRequest', methods: ['acceptHeadersFromRouter', 'onPoolReady'], otherwise: 'Header En/Decoder all the same: the router, its caller' },
  { region: 'log', component: 'Sidecar Filter', authors: 'Sidecar Filter', file: 'http/filter_manager.cc', class: 'Http::FilterManager', methods: ['log'], otherwise: 'the access loggers below it, which are anchors themselves, and Header En/Decoder for the loop over them' },
  { region: 'teardown', component: 'Event Poll', file: 'event/dispatcher_impl.cc', class: 'Event::DispatcherImpl', methods: ['clearDeferredDeleteList'], otherwise: 'Event Poll all the same; the region is not shown' },
];

const groupRules: GroupRule[] = [
  {
    name: 'HTTP/1 encoders', component: HEADER, otherwise: 'Header En/Decoder all the same: the stream or router, their callers',
    ofClass: whenClass(/^Envoy::Http::Http1::(?:Stream|Request|Response)EncoderImpl$/, 'encode'),
  },
  {
    name: 'router and connection pools', component: HEADER, otherwise: 'the filter chain, their caller',
    ofFile: whenFile(/^source\/common\/(?:router\/(?:router|upstream_request|upstream_codec_filter)\.cc|conn_pool\/|http\/conn_pool_base\.cc)/, 'router'),
    ofClass: whenClass(/^Envoy::Router::(?:Filter|ProdFilter|UpstreamRequest|UpstreamCodecFilter(?:::CodecBridge)?)$/, 'router'),
  },
  {
    name: 'filters', component: 'Sidecar Filter', otherwise: 'the filter chain, their caller',
    ofFile: (file) => filterRegion(/^source\/extensions\/filters\/(?:http|network|listener)\/(\w+)\//.exec(file)?.[1]),
    ofClass: (mangled) => filterRegion(namespaceBelow(mangled, ['11HttpFilters', '14NetworkFilters', '15ListenerFilters'])),
  },
  {
    name: 'access loggers', component: 'Sidecar Filter', otherwise: 'Header En/Decoder (end of the stream, their caller)',
    ofFile: (file) => logRegion(/^source\/extensions\/access_loggers\/(\w+)\//.exec(file)?.[1]),
    ofClass: (mangled) => logRegion(namespaceBelow(mangled, ['13AccessLoggers'])),
  },
  {
    // Table 2 has no component of its own for it; the paper's policy list treats TLS as a filter. BoringSSL runs nested inside.
    name: 'TLS', component: 'Sidecar Filter', otherwise: 'Sidecar Read and Sidecar Write, their callers; TLS only',
    ofFile: whenFile(/^source\/common\/tls\//, 'tls'),
    ofClass: (mangled) => (namespaceBelow(mangled, ['16TransportSockets']) === 'tls' ? 'tls' : null),
  },
];

/**
 * Finds the anchors of both groupings in a binary.
 * @param table from `nameFunctions`.
 */
export function resolveAnchors(table: FunctionTable): ResolvedAnchors {
  const found = new Map<number, Anchor>();
  const outcomes = methodRules.flatMap((rule) => rule.methods.map((method) => resolveMethod(table, rule, method, found)));
  outcomes.push(...groupRules.map((rule) => resolveGroup(table, rule, found)));
  outcomes.push(...filterMethods.map((method) => markAuthorsFilters(table, method, found)));
  return { anchors: [...found.values()].sort((a, b) => a.address - b.address), outcomes };
}

/**
 * The component that a piece of work belongs to.
 * @param path the anchors on its call stack, outermost first.
 * @returns the component of the innermost anchor that the grouping knows; `Event Poll` when it knows none, as the root
 *   of every stack is the event loop. The authors' map proper leaves that work unassigned.
 */
export function componentOfPath(path: Anchor[], grouping: Grouping): Component {
  for (let i = path.length - 1; i >= 0; i--) {
    const component = grouping === 'ours' ? path[i].component : path[i].authors;
    if (component !== null) return component;
  }
  return 'Event Poll';
}

/** Region of the innermost anchor on a call stack (outermost first); `loop` when there is none. */
export function regionOfPath(path: Anchor[]): string {
  return path.length > 0 ? path[path.length - 1].region : 'loop';
}

function resolveMethod(table: FunctionTable, rule: MethodRule, method: string, found: Map<number, Anchor>): RuleOutcome {
  const label = `${rule.class}::${method}`;
  const bearers = bearersOf(table, rule, method);
  for (const [index, source] of bearers) {
    if (!found.has(index)) found.set(index, anchor(table, index, label, rule.region, rule.component, rule.authors ?? null, source));
  }
  const outcome = { rule: label, region: rule.region, functions: bearers.size, consequence: '' };
  if (bearers.size === 1) return { ...outcome, status: 'found' };
  if (bearers.size > 1) return { ...outcome, status: 'ambiguous', consequence: `${bearers.size} functions of this release are called ${method} in ${rule.file}; all of them are charged to ${rule.component}.` };
  const hosts = inlinedIn(table, rule, method);
  if (hosts.length > 0) return { ...outcome, status: 'inlined', consequence: `${label} is inlined in ${hosts.join(' and ')} in this release; its cost is charged there.` };
  return { ...outcome, status: 'missing', consequence: `${label} is not found in this release; its cost is charged to ${rule.otherwise}.` };
}

/** Functions that are a method: by symbol where one bears that name, else by log statements, else by virtual table. */
function bearersOf(table: FunctionTable, rule: MethodRule, method: string): Map<number, NameSource> {
  const facts = factsOf(table);
  const bySymbol = facts.bySymbol.get(`Envoy::${rule.class}::${method}`) ?? [];
  if (bySymbol.length > 0) return new Map(bySymbol.map((index) => [index, 'symbol']));
  const byLog = facts.byLog.get(`${SOURCE}${rule.file} ${method}`) ?? [];
  if (byLog.length > 0) return new Map(byLog.map((index) => [index, 'log']));
  if (rule.slot === undefined) return new Map();
  const rows = facts.byClass.get(`Envoy::${rule.class}`) ?? [];
  return new Map(rows.filter((row) => table.virtualSlot[row] === rule.slot && table.virtualPrimary[row] === 1).map((row) => [table.virtualFunction[row], 'rtti']));
}

/** Which functions contain a method's log statements without bearing its name. */
function inlinedIn(table: FunctionTable, rule: MethodRule, method: string): string[] {
  const holders = [...new Set(table.siteFunction)].filter((index) => logNamesIn(table, index).some((name) => name.file === SOURCE + rule.file && name.function === method));
  return holders.map((index) => logNameOf(table, index)?.function ?? `the function at 0x${table.starts[index].toString(16)}`);
}

function resolveGroup(table: FunctionTable, rule: GroupRule, found: Map<number, Anchor>): RuleOutcome {
  const regions = new Map<number, { region: string; label: string; source: NameSource }>();
  const facts = factsOf(table);
  if (rule.ofClass) {
    for (const [mangled, rows] of facts.byMangledClass) {
      const region = rule.ofClass(mangled);
      if (region !== null) for (const row of rows) regions.set(table.virtualFunction[row], { region, label: `${shortClass(mangled)} virtual ${table.virtualSlot[row]}`, source: 'rtti' });
    }
  }
  if (rule.ofFile) {
    for (const [index, log] of facts.logs) {
      const region = rule.ofFile(log.file);
      if (region !== null) regions.set(index, { region, label: `${log.file.replace(/^source\/(?:common|extensions)\//, '')} ${log.function}`, source: 'log' });
    }
  }
  if (rule.ofClass) {
    for (const [index, symbol] of facts.methods) {
      const region = rule.ofClass(symbol.class);
      if (region !== null) regions.set(index, { region, label: symbol.text, source: 'symbol' });
    }
  }
  for (const [index, { region, label, source }] of regions) {
    if (!found.has(index)) found.set(index, anchor(table, index, label, region, rule.component, null, source));
  }
  const status = regions.size > 0 ? 'found' : 'missing';
  const consequence = regions.size > 0 ? '' : `No function of ${rule.name} is found in this release; their cost is charged to ${rule.otherwise}.`;
  return { rule: `any function of ${rule.name}`, region: rule.name, status, functions: regions.size, consequence };
}

/** The methods that the authors' map counts as a filter's work. */
const filterMethods = [
  { method: 'decodeHeaders', files: /^source\/extensions\/filters\/http\//, classes: /^Envoy::Extensions::(?:DynamicModules::)?HttpFilters::/, primary: [1] },
  // Network::Filter inherits from WriteFilter first: what such a filter reads comes through its second virtual table.
  { method: 'onData', files: /^source\/extensions\/filters\/network\//, classes: /^Envoy::Extensions::(?:DynamicModules::)?NetworkFilters::/, primary: [0, 1] },
];

/**
 * Marks the filters' decodeHeaders and onData for the authors' grouping. Filters that never log are found through the
 * others: a method that all of them override stands at the same slot of each one's virtual table. Where further tables
 * count too, what else stands there at that slot (onWrite, onEvent) is the filter's work as well.
 */
function markAuthorsFilters(table: FunctionTable, { method, files, classes, primary }: (typeof filterMethods)[number], found: Map<number, Anchor>): RuleOutcome {
  const facts = factsOf(table);
  const named = [...facts.logs].filter(([, log]) => files.test(log.file) && log.function === method).map(([index]) => index);
  const slot = commonSlot(table, named);
  const marked = new Set(named);
  for (const [name, rows] of facts.byClass) {
    if (slot === null || !classes.test(name) || !name.endsWith('Filter')) continue;
    for (const row of rows) if (table.virtualSlot[row] === slot && primary.includes(table.virtualPrimary[row])) marked.add(table.virtualFunction[row]);
  }
  for (const [index, symbol] of facts.methods) if (classes.test(symbol.text) && symbol.text.endsWith(`::${method}`)) marked.add(index);
  let count = 0;
  for (const index of marked) {
    const known = found.get(index);
    if (known?.component !== 'Sidecar Filter') continue;
    found.set(index, { ...known, authors: 'Sidecar Filter' });
    count++;
  }
  const outcome = { rule: `${method} of any filter (authors' map)`, region: 'filters', functions: count };
  if (slot !== null) return { ...outcome, status: 'found', consequence: '' };
  return { ...outcome, status: count > 0 ? 'ambiguous' : 'missing', consequence: `The virtual slot of ${method} cannot be told in this release; in the authors' map, filters that never log are charged to their caller.` };
}

/** The primary slot that at least three functions share and at least four in five agree on; null when none is. */
function commonSlot(table: FunctionTable, functions: number[]): number | null {
  const slots = functions.flatMap((index) => {
    const place = virtualPlaceOf(table, index);
    return place?.primary ? [place.slot] : [];
  });
  const best = [...new Set(slots)].find((slot) => slots.filter((other) => other === slot).length * 5 >= slots.length * 4);
  return best !== undefined && slots.length >= 3 ? best : null;
}

interface Facts {
  /** Qualified name of a method → functions with such a symbol. */
  bySymbol: Map<string, number[]>;
  /** Functions with a C++ method's symbol. */
  methods: Map<number, { text: string; class: string }>;
  /** `file function` → functions so named by their log statements and not otherwise by a symbol. */
  byLog: Map<string, number[]>;
  /** The name of a function, or else the file that its code is from. */
  logs: Map<number, { file: string; function: string }>;
  /** Rows of the virtual-table columns. */
  byMangledClass: Map<string, number[]>;
  byClass: Map<string, number[]>;
}

const factsCache = new WeakMap<FunctionTable, Facts>();

/** What rules ask for, indexed once per table. */
function factsOf(table: FunctionTable): Facts {
  const known = factsCache.get(table);
  if (known) return known;
  const facts: Facts = { bySymbol: new Map(), methods: new Map(), byLog: new Map(), logs: new Map(), byMangledClass: new Map(), byClass: new Map() };
  table.symbolFunction.forEach((index, row) => {
    const text = readableSymbol(table.strings[table.symbolName[row]]);
    const border = text.lastIndexOf('::');
    if (border < 0) return;
    append(facts.bySymbol, text, index);
    facts.methods.set(index, { text, class: mangledClass(text.slice(0, border)) });
  });
  for (const index of new Set(table.siteFunction)) {
    const name = logNameOf(table, index);
    if (name && symbolsOf(table, index).length === 0) append(facts.byLog, `${name.file} ${name.function}`, index);
    const log = name ?? logNamesIn(table, index)[0];
    if (log) facts.logs.set(index, log);
  }
  const rowsOfClass = new Map<number, number[]>(); // by number first: hashing a long name for each of 100,000 rows is slow
  table.virtualClass.forEach((name, row) => append(rowsOfClass, name, row));
  for (const [name, rows] of rowsOfClass) {
    const mangled = table.strings[name];
    facts.byMangledClass.set(mangled, rows);
    facts.byClass.set(qualifiedName(mangled), rows);
  }
  factsCache.set(table, facts);
  return facts;
}

function append<K>(map: Map<K, number[]>, key: K, value: number): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}

function anchor(table: FunctionTable, functionIndex: number, label: string, region: string, component: Component, authors: Component | null, source: NameSource): Anchor {
  return { address: table.starts[functionIndex], end: table.ends[functionIndex], functionIndex, label, region, component, authors, source };
}

function whenFile(pattern: RegExp, region: string): (file: string) => string | null {
  return (file) => (pattern.test(file) ? region : null);
}

function whenClass(pattern: RegExp, region: string): (mangled: string) => string | null {
  return (mangled) => (pattern.test(qualifiedName(mangled)) ? region : null);
}

/** The proxy's own two ends of a chain live among the extensions but are components of their own; `common` is shared code. */
const NOT_FILTERS = new Set(['common', 'http_connection_manager', 'tcp_proxy', 'router']);

function filterRegion(name: string | null | undefined): string | null {
  return name && !NOT_FILTERS.has(name) ? `filter:${name}` : null;
}

function logRegion(name: string | null | undefined): string | null {
  return name ? `log:${name}` : null;
}

/**
 * Types that carry a class's name with code of its own: the class itself, lambdas written in its methods (behind
 * std::function: a filter's factory is one) and what makes and frees it (behind std::shared_ptr).
 */
const EXTENSION_TYPE = /^(?:N|NSt3__110__function6__funcIZNK?|NSt3__120__shared_ptr_(?:emplaceIN|pointerIPN))5Envoy10Extensions(.*)$/;

/** `...11HttpFilters9IpTagging...` → `ip_tagging`: the folder of an extension, from the namespace it uses. */
function namespaceBelow(mangled: string, parents: string[]): string | null {
  const rest = EXTENSION_TYPE.exec(mangled)?.[1];
  if (rest === undefined) return null;
  if (parents.some((parent) => rest.startsWith(`14DynamicModules${parent}`))) return 'dynamic_modules';
  const parent = parents.find((name) => rest.startsWith(name));
  const child = parent && /^([1-9]\d*)(.*)$/.exec(rest.slice(parent.length));
  return child ? folderOf(child[2].slice(0, Number(child[1]))) : null;
}

/** Namespaces that are not their folder's name in camel case. */
const FOLDERS: Record<string, string> = {
  LocalRateLimit: 'local_ratelimit', RateLimit: 'ratelimit', RBAC: 'rbac', UpstreamRBAC: 'upstream_rbac', ExternalProcessing: 'ext_proc',
  ZooKeeperProxy: 'zookeeper_proxy', HttpGrpc: 'grpc', TcpGrpc: 'grpc', GrpcCommon: 'grpc', StatsAccessLog: 'stats',
};

function folderOf(namespace: string): string {
  const name = namespace.replace(/Filter$/, '');
  return FOLDERS[name] ?? name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase();
}

/** The inverse of `qualifiedName`, so that rules see symbols and type information alike. */
function mangledClass(qualified: string): string {
  return `N${qualified.split('::').map((part) => `${part.length}${part}`).join('')}E`;
}

function shortClass(mangled: string): string {
  const name = qualifiedName(mangled).replace(/^Envoy::(?:Extensions::)?/, '');
  return name.length > 100 ? `${name.slice(0, 97)}...` : name;
}
