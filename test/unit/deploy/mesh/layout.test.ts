import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { graphById } from '../../../../lib/apps/graph-file.js';
import type { ApplicationSpec } from '../../../../lib/deploy/application.js';
import { layOut } from '../../../../lib/deploy/mesh/layout.js';
import { hostInterface, overlaps } from '../../../../lib/deploy/mesh/network.js';

const boutique = graphById('online-boutique');
const spec = (more: Partial<ApplicationSpec> = {}): ApplicationSpec => ({ graph: boutique, profile: 'none', nodes: 1, ...more });
const nodesOf = (more: Partial<ApplicationSpec>) => layOut(spec(more), '10.203').pods.map(({ node }) => node);

describe('placement', () => {
  test('spread goes over the nodes in turn', () => {
    expect(nodesOf({ nodes: 3 })).toEqual([0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1]);
  });
  test('packed fills the first node and leaves the others empty', () => {
    expect(new Set(nodesOf({ nodes: 5, placement: 'packed' }))).toEqual(new Set([0]));
  });
  test.each([0, 6, 1.5])('%s nodes are refused', (nodes) => {
    expect(() => nodesOf({ nodes })).toThrow(`an application runs on 1 to 5 nodes, not ${nodes}`);
  });
  test('every pod is in the subnet of its node, and no two things have one address', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 5 }), fc.constantFrom('spread' as const, 'packed' as const), (nodes, placement) => {
      const { pods, collectorAddress } = layOut(spec({ nodes, placement }), '10.203');
      for (const { address, node } of pods) expect(address.startsWith(`10.203.${node}.`)).toBe(true);
      const all = [collectorAddress, ...pods.flatMap(({ address, serviceAddress }) => [address, serviceAddress])];
      expect(new Set(all).size).toBe(all.length);
    }));
  });
  test('a pod listens on its target port, its Service on its own', () => {
    const [frontend] = layOut(spec(), '10.203').pods;
    expect([frontend.service.port, frontend.port]).toEqual([80, 8080]);
  });
});

describe('a subnet', () => {
  test.each([
    ['10.203.0.0/16', true], ['10.203.5.0/24', true], ['10.203.250.1', true], ['10.0.0.0/8', true], ['10.202.0.0/15', true],
    ['10.204.0.0/16', false], ['192.0.2.0/24', false], ['11.0.0.0/8', false], ['172.17.0.0/16', false],
  ])('10.203.0.0/16 beside a route to %s: taken is %s', (route, taken) => {
    expect(overlaps(route, '10.203')).toBe(taken);
  });
});

test('the host’s interface names its owner in the fifteen characters that the kernel allows', () => {
  expect(hostInterface(3, 4194303, 7_000_000_000)).toMatch(/^wb[0-9a-z]{13}$/);
  expect(hostInterface(3, 4194303, 7_000_000_000)).toBe(`wb${(4194303).toString(36)}${(7_000_000_000).toString(36).padStart(7, '0')}3`);
});
