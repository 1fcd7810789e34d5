/**
 * Exact user instructions of the worker thread, by path of active anchors, counted by our Valgrind tool `regions`
 * (environment/valgrind-tool). Envoy runs under Valgrind from its start; counting is on only while `record` runs its
 * body. The dump holds paths of anchors, so both groupings are computed from the same file.
 *
 * Misses: the kernel; time (everything costs one); AVX-512, which Valgrind hides, so that libraries choose other
 * routines. A repeated string instruction (rep movs) is one, as the CPU counts. Nothing of a run at speed: Envoy is
 * some 50 times slower, so it serves each wake-up's one request; numbers per request are of that lightly loaded path.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { resolveAnchors } from '../analysis/anchors.js';
import { codeSegments, offsetOfAddress } from '../analysis/elf.js';
import { nameFunctions } from '../analysis/function-names.js';
import { probeValgrind, tellTool, valgrindVersion, valgrindWrap } from '../host/valgrind.js';
import type { Collected, Collector } from './collector.js';
import { parseRegionTree, type RegionTree } from './region-tree.js';

/** 2: a repeated string instruction counts once. */
const toolVersion = 2;
const worker = 'wrk:worker_0';
const files = { anchors: 'anchors.txt', dump: 'regions.txt' };

export const instructionRegions: Collector<RegionTree> = {
  name: 'instruction-regions',
  version: async () => `${toolVersion} / ${await valgrindVersion()}`,
  probe: () => probeValgrind(instructionRegions.version),
  record: recordRegions,
  read: (dir) => parseRegionTree(fs.readFileSync(path.join(dir, files.dump), 'utf8'), path.join(dir, files.dump)),
  misses: 'the kernel, time, and AVX-512 routines, which Valgrind hides',
  disturbance: 'some 50 times slower; counts are exact all the same',
};

/**
 * The words to put before Envoy's command line so that `record` can count in it: builds the tool when it is missing or
 * older than its source, and writes every anchor of the program to `anchors.txt` in the run's folder for it.
 * @throws Error when the tool cannot be built or the program is none that can be read.
 */
export async function instructionWrap(envoyPath: string, dir: string): Promise<string[]> {
  const anchors = path.join(dir, files.anchors);
  fs.writeFileSync(anchors, (await anchorLines(envoyPath)).map(({ line }) => `${line}\n`).join(''));
  return valgrindWrap('regions', worker, [`--anchors=${anchors}`]);
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

async function recordRegions<T>(sidecar: Collected, dir: string, body: () => Promise<T>, cpus: number[]): Promise<T> {
  const tell = (command: string) => tellTool({ pid: sidecar.pid, toolIs: 'the instruction counter', wrappedBy: 'instructionWrap' }, command, cpus);
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
