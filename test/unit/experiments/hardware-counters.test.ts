/**
 * From perf stat's files to figures and verdicts. The machine that this was written on has no performance monitoring unit:
 * the lines of hardware events are written by hand, in the format of perf 6.1 (as its software events beside them,
 * captured in test/fixtures/counters/perf-stat-software.csv, and its documentation have it).
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { countedIpc } from '../../../lib/analysis/request-counters.js';
import { busyLoad, componentsPlan } from '../../../lib/experiments/components.js';
import { componentsData } from '../../../lib/experiments/components-data.js';
import { chooseSource } from '../../../lib/experiments/session.js';
import type { Item } from '../../../lib/figures/item.js';
import { buildItems } from '../../../lib/report/items.js';
import { RunStore, type Run } from '../../../lib/store/run-store.js';
import { copyOfRoot, recording, rewriteRuns } from './recording.js';

const requests = 1000;
const software = fs.readFileSync('test/fixtures/counters/perf-stat-software.csv', 'utf8');

/** Counts of one request; null where perf was not permitted to count. */
interface Counts { 'cycles:u': number; 'instructions:u': number; 'cycles:k': number | null; 'instructions:k': number | null }

/** User IPC 0.9, kernel 0.3; together 210,000 / 300,000 = 0.7. */
const http: Counts = { 'cycles:u': 200_000, 'instructions:u': 180_000, 'cycles:k': 100_000, 'instructions:k': 30_000 };
/** User IPC 1.2, kernel 0.15; together 30,000 / 60,000 = 0.5. */
const tcp: Counts = { 'cycles:u': 20_000, 'instructions:u': 24_000, 'cycles:k': 40_000, 'instructions:k': 6_000 };
const userOnly: Counts = { 'cycles:u': 250_000, 'instructions:u': 200_000, 'cycles:k': null, 'instructions:k': null };

function perfStatText(counts: Counts, runningPercent: number): string {
  const lines = Object.entries(counts).map(([event, value]) => (value === null
    ? `<not supported>;;${event};0;${runningPercent.toFixed(2)};;`
    : `${value * requests};;${event};2000000000;${runningPercent.toFixed(2)};;`));
  return `${software}${lines.join('\n')}\n`;
}

let copy: ReturnType<typeof copyOfRoot>;
let live: RunStore;
let like: Run;
/** A data folder of this machine's own runs, none of them under perf stat yet. */
function newPlace(): void {
  copy = copyOfRoot();
  rewriteRuns(copy.root, (record) => { record.warnings = []; });
  fs.mkdirSync(path.join(copy.root, 'local'));
  fs.renameSync(path.join(copy.root, recording.name), path.join(copy.root, 'local', 'here'));
  live = new RunStore('here', copy.root);
  like = live.runs(live.live(), 'components').find((run) => run.policy.id === 'http' && run.spec.collector.name === 'cpu-time')!;
}

async function measured(policy: { id: string; label: string; frame: string }, counts: Counts, { repeats = 6, runningPercent = 100 } = {}): Promise<void> {
  const spec = { ...like.spec, envoyYaml: `${policy.id}\n`, load: busyLoad(2), collector: { name: 'perf-stat', version: '3 / perf 6.1.187 / by hand' } };
  for (let repeat = 0; repeat < repeats; repeat++) {
    await live.record('components', spec, { policy, repeat }, async (dir) => {
      fs.writeFileSync(path.join(dir, 'perf-stat.csv'), perfStatText(counts, runningPercent));
      for (const file of ['cpu.json', 'load.json']) {
        const found = JSON.parse(fs.readFileSync(path.join(like.dir, file), 'utf8')) as object;
        fs.writeFileSync(path.join(dir, file), JSON.stringify({ ...found, requests }));
      }
      return { provenance: like.provenance, warnings: [] };
    });
  }
}

const policies = {
  http: { id: 'http', label: 'HTTP Router', frame: 'http' }, tcp: { id: 'tcp', label: 'TCP Router', frame: 'tcp' },
  ratelimit: { id: 'ratelimit', label: 'Rate-Limit', frame: 'http' },
};

