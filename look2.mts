import * as fs from 'node:fs';
import { renderPng } from './lib/figures/render.js';
import { buildItems } from './lib/report/items.js';
import { liveStore } from './lib/experiments/testbed.js';
const { items, missing } = await buildItems(liveStore(), process.argv.slice(2));
console.log(missing);
for (const item of items) {
  if (!item.figure) continue;
  const [png] = (await renderPng([item.figure]))!;
  fs.writeFileSync(`/tmp/look-${item.item}.png`, png);
  console.log(item.item, item.table?.rows.length, item.notes);
  for (const j of item.judgements) console.log(' ', j.id, j.reading, j.verdict, j.reason.slice(0, 220));
  if (process.env.TABLE) for (const r of item.table!.rows) console.log(JSON.stringify(r));
}
process.exit(0);
