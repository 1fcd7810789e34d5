/**
 * Counts recorded by hand on another machine, where the workbench itself is not installed: what to run there, and how the
 * files become a recording under `data/` whose runs say that they were taken in.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { frontendQuantities, type FrontendQuantities } from '../analysis/frontend-quantities.js';
import type { EventTable } from '../counters/events/event-table.js';
import { eventTableFor } from '../counters/events/tables.js';
import { frontendCounters, frontendFiles, statArguments, writeEventTable } from '../counters/frontend-counters.js';
import { parseFrontendCounts, valuesOf } from '../counters/frontend-counts.js';
import { parseToplev } from '../counters/toplev-csv.js';
import { toplev, toplevFiles } from '../counters/toplev.js';
import { policyById } from '../deploy/catalogue.js';
import { machineSlug, readMachine, type Machine } from '../host/machine.js';
import { runFiles } from '../store/files.js';
import { runKey, type RunSpec } from '../store/run-key.js';
import { RunStore, type Run } from '../store/run-store.js';
import { projectVersion } from '../store/version.js';
import { frontend, frontendLoad, type LoadLevel } from './frontend.js';

/** What nobody but who recorded it can say. */
export interface Told {
  /** Id of the catalogue. */
  policy: string;
  load: LoadLevel;
  /** Answered by the sidecar while it was counted. */
  requests: number;
  /** Of Envoy, where it is known. */
  envoyVersion?: string;
  /** The configuration Envoy ran. */
  envoyYaml?: string;
  /** When it was recorded; today unless told. */
  date?: Date;
  note?: string;
}

export interface Imported {
  run: Run;
  /** From perf's counts; null for what toplev worked out. */
  quantities: FrontendQuantities | null;
  /** Events of the file that have no meaning here. */
  unknown: string[];
}

/** Files of a folder made by {@link commands}. */
const byHand = { machine: 'machine', counts: 'perf-stat.csv', nodes: 'toplev.csv' } as const;

/** Shell lines that record by hand what `importCounters` takes in. */
export function commands(table: EventTable): string {
  const events = statArguments(table).map((word) => (word === '-e' ? word : `'${word}'`)).join(' ');
  return [
    '# On the machine with counters, as root, while the sidecar is under load (see data/README.md):',
    `mkdir -p counted/${byHand.machine} && cd counted`,
    '# What machine it is: nothing that tells whose or where.',
    `cp --parents /proc/cpuinfo /proc/meminfo /proc/sys/kernel/osrelease /etc/os-release ${byHand.machine}/`,
    '# The worker thread of an Envoy with --concurrency 1.',
    'worker=$(ps -T -C envoy -o spid=,comm= | awk \'$2 == "wrk:worker_0" { print $1 }\')',
    `LC_ALL=C perf stat -x ';' -o ${byHand.counts} ${events} -t "$worker" -- sleep 10`,
    '# toplev of pmu-tools as well, or alone:',
    `# toplev.py --single-thread -l3 -v --no-desc -x, -o ${byHand.nodes} -t "$worker" -- sleep 10`,
    '',
    '# Then copy the folder here, and say what was measured:',
    '# npm run import -- counted --policy http --load high --requests ANSWERED_IN_THOSE_10_S',
  ].join('\n');
}

/**
 * Takes in a folder with `machine/` and `perf-stat.csv` (of `-j` as well), `toplev.csv`, or both: a run each.
 * @param store its root is where the recording goes; runs of one machine and day share a recording.
 * @throws Error naming the file when it is none of these or damaged, or when a recording of that name was measured by the workbench.
 */
export async function importCounters(folder: string, told: Told, store: RunStore): Promise<Imported[]> {
  if (!(told.requests > 0)) throw new Error(`${told.requests} requests answered; give how many the sidecar answered while it was counted: --requests N`);
  const machine = machineOf(folder);
  const policy = policyById(told.policy);
  const name = machineSlug(machine, told.date ?? new Date());
  const imported: Imported[] = [];
  for (const found of countsIn(folder, eventTableFor(machine.microarchitecture))) {
    const run = await addRun(store, name, specOf(found, told), { id: policy.id, label: policy.label, frame: policy.frame }, (dir) => {
      found.write(dir);
      fs.writeFileSync(path.join(dir, runFiles.cpu), `${JSON.stringify({ requests: told.requests }, null, 1)}\n`);
      return {
        machine, envoyVersion: told.envoyVersion ?? 'not known', projectVersion: projectVersion(), tools: { [found.collector]: 'by hand' }, commands: [],
        imported: { files: [path.basename(found.file)], ...(told.note ? { note: told.note } : {}) },
      };
    });
    imported.push({ run, quantities: found.quantities, unknown: found.unknown });
  }
  return imported;
}

