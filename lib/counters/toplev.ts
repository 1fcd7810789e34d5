/**
 * toplev of pmu-tools: the top-down method by those who keep its formulas, beside our own (lib/counters/top-down.ts).
 *
 * toplev is asked which events it wants, perf stat counts them on the worker thread, and toplev works out the nodes from
 * perf's output: so what it read is kept, and it neither starts nor stops perf. It would fetch Intel's event list at its
 * first use; it gets that of our tables instead, so nothing is fetched. Formulas, thresholds and groups are toplev's own.
 *
 * Needs: what lib/counters/frontend-counters.ts needs, an Intel core with a table, and the Python environment.
 * Misses: what perf stat misses; the SMT sibling, which is kept empty (--single-thread).
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { makeRunFolder, removeRunFolder } from '../deploy/run-folder.js';
import type { Availability } from '../host/availability.js';
import { readMachine } from '../host/machine.js';
import { venvPath } from '../host/paths.js';
import { run } from '../host/process.js';
import type { Collected, Collector } from './collector.js';
import type { CounterEvent, EventTable } from './events/event-table.js';
import { eventTableFor } from './events/tables.js';
import { frontendCounters } from './frontend-counters.js';
import { perfEnvironment, perfVersion, whilePerf } from './perf-tool.js';
import type { TopDown } from './top-down.js';
import { parseToplev, type ToplevNode } from './toplev-csv.js';

/** Level 1 and the nodes of instruction fetch; `!` leaves out all others, whose events no table here holds. */
export const toplevNodes = [
  'Frontend_Bound', 'Bad_Speculation', 'Backend_Bound', 'Retiring', 'Fetch_Latency', 'ICache_Misses', 'ITLB_Misses', 'Branch_Resteers',
] as const;

/** Raw files of a run: what perf counted for toplev, and the nodes that it worked out. */
export const toplevFiles = { perf: 'toplev-perf.csv', nodes: 'toplev.csv' } as const;

export const toplev: Collector<ToplevNode[]> = {
  name: 'toplev',
  version: async () => `1 / pmu-tools ${pmuTools()?.version} / perf ${await perfVersion()} / ${table().id}`,
  probe,
  record: recordNodes,
  read: (dir) => parseToplev(fs.readFileSync(path.join(dir, toplevFiles.nodes), 'utf8'), path.join(dir, toplevFiles.nodes)),
  misses: 'threads other than the worker; without the right to it, the kernel; events of different groups are not counted at once',
  disturbance: 'that of perf stat: toplev itself runs before and after',
};

/** What toplev says of a whole run, as shares of slots and cycles like our own; null where it says nothing. */
export function sharesOf(nodes: readonly ToplevNode[]): TopDown {
  const share = (name: (typeof toplevNodes)[number]) => {
    const found = nodes.find(({ node, time }) => node.split('.').at(-1) === name && (time === null || time === 'SUMMARY'));
    return found ? found.value / 100 : null;
  };
  return {
    retiring: share('Retiring'), badSpeculation: share('Bad_Speculation'), frontend: share('Frontend_Bound'), backend: share('Backend_Bound'),
    fetchLatency: share('Fetch_Latency'), icacheMisses: share('ICache_Misses'), itlbMisses: share('ITLB_Misses'), branchResteers: share('Branch_Resteers'),
  };
}

async function probe(): Promise<Availability> {
  const installed = pmuTools();
  if (!installed) return { available: false, reason: 'pmu-tools is not in the Python environment', remedy: 'run `npm run setup` with a network connection' };
  const { microarchitecture, cpuModel } = readMachine();
  if (table().id === 'generic') {
    return { available: false, reason: `no top-down events of ${microarchitecture ?? cpuModel} here`, remedy: 'use an Intel server CPU with a table in lib/counters/events/' };
  }
  const counters = await frontendCounters.probe();
  return counters.available ? { available: true, version: installed.version } : counters;
}

function table(): EventTable {
  return eventTableFor(readMachine().microarchitecture);
}

/** Where toplev is: the wheel puts its modules beside each other, and only another program of it on the path. */
function pmuTools(): { program: string; version: string } | null {
  const libraries = venvPath('lib');
  const python = fs.existsSync(libraries) ? fs.readdirSync(libraries).find((name) => /^python3\.\d+$/.test(name)) : undefined;
  if (!python) return null;
  const packages = path.join(libraries, python, 'site-packages');
  const version = fs.readdirSync(packages).map((name) => /^pmu_tools-(.+)\.dist-info$/.exec(name)?.[1]).find((found) => found !== undefined);
  return version === undefined ? null : { program: path.join(packages, 'toplev.py'), version };
}

