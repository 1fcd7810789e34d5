/** The raw output of our Valgrind tool `regions`: instructions of one thread by path of active anchors. */

export interface RegionNode {
  /** Index of the parent node; the root is its own. */
  parent: number;
  /** Address of the anchor in the program's own numbering; 0 at the root, where no anchor is active. */
  anchor: number;
  calls: number;
  /** Run while exactly this path was active: not those of nodes below. */
  instructions: number;
}

export interface RegionTree {
  thread: string;
  /** Counted by the tool apart from the nodes; equal to their sum. */
  instructions: number;
  /** Parents before children; the root first. */
  nodes: RegionNode[];
}

const format = 1;

/**
 * Parses a dump (written by environment/valgrind-tool/regions.c):
 * ```
 * regions 1
 * thread wrk:worker_0
 * instructions 21518
 * node <parent> <anchor, hexadecimal> <calls> <instructions>
 * end <number of nodes>
 * ```
 * @throws Error naming file and line when it is cut off, not such a dump, or its nodes do not sum to its total.
 */
export function parseRegionTree(text: string, file: string): RegionTree {
  const lines = text.split('\n');
  const header = (line: number, pattern: RegExp) => {
    const fields = pattern.exec(lines[line] ?? '');
    if (!fields) throw new Error(`${file}:${line + 1}: expected ${pattern.source}, found ${JSON.stringify((lines[line] ?? '').slice(0, 60))}; not a dump of the regions tool, format ${format}`);
    return fields[1];
  };
  header(0, /^regions (1)$/);
  const thread = header(1, /^thread (.+)$/);
  const instructions = Number(header(2, /^instructions (\d+)$/));
  const nodes: RegionNode[] = [];
  let line = 3;
  for (; lines[line]?.startsWith('node '); line++) nodes.push(parseNode(lines[line], nodes.length, `${file}:${line + 1}`));
  const count = /^end (\d+)$/.exec(lines[line] ?? '');
  if (!count || lines.slice(line + 1).some((rest) => rest !== '')) {
    throw new Error(`${file}:${line + 1}: expected the line "end ${nodes.length}", found ${JSON.stringify((lines[line] ?? '').slice(0, 60))}; the dump is cut off: record again`);
  }
  if (Number(count[1]) !== nodes.length) throw new Error(`${file}:${line + 1}: ${count[1]} nodes were written but ${nodes.length} are here; lines are missing: record again`);
  const sum = nodes.reduce((total, node) => total + node.instructions, 0);
  if (sum !== instructions) throw new Error(`${file}:3: the thread ran ${instructions} instructions but its nodes sum to ${sum}; the dump is damaged: record again`);
  return { thread, instructions, nodes };
}

function parseNode(line: string, index: number, where: string): RegionNode {
  const fields = /^node (\d+) ([0-9a-f]+) (\d+) (\d+)$/.exec(line);
  if (!fields) throw new Error(`${where}: not a node: ${JSON.stringify(line.slice(0, 60))}; the dump is cut off: record again`);
  const node = { parent: Number(fields[1]), anchor: parseInt(fields[2], 16), calls: Number(fields[3]), instructions: Number(fields[4]) };
  if (index === 0 ? node.parent !== 0 || node.anchor !== 0 : node.parent >= index) {
    throw new Error(`${where}: node ${index} has parent ${node.parent}, which is not before it; lines are missing or out of order`);
  }
  return node;
}

/** The text of a dump, e.g. to write a thinned-out one. */
export function formatRegionTree(tree: RegionTree): string {
  const nodes = tree.nodes.map((node) => `node ${node.parent} ${node.anchor.toString(16)} ${node.calls} ${node.instructions}\n`);
  return `regions ${format}\nthread ${tree.thread}\ninstructions ${tree.instructions}\n${nodes.join('')}end ${tree.nodes.length}\n`;
}

/** Anchors active at a node, outermost first. */
export function pathOf(tree: RegionTree, index: number): number[] {
  const path: number[] = [];
  for (let at = index; at !== 0; at = tree.nodes[at].parent) path.unshift(tree.nodes[at].anchor);
  return path;
}
