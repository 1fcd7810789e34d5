/**
 * How a rendered sidecar compares with what a real control plane sends to a sidecar of the same service. The real one is
 * environment/istio/sidecar-config-dump.json: Envoy's /config_dump of an injected pod, istiod 1.22-dev of 2024-02-21 (thirteen
 * days after 1.20.3), automatic mTLS in mode PERMISSIVE, profile without access log; its `_about` says more.
 *
 * Both are brought into one tree, in which lists of named things are looked up by name, and every path at which the two are
 * not the same is listed with the reason from dump-reasons.ts.
 */
import * as fs from 'node:fs';
import { projectPath } from '../../host/paths.js';
import { reasonFor } from './dump-reasons.js';
import type { Mesh } from './mesh.js';
import { sidecarConfig } from './sidecar.js';

export interface Difference {
  /** Where, e.g. `listeners / virtualInbound / traffic_direction`. */
  path: string;
  /** What stands there, as JSON, shortened; null where nothing does. */
  ours: string | null;
  istios: string | null;
  /** Why it is so; null when nobody wrote it down. */
  reason: string | null;
}

type Tree = string | { [key: string]: Tree };
type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type JsonObject = { [key: string]: Json };

/** Of the dump: who runs where. */
const dumped: Mesh = {
  profile: 'default', mtls: true, rbac: false,
  services: [{
    name: 'echo', host: 'echo.default.svc.cluster.local', virtualAddress: '10.96.7.250', port: 8080, kind: 'http', podAddress: '10.244.0.8', targetPort: 8080,
  }],
};
const certificate = { cert: 'cert.pem', key: 'key.pem', ca: 'ca.pem' };

/**
 * Every difference between our sidecar of the dump's service and Istio's.
 * @throws Error when the dump is not there or not an Envoy's.
 */
export function compareWithDump(): Difference[] {
  const file = projectPath('environment', 'istio', 'sidecar-config-dump.json');
  // The dump's service is in the Kubernetes namespace `mesh`, ours is in `default`: no difference worth a line.
  const text = fs.readFileSync(file, 'utf8').replace(/\bmesh\b/g, 'default');
  const { configs } = JSON.parse(text) as { configs?: JsonObject[] };
  if (!configs) throw new Error(`${file}: no "configs"; is it an Envoy's /config_dump?`);
  const ours = JSON.parse(JSON.stringify(sidecarConfig(dumped, 'echo', certificate))) as JsonObject;
  return differencesBetween(treeOf(ours), treeOf(fromDump(configs)));
}

/** Every path at which two trees are not the same, with what stands there. */
export function differencesBetween(ours: Tree | undefined, istios: Tree | undefined, path: string[] = []): Difference[] {
  if (typeof ours === 'object' && typeof istios === 'object') {
    const keys = [...new Set([...Object.keys(istios), ...Object.keys(ours)])];
    return keys.flatMap((key) => differencesBetween(ours[key], istios[key], [...path, key]));
  }
  if (ours === istios) return [];
  const where = path.join(' / ');
  return [{ path: where, ours: shortened(ours), istios: shortened(istios), reason: reasonFor(where) }];
}

const shownCharacters = 100;

function shortened(tree: Tree | undefined): string | null {
  if (tree === undefined) return null;
  const text = typeof tree === 'string' ? tree : JSON.stringify(tree);
  return text.length > shownCharacters ? `${text.slice(0, shownCharacters)}…` : text;
}

/** A dump as the one file that would configure the same: what came from the control plane put in its place. */
function fromDump(configs: JsonObject[]): JsonObject {
  const part = (type: string) => configs.find((config) => String(config['@type']).endsWith(`.${type}`)) ?? {};
  const listOf = (type: string, list: string, ...way: string[]) => ((part(type)[list] ?? []) as JsonObject[]).map((entry) => way.reduce((value, key) => value[key] as JsonObject, entry));
  const bootstrap = part('BootstrapConfigDump').bootstrap as JsonObject;
  const routes = listOf('RoutesConfigDump', 'dynamic_route_configs', 'route_config');
  const endpoints = listOf('EndpointsConfigDump', 'dynamic_endpoint_configs', 'endpoint_config');
  const listeners = [...(bootstrap.static_resources as { listeners: JsonObject[] }).listeners, ...listOf('ListenersConfigDump', 'dynamic_listeners', 'active_state', 'listener')];
  const clusters = [...listOf('ClustersConfigDump', 'static_clusters', 'cluster'), ...listOf('ClustersConfigDump', 'dynamic_active_clusters', 'cluster')];
  return {
    ...bootstrap,
    static_resources: {
      listeners: listeners.map((listener) => withRoutes(listener, routes) as JsonObject),
      clusters: clusters.map((cluster) => withEndpoints(cluster, endpoints)),
    },
  };
}

function withRoutes(node: Json, routes: JsonObject[]): Json {
  if (Array.isArray(node)) return node.map((child) => withRoutes(child, routes));
  if (node === null || typeof node !== 'object') return node;
  const inner = Object.fromEntries(Object.entries(node).map(([key, child]) => [key, withRoutes(child, routes)]));
  const wanted = (node.rds as JsonObject | undefined)?.route_config_name;
  const found = routes.find(({ name }) => name === wanted);
  return found ? { ...inner, route_config: found } : inner;
}

function withEndpoints(cluster: JsonObject, endpoints: JsonObject[]): JsonObject {
  const found = endpoints.find(({ cluster_name }) => cluster_name === cluster.name);
  return found ? { ...cluster, load_assignment: found } : cluster;
}

function treeOf({ static_resources, ...bootstrap }: JsonObject): Tree {
  return asTree({ ...bootstrap, ...(static_resources as JsonObject) });
}

function asTree(node: Json): Tree {
  if (Array.isArray(node)) return listAsTree(node);
  if (node === null || typeof node !== 'object') return String(node);
  // A struct that names the type it stands for is that type.
  if (String(node['@type']).endsWith('udpa.type.v1.TypedStruct')) return asTree({ '@type': node.type_url, ...(node.value as JsonObject) });
  const fields = Object.entries(node).filter(([key, value]) => !(key === '@type' && isResourceType(value)));
  return Object.fromEntries(fields.map(([key, value]) => [key, asTree(value)]));
}

/** The control plane's envelope says of a resource what it is; in a file its place does. */
function isResourceType(type: Json): boolean {
  return /\.config\.(listener|cluster|route|endpoint)\.v3\.\w+$/.test(String(type));
}

function listAsTree(list: Json[]): Tree {
  if (list.every((item) => typeof item !== 'object')) return JSON.stringify(list.map(String));
  const tree: { [key: string]: Tree } = {};
  list.forEach((item, i) => {
    const key = keyOf(item as JsonObject) ?? `#${i}`;
    tree[key in tree ? `${key} #${i}` : key] = asTree(item);
  });
  return tree;
}

/** By what an entry of a list is known, whatever its place. */
function keyOf(item: JsonObject): string | undefined {
  const match = item.filter_chain_match as { transport_protocol?: string; application_protocols?: string[] } | undefined;
  const name = item.name ?? item.tag_name ?? item.tag ?? (item.address && `port ${portOf(item)}`);
  if (match) return [name ?? 'chain', match.transport_protocol, match.application_protocols?.join(',')].filter((word) => word !== undefined).join(' ');
  if (name !== undefined) return String(name);
  return 'prefix' in item || 'suffix' in item || 'safe_regex' in item ? JSON.stringify(item) : undefined;
}

function portOf(item: JsonObject): number | undefined {
  return (item.address as { socket_address?: { port_value: number } }).socket_address?.port_value;
}
