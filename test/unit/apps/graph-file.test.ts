import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CallGraph } from '../../../lib/apps/call-graph.js';
import { graphById, parseGraph, variantOf } from '../../../lib/apps/graph-file.js';
import { anyGraph, chain } from './graphs.js';

/** What is said of the chain with something changed. */
function complaint(change: (graph: CallGraph) => void): string {
  const graph = structuredClone(chain);
  change(graph);
  try {
    parseGraph(JSON.stringify(graph), 'chain.json');
  } catch (error) {
    return (error as Error).message;
  }
  return 'nothing';
}

const back = (graph: CallGraph) => graph.services[1].operations!.Do;
const page = (graph: CallGraph) => graph.services[0].operations!.page;

describe('a graph file', () => {
  test('is read as it is written', () => {
    expect(parseGraph(JSON.stringify(chain), 'chain.json')).toEqual(chain);
    fc.assert(fc.property(anyGraph, (graph) => { expect(parseGraph(JSON.stringify(graph), 'any.json')).toEqual(graph); }));
  });

  test.each<[string, (graph: CallGraph) => void, string]>([
    ['a service that is not there', (graph) => { page(graph).calls = [{ to: 'bakc', operation: 'Do' }]; }, "chain.json: operations.page: call 1 of front: 'bakc' is not a service of the graph (front, back, cache)"],
    ['an operation that is not there', (graph) => { page(graph).calls = [{ to: 'back', operation: 'do' }]; }, "chain.json: operations.page: call 1 of front: 'back' has no operation 'do' (it has Do)"],
    ['a command that stores do not know', (graph) => { back(graph).calls = [{ to: 'cache', operation: 'incr' }]; }, "chain.json: operations.Do: call 1 of back: a redis knows get and set, not 'incr'"],
    ['an entry that is not there', (graph) => { graph.entry.service = 'door'; }, "chain.json: entry.service: 'door' is not a service of the graph (front, back, cache)"],
    ['an entry that clients cannot ask', (graph) => { graph.entry = { service: 'back', operation: 'Do' }; }, "chain.json: entry.service: clients speak http, 'back' speaks grpc"],
    ['calls in a circle', (graph) => { back(graph).calls = [{ to: 'front', operation: 'page' }]; }, 'chain.json: front.page: calls go in a circle: front.page -> back.Do -> front.page'],
    ['two services of one name', (graph) => { graph.services[1].name = 'front'; }, 'chain.json: services[1] (front): two services have this name'],
    ['two operations at one path', (graph) => { graph.services[0].operations!.other = { path: '/?b=2', responseBytes: 1 }; }, "chain.json: services[0] (front).operations.other.path: '/' is taken by operation 'page'"],
    ['an HTTP operation without a path', (graph) => { delete page(graph).path; }, "chain.json: services[0] (front).operations.page: 'path' is missing"],
    ['a number of the wrong type', (graph) => { page(graph).responseBytes = '10' as never; }, 'chain.json: services[0].operations.page.responseBytes: a whole number from 0 to 67108864 is wanted, not "10"'],
    ['an unknown protocol', (graph) => { graph.services[0].protocol = 'http3' as never; }, 'chain.json: services[0].protocol: http or grpc or redis or memcached is wanted, not "http3"'],
    ['a missing field', (graph) => { delete (graph as Partial<CallGraph>).entry; }, "chain.json: graph: 'entry' is missing"],
    ['a misspelt field', (graph) => { Object.assign(page(graph), { responseBytess: 1 }); }, 'chain.json: services[0].operations.page.responseBytess: there is no such field; there are path, responseBytes, chunked, computeUs, calls'],
    ['operations of a store', (graph) => { graph.services[2].operations = {}; }, 'chain.json: services[2] (cache): a redis has no operations, only a seed'],
    ['a seed of what is no store', (graph) => { graph.services[1].seed = []; }, 'chain.json: services[1] (back): only stores have a seed, this is grpc'],
    ['keys that are too short to differ', (graph) => { graph.services[2].seed = [{ keys: 11, keyBytes: 1, valueBytes: 1 }]; }, 'chain.json: services[2] (cache).seed: key 10 does not fit into 1 bytes; give a larger keyBytes'],
    ['new connections of gRPC', (graph) => { page(graph).calls = [{ to: 'back', operation: 'Do', newConnection: true }]; }, "chain.json: operations.page: call 1 of front: new connections are for http, 'back' speaks grpc"],
    ['a stranger in a variant', (graph) => { graph.variants = { other: { about: 'x', services: [{ ...graph.services[2], name: 'new' }] } }; }, "chain.json: variants.other.services: 'new' replaces no service of the graph"],
    ['a variant that breaks a call', (graph) => { graph.variants = { other: { about: 'x', services: [{ ...graph.services[1], operations: {} }] } }; }, "chain.json: variants.other: operations.page: call 1 of front: 'back' has no operation 'Do' (it has none)"],
  ])('with %s says where', (_, change, message) => {
    expect(complaint(change)).toBe(message);
  });

  test('that is not JSON says so', () => {
    expect(() => parseGraph('{"format": 1', 'cut.json')).toThrow(/^cut\.json is not JSON: /);
  });
});

describe('variants', () => {
  test('replace services of the same name and nothing else', () => {
    const mongo = { ...chain.services[2], protocol: 'memcached' as const };
    const chosen = variantOf({ ...chain, variants: { other: { about: 'x', services: [mongo] } } }, 'other');
    expect(chosen).toEqual({ ...chain, services: [chain.services[0], chain.services[1], mongo], variant: 'other' });
  });

  test('and graphs that are not there say which are', () => {
    expect(() => graphById('bookinfo', 'v9')).toThrow("bookinfo has no variant 'v9'; it has reviews-v1, since-2024-06");
    expect(() => graphById('sockshop')).toThrow("there is no application 'sockshop'; there are bookinfo, online-boutique, hotel-reservation, two-tier");
  });
});
