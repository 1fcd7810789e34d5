/** Our top-down formulas against pmu-tools' own, on the same made-up counts: its formulas alone, and all of toplev. */
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EventName, EventTable, EventTableId } from '../../lib/counters/events/event-table.js';
import { nameInTable } from '../../lib/counters/events/names.js';
import { eventTable } from '../../lib/counters/events/tables.js';
import type { EventValues } from '../../lib/counters/frontend-counts.js';
import { topDownOf, type TopDown, type TopDownWay } from '../../lib/counters/top-down.js';
import { eventList, nodesOf, sharesOf, toplevNodes, wantedEvents } from '../../lib/counters/toplev.js';
import { parseToplev } from '../../lib/counters/toplev-csv.js';
import { venvPath } from '../../lib/host/paths.js';
import { run } from '../../lib/host/process.js';

const nodeNames: Record<(typeof toplevNodes)[number], keyof TopDown> = {
  Frontend_Bound: 'frontend', Bad_Speculation: 'badSpeculation', Backend_Bound: 'backend', Retiring: 'retiring',
  Fetch_Latency: 'fetchLatency', ICache_Misses: 'icacheMisses', ITLB_Misses: 'itlbMisses', Branch_Resteers: 'branchResteers',
};

/** Counts of a window of some cycles: every event up to twice a cycle, some of them more than can be. The same at every run. */
function madeUp(table: EventTable, seed: number): EventValues {
  let state = seed;
  const next = () => (state = (state * 1103515245 + 12345) % 2 ** 31) / 2 ** 31;
  const cycles = 1000 + Math.floor(next() * 1e6);
  return { ...Object.fromEntries(table.events.map(({ name }) => [name, Math.floor(next() * 2 * cycles)])), cycles };
}

/** By Intel's names, as pmu-tools asks for them. */
function byIntelName(table: EventTable, values: EventValues, way: TopDownWay): Record<string, number> {
  const fixed: [string, EventName][] = [
    ['CPU_CLK_UNHALTED.THREAD', 'cycles'], ['INST_RETIRED.ANY', 'instructions'], ['TOPDOWN.SLOTS', way === 'register' ? 'slots' : 'slotsGeneral'],
    ['PERF_METRICS.RETIRING', 'metricRetiring'], ['PERF_METRICS.BAD_SPECULATION', 'metricBadSpeculation'],
    ['PERF_METRICS.FRONTEND_BOUND', 'metricFrontend'], ['PERF_METRICS.BACKEND_BOUND', 'metricBackend'],
    ['PERF_METRICS.FETCH_LATENCY', 'metricFetchLatency'],
  ];
  const listed = table.events.flatMap(({ name, source, aliases = [] }) => [source, ...aliases].map((intel) => [intel, name] as [string, EventName]));
  return Object.fromEntries([...listed, ...fixed].flatMap(([intel, name]) => (values[name] === undefined ? [] : [[intel, values[name]]])));
}

async function byPmuTools(model: string, register: boolean, counts: Record<string, number>[]): Promise<Record<string, number>[]> {
  const packages = path.dirname(fs.readdirSync(venvPath('lib')).map((name) => venvPath('lib', name, 'site-packages', 'toplev.py')).find((file) => fs.existsSync(file))!);
  const input = JSON.stringify({ model, register, nodes: toplevNodes, counts });
  const { stdout } = await run([venvPath('bin', 'python'), 'test/integration/support/pmu_tools_nodes.py'], { env: { PYTHONPATH: packages }, input, timeoutMs: 60_000 });
  return JSON.parse(stdout) as Record<string, number>[];
}

describe('our formulas and those of pmu-tools', () => {
  it.each<[string, EventTableId, TopDownWay]>([
    ['hsx_server_ratios', 'haswell', 'counters'],
    ['skx_server_ratios', 'skylake', 'counters'],
    ['clx_server_ratios', 'skylake', 'counters'],
    ['icx_server_ratios', 'ice-lake', 'counters'],
    ['icx_server_ratios', 'ice-lake', 'register'],
    ['spr_server_ratios', 'sapphire-rapids', 'counters'],
    ['spr_server_ratios', 'sapphire-rapids', 'register'],
  ])('give the same nodes: %s, %s, %s', async (model, id, way) => {
    const table = eventTable(id);
    const made = Array.from({ length: 50 }, (_, i) => madeUp(table, i + 1));
    const theirs = await byPmuTools(model, way === 'register', made.map((values) => byIntelName(table, values, way)));
    made.forEach((values, i) => {
      const ours = topDownOf(id, values, way)!;
      for (const node of toplevNodes) expect([node, ours[nodeNames[node]]]).toEqual([node, expect.closeTo(theirs[i][node], 9)]);
    });
  });
});

describe('toplev itself, fed with our event list and made-up counts', () => {
  let folder: string;
  beforeEach(() => { folder = fs.mkdtempSync(path.join(os.tmpdir(), 'toplev-')); });
  afterEach(() => {
    delete process.env.FORCECPU;
    delete process.env.FORCEMETRICS;
    fs.rmSync(folder, { recursive: true });
  });

  it.each<[string, EventTableId, TopDownWay]>([
    ['hsx', 'haswell', 'counters'], ['skx', 'skylake', 'counters'], ['clx', 'skylake', 'counters'],
    ['icx', 'ice-lake', 'counters'], ['icx', 'ice-lake', 'register'], ['spr', 'sapphire-rapids', 'counters'], ['spr', 'sapphire-rapids', 'register'],
  ])(
    'as %s finds every event it wants in the list, without fetching any, and gives our nodes: %s, %s', async (cpu, id, way) => {
      const table = eventTable(id);
      // What toplev reads to take this machine for another.
      process.env.FORCECPU = cpu;
      process.env.FORCEMETRICS = way === 'register' ? '1' : '0';
      const events = path.join(folder, 'events.json');
      fs.writeFileSync(events, JSON.stringify(eventList(table)));
      const wanted = (await wantedEvents(events, ['--no-check'])).match(/cpu\/[^/]+\/|\w+/g)!;
      const values = madeUp(table, 7);
      const counted = path.join(folder, 'perf.csv');
      const valueOf = (event: string) => (event === 'dummy' ? 0 : values[nameInTable(table, event)!]);
      fs.writeFileSync(counted, wanted.map((event) => `${valueOf(event)};;${event};1000000;100.00;;\n`).join(''));
      await nodesOf(counted, path.join(folder, 'nodes.csv'), events);
      const nodes = parseToplev(fs.readFileSync(path.join(folder, 'nodes.csv'), 'utf8'), 'nodes.csv');
      const theirs = sharesOf(nodes);
      const ours = topDownOf(id, values, way)!;
      for (const node of Object.values(nodeNames)) expect([node, theirs[node]]).toEqual([node, expect.closeTo(ours[node]!, 3)]);
    });
});
