/**
 * `npm run import`: takes in what was recorded elsewhere.
 *
 * `-- FILE.tar.gz`: a recording that `npm run pack` made there.
 * `-- FOLDER --policy ID --load low|medium|high --requests N`: counts of perf stat or toplev recorded there by hand;
 * further `--envoy VERSION`, `--config envoy.yaml`, `--date YYYY-MM-DD`, `--note TEXT`.
 * `-- --commands CORE`: what to run there for that; CORE is one of lib/counters/events/, e.g. ice-lake.
 */
import * as fs from 'node:fs';
import { parseArgs } from 'node:util';
import { eventTable, eventTables } from '../counters/events/tables.js';
import { commands, importCounters, type Imported, type Told } from '../experiments/import-counters.js';
import { importArchive } from '../store/pack.js';
import { RunStore } from '../store/run-store.js';
import { runMain } from './main.js';

const text = { type: 'string' } as const;

runMain(async () => {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { commands: { type: 'boolean' }, policy: text, load: text, requests: text, envoy: text, config: text, date: text, note: text },
  });
  const store = new RunStore(null);
  const [from, more] = positionals;
  if (values.commands) console.log(commands(eventTable(from ?? '')));
  else if (from === undefined || more !== undefined) throw new Error('give one archive, as `npm run pack` writes it, or one folder: npm run import -- results/NAME.tar.gz');
  else if (fs.existsSync(from) && fs.statSync(from).isDirectory()) await takeInCounts(from, told(values), store);
  else console.log(`data/${await importArchive(from, store)} taken in; \`npm run figures\` draws it beside the others`);
});

function told({ policy, load, requests, envoy, config, date, note }: Record<string, unknown>): Told {
  if (typeof policy !== 'string' || typeof requests !== 'string' || (load !== 'low' && load !== 'medium' && load !== 'high')) {
    throw new Error('say what was measured: --policy ID --load low|medium|high --requests N (answered while it was counted)');
  }
  const day = date === undefined ? undefined : new Date(`${String(date)}T00:00:00Z`);
  if (day && Number.isNaN(day.getTime())) throw new Error(`"${String(date)}" is no day; give it as YYYY-MM-DD`);
  return {
    policy, load, requests: Number(requests), date: day, envoyVersion: envoy as string | undefined, note: note as string | undefined,
    envoyYaml: config === undefined ? undefined : fs.readFileSync(String(config), 'utf8'),
  };
}

async function takeInCounts(folder: string, what: Told, store: RunStore): Promise<void> {
  for (const { run, quantities, unknown } of await importCounters(folder, what, store)) tell(run, quantities, unknown);
  console.log('`npm run figures` draws it beside the others');
}

function tell(run: Imported['run'], quantities: Imported['quantities'], unknown: string[]): void {
  const { cpuModel, microarchitecture } = run.provenance.machine;
  console.log(`data/${run.id} taken in: ${run.policy.label} on ${cpuModel} (${microarchitecture ?? 'a core that is not known here'})`);
  const had = Object.entries(quantities ?? {}).filter(([, value]) => value !== null).map(([name, value]) => `${name} ${(value as number).toPrecision(3)}`);
  if (had.length > 0) console.log(`  ${had.join(', ')}`);
  if (unknown.length > 0) console.log(`  events without a meaning here: ${unknown.join(', ')}; there are tables of ${eventTables.map(({ id }) => id).join(', ')}`);
}