/** The level is all that is known of the load. */
function specOf({ collector }: Found, { policy, load, envoyYaml }: Told): RunSpec {
  const { mode, kneeShare } = frontendLoad(load, 0);
  return {
    envoyYaml: envoyYaml ?? `# ${policy}, recorded elsewhere: its configuration is not known\n`, envoyBuildId: 'not known', backend: { name: 'not known', version: '' },
    load: { mode, kneeShare, connections: 0, path: 'not known' }, collector: { name: collector, version: 'by hand' },
  };
}

/** @throws Error saying how to get them when the machine's files are not there. */
function machineOf(folder: string): Machine {
  const root = path.join(folder, byHand.machine);
  if (!fs.existsSync(path.join(root, 'proc', 'cpuinfo'))) {
    throw new Error(`${root}/proc/cpuinfo does not exist; record as \`npm run import -- --commands\` says, which also keeps what machine it was`);
  }
  return { ...readMachine(root), node: 'not known' };
}

interface Found {
  collector: string;
  file: string;
  quantities: FrontendQuantities | null;
  unknown: string[];
  /** Into a run's folder, as the collector would have written it. */
  write(dir: string): void;
}

/** All of them are read before any is written. */
function countsIn(folder: string, table: EventTable): Found[] {
  const [counts, nodes] = [byHand.counts, byHand.nodes].map((name) => path.join(folder, name));
  const found = [...(fs.existsSync(counts) ? [perfCounts(counts, table)] : []), ...(fs.existsSync(nodes) ? [toplevNodes(nodes)] : [])];
  if (found.length === 0) throw new Error(`${folder} holds neither ${byHand.counts} nor ${byHand.nodes}; record as \`npm run import -- --commands CORE\` says`);
  return found;
}

function perfCounts(file: string, table: EventTable): Found {
  const text = fs.readFileSync(file, 'utf8');
  const counts = parseFrontendCounts(text, file, table);
  return {
    collector: frontendCounters.name, file, quantities: frontendQuantities(table.id, valuesOf(counts)), unknown: counts.unknown,
    write: (dir) => {
      writeEventTable(dir, table.id);
      fs.writeFileSync(path.join(dir, frontendFiles.counts), text);
    },
  };
}

function toplevNodes(file: string): Found {
  const text = fs.readFileSync(file, 'utf8');
  parseToplev(text, file);
  return { collector: toplev.name, file, quantities: null, unknown: [], write: (dir) => fs.writeFileSync(path.join(dir, toplevFiles.nodes), text) };
}

/** Writes a run as measuring does, and moves it into a committed recording when it is whole. */
async function addRun(store: RunStore, name: string, spec: RunSpec, policy: Run['policy'], write: (dir: string) => Run['provenance']): Promise<Run> {
  const recording = { name, dir: path.join(store.root, name), origin: name };
  if (fs.existsSync(recording.dir) && !store.runs(recording, frontend).some(({ provenance }) => provenance.imported)) {
    throw new Error(`data/${name} was measured by the workbench, and recordings are never changed; give another day: --date YYYY-MM-DD`);
  }
  const key = runKey(spec);
  const repeat = store.runs(recording, frontend).filter((run) => run.key === key).length;
  fs.mkdirSync(store.root, { recursive: true });
  const scratch = fs.mkdtempSync(path.join(store.root, '.importing-'));
  try {
    const run = await new RunStore(name, scratch).record(frontend, spec, { policy, repeat }, async (dir) => ({ provenance: write(dir), warnings: [] }));
    const to = path.join(recording.dir, path.relative(path.join(scratch, 'local', name), run.dir));
    fs.mkdirSync(path.dirname(to), { recursive: true });
    fs.renameSync(run.dir, to);
  } finally {
    fs.rmSync(scratch, { recursive: true, force: true });
  }
  return store.runs(recording, frontend).find((run) => run.key === key && run.repeat === repeat)!;
}
