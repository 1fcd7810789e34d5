import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resolveAnchors, type Anchor } from '../../lib/analysis/anchors.js';
import { attributeInstructions, attributeSamples, callsPerRequest, sumBy, type InstructionPart } from '../../lib/analysis/attribution.js';
import { nameFunctions } from '../../lib/analysis/function-names.js';
import { instructionRegions, instructionWrap } from '../../lib/counters/instruction-regions.js';
import { perfRecord } from '../../lib/counters/perf-record.js';
import { perfStat } from '../../lib/counters/perf-stat.js';
import { cpuBetween, readCpu } from '../../lib/counters/schedstat.js';
import { wholeShare } from '../../lib/counters/stacks.js';
import { startEcho } from '../../lib/deploy/backend.js';
import { policyById } from '../../lib/deploy/catalogue.js';
import { findEnvoy, startSidecar } from '../../lib/deploy/envoy.js';
import type { Backend, EnvoyBinary, Sidecar } from '../../lib/deploy/types.js';
import { planCpus } from '../../lib/host/cpus.js';
import { sendExactly, startLoad } from '../../lib/load/load.js';

const cpus = planCpus();
let echo: Backend;
let envoy: EnvoyBinary;
let folder: string;
let anchors: Anchor[];

beforeAll(async () => {
  echo = await startEcho({ cpus });
  envoy = await findEnvoy();
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'collectors-test-'));
  ({ anchors } = resolveAnchors(await nameFunctions(envoy.path)));
});
afterAll(async () => {
  await echo.stop();
  fs.rmSync(folder, { recursive: true, force: true });
});

const newDir = () => fs.mkdtempSync(path.join(folder, 'run-'));
const up = (id: string, wrap?: string[]) => startSidecar(policyById(id), { envoy, upstream: echo.address, cpus, wrap });
const target = ({ address, tls }: Sidecar) => ({ address, tls });
const total = (parts: InstructionPart[]) => parts.reduce((sum, part) => sum + part.instructionsPerRequest, 0);

describe('instruction-regions', () => {
  const requests = 200;
  const send = (sidecar: Sidecar) => sendExactly(target(sidecar), { requests, connections: 1, path: '/100', ratePerS: 200 }, { cpus: cpus.others });

  /** Instructions per request by region, of two batches on each of two fresh Envoys. */
  async function countTwice(id: string): Promise<{ dirs: string[]; counts: InstructionPart[][] }> {
    const dirs: string[] = [];
    for (let fresh = 0; fresh < 2; fresh++) {
      const sidecar = await up(id, await instructionWrap(envoy.path, newDir()));
      try {
        await send(sidecar);
        for (let repeat = 0; repeat < 2; repeat++) {
          dirs.push(newDir());
          const outcome = await instructionRegions.record(sidecar, dirs[dirs.length - 1], () => send(sidecar), cpus.others);
          expect(outcome.requests).toBe(requests);
        }
      } finally {
        await sidecar.stop();
      }
    }
    return { dirs, counts: dirs.map((dir) => attributeInstructions(instructionRegions.read(dir), anchors, 'ours', requests)) };
  }

  let http: Awaited<ReturnType<typeof countTwice>>;
  let tcp: Awaited<ReturnType<typeof countTwice>>;
  beforeAll(async () => {
    http = await countTwice('http');
    tcp = await countTwice('tcp');
  }, 280_000);

  it('repeats within 1 % between batches and between fresh starts', () => {
    for (const { counts } of [http, tcp]) {
      const totals = counts.map(total);
      expect(Math.max(...totals) / Math.min(...totals)).toBeLessThan(1.01);
    }
  });

  it('explains every instruction, in both groupings', () => {
    for (const dir of [...http.dirs, ...tcp.dirs]) {
      const tree = instructionRegions.read(dir);
      for (const grouping of ['ours', 'authors'] as const) {
        const parts = attributeInstructions(tree, anchors, grouping, requests);
        expect(parts.reduce((sum, part) => sum + part.instructions, 0)).toBe(tree.instructions);
      }
    }
  });

  it('finds parsing and headers in HTTP only, and HTTP several times as costly as TCP', () => {
    const share = (parts: InstructionPart[], component: string) =>
      (sumBy(parts, (part) => part.component as string, (part) => part.instructionsPerRequest).get(component) ?? 0) / total(parts);
    expect(share(http.counts[0], 'HTTP Protocol Parse')).toBeGreaterThan(0.2);
    expect(share(http.counts[0], 'Header En/Decoder')).toBeGreaterThan(0.3);
    expect(share(tcp.counts[0], 'HTTP Protocol Parse')).toBe(0);
    expect(share(tcp.counts[0], 'Sidecar Read')).toBeGreaterThan(share(http.counts[0], 'Sidecar Read'));
    for (const { counts } of [http, tcp]) expect(share(counts[0], 'Sidecar Filter')).toBe(0);
    expect(total(http.counts[0])).toBeGreaterThan(3 * total(tcp.counts[0]));
  });

  it('enters the anchors as often as a proxied request must: two reads, two parses', () => {
    const calls = callsPerRequest(instructionRegions.read(http.dirs[0]), anchors, requests);
    expect(calls.get('Network::ConnectionImpl::onReadReady')).toBeCloseTo(2, 1);
    expect(calls.get('Http::Http1::ConnectionImpl::dispatch')).toBeCloseTo(2, 1);
  });

  it('keeps beside the dump which anchors were entered, and no others', () => {
    const lines = fs.readFileSync(path.join(http.dirs[0], 'anchors.txt'), 'utf8').trim().split('\n');
    const entered = new Set(instructionRegions.read(http.dirs[0]).nodes.slice(1).map(({ anchor }) => anchor.toString(16)));
    expect(new Set(lines.map((line) => line.split(' ')[0]))).toEqual(entered);
  });

  it('says what is wrong when Envoy does not run under it', async () => {
    const sidecar = await up('tcp');
    await expect(instructionRegions.record(sidecar, newDir(), async () => 0, cpus.others)).rejects.toThrow(/refused "off".*started under instructionWrap/);
    await sidecar.stop();
  });
});

