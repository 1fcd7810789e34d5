/** A ready envoy.yaml of the user's own: its listener, upstream and admin rebound to loopback, everything else untouched. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { parseDocument, visit, type Document, type Node } from 'yaml';
import type { Rendered, Wiring } from './render.js';
import type { Address, UserConfig } from './types.js';

/**
 * Takes an envoy.yaml (or .json) in place of a policy.
 * @param options.listener which one clients use, when the file has several.
 * @param options.clusters which ones become the backend, when the listener's routes do not say.
 * @throws Error when the file cannot be read, is not YAML, or cannot be rebound (see `rebind`).
 */
export function userConfig(file: string, options: { id?: string; label?: string; listener?: string; clusters?: string[] } = {}): UserConfig {
  const name = path.basename(file).replace(/\.(ya?ml|json)$/, '');
  const { id = name, label = id, ...choices } = options;
  const config: UserConfig = { frame: 'user', id, label, yaml: fs.readFileSync(file, 'utf8'), file, ...choices };
  readParts(config);
  return config;
}

/**
 * Connects a user's configuration to the workbench. Changed are: the chosen listener's address and that of the admin
 * page, the endpoints of the clusters behind the listener, and the address of any other listener (a free loopback port).
 * @throws Error that says what the file lacks and what to do.
 */
export function rebind(config: UserConfig, wiring: Wiring): Rendered {
  const { document, listeners, chosen, clusters } = readParts(config);
  listeners.forEach((listener, i) => {
    const at = ['static_resources', 'listeners', i];
    if (!listener.name) document.setIn([...at, 'name'], nameOf(listener, i));
    if (!listener.address && i !== chosen) return; // internal or api listener: listens on no socket
    setAddress(document, at, i === chosen ? wiring.listener : { host: wiring.listener.host, port: 0 });
    document.deleteIn([...at, 'additional_addresses']);
  });
  for (const { index, cluster } of clusters) {
    for (const at of endpointPaths(cluster, index)) setAddress(document, at, wiring.upstream);
  }
  setAddress(document, ['admin'], wiring.admin);
  return { yaml: document.toString({ lineWidth: 0 }), listener: nameOf(listeners[chosen], chosen), tls: speaksTls(listeners[chosen]) };
}

/** The fields of Envoy's bootstrap that are looked at. */
interface Bootstrap {
  static_resources?: { listeners?: Listener[]; clusters?: Cluster[] };
}

interface Listener {
  name?: string;
  address?: { socket_address?: { protocol?: string } };
  filter_chains?: { filters?: unknown[]; transport_socket?: unknown }[];
  default_filter_chain?: { transport_socket?: unknown };
}

interface Cluster {
  name: string;
  type?: string;
  cluster_type?: { name: string };
  load_assignment?: { endpoints?: { lb_endpoints?: unknown[] }[] };
  transport_socket?: { name?: string };
}

interface Parts {
  document: Document;
  listeners: Listener[];
  /** Index of the listener clients use. */
  chosen: number;
  /** The clusters behind it. */
  clusters: { index: number; cluster: Cluster }[];
}

function readParts(config: UserConfig): Parts {
  const where = config.file ?? config.id;
  const document = parseYaml(config.yaml, where);
  const { listeners = [], clusters = [] } = (document.toJS() as Bootstrap | null)?.static_resources ?? {};
  const chosen = chooseListener(listeners, config.listener, where);
  const names = config.clusters ?? routedClusters(listeners[chosen], clusters, where);
  return { document, listeners, chosen, clusters: names.map((name) => findCluster(name, clusters, where)) };
}

function parseYaml(text: string, where: string): Document {
  const document = parseDocument(text, { intAsBigInt: true });
  const error = document.errors[0];
  if (error) {
    const line = error.linePos?.[0].line ?? 1;
    throw new Error(`${where}:${line}: not YAML: ${error.message.split('\n')[0].replace(/ at line .*$/, '')}`);
  }
  // An address that is shared through an anchor must be changeable in one place only.
  visit(document, { Alias: (_key, alias) => withoutAnchors(alias.resolve(document) as Node) });
  return document;
}

function withoutAnchors(node: Node): Node {
  const copy = node.clone() as Node;
  visit(copy, { Node: (_key, inner) => { if ('anchor' in inner) delete inner.anchor; } });
  return copy;
}

