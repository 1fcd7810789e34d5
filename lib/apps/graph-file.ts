/**
 * Call graphs on disk: those the workbench brings (graphs/) and anybody's own. What is wrong with one is said once, with
 * file and place.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { projectPath } from '../host/paths.js';
import { defaultKeyBytes, isStore, type Call, type CallGraph, type Operation, type ServiceNode } from './call-graph.js';

/** Ids of the graphs the workbench brings: the paper's three applications, and a small example. */
export const graphs = ['bookinfo', 'online-boutique', 'hotel-reservation', 'two-tier'] as const;

/**
 * One of the workbench's own graphs.
 * @param variant one of its variants; the graph as the paper's authors ran it when left out.
 * @throws Error when there is no such graph or variant.
 */
export function graphById(id: string, variant?: string): CallGraph {
  if (!graphs.some((known) => known === id)) throw new Error(`there is no application '${id}'; there are ${graphs.join(', ')}`);
  return variantOf(readGraph(projectPath('lib', 'apps', 'graphs', `${id}.json`)), variant);
}

/**
 * A graph with the services of one of its variants; the graph itself without `variant`.
 * @throws Error when it has no such variant.
 */
export function variantOf(graph: CallGraph, variant?: string): CallGraph {
  if (variant === undefined) return graph;
  const chosen = graph.variants?.[variant];
  if (!chosen) throw new Error(`${graph.id} has no variant '${variant}'; it has ${Object.keys(graph.variants ?? {}).join(', ') || 'none'}`);
  const services = graph.services.map((service) => chosen.services.find(({ name }) => name === service.name) ?? service);
  const { variants: _, ...rest } = graph;
  return { ...rest, services, variant };
}

/**
 * Reads a call graph.
 * @throws Error naming file and place: not JSON, a field that is missing, unknown or of the wrong type, a service or
 *   operation that is not there, two of one name, calls in a circle.
 */
export function readGraph(file: string): CallGraph {
  return parseGraph(fs.readFileSync(file, 'utf8'), path.basename(file));
}

/** As `readGraph`, of a text. @param file its name, for messages. */
export function parseGraph(text: string, file: string): CallGraph {
  const fail: Fail = (place, problem) => { throw new Error(`${file}: ${place}: ${problem}`); };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error(`${file} is not JSON: ${(error as Error).message}`);
  }
  checkShape(value, graphShape, 'graph', fail);
  const graph = value as CallGraph;
  checkServices(graph.services, 'services', fail);
  checkWhole(graph, fail);
  for (const [name, { services }] of Object.entries(graph.variants ?? {})) {
    const place = `variants.${name}`;
    checkServices(services, `${place}.services`, fail);
    const stranger = services.find((service) => !graph.services.some((known) => known.name === service.name));
    if (stranger) fail(`${place}.services`, `'${stranger.name}' replaces no service of the graph`);
    checkWhole(variantOf(graph, name), (inner, problem) => fail(`${place}: ${inner}`, problem));
  }
  return graph;
}

type Fail = (place: string, problem: string) => void;

/** What a value may be; a `?` after a field's name says that it may be left out. */
type Shape = 'text' | 'yes or no' | { least: number; most: number } | { oneOf: (string | number)[] } | { list: Shape } | { map: Shape } | { fields: Record<string, Shape> } | { either: Shape; orList: true };

const bytes: Shape = { least: 0, most: 64 * 2 ** 20 };
const count: Shape = { least: 1, most: 100_000 };
const port: Shape = { least: 1, most: 65_535 };
/** The longest key memcached takes. */
const keyLength: Shape = { least: 1, most: 250 };

