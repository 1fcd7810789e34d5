import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { textPages, type TextPages } from '../../../lib/deploy/huge-pages.js';
import { hugePages, hugePagesOf, type ArmRound, type ArmsRecord } from '../../../lib/experiments/huge-pages.js';
import type { RunSpec } from '../../../lib/store/run-key.js';
import { RunStore, type RunRecord } from '../../../lib/store/run-store.js';

let root: string;
let store: RunStore;
beforeEach(() => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'huge-pages-'));
  store = new RunStore('here', root);
});
afterEach(() => fs.rmSync(root, { recursive: true }));

/** 100 requests in a second, which took the worker so many microseconds each. */
function round(number: number, pages: TextPages, us: number, more: Partial<ArmRound> = {}): ArmRound {
  const sample = { windowUs: [0, 1e6] as [number, number], runNs: us * 1000 * 100, waitNs: 0, timeslices: 1, userShare: null };
  const cpu = { windowUs: [0, 1e6] as [number, number], requests: 100, worker: sample, sidecar: sample, generator: sample, backend: sample };
  return { round: number, pages, stoppedMs: 1, hugeBytes: pages === 'anonymous-2m' ? 95 : 0, cpu, warnings: [], ...more };
}

function arms(rounds: ArmRound[]): ArmsRecord {
  return { code: { offset: 0, bytes: 100 }, moved: [], movedBytes: 100, rounds };
}

async function recordStart(repeat: number, record: ArmsRecord, version = '1'): Promise<void> {
  const spec = { envoyYaml: '', load: { mode: 'closed' }, collector: { name: hugePages, version } } as RunSpec;
  const provenance = { machine: { cpuModel: 'a CPU' } } as RunRecord['provenance'];
  await store.record(hugePages, spec, { policy: { id: 'http', label: 'HTTP', frame: 'http' }, repeat }, async (dir) => {
    fs.writeFileSync(path.join(dir, 'arms.json.gz'), gzipSync(JSON.stringify(record)));
    return { provenance, warnings: [] };
  });
}

describe('hugePagesOf', () => {
  it('compares each arm with the file\'s pages, round by round', async () => {
    await recordStart(0, arms([
      round(0, 'file-4k', 50), round(0, 'anonymous-4k', 50), round(0, 'anonymous-2m', 45),
      round(1, 'anonymous-2m', 90), round(1, 'file-4k', 100), round(1, 'anonymous-4k', 100),
    ]));
    await recordStart(1, arms(textPages.map((pages) => round(0, pages, pages === 'anonymous-2m' ? 18 : 20))));
    const { comparisons, rounds, leftOut, runs } = hugePagesOf(store);
    expect(comparisons.map(({ pages, cpuTime, throughput, hugeShare }) => [pages, cpuTime.value, cpuTime.interval, throughput.value, hugeShare])).toEqual([
      ['anonymous-4k', 1, [1, 1], 1, 0], ['anonymous-2m', 0.9, [0.9, 0.9], 1, 0.95],
    ]);
    expect([rounds.length, leftOut, runs.length]).toEqual([9, 0, 2]);
  });

  it('leaves out the whole round of an arm that something disturbed', async () => {
    const disturbed = [{ code: 'other-load' as const, text: 'something ran there' }];
    await recordStart(0, arms([
      ...textPages.map((pages) => round(0, pages, 10)),
      ...textPages.map((pages) => round(1, pages, 500, pages === 'file-4k' ? { warnings: disturbed } : {})),
    ]));
    const { rounds, leftOut } = hugePagesOf(store);
    expect([rounds.map(({ cpuUs }) => cpuUs), leftOut]).toEqual([[10, 10, 10], 1]);
  });

  it('compares misses of the instruction TLB where every round counted them', async () => {
    const counted = (mpki: number) => ({ itlb: { mpki, walkMpki: 0 } });
    const all = textPages.map((pages) => round(0, pages, 10, counted(pages === 'anonymous-2m' ? 2 : 8)));
    await recordStart(0, arms(all));
    expect(hugePagesOf(store).comparisons.map(({ itlbMisses }) => itlbMisses?.value)).toEqual([1, 0.25]);
    await recordStart(1, arms([...all.slice(1), round(0, all[0].pages, 10)]));
    expect(hugePagesOf(store).comparisons.map(({ itlbMisses }) => itlbMisses)).toEqual([null, null]);
  });

  it('reads only the starts that were measured last in one way', async () => {
    await recordStart(0, arms(textPages.map((pages) => round(0, pages, 10))), '1, 2 rounds');
    await new Promise((resolve) => setTimeout(resolve, 2));
    await recordStart(0, arms(textPages.map((pages) => round(0, pages, 20))), '1, 40 rounds');
    expect(hugePagesOf(store).rounds.map(({ cpuUs }) => cpuUs)).toEqual([20, 20, 20]);
  });

  it('says what disturbed them when no round is left', async () => {
    await recordStart(0, arms(textPages.map((pages) => round(0, pages, 10, { warnings: [{ code: 'other-load', text: 'something ran there' }] }))));
    expect(() => hugePagesOf(store)).toThrow(/every round of local\/here\/huge-pages\/.* was disturbed \(something ran there\); measure again/);
  });

  it('says what to do where nothing was measured', () => {
    expect(() => hugePagesOf(store)).toThrow('huge pages were not tried with http yet; measure it first');
  });
});