function chooseListener(listeners: Listener[], wanted: string | undefined, where: string): number {
  const names = listeners.map(nameOf);
  const list = names.join(', ');
  if (listeners.length === 0) throw new Error(`${where} has no static listener (static_resources.listeners); one is needed, xDS is not followed`);
  if (wanted === undefined && listeners.length > 1) throw new Error(`${where} has ${listeners.length} listeners: ${list}; choose one with the option listener`);
  const chosen = wanted === undefined ? 0 : names.indexOf(wanted);
  if (chosen < 0) throw new Error(`${where} has no listener "${wanted}"; it has: ${list}`);
  if (listeners[chosen].address?.socket_address?.protocol === 'UDP') throw new Error(`${where}: listener ${names[chosen]} is UDP; choose a TCP one`);
  return chosen;
}

function nameOf(listener: Listener, index: number): string {
  return listener.name || `listener_${index}`;
}

/** Names of the clusters to which the listener's own routes send requests. */
function routedClusters(listener: Listener, clusters: Cluster[], where: string): string[] {
  const named = new Set<string>();
  collectTargets(listener, '', named);
  if (named.size > 0) return [...named];
  if (clusters.length === 1) return [clusters[0].name];
  const list = clusters.map((cluster) => cluster.name).join(', ') || 'none';
  throw new Error(`${where}: the listener's routes name no cluster; clusters: ${list}; choose with the option clusters`);
}

/** Routes and TCP proxies only: a cluster that a filter asks for advice (rate limits, authorisation) is not the backend. */
function collectTargets(node: unknown, field: string, found: Set<string>): void {
  if (node === null || typeof node !== 'object') return;
  if (Array.isArray(node)) return node.forEach((child) => collectTargets(child, field, found));
  const map = node as Record<string, unknown>;
  if (field === 'route' || /\.TcpProxy$/.test(String(map['@type']))) targetsOf(map).forEach((name) => found.add(name));
  Object.entries(map).forEach(([key, child]) => collectTargets(child, key, found));
}

function targetsOf(route: Record<string, unknown>): string[] {
  const weighted = (route.weighted_clusters as { clusters?: { name?: string }[] } | undefined)?.clusters ?? [];
  const mirrored = (route.request_mirror_policies as { cluster?: string }[] | undefined) ?? [];
  return [route.cluster, ...weighted.map(({ name }) => name), ...mirrored.map(({ cluster }) => cluster)]
    .filter((name): name is string => typeof name === 'string');
}

const rebindableTypes = ['STATIC', 'STRICT_DNS', 'LOGICAL_DNS'];

function findCluster(name: string, clusters: Cluster[], where: string): { index: number; cluster: Cluster } {
  const index = clusters.findIndex((cluster) => cluster.name === name);
  if (index < 0) throw new Error(`${where} has no static cluster "${name}"; it has: ${clusters.map((c) => c.name).join(', ') || 'none'}`);
  const cluster = clusters[index];
  const type = cluster.cluster_type?.name ?? cluster.type ?? 'STATIC';
  if (!rebindableTypes.includes(type)) {
    throw new Error(`${where}: cluster ${name} is of type ${type}; make it one of ${rebindableTypes.join(', ')} so that it can be rebound`);
  }
  if (cluster.transport_socket && !/raw_buffer/.test(cluster.transport_socket.name ?? '')) {
    throw new Error(`${where}: cluster ${name} speaks ${cluster.transport_socket.name ?? 'TLS'} to its upstream, the backend plain HTTP/1.1; remove its transport_socket`);
  }
  if (endpointPaths(cluster, index).length === 0) throw new Error(`${where}: cluster ${name} has no endpoint; give its load_assignment one`);
  return { index, cluster };
}

/** Where the cluster's endpoints have their address. */
function endpointPaths(cluster: Cluster, index: number): (string | number)[][] {
  return (cluster.load_assignment?.endpoints ?? []).flatMap(({ lb_endpoints = [] }, group) =>
    lb_endpoints.map((_, i) => ['static_resources', 'clusters', index, 'load_assignment', 'endpoints', group, 'lb_endpoints', i, 'endpoint']));
}

/** Sets host and port of the `address` at `at`; a pipe becomes a socket, other fields of a socket stay. */
function setAddress(document: Document, at: (string | number)[], { host, port }: Address): void {
  const socket = [...at, 'address', 'socket_address'];
  if (!document.hasIn(socket)) document.setIn([...at, 'address'], document.createNode({ socket_address: {} }));
  document.deleteIn([...socket, 'named_port']);
  document.setIn([...socket, 'address'], host);
  document.setIn([...socket, 'port_value'], port);
}

function speaksTls(listener: Listener): boolean {
  const chains = [...(listener.filter_chains ?? []), ...(listener.default_filter_chain ? [listener.default_filter_chain] : [])];
  const encrypted = (chain: { transport_socket?: unknown }) => /DownstreamTlsContext/.test(JSON.stringify(chain.transport_socket ?? null));
  // A chain without TLS is enough for a plain client.
  return chains.length > 0 && chains.every(encrypted);
}