describe.each(['http', 'tcp'])('at speed, through %s', (id) => {
  let sidecar: Sidecar;
  beforeAll(async () => { sidecar = await up(id); });
  afterAll(() => sidecar.stop());

  /** Five seconds of load, collected in its middle. */
  async function underLoad<T>(around: (body: () => Promise<void>) => Promise<T>): Promise<void> {
    const load = await startLoad(target(sidecar), { mode: 'closed', connections: 16, warmUpS: 0.5, durationS: 5, path: '/100' }, { cpus: cpus.others, dir: newDir() });
    try {
      await load.warm;
      await around(() => sleep(4000));
    } finally {
      await load.stop();
    }
  }

  it('perf record reaches the start of the thread in at least 98 % of the stacks', async () => {
    const dir = newDir();
    await underLoad((body) => perfRecord.record(sidecar, dir, body, cpus.others));
    const profile = perfRecord.read(dir);
    expect(profile.binary).toMatchObject({ name: 'envoy', buildId: envoy.buildId });
    const count = profile.stacks.reduce((sum, stack) => sum + stack.samples, 0);
    const chance = 3 * Math.sqrt((0.98 * 0.02) / count);
    expect(wholeShare(profile)).toBeGreaterThanOrEqual(0.98 - chance);
    const parts = attributeSamples(profile, anchors, 'ours');
    const samples = sumBy(parts, (part) => part.component as string, (part) => part.samples);
    const all = parts.reduce((sum, part) => sum + part.samples, 0);
    expect(all).toBe(count);
    for (const component of ['OS Read', 'OS Write', 'Sidecar Read', 'Event Poll']) expect(samples.get(component), component).toBeGreaterThan(0);
    // A sample or two may catch the connection pool's housekeeping, which is the router's.
    expect((samples.get('HTTP Protocol Parse') ?? 0) / all > 0.05).toBe(id === 'http');
    expect((samples.get('OS Write') ?? 0) / all).toBeGreaterThan(id === 'http' ? 0.08 : 0.25);
    for (const part of parts.filter(({ region }) => region === 'os write')) expect(part.kernelSamples).toBe(part.samples);
  });

  it('perf that cannot start is reported in its own words, and leaves nothing running', async () => {
    const gone = { ...sidecar, workerTid: 2 ** 22 + 1 };
    await expect(perfStat.record(gone, newDir(), async () => 0, cpus.others)).rejects.toThrow(/perf-stat ended before it was told to enable/);
  });

  it('a body that fails ends perf, too', async () => {
    await expect(perfRecord.record(sidecar, newDir(), async () => { throw new Error('the load failed'); }, cpus.others)).rejects.toThrow('the load failed');
  });
});

describe('CPU time of a worker that is never idle', () => {
  let sidecar: Sidecar;
  beforeAll(async () => { sidecar = await up('http'); });
  afterAll(() => sidecar.stop());

  /** Readings are of the last timer tick, which comes 100 to 1,000 times a second. */
  const twoTicksNs = 20e6;
  /** The scheduler charges a thread with being switched to and from, perf only with what lies between: up to 20 us here. */
  const switchNs = 30e3;

  it('is the same to perf stat and to the scheduler', async () => {
    const dir = newDir();
    const read = () => ({ cpu: readCpu(sidecar.pid, sidecar.workerTid), notCharged: interruptionsNs(cpus.worker) });
    const load = await startLoad(target(sidecar), { mode: 'closed', connections: 64, warmUpS: 0.5, durationS: 5, path: '/100' }, { cpus: cpus.others, dir: newDir() });
    let inside = 0;
    try {
      await load.warm;
      const before = read();
      await perfStat.record(sidecar, dir, async () => {
        const start = read();
        await sleep(4000);
        inside = cpuBetween(start.cpu, read().cpu).runNs;
      }, cpus.others);
      const after = read();
      const samples = new Map(perfStat.read(dir).map((sample) => [sample.event, sample]));
      const clockNs = samples.get('task-clock')!.value! * 1e6;
      console.log(`perf stat / scheduler: ${(clockNs / inside).toFixed(3)} of the window inside perf's, ${(clockNs / cpuBetween(before.cpu, after.cpu).runNs).toFixed(3)} of the one around`);
      // perf counts from after the outer window's start and until before its end, and the other way round for the inner.
      expect(clockNs).toBeGreaterThan(inside - twoTicksNs - switchNs * samples.get('context-switches')!.value!);
      // What the hypervisor or an interrupt takes from a running thread, the scheduler may leave out; perf does not.
      expect(clockNs).toBeLessThan(cpuBetween(before.cpu, after.cpu).runNs + twoTicksNs + after.notCharged - before.notCharged);
    } finally {
      await load.stop();
    }
  });
});

/** Nanoseconds since boot that a core spent in interrupts or was taken away by the hypervisor: `irq softirq steal` of /proc/stat, in ticks of 10 ms. */
function interruptionsNs(cpu: number): number {
  const line = fs.readFileSync('/proc/stat', 'utf8').split('\n').find((one) => one.startsWith(`cpu${cpu} `))!;
  return line.split(' ').slice(6, 9).reduce((sum, ticks) => sum + Number(ticks), 0) * 10e6;
}