async function recordNodes<T>(sidecar: Collected, dir: string, body: () => Promise<T>, cpus: number[]): Promise<T> {
  const folder = makeRunFolder('toplev');
  const counted = path.join(dir, toplevFiles.perf);
  try {
    const events = path.join(folder, 'events.json');
    fs.writeFileSync(events, JSON.stringify(eventList(table())));
    const wanted = await wantedEvents(events, [], cpus);
    const result = await whilePerf(['stat', '-x;', '-o', counted, '-e', wanted, '-t', String(sidecar.workerTid)], cpus, body);
    await nodesOf(counted, path.join(dir, toplevFiles.nodes), events, cpus);
    return result;
  } finally {
    removeRunFolder(folder);
  }
}

/**
 * The events, in groups, that toplev wants counted.
 * @param events file with the event list.
 * @param extra further options.
 * @throws Error with its own words when it says none.
 */
export async function wantedEvents(events: string, extra: string[] = [], cpus?: number[]): Promise<string> {
  const { stdout, stderr } = await runToplev(['--print', ...extra], events, cpus);
  const wanted = /perf stat .*-e '([^']+)'/.exec(stdout)?.[1];
  if (!wanted) throw new Error(`toplev named no events: ${(stderr.trim() || stdout.trim()).split('\n').at(-1)}; \`npm run doctor\` says what this machine counts`);
  return wanted;
}

/**
 * Works out the nodes from what perf counted for them.
 * @param counted a file by `perf stat -x ';'` with the events that toplev wanted.
 */
export async function nodesOf(counted: string, to: string, events: string, cpus?: number[]): Promise<void> {
  await runToplev(['--import', counted, '-x,', '-o', to], events, cpus);
  if (!fs.existsSync(to)) throw new Error(`toplev wrote nothing from ${path.basename(counted)}; look into that file`);
}

async function runToplev(options: string[], events: string, cpus?: number[]): Promise<{ stdout: string; stderr: string }> {
  const installed = pmuTools();
  if (!installed) throw new Error('pmu-tools is not in the Python environment; run `npm run setup`');
  const common = ['--single-thread', '-l3', '-v', '--no-desc', '--nodes', `!+${toplevNodes.join(',+')}`];
  const env = { ...perfEnvironment, EVENTMAP: events };
  return run([venvPath('bin', 'python'), installed.program, ...common, ...options], { cpus, env, timeoutMs: 60_000 });
}

/**
 * A table as an event list of intel/perfmon, which is what toplev reads.
 * Events that perf knows by itself have other names there.
 */
export function eventList({ events, generalCounters }: EventTable): Record<string, string>[] {
  const fixed = [listed('INST_RETIRED.ANY', { event: 0x00, umask: 0x01 }, 'Fixed counter 0'), listed('CPU_CLK_UNHALTED.THREAD', { event: 0x00, umask: 0x02 }, 'Fixed counter 1')];
  const slots = events.some(({ counter }) => counter === 'slots') ? [listed('TOPDOWN.SLOTS', { event: 0x00, umask: 0x04 }, 'Fixed counter 3')] : [];
  // By its presence toplev tells that the metrics register has the second level too.
  const level2 = events.some(({ name }) => name === 'metricFetchLatency') ? [listed('TOPDOWN.MEMORY_BOUND_SLOTS', { event: 0xa4, umask: 0x10 }, '0,1,2,3,4,5,6,7')] : [];
  return [...fixed, ...slots, ...level2, ...events.flatMap((event) => {
    const { source, aliases = [], encoding, counter } = event;
    if (!encoding || source.includes(':')) return [];
    return [source, ...aliases].filter((name) => name.includes('.')).map((name) => listed(name, encoding, counter === 'low' || generalCounters === 4 ? '0,1,2,3' : '0,1,2,3,4,5,6,7'));
  })];
}

function listed(name: string, encoding: NonNullable<CounterEvent['encoding']>, counter: string): Record<string, string> {
  const { event, umask, cmask = 0, edge = false, frontend } = encoding;
  const hex = (value: number) => `0x${value.toString(16)}`;
  return {
    EventName: name, EventCode: hex(event), UMask: hex(umask), CounterMask: String(cmask), EdgeDetect: edge ? '1' : '0', Invert: '0', Counter: counter,
    MSRIndex: frontend ? '0x3F7' : '0x00', MSRValue: hex(frontend ?? 0), SampleAfterValue: '100003', PublicDescription: '', Errata: 'null',
  };
}
