import * as fs from 'node:fs';
import * as path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, type TestContext } from 'vitest';
import { carryOut, type CampaignResult } from '../../lib/experiments/campaign.js';
import { collectors } from '../../lib/experiments/collectors.js';
import { run } from '../../lib/host/process.js';
import {
  daemonsOf, descendantsOf, draftsIn, newPlace, recordedIn, runFoldersOf, smallPlan, underWay, type Place, type Process,
} from './support/small-campaign.js';
import { pathWithout } from './support/path-without.js';

let place: Place;
beforeEach(() => { place = newPlace(); });
afterEach(() => place.remove());

/** What a campaign that met a fault must leave: nothing that runs, waits or is half-written. */
function expectNothingLeft(): void {
  expect(daemonsOf(process.pid)).toEqual([]);
  expect(descendantsOf(process.pid).filter(({ name }) => /envoy|python|perf|load-gen/.test(name))).toEqual([]);
  expect(runFoldersOf(process.pid)).toEqual([]);
  expect(draftsIn(place.store)).toEqual([]);
  expect(fs.existsSync(place.lock)).toBe(false);
}

/** Carries out runs and kills the first program of that name while the first load is on. */
async function killing(name: RegExp, ...runs: string[]): Promise<{ victim: Process; result: CampaignResult }> {
  const campaign = carryOut(smallPlan(...runs), { store: place.store });
  campaign.catch(() => undefined); // awaited below, unless the victim is not found
  const victim = await underWay(process.pid, name);
  process.kill(victim.pid, 'SIGKILL');
  return { victim, result: await campaign };
}

describe('Envoy killed under load', () => {
  it.for(['cpu-time', 'perf-record'] as const)('fails that run (%s) in one sentence, and the next goes on', async (collector, ctx) => {
    const answer = await collectors[collector].probe();
    ctx.skip(!answer.available, answer.available ? '' : answer.reason);
    const { victim, result } = await killing(/^envoy-/, `http/${collector}`, 'tcp');
    expect(result.failed.map(({ run: { config }, reason }) => [config.id, reason])).toEqual([['http', expect.stringMatching(new RegExp(
      `^Envoy \\(process ${victim.pid}\\) died under the load of http, ${collector}: killed by SIGKILL, last words: .*; the run was not kept: start again to measure it, .*dmesg`))]]);
    expect(recordedIn(place.store)).toEqual(['tcp/cpu-time']);
    expectNothingLeft();
  });
});

describe('backend killed under load', () => {
  it('fails that run in one sentence, and the next gets a new backend', async () => {
    const { victim, result } = await killing(/^echo$/, 'http', 'tcp');
    expect(result.failed.map(({ run: { config }, reason }) => [config.id, reason])).toEqual([['http', expect.stringMatching(new RegExp(
      `^the (socketify|node) backend \\(process ${victim.pid}\\) died under the load of http, cpu-time: killed by SIGKILL, .*the next one gets a new backend$`))]]);
    expect(recordedIn(place.store)).toEqual(['tcp/cpu-time']);
    const { requests } = JSON.parse(fs.readFileSync(path.join(result.measured[0].dir, 'load.json'), 'utf8')) as { requests: number };
    expect(requests, 'the new backend answers').toBeGreaterThan(0);
    expectNothingLeft();
  });
});

describe('load generator killed', () => {
  it('fails that run with what became of the generator, and the next goes on', async () => {
    const { result } = await killing(/^load generator$/, 'http', 'tcp');
    expect(result.failed.map(({ reason }) => reason)).toEqual([expect.stringMatching(/^the load generator ended with SIGKILL/)]);
    expect(recordedIn(place.store)).toEqual(['tcp/cpu-time']);
    expectNothingLeft();
  });
});

describe('a full disk', () => {
  /** A file system of 2 MB at the store's root; mounting needs root. */
  async function smallDisk(ctx: TestContext): Promise<{ fill(leaveBytes: number): void; empty(): void; unmount(): Promise<void> }> {
    const root = place.store.root;
    fs.mkdirSync(root, { recursive: true });
    const mounted = await run(['mount', '-t', 'tmpfs', '-o', 'size=2m', 'none', root], { allow: 'any' });
    ctx.skip(mounted.exitCode !== 0, `cannot mount a small file system here: ${mounted.stderr.trim()}`);
    const filler = path.join(root, 'filler');
    return {
      fill: (leaveBytes) => {
        const { bavail, bsize } = fs.statfsSync(root);
        fs.writeFileSync(filler, Buffer.alloc(bavail * bsize - leaveBytes));
      },
      empty: () => fs.rmSync(filler),
      unmount: async () => void (await run(['umount', root])),
    };
  }

  it('while a run is recorded fails it with where and what to do, and the next start goes on once there is space', async (ctx) => {
    const disk = await smallDisk(ctx);
    try {
      await carryOut(smallPlan('http'), { store: place.store });
      disk.fill(12_288); // enough for the configuration, not for the log of requests
      const full = await carryOut(smallPlan('http', 'tcp', 'tcp'), { store: place.store });
      expect(full.failed).toHaveLength(2);
      for (const { reason } of full.failed) {
        expect(reason).toMatch(new RegExp(`^no space left while recording below ${place.store.live().dir} \\(.*requests\\.log: No space left on device\\); what was half-written is removed: free some space and start again$`));
      }
      expect(recordedIn(place.store)).toEqual(['http/cpu-time']);
      expectNothingLeft();
      disk.empty();
      const { recorded, measured } = await carryOut(smallPlan('http', 'tcp'), { store: place.store });
      expect([recorded.length, measured.length]).toEqual([1, 1]);
    } finally {
      await disk.unmount();
    }
  });

  it('before the first run says so at once', async (ctx) => {
    const disk = await smallDisk(ctx);
    try {
      disk.fill(4096);
      await expect(carryOut(smallPlan('http'), { store: place.store })).rejects.toThrow(/^no space left while recording below .*free some space/);
      expectNothingLeft();
    } finally {
      await disk.unmount();
    }
  });
});

describe('a missing tool', () => {
  const allPrograms = process.env.PATH!;
  afterEach(() => { process.env.PATH = allPrograms; });

  it('is told once with its remedy, however many runs need it, and the others are measured', async () => {
    process.env.PATH = pathWithout(place.folder, 'perf', 'valgrind');
    const { unavailable, failed } = await carryOut(
      smallPlan('http/perf-record', 'tcp/perf-record', 'http/instructions', 'http/perf-stat', 'http'), { store: place.store });
    expect(unavailable.map(({ what, runs, reason }) => [what, runs.length, reason])).toEqual([
      ['with perf-record', 2, 'perf is not installed'], ['with instructions', 1, 'valgrind is not installed'], ['with perf-stat', 1, 'perf is not installed'],
    ]);
    for (const { remedy } of unavailable) expect(remedy).toMatch(/install the package (linux-perf|valgrind)/);
    expect(failed).toEqual([]);
    expect(recordedIn(place.store)).toEqual(['http/cpu-time']);
    expectNothingLeft();
  });
});