const callShape: Shape = { fields: { to: 'text', operation: 'text', 'times?': count, 'requestBytes?': bytes, 'keys?': count, 'keyBytes?': keyLength, 'newConnection?': 'yes or no' } };
const operationShape: Shape = {
  fields: { 'path?': 'text', responseBytes: bytes, 'chunked?': 'yes or no', 'computeUs?': { least: 0, most: 1e7 }, 'calls?': { list: { either: callShape, orList: true } } },
};
const serviceShape: Shape = {
  fields: {
    name: 'text', protocol: { oneOf: ['http', 'grpc', 'redis', 'memcached'] }, port, 'targetPort?': port, 'portName?': 'text',
    'operations?': { map: operationShape }, 'keepAlive?': 'yes or no', 'noDelay?': 'yes or no',
    'seed?': { list: { fields: { keys: count, 'keyBytes?': keyLength, valueBytes: bytes } } }, 'calledByPodAddress?': 'yes or no',
  },
};
const services: Shape = { list: serviceShape };
const graphShape: Shape = {
  fields: {
    format: { oneOf: [1] }, id: 'text', label: 'text', source: 'text', entry: { fields: { service: 'text', operation: 'text' } },
    'forwardedHeaders?': { list: 'text' }, services, 'variants?': { map: { fields: { about: 'text', services } } },
  },
};

function checkShape(value: unknown, shape: Shape, place: string, fail: Fail): void {
  const wrong = (wanted: string) => fail(place, `${wanted} is wanted, not ${JSON.stringify(value)?.slice(0, 60) ?? 'nothing'}`);
  if (shape === 'text') {
    if (typeof value !== 'string' || value === '') wrong('a text');
  } else if (shape === 'yes or no') {
    if (typeof value !== 'boolean') wrong('true or false');
  } else if ('least' in shape) {
    const { least, most } = shape;
    if (!Number.isInteger(value) || (value as number) < least || (value as number) > most) wrong(`a whole number from ${least} to ${most}`);
  } else if ('oneOf' in shape) {
    if (!shape.oneOf.includes(value as string)) wrong(shape.oneOf.join(' or '));
  } else if ('list' in shape) {
    if (!Array.isArray(value)) return wrong('a list');
    value.forEach((item, i) => checkShape(item, shape.list, `${place}[${i}]`, fail));
  } else if ('either' in shape) {
    checkShape(value, Array.isArray(value) ? { list: shape.either } : shape.either, place, fail);
  } else {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return wrong('an object');
    if ('map' in shape) for (const [key, item] of Object.entries(value)) checkShape(item, shape.map, `${place}.${key}`, fail);
    else checkFields(value as Record<string, unknown>, shape.fields, place, fail);
  }
}

function checkFields(value: Record<string, unknown>, fields: Record<string, Shape>, place: string, fail: Fail): void {
  const at = (field: string) => (place === 'graph' ? field : `${place}.${field}`);
  for (const [key, shape] of Object.entries(fields)) {
    const name = key.replace('?', '');
    if (value[name] !== undefined) checkShape(value[name], shape, at(name), fail);
    else if (name === key) fail(place, `'${name}' is missing`);
  }
  const unknown = Object.keys(value).find((key) => !(key in fields) && !(`${key}?` in fields));
  if (unknown) fail(at(unknown), `there is no such field; there are ${Object.keys(fields).map((key) => key.replace('?', '')).join(', ')}`);
}

/** What holds within one service, whatever else the graph has. */
function checkServices(list: ServiceNode[], place: string, fail: Fail): void {
  list.forEach((service, i) => {
    const here = `${place}[${i}] (${service.name})`;
    if (list.findIndex(({ name }) => name === service.name) !== i) fail(here, 'two services have this name');
    if (isStore(service) && service.operations) fail(here, `a ${service.protocol} has no operations, only a seed`);
    if (!isStore(service) && service.seed) fail(here, `only stores have a seed, this is ${service.protocol}`);
    checkKeys(service.seed ?? [], `${here}.seed`, fail);
    if (service.protocol !== 'http') for (const field of ['keepAlive', 'noDelay'] as const) if (service[field] !== undefined) fail(`${here}.${field}`, 'only for http');
    checkPaths(service, here, fail);
  });
}

