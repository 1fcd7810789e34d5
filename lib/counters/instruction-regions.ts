/**
 * Exact user instructions of the worker thread, by path of active anchors, counted by our Valgrind tool `regions`
 * (environment/valgrind-tool). Envoy runs under Valgrind from its start; counting is on only while `record` runs its
 * body. The dump holds paths of anchors, so both groupings are computed from the same file.
 *
 * Misses: the kernel; time (everything costs one); AVX-512, which Valgrind hides, so that libraries choose other
 * routines. A repeated string instruction (rep movs) counts once a repetition. Nothing of a run at speed: Envoy is
 * some 50 times slower, so it serves each wake-up's one request; numbers per request are of that lightly loaded path.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { resolveAnchors } from '../analysis/anchors.js';
import { codeSegments, offsetOfAddress } from '../analysis/elf.js';
import { nameFunctions } from '../analysis/function-names.js';
import type { Availability } from '../host/availability.js';
import { projectPath, workbenchPath } from '../host/paths.js';
import { run } from '../host/process.js';
import type { Collected, Collector } from './collector.js';
import { parseRegionTree, type RegionTree } from './region-tree.js';

const toolFormat = 1;
const worker = 'wrk:worker_0';
const toolSource = ['environment', 'valgrind-tool'];
/** What the tool is made of. */
const toolFiles = ['regions.c', 'Makefile'];
const files = { anchors: 'anchors.txt', dump: 'regions.txt' };

export const instructionRegions: Collector<RegionTree> = {
  name: 'instruction-regions',
  version: async () => `${toolFormat} / ${(await run(['valgrind', '--version'])).stdout.trim()}`,
  probe,
  record: recordRegions,
  read: (dir) => parseRegionTree(fs.readFileSync(path.join(dir, files.dump), 'utf8'), path.join(dir, files.dump)),
  misses: 'the kernel, time, and AVX-512 routines, which Valgrind hides; repeated string instructions count per repetition',
  disturbance: 'some 50 times slower; counts are exact all the same',
};

/**
 * The words to put before Envoy's command line so that `record` can count in it: builds the tool when it is missing or
 * older than its source, and writes every anchor of the program to `anchors.txt` in the run's folder for it.
 * @throws Error when the tool cannot be built or the program is none that can be read.
 */
export async function instructionWrap(envoyPath: string, dir: string): Promise<string[]> {
  const library = await buildTool();
  const anchors = path.join(dir, files.anchors);
  fs.writeFileSync(anchors, (await anchorLines(envoyPath)).map(({ line }) => `${line}\n`).join(''));
  return [
    'env', `VALGRIND_LIB=${library}`, 'valgrind', '--quiet', '--tool=regions', `--anchors=${anchors}`, `--thread=${worker}`,
    '--vex-guest-chase=no', `--vgdb-prefix=${vgdbPrefix()}`,
  ];
}

/** An anchor a line: address and file offset in hexadecimal for the tool, then region and name for people. */
async function anchorLines(envoyPath: string): Promise<{ address: number; line: string }[]> {
  const table = await nameFunctions(envoyPath);
  const code = codeSegments(table.segments);
  return resolveAnchors(table).anchors.map(({ address, region, label }) => {
    const offset = offsetOfAddress(code, address);
    return { address, line: `${address.toString(16)} ${offset.toString(16)} ${region} ${label}` };
  });
}

/** Compiles the tool unless it stands there already, newer than its source. @returns the VALGRIND_LIB folder. */
async function buildTool(): Promise<string> {
  const out = workbenchPath('valgrind-tool');
  if (!isBuilt(out)) await run(['make', '-s', '-C', projectPath(...toolSource), `OUT=${out}`]);
  return out;
}

/** Where it is, nothing that only builds is needed. */
function isBuilt(out: string): boolean {
  const builtAt = changedAt(path.join(out, 'regions-amd64-linux'));
  return toolFiles.every((file) => changedAt(projectPath(...toolSource, file)) <= builtAt);
}

function changedAt(file: string): number {
  return fs.statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? -Infinity;
}

/** Where vgdb's pipes are: a folder of this clone rather than /tmp, cleared of those that a killed Valgrind left. */
function vgdbPrefix(): string {
  const folder = workbenchPath('vgdb');
  fs.mkdirSync(folder, { recursive: true });
  for (const pipe of fs.readdirSync(folder)) {
    const pid = /-(\d+)-by-/.exec(pipe)?.[1];
    if (pid && !fs.existsSync(`/proc/${pid}`)) fs.rmSync(path.join(folder, pipe), { force: true });
  }
  return path.join(folder, 'pipe');
}

async function probe(): Promise<Availability> {
  const builders: [string, string][] = isBuilt(workbenchPath('valgrind-tool')) ? [] : [['make', 'make'], ['gcc', 'gcc']];
  for (const [program, packageName] of [['valgrind', 'valgrind'], ...builders]) {
    const { exitCode } = await run([program, '--version'], { allow: 'any' });
    if (exitCode !== 0) return { available: false, reason: `${program} is not installed`, remedy: `install the package ${packageName}` };
  }
  const failed = await buildTool().then(() => null, (error: Error) => error.message);
  if (failed) return { available: false, reason: `our Valgrind tool does not build: ${failed}`, remedy: 'install the package valgrind with its headers and static archives (Debian: in the same package)' };
  return { available: true, version: await instructionRegions.version() };
}

async function recordRegions<T>(sidecar: Collected, dir: string, body: () => Promise<T>, cpus: number[]): Promise<T> {
  const tell = (command: string) => tellTool(sidecar.pid, command, cpus);
  await tell('off');
  await tell('zero');
  await tell('on');
  const result = await body();
  await tell('off');
  await tell(`dump ${path.join(dir, files.dump)}`);
  await keepEnteredAnchors(sidecar.envoy.path, dir);
  return result;
}

/** The tool has read its anchors at the start; what is worth keeping are the few hundred that were entered. */
async function keepEnteredAnchors(envoyPath: string, dir: string): Promise<void> {
  const entered = new Set(instructionRegions.read(dir).nodes.map((node) => node.anchor));
  const lines = (await anchorLines(envoyPath)).filter(({ address }) => entered.has(address));
  fs.writeFileSync(path.join(dir, files.anchors), lines.map(({ line }) => `${line}\n`).join(''));
}

async function tellTool(pid: number, command: string, cpus: number[]): Promise<void> {
  const { stdout, stderr } = await run(
    ['vgdb', `--vgdb-prefix=${vgdbPrefix()}`, `--pid=${pid}`, ...command.split(' ')], { allow: 'any', cpus, timeoutMs: 60_000 },
  );
  if (stdout.trim() === 'ok') return;
  const reason = (stdout.trim() || stderr.trim()).split('\n').slice(-1)[0] || 'no answer';
  throw new Error(`the instruction counter in process ${pid} refused "${command.split(' ')[0]}": ${reason}; is Envoy alive and started under instructionWrap?`);
}
