import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codeSegments, offsetOfAddress, readElf, readSymbols } from '../../lib/analysis/elf.js';
import { pathOf, parseRegionTree, type RegionTree } from '../../lib/counters/region-tree.js';
import { projectPath } from '../../lib/host/paths.js';
import { run } from '../../lib/host/process.js';

const anchorNames = ['leaf', 'nested', 'recursive', 'tail', 'thrower', 'catcher', 'work', 'filler'];
let folder: string;
let library: string;

beforeAll(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'regions-test-'));
  library = path.join(folder, 'valgrind');
  await run(['make', '-s', '-C', projectPath('environment', 'valgrind-tool'), `OUT=${library}`]);
});
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

const regions = (words: string[], allow?: 'any') =>
  run(['env', `VALGRIND_LIB=${library}`, 'valgrind', '--quiet', '--tool=regions', ...words], { allow });

async function compile(flags: string[]): Promise<string> {
  const program = path.join(folder, `program${flags.join('')}`);
  await run(['gcc', '-O1', ...flags, '-o', program, 'test/fixtures/counters/regions.c']);
  return program;
}

/** The file that tells the tool where the anchors are, and what their addresses are called. */
function anchorsOf(program: string): { file: string; names: Map<number, string> } {
  const elf = readElf(program);
  const names = new Map(readSymbols(elf).filter(({ name }) => anchorNames.includes(name)).map(({ name, address }) => [address, name]));
  const file = `${program}.anchors`;
  const lines = [...names].map(([address, name]) => `${address.toString(16)} ${offsetOfAddress(codeSegments(elf.segments), address).toString(16)} ${name}\n`);
  fs.writeFileSync(file, lines.join(''));
  return { file, names };
}

/** `work>leaf` → calls and instructions. */
function byPath(tree: RegionTree, names: Map<number, string>): Record<string, [calls: number, instructions: number]> {
  return Object.fromEntries(tree.nodes.map((node, i) => [
    pathOf(tree, i).map((address) => names.get(address)).join('>'), [node.calls, node.instructions],
  ]));
}

async function count(program: string): Promise<{ tree: RegionTree; paths: ReturnType<typeof byPath> }> {
  const { file, names } = anchorsOf(program);
  const dump = `${program}.regions`;
  await regions(['--thread=worker', `--anchors=${file}`, program, dump]);
  const tree = parseRegionTree(fs.readFileSync(dump, 'utf8'), dump);
  return { tree, paths: byPath(tree, names) };
}

describe.each([['position-independent', ['-pie', '-fPIE']], ['fixed', ['-no-pie', '-fno-pie']]])('the regions tool, on a %s program', (_, flags) => {
  let program: string;
  let result: Awaited<ReturnType<typeof count>>;
  beforeAll(async () => {
    program = await compile(flags);
    result = await count(program);
  });

  it('counts exactly the instructions that the assembly holds, only while counting is on', () => {
    expect(result.paths['work>nested']).toEqual([1, 4]);
    expect(result.paths['work>nested>leaf']).toEqual([1, 2002]);
    expect(result.paths['leaf']).toEqual([0, 0]);
  });

  it('gives every depth of a recursion its own node', () => {
    const depths = [1, 2, 3, 4, 5].map((n) => result.paths[`work>${Array(n).fill('recursive').join('>')}`]);
    expect(depths).toEqual([[1, 6], [1, 6], [1, 6], [1, 6], [1, 3]]);
  });

  it('lets a function entered by a jump take the place of the one that jumped', () => {
    expect(result.paths['work>tail']).toEqual([2, 4]);
    // Called twice by work itself and twice by jumps from tail.
    expect(result.paths['work>leaf']).toEqual([4, 4 * 2002]);
    expect(result.paths['work>tail>leaf']).toBeUndefined();
  });

  it('drops all anchors that a longjmp leaves', () => {
    expect(result.paths['work>catcher>thrower>thrower>thrower>thrower>leaf']).toEqual([1, 2002]);
    expect(result.paths['work>catcher>leaf']).toEqual([1, 2002]);
  });

  it('counts a repeated string instruction as one, whether a block begins with it or not', () => {
    expect(result.paths.filler).toEqual([1, 7]);
  });

  it('counts the same total as callgrind, to the instruction', async () => {
    const out = `${program}.callgrind`;
    await run(['valgrind', '--quiet', '--tool=callgrind', `--callgrind-out-file=${out}`, '--toggle-collect=work', program]);
    const callgrind = Number(/^(?:totals|summary): (\d+)$/m.exec(fs.readFileSync(out, 'utf8'))?.[1]);
    const outside = result.paths[''][1] + result.paths.filler[1]; // between "on" and work, and from there to "off": callgrind was not collecting yet
    expect(result.tree.instructions - outside).toBe(callgrind);
  });
});

describe('the regions tool', () => {
  it('refuses anchors of another binary instead of counting nothing', async () => {
    const program = await compile(['-pie', '-fPIE']);
    const file = path.join(folder, 'wrong');
    fs.writeFileSync(file, 'ffffff0 ffffff0 elsewhere\n');
    const { exitCode, stderr } = await regions([`--anchors=${file}`, program], 'any');
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`${file}:1: file offset 0xffffff0`);
  });

  it('names the line of an anchors file it cannot read', async () => {
    const program = await compile(['-pie', '-fPIE']);
    const file = path.join(folder, 'malformed');
    fs.writeFileSync(file, `${fs.readFileSync(anchorsOf(program).file, 'utf8')}work 12\n`);
    const { exitCode, stderr } = await regions([`--anchors=${file}`, program], 'any');
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`${file}:${anchorNames.length + 1}: not an anchor`);
    const missing = await regions(['--anchors=/nowhere/anchors', program], 'any');
    expect(missing.stderr).toContain('cannot read the anchors file /nowhere/anchors');
  });

  it('says so when no thread has the name, and writes no dump', async () => {
    const program = await compile(['-pie', '-fPIE']);
    const { stderr } = await regions(['--thread=nobody', program, path.join(folder, 'none')], 'any');
    expect(stderr).toContain('error: no live thread has the name given with --thread');
    expect(fs.existsSync(path.join(folder, 'none'))).toBe(false);
  });
});
