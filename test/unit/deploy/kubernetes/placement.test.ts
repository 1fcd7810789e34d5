import type { V1Node } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import type { CallGraph } from '../../../../lib/apps/call-graph.js';
import { chooseNodes, placePods } from '../../../../lib/deploy/kubernetes/placement.js';
import { wavesOf } from '../../../../lib/deploy/kubernetes/waves.js';

const node = (name: string, extra: V1Node['spec'] = {}, ready = 'True'): V1Node => (
  { metadata: { name, labels: { 'kubernetes.io/hostname': name } }, spec: extra, status: { conditions: [{ type: 'Ready', status: ready }] } });

describe('chooseNodes', () => {
  it('takes nodes by name, whatever order the server lists them in', () => {
    expect(chooseNodes([node('c'), node('a'), node('b')], 2)).toEqual(['a', 'b']);
  });
  it('leaves out nodes that take no pods, and says so when too few are left', () => {
    const nodes = [node('a', { unschedulable: true }), node('b', { taints: [{ key: 'control-plane', effect: 'NoSchedule' }] }), node('c', {}, 'False'), node('d')];
    expect(chooseNodes(nodes, 1)).toEqual(['d']);
    expect(() => chooseNodes(nodes, 2)).toThrow('the application wants 2 nodes, the cluster has 4 nodes, 1 of which takes pods; ask for fewer');
  });
});

const service = (name: string, calls: string[] = [], calledByPodAddress = false) => (
  { name, protocol: 'grpc' as const, port: 1, calledByPodAddress, operations: { go: { responseBytes: 1, calls: calls.map((to) => ({ to, operation: 'go' })) } } });
const graph = (services: CallGraph['services']): CallGraph => ({ format: 1, id: 'g', label: 'G', source: 'a test', entry: { service: services[0].name, operation: 'go' }, services });

describe('placePods', () => {
  const spec = { graph: graph([service('a'), service('b'), service('c')]), profile: 'none' as const, nodes: 2 };
  it('deals pods out to the nodes in turn', () => {
    expect(placePods(spec, ['n1', 'n2'])).toEqual({ a: 'n1', b: 'n2', c: 'n1' });
  });
  it('fills the first node when packed', () => {
    expect(placePods({ ...spec, placement: 'packed' }, ['n1', 'n2'])).toEqual({ a: 'n1', b: 'n1', c: 'n1' });
  });
});

describe('wavesOf', () => {
  const names = (services: CallGraph['services']) => wavesOf(graph(services)).map((wave) => wave.map(({ name }) => name));
  it('makes all pods at once where services are called by name', () => {
    expect(names([service('a', ['b']), service('b')])).toEqual([['a', 'b']]);
  });
  it('makes those first whose own address others need, through several levels', () => {
    expect(names([service('front', ['search', 'store']), service('search', ['geo'], true), service('geo', [], true), service('store')]))
      .toEqual([['geo', 'store'], ['search'], ['front']]);
  });
});