describe('a recording with hardware counters', () => {
  let fig07: Item;
  let tab03: Item;
  const rowsOf = (label: string) => new Map(fig07.rows.filter(({ x }) => x === label).map((row) => [row.series, row]));

  beforeAll(async () => {
    newPlace();
    await measured(policies.http, http);
    await measured(policies.tcp, tcp);
    await measured(policies.ratelimit, userOnly, { repeats: 1, runningPercent: 48.5 });
    [fig07, , tab03] = (await buildItems(live, ['fig07', 'tab03'])).items;
  });
  afterAll(() => copy.remove());

  it('has cycles, instructions and IPC of user code, kernel and both in Figure 7', () => {
    const rows = rowsOf('HTTP Router');
    const values = ['user code', 'kernel', 'all code'].map((code) => ['cycles', 'instructions', 'IPC'].map((what) => rows.get(`${what}, ${code}`)!.value));
    expect(values).toEqual([[200_000, 180_000, 0.9], [100_000, 30_000, 0.3], [300_000, 210_000, 0.7]]);
    expect(rows.get('IPC, all code')).toMatchObject({ method: 'measured: hardware counters', unit: 'instructions per cycle', interval: [0.7, 0.7], origin: 'live' });
    expect(rows.get('cycles, kernel')).toMatchObject({ method: 'measured: hardware counters', unit: 'cycles/request' });
    expect(rows.get('cycles, kernel')!.runs).toHaveLength(6);
  });

  it('shows them beside the modelled user IPC, which stays what it was without them', async () => {
    const before = (await buildItems(new RunStore('here', withoutCounters()), ['fig07'])).items[0].rows;
    const modelled = rowsOf('HTTP Router').get('user IPC')!;
    expect(modelled.method).toBe('modelled');
    expect(before).toContainEqual(modelled);
    expect(before.map(({ method }) => method)).not.toContain('measured: hardware counters');
    const legend = (fig07.figure!.data as { name: string; yaxis: string }[]).filter(({ yaxis }) => yaxis === 'y3').map(({ name }) => name);
    expect(legend).toEqual(['user IPC (modelled)', 'IPC of user code (counted)', 'IPC of the kernel (counted)', 'IPC of all code (counted)']);
  });

  it('judges C10 by them: 0.7 lies inside the accepted range of HTTP, 0.5 outside that of TCP', () => {
    const c10 = fig07.judgements.filter(({ id }) => id === 'C10').map(({ reading, value, verdict, method, runs }) => [reading, value, verdict, method, runs.length]);
    expect(c10).toEqual([['tcp', 0.5, 'differs', 'measured: hardware counters', 6], ['http', 0.7, 'reproduced', 'measured: hardware counters', 6]]);
  });

  it('has no kernel value, and says why, where perf was not permitted to count it', () => {
    const rows = rowsOf('Rate-Limit');
    expect(rows.get('IPC, user code')).toMatchObject({ value: 0.8, interval: null });
    for (const series of ['cycles, kernel', 'IPC, kernel', 'IPC, all code']) {
      expect(rows.get(series)).toMatchObject({ value: null, method: 'unavailable', reason: expect.stringContaining('perf_event_paranoid') });
    }
  });

  it('says in how much of the time events were counted, where they took turns', () => {
    expect(fig07.notes).toContainEqual(expect.stringMatching(/^Hardware counters were shared in 1 of 13 runs: the events were counted 48\.5 % of the time at least \(local\/here\/components\/\w+\/0\)/));
  });

  it('has counted cycles in Table 3, too', () => {
    expect(tab03.rows).toContainEqual(expect.objectContaining({ series: 'total, cycles', x: 'HTTP Router', value: 300_000, method: 'measured: hardware counters' }));
    expect(tab03.table!.rows[0]).toMatchObject({ policy: 'HTTP Router', cyclesTotal: '300.00k' });
    expect(tab03.table!.columns.map(({ key }) => key)).toContain('cyclesTotal');
  });

  it('does not keep a machine without counters from drawing its own runs', () => {
    const root = withoutCounters();
    fs.cpSync(path.join(copy.root, 'local', 'here'), path.join(root, 'bare-metal-2027-01-01'), { recursive: true });
    expect(chooseSource(new RunStore('here', root), componentsPlan('quick')).recording.origin).toBe('live');
  });

  /** Another data folder with the same runs but those. */
  function withoutCounters(): string {
    const root = fs.mkdtempSync(path.join(copy.root, 'without-'));
    fs.cpSync(path.join(copy.root, 'local'), path.join(root, 'local'), { recursive: true });
    removeCounters(root, 'local/here');
    return root;
  }
});

function counterRuns(runs: Run[]): Run[] {
  return runs.filter(({ spec }) => spec.collector.name === 'perf-stat');
}

function removeCounters(root: string, name: string): void {
  const dir = path.join(root, name);
  for (const run of counterRuns(new RunStore(null, root).runs({ name, dir, origin: name }, 'components'))) fs.rmSync(run.dir, { recursive: true });
}

describe('a run under perf stat', () => {
  let file: string;
  beforeAll(async () => {
    newPlace();
    await measured(policies.http, http, { repeats: 1 });
    file = path.join(counterRuns(live.runs(live.live(), 'components'))[0].dir, 'perf-stat.csv');
  });
  afterAll(() => copy.remove());
  const dataWith = (text: string) => {
    fs.writeFileSync(file, text);
    return componentsData(live.live(), counterRuns(live.runs(live.live(), 'components')));
  };

  it('says nothing of cycles when perf counted software events only', async () => {
    expect([...countedIpc(await dataWith(perfStatText(http, 100)), 'http', 'all')]).toEqual([[0, 0.7]]);
    expect((await dataWith(software)).counters.numRows()).toBe(0);
  });

  it('is named in the error when its file is cut off', async () => {
    await expect(dataWith(perfStatText(http, 100).slice(0, -40))).rejects.toThrow(/perf-stat\.csv:\d+: no event count/);
  });
});
