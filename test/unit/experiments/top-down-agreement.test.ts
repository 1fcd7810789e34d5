import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { importCounters, type Told } from '../../../lib/experiments/import-counters.js';
import { countedPoints } from '../../../lib/experiments/frontend-counted.js';
import { topDownAgreement } from '../../../lib/experiments/top-down-agreement.js';
import { RunStore } from '../../../lib/store/run-store.js';

/** A Cascade Lake. */
const cpuinfo = ['processor\t: 0', 'vendor_id\t: GenuineIntel', 'cpu family\t: 6', 'model\t\t: 85', 'model name\t: Intel(R) Xeon(R) Gold 6230 CPU @ 2.10GHz', 'stepping\t: 7', 'flags\t\t: fpu', ''].join('\n');
const header = 'Area,Value,Unit,Description,Sample,Stddev,Multiplex,Bottleneck,Idle';
const told: Told = { policy: 'http', load: 'high', requests: 10, date: new Date('2026-01-02T00:00:00Z') };

let root: string;
let folder: string;
let store: RunStore;
beforeEach(() => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'agreement-'));
  folder = path.join(root, 'counted');
  fs.mkdirSync(path.join(folder, 'machine', 'proc'), { recursive: true });
  fs.writeFileSync(path.join(folder, 'machine', 'proc', 'cpuinfo'), cpuinfo);
  fs.writeFileSync(path.join(folder, 'machine', 'proc', 'meminfo'), 'MemTotal: 1 kB\n');
  store = new RunStore(null, path.join(root, 'data'));
});
afterEach(() => fs.rmSync(root, { recursive: true }));

async function recorded(counts: string | null, nodes: string | null, what: Partial<Told> = {}): Promise<void> {
  for (const [name, text] of [['perf-stat.csv', counts], ['toplev.csv', nodes]] as const) {
    if (text === null) fs.rmSync(path.join(folder, name), { force: true });
    else fs.writeFileSync(path.join(folder, name), text);
  }
  await importCounters(folder, { ...told, ...what }, store);
}

const agreement = () => topDownAgreement(store.runs(store.recordings()[0], 'frontend'));
const counted = (empty: number) => `1000;;cycles;1;100.00;;\n${empty};;idq_uops_not_delivered.core;1;100.00;;\n100;;icache_64b.iftag_stall;1;100.00;;\n`;

describe('toplev beside our formulas', () => {
  it('has every node that both know, as medians over the repeats', async () => {
    await recorded(counted(1600), `${header}\nFrontend_Bound,41.0,% Slots,,,,,,\nFrontend_Bound.Fetch_Latency,30.0,% Slots,,,,,,\n`);
    await recorded(counted(2000), `${header}\nFrontend_Bound,47.0,% Slots,,,,,,\n`);
    expect(agreement()).toEqual([{ policy: 'HTTP Router', node: 'frontend', ours: expect.closeTo(0.45, 9), toplev: expect.closeTo(0.44, 9), register: null }]);
  });

  it('has our formulas by the metrics register as well, where the core has one', async () => {
    fs.writeFileSync(path.join(folder, 'machine', 'proc', 'cpuinfo'), cpuinfo.replace('\t: 85', '\t: 106'));
    const events = { slots: 5000, 'topdown-retiring': 1500, 'topdown-bad-spec': 500, 'topdown-fe-bound': 2000, 'topdown-be-bound': 1000, cycles: 1000, 'int_misc.uop_dropping': 0, 'topdown.slots_p': 5000, 'idq_uops_not_delivered.core': 2100 };
    const counts = Object.entries(events).map(([event, value]) => `${value};;${event};1;100.00;;\n`).join('');
    await recorded(counts, `${header}\nFrontend_Bound,41.0,% Slots,,,,,,\n`);
    expect(agreement()).toEqual([{ policy: 'HTTP Router', node: 'frontend', ours: 0.42, toplev: 0.41, register: 0.4 }]);
  });

  it('says nothing of policies and loads that only one of them measured', async () => {
    await recorded(counted(1600), null);
    await recorded(null, `${header}\nFrontend_Bound,41.0,% Slots,,,,,,\n`, { policy: 'tcp' });
    await recorded(null, `${header}\nFrontend_Bound,41.0,% Slots,,,,,,\n`, { load: 'low' });
    expect(agreement()).toEqual([]);
  });

  it('is told beside the values of each policy, by how much they differ at most', async () => {
    await recorded(counted(1600), `${header}\nFrontend_Bound,41.0,% Slots,,,,,,\nFrontend_Bound.Fetch_Latency.ITLB_Misses,13.0,% Clocks,,,,,,\n`);
    const [recording] = store.recordings();
    expect(countedPoints(recording, store.runs(recording, 'frontend')).map(({ notes }) => notes)).toEqual([
      ['recorded by hand and taken in', 'toplev differs from our formulas by 3.0 points at most (itlbMisses of HTTP Router: 13.0 and 10.0 %)'],
    ]);
  });
});