/** Keys are numbers, and all of a store have to differ. */
function checkKeys(seed: { keys?: number; keyBytes?: number }[], place: string, fail: Fail): void {
  let last = -1;
  for (const { keys = 1, keyBytes = defaultKeyBytes } of seed) {
    last += keys;
    if (String(last).length > keyBytes) fail(place, `key ${last} does not fit into ${keyBytes} bytes; give a larger keyBytes`);
  }
}

function checkPaths(service: ServiceNode, place: string, fail: Fail): void {
  const seen = new Map<string, string>();
  for (const [name, operation] of Object.entries(service.operations ?? {})) {
    const here = `${place}.operations.${name}`;
    if (service.protocol === 'http' && operation.path === undefined) fail(here, "'path' is missing");
    if (operation.path === undefined) continue;
    if (!operation.path.startsWith('/')) fail(`${here}.path`, `a path begins with '/', not '${operation.path}'`);
    const answered = service.protocol === 'http' ? operation.path.split('?')[0] : operation.path;
    if (seen.has(answered)) fail(`${here}.path`, `'${answered}' is taken by operation '${seen.get(answered)}'`);
    seen.set(answered, name);
  }
}

/** What holds between services: every call finds its operation, and none comes back to where it began. */
function checkWhole(graph: CallGraph, fail: Fail): void {
  const byName = new Map(graph.services.map((service) => [service.name, service]));
  const entry = byName.get(graph.entry.service);
  if (!entry) fail('entry.service', `'${graph.entry.service}' is not a service of the graph (${[...byName.keys()].join(', ')})`);
  else if (entry.protocol !== 'http') fail('entry.service', `clients speak http, '${entry.name}' speaks ${entry.protocol}`);
  else if (!entry.operations?.[graph.entry.operation]) fail('entry.operation', noOperation(entry, graph.entry.operation));
  for (const { service, place, call } of allCalls(graph)) checkCall(call, byName, `${place} of ${service.name}`, fail);
  for (const service of graph.services) for (const name of Object.keys(service.operations ?? {})) checkNoCircle(byName, service, name, [], fail);
}

function checkCall(call: Call, byName: Map<string, ServiceNode>, place: string, fail: Fail): void {
  const callee = byName.get(call.to);
  if (!callee) return fail(place, `'${call.to}' is not a service of the graph (${[...byName.keys()].join(', ')})`);
  if (isStore(callee)) {
    if (call.operation !== 'get' && call.operation !== 'set') fail(place, `a ${callee.protocol} knows get and set, not '${call.operation}'`);
    checkKeys([call], place, fail);
  } else if (!callee.operations?.[call.operation]) fail(place, noOperation(callee, call.operation));
  else if (call.keys !== undefined || call.keyBytes !== undefined) fail(place, `keys are for stores, '${callee.name}' speaks ${callee.protocol}`);
  if (call.newConnection && callee.protocol !== 'http') fail(place, `new connections are for http, '${callee.name}' speaks ${callee.protocol}`);
}

function noOperation(service: ServiceNode, operation: string): string {
  return `'${service.name}' has no operation '${operation}' (it has ${Object.keys(service.operations ?? {}).join(', ') || 'none'})`;
}

function checkNoCircle(byName: Map<string, ServiceNode>, service: ServiceNode, operation: string, above: string[], fail: Fail): void {
  const step = `${service.name}.${operation}`;
  if (above.includes(step)) return fail(above[0], `calls go in a circle: ${[...above.slice(above.indexOf(step)), step].join(' -> ')}`);
  for (const call of callsOf(service.operations?.[operation])) checkNoCircle(byName, byName.get(call.to)!, call.operation, [...above, step], fail);
}

function callsOf(operation: Operation | undefined): Call[] {
  return (operation?.calls ?? []).flat();
}

function allCalls(graph: CallGraph): { service: ServiceNode; place: string; call: Call }[] {
  return graph.services.flatMap((service) => Object.entries(service.operations ?? {}).flatMap(([name, operation]) =>
    callsOf(operation).map((call, i) => ({ service, place: `operations.${name}: call ${i + 1}`, call }))));
}
