/** From a store to `results/`: what `figures` does, and `reproduce` after its notebooks. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { buildItems, itemSources, machinesOf, wanted } from './items.js';
import { writeResults } from './results.js';
import { countLabels, assembleClaims } from './verdicts.js';
import { projectVersion } from '../store/version.js';
import type { RunStore } from '../store/run-store.js';

export interface DrawOptions {
  /** Item ids; all when empty. */
  only: string[];
  /** As the page says it was made. */
  command: string;
  /** Where to write. */
  dir: string;
}

/** Writes results and prints where they are, what they say, and what is missing. */
export async function drawResults(store: RunStore, { only, command, dir }: DrawOptions): Promise<void> {
  const chosen = wanted(only).map(({ item }) => item);
  const { items, missing } = await buildItems(store);
  const drawn = items.filter(({ item }) => chosen.includes(item));
  const remarks = await writeResults(dir, drawn, items, {
    pageOf: (item) => pageOf(dir, item),
    machine: Object.fromEntries(machinesOf(store).map(({ origin, machine }) => [origin, `${machine.cpuModel}, ${machine.threads} CPUs, Linux ${machine.kernel}`])),
    recordings: store.recordings().map(({ name, origin }) => ({ name, description: origin === 'live' ? 'measured by this clone' : 'committed recording' })),
    generatedBy: `sidecar-workbench ${projectVersion()}, ${command}, ${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC`,
  });
  for (const item of drawn) console.log(`${item.item.padEnd(12)} ${item.title}`);
  for (const { item, reason } of missing.filter(({ item: id }) => chosen.includes(id))) console.log(`${item.padEnd(12)} not drawn: ${reason}`);
  remarks.forEach((remark) => console.log(remark));
  const verdicts = countLabels(assembleClaims(items.flatMap(({ judgements }) => judgements)));
  console.log(`verdicts: ${verdicts.map(({ label, count }) => `${count} ${label}`).join(', ')}`);
  console.log(`open ${path.relative(process.cwd(), path.join(dir, 'index.html'))}`);
}

function pageOf(dir: string, item: string): string | null {
  const notebook = itemSources.find((source) => source.item === item)?.notebook;
  const page = `notebooks/${notebook}.html`;
  return notebook && fs.existsSync(path.join(dir, page)) ? page : null;
}
