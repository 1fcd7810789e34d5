import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEcho } from '../../lib/deploy/backend.js';
import { policyById } from '../../lib/deploy/catalogue.js';
import { startSidecar } from '../../lib/deploy/envoy.js';
import { hugePageBytes } from '../../lib/simulate/geometry.js';
import { copyText, hugeBytesOf, probe, remapText, textMapping, textPages, type TextPages } from '../../lib/deploy/huge-pages.js';
import type { Backend, Sidecar } from '../../lib/deploy/types.js';
import { measureHugePages, type ArmsRecord } from '../../lib/experiments/huge-pages.js';
import { planCpus } from '../../lib/host/cpus.js';
import { run } from '../../lib/host/process.js';
import { sendExactly } from '../../lib/load/load.js';
import { RunStore } from '../../lib/store/run-store.js';

let echo: Backend;
let sidecar: Sidecar;
beforeAll(async () => {
  echo = await startEcho();
  sidecar = await startSidecar(policyById('http'), { upstream: echo.address });
});
afterAll(async () => {
  await sidecar.stop();
  await echo.stop();
});

/** How many of 50 requests over 4 connections are answered. */
async function answered(): Promise<number> {
  const { requests } = await sendExactly({ address: sidecar.address, tls: false }, { requests: 50, connections: 4, path: '/100' }, { cpus: planCpus().others });
  return requests;
}

/** Mappings of code, as the kernel prints them. */
function codeMappings(): string[] {
  return fs.readFileSync(`/proc/${sidecar.pid}/maps`, 'utf8').split('\n').filter((line) => / r-xp /.test(line));
}

/** Whole 2 MB regions of the program's code, not next to each other. */
function someRegions(count: number): number[] {
  const first = Math.ceil(textMapping(sidecar.pid).start / hugePageBytes) * hugePageBytes;
  return Array.from({ length: count }, (_, i) => first + 2 * i * hugePageBytes);
}

const threadStates = () => fs.readdirSync(`/proc/${sidecar.pid}/task`)
  .map((tid) => fs.readFileSync(`/proc/${sidecar.pid}/task/${tid}/status`, 'utf8'))
  .map((status) => [/^TracerPid:\s*(\d+)$/m.exec(status)![1], /^State:\s*(\S)/m.exec(status)![1]]);

