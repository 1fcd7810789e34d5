import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { countedPoints } from '../../../lib/experiments/frontend-counted.js';
import { importCounters, type Told } from '../../../lib/experiments/import-counters.js';
import { fig09 } from '../../../lib/figures/fig09.js';
import { RunStore } from '../../../lib/store/run-store.js';

const cpuinfo = 'processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 106\nmodel name\t: Intel(R) Xeon(R) Silver 4314 CPU @ 2.40GHz\nstepping\t: 6\nphysical id\t: 0\ncore id\t\t: 0\nflags\t\t: fpu\n';

let root: string;
let store: RunStore;
beforeEach(() => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'counted-'));
  fs.mkdirSync(path.join(root, 'counted', 'machine', 'proc'), { recursive: true });
  fs.writeFileSync(path.join(root, 'counted', 'machine', 'proc', 'cpuinfo'), cpuinfo);
  fs.writeFileSync(path.join(root, 'counted', 'machine', 'proc', 'meminfo'), 'MemTotal:       65000000 kB\n');
  store = new RunStore(null, path.join(root, 'data'));
});
afterEach(() => fs.rmSync(root, { recursive: true }));

/** As `perf stat -x ;` prints counts. */
async function take(told: Partial<Told>, counts: Record<string, number>): Promise<void> {
  fs.writeFileSync(path.join(root, 'counted', 'perf-stat.csv'), Object.entries(counts).map(([event, count]) => `${count};;${event};1;100.00;;\n`).join(''));
  await importCounters(path.join(root, 'counted'), { policy: 'http', load: 'high', requests: 500, date: new Date('2026-01-02T00:00:00Z'), ...told }, store);
}

function points() {
  return store.recordings().flatMap((recording) => countedPoints(recording, store.runs(recording, 'frontend')));
}

it('counts taken in become points, one a policy and load, with a value for each repeat', async () => {
  for (const misses of [60, 62]) await take({}, { cycles: 2000, instructions: 1000, 'icache_64b.iftag_miss': misses, 'icache_16b.ifdata_stall': 240 });
  await take({ load: 'low' }, { cycles: 2000, instructions: 1000, 'icache_64b.iftag_miss': 70 });
  const [high, low] = points().sort((a, b) => b.samples.l1iMpki!.length - a.samples.l1iMpki!.length);
  expect(high).toMatchObject({ load: 'high', core: { microarchitecture: 'Ice Lake-SP' }, method: 'measured: hardware counters', samples: { l1iMpki: [60, 62], icacheStallShare: [12, 12] } });
  expect(low).toMatchObject({ load: 'low', samples: { l1iMpki: [70] } });
});

it('what was not counted is left out, never zero', async () => {
  await take({}, { cycles: 2000, instructions: 1000, 'br_misp_retired.all_branches': 500, 'br_misp_retired.indirect': 200 });
  expect(points()[0].samples).toEqual({ branchMpki: [500], allMissed: [1], indirectMissed: [0.4], indirectInMissed: [40] });
});

it('a figure draws them at the highest load, and judges by them', async () => {
  await take({}, { cycles: 2000, instructions: 1000, 'icache_64b.iftag_miss': 60 });
  await take({ load: 'low' }, { cycles: 2000, instructions: 1000, 'icache_64b.iftag_miss': 70 });
  const { rows, judgements } = fig09({ points: points(), notes: [] });
  expect(rows.filter(({ value }) => value !== null).map(({ value, method }) => [value, method])).toEqual([[60, 'measured: hardware counters']]);
  expect(judgements.find(({ id }) => id === 'C16')).toMatchObject({ verdict: 'inconclusive', value: 60, reason: expect.stringContaining('single repeat') });
});
