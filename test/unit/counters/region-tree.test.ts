import * as fs from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatRegionTree, parseRegionTree, pathOf, type RegionNode } from '../../../lib/counters/region-tree.js';

const text = fs.readFileSync('test/fixtures/counters/regions-http.txt', 'utf8');
const lines = text.split('\n');

describe('dump of the regions tool', () => {
  it('holds nodes that sum exactly to what the worker executed', () => {
    const tree = parseRegionTree(text, 'f');
    expect(tree.thread).toBe('wrk:worker_0');
    expect(tree.nodes).toHaveLength(172);
    expect(tree.nodes.reduce((sum, node) => sum + node.instructions, 0)).toBe(28_294_949);
    expect(tree.instructions).toBe(28_294_949);
  });

  it('gives the anchors of a node, outermost first', () => {
    const tree = parseRegionTree('regions 1\nthread w\ninstructions 3\nnode 0 0 0 0\nnode 0 a 1 1\nnode 1 b 1 2\nend 3\n', 'f');
    expect(pathOf(tree, 2)).toEqual([0xa, 0xb]);
    expect(pathOf(tree, 0)).toEqual([]);
  });

  it('comes back from its text as it was, whatever the tree', () => {
    fc.assert(fc.property(fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 2 ** 40 }), fc.nat(), fc.nat())), (rows) => {
      const root: RegionNode = { parent: 0, anchor: 0, calls: 0, instructions: 5 };
      const nodes = [root, ...rows.map(([parent, anchor, calls, instructions], i) => ({ parent: parent % (i + 1), anchor, calls, instructions }))];
      const tree = { thread: 'w', instructions: nodes.reduce((sum, node) => sum + node.instructions, 0), nodes };
      expect(parseRegionTree(formatRegionTree(tree), 'f')).toEqual(tree);
    }));
  });

  it('is refused wherever it is cut off', () => {
    for (const cut of [0, 5, 10, 60, 500, text.length - 8, text.length - 2]) {
      expect(() => parseRegionTree(text.slice(0, cut), 'f'), `cut at ${cut}`).toThrow(/^f:\d+: /);
    }
  });

  it.each([
    ['text of another tool', 'events: Ir\n', 'f:1: expected'],
    ['a missing line', [...lines.slice(0, 20), ...lines.slice(21)].join('\n'), /f:\d+: (node \d+ has parent|\d+ nodes were written)/],
    ['lines out of order', [...lines.slice(0, 4), ...lines.slice(4, 30).reverse(), ...lines.slice(30)].join('\n'), /f:\d+: node \d+ has parent/],
    ['a changed count', text.replace('node 0 0 0 1108163', 'node 0 0 0 1108164'), 'f:3: the thread ran 28294949 instructions but its nodes sum to 28294950'],
    ['a node that is none', text.replace('node 0 57b2610 801', 'node 0 57b2610 -801'), 'f:6: not a node'],
    ['text after its end', `${text}x\n`, /f:\d+: expected the line "end/],
  ])('is refused with %s', (_, broken, message) => {
    expect(() => parseRegionTree(broken, 'f')).toThrow(message);
  });
});