describe('the code of a live Envoy', () => {
  it('is on 2 MB pages after the move, by smaps, serves, and is the file\'s again after undo', async () => {
    const able = await probe();
    expect(able).toMatchObject({ available: true });
    const before = codeMappings();
    const text = textMapping(sidecar.pid);
    const remapped = await remapText(sidecar.pid, 'anonymous-2m');
    expect(remapped.bytes).toBe(text.end - text.start);
    expect(remapped.hugeBytes).toBeGreaterThan(0);
    expect(remapped.hugeBytes % hugePageBytes).toBe(0);
    expect(remapped.moved.map(({ end }) => end).slice(0, -1)).toEqual(remapped.moved.map(({ start }) => start).slice(1));
    expect(await answered()).toBe(50);
    expect(hugeBytesOf(sidecar.pid, remapped.moved)).toBe(remapped.hugeBytes);
    await remapped.undo();
    expect(codeMappings()).toEqual(before);
    expect(hugeBytesOf(sidecar.pid, remapped.moved)).toBe(0);
    expect(await answered()).toBe(50);
    expect(threadStates().filter(([tracer, state]) => tracer !== '0' || 'tT'.includes(state))).toEqual([]);
  });

  it('is on small pages in the control arm', async () => {
    const remapped = await remapText(sidecar.pid, 'anonymous-4k');
    expect(remapped.hugeBytes).toBe(0);
    expect(await answered()).toBe(50);
    await remapped.undo();
  });

  it('moves only in the regions that were chosen', async () => {
    const regions = someRegions(2);
    const remapped = await remapText(sidecar.pid, 'anonymous-2m', { regions });
    expect(remapped.moved).toEqual(regions.map((start) => ({ start, end: start + hugePageBytes })));
    const anonymous = codeMappings().filter((line) => / 00:00 0 *$/.test(line)).map((line) => parseInt(line, 16));
    expect(anonymous).toEqual(regions);
    expect(await answered()).toBe(50);
    await remapped.undo();
  });

  it('is all where it was when the second of two regions cannot be had', async () => {
    const before = codeMappings();
    const virtualBytes = 1024 * Number(/^VmSize:\s*(\d+) kB$/m.exec(fs.readFileSync(`/proc/${sidecar.pid}/status`, 'utf8'))![1]);
    // Room for one region with the slack that aligning it takes, not for another.
    await run(['prlimit', '--pid', String(sidecar.pid), `--as=${virtualBytes + 2.5 * hugePageBytes}:`]);
    try {
      await expect(remapText(sidecar.pid, 'anonymous-2m', { regions: someRegions(2) })).rejects.toThrow(/^system call 9 made in thread \d+ failed \(ENOMEM\)$/);
    } finally {
      await run(['prlimit', '--pid', String(sidecar.pid), '--as=unlimited:']);
    }
    expect(codeMappings()).toEqual(before);
    expect(await answered()).toBe(50);
  });

  it('is not moved by addresses that begin no region of it', async () => {
    const [region] = someRegions(1);
    await expect(remapText(sidecar.pid, 'anonymous-2m', { regions: [region + 4096] })).rejects.toThrow(/begins no 2 MB region/);
  });

  it('changes between the file\'s pages and two copies as often as one likes', async () => {
    const before = codeMappings();
    const { switchTo, moved, remove } = await copyText(sidecar.pid, ['anonymous-4k', 'anonymous-2m']);
    for (const pages of ['anonymous-2m', 'anonymous-4k', 'anonymous-2m', 'file-4k', 'anonymous-4k', 'anonymous-4k'] as const) {
      await switchTo(pages);
      expect(hugeBytesOf(sidecar.pid, moved) > 0, pages).toBe(pages === 'anonymous-2m');
      expect(await answered()).toBe(50);
    }
    await remove();
    expect(codeMappings()).toEqual(before);
    expect(await answered()).toBe(50);
  });

  it('is not moved twice', async () => {
    const remapped = await remapText(sidecar.pid, 'anonymous-4k');
    await expect(remapText(sidecar.pid, 'anonymous-2m')).rejects.toThrow(/was it moved already/);
    await remapped.undo();
    expect(await answered()).toBe(50);
  });
});

it('the experiment moves a loaded sidecar\'s code through every arm in each round, and goes on from the starts it has', async () => {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'huge-pages-test-'));
  const lock = process.env.WORKBENCH_LOCK;
  process.env.WORKBENCH_LOCK = path.join(root, 'lock');
  try {
    const store = new RunStore('here', root);
    await measureHugePages({ starts: 1, rounds: 1 }, { store });
    const runs = await measureHugePages({ starts: 2, rounds: 1 }, { store });
    expect(runs.map(({ repeat }) => repeat)).toEqual([0, 1]);
    expect(fs.readdirSync(runs[0].dir).sort()).toEqual(['arms.json.gz', 'envoy.yaml', 'run.json']);
    const { rounds, movedBytes } = JSON.parse(gunzipSync(fs.readFileSync(path.join(runs[0].dir, 'arms.json.gz'))).toString()) as ArmsRecord;
    expect(rounds.map(({ pages }) => pages).sort()).toEqual([...textPages].sort());
    expect(rounds.filter(({ cpu }) => !(cpu.requests > 0 && cpu.worker.runNs > 0))).toEqual([]);
    const hugeBytes = (pages: TextPages) => rounds.find((round) => round.pages === pages)!.hugeBytes;
    expect(textPages.map((pages) => hugeBytes(pages) > 0.9 * movedBytes)).toEqual([false, false, true]);
  } finally {
    if (lock === undefined) delete process.env.WORKBENCH_LOCK;
    else process.env.WORKBENCH_LOCK = lock;
    fs.rmSync(root, { recursive: true });
  }
});
