/** Writes `results/`: JSON and picture of every item, claims.json, index.html (design, section 7). */
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Item, TableView } from '../figures/item.js';
import { unique } from '../figures/item.js';
import { renderPng, renderSvg } from '../figures/render.js';
import { indexPage, type IndexItem } from './index-page.js';
import { providePlotly } from './notebooks.js';
import { assembleClaims } from './verdicts.js';

export interface ResultsContext {
  /** Notebook page of an item below results/, when it was executed: `notebooks/03-components.html`. */
  pageOf(item: string): string | null;
  machine: Record<string, string>;
  recordings: { name: string; description: string }[];
  /** Project version, command and time, as one line. */
  generatedBy: string;
}

/**
 * @param items those to write now; claims.json and the index always cover all of `allItems`.
 * @returns where pictures came from, e.g. that their text widths are estimates.
 */
export async function writeResults(dir: string, items: Item[], allItems: Item[], context: ResultsContext): Promise<string[]> {
  fs.mkdirSync(dir, { recursive: true });
  const remarks = await writePictures(dir, items);
  for (const item of items) writeJson(path.join(dir, `${item.item}.json`), resultOf(item));
  const claims = assembleClaims(allItems.flatMap(({ judgements }) => judgements));
  writeJson(path.join(dir, 'claims.json'), claims);
  await providePlotly(dir);
  fs.writeFileSync(path.join(dir, 'index.html'), indexPage({
    items: allItems.filter(({ item }) => fs.existsSync(path.join(dir, `${item}.json`))).map((item) => indexItem(dir, item, context)),
    claims, machine: context.machine, recordings: context.recordings, generatedBy: context.generatedBy, plotlyPath: 'plotly.min.js',
  }));
  return remarks;
}

/** `results/<item>.json`. */
function resultOf({ item, title, rows, figure, table, paper, notes }: Item): object {
  return { item, title, rows, figure, table, paper, notes };
}

async function writePictures(dir: string, items: Item[]): Promise<string[]> {
  const drawn = items.filter((item) => item.figure !== null);
  const figures = drawn.map((item) => item.figure!);
  const svgs = await renderSvg(figures);
  drawn.forEach((item, i) => fs.writeFileSync(path.join(dir, `${item.item}.svg`), svgs[i].svg));
  const pngs = await renderPng(figures);
  drawn.forEach(({ item }, i) => {
    const file = path.join(dir, `${item}.png`);
    if (pngs) fs.writeFileSync(file, pngs[i]);
    else fs.rmSync(file, { force: true }); // of an earlier drawing: it would contradict the SVG beside it
  });
  return svgs.some(({ approximateText }) => approximateText)
    ? ['no Chrome, Chromium or Edge found: pictures are SVG only and their text widths are estimates']
    : [];
}

function indexItem(dir: string, { item, title, rows, figure, table, notes }: Item, context: ResultsContext): IndexItem {
  // A picture without a figure is of an earlier drawing, when there was something to draw.
  const picture = figure && [`${item}.svg`, `${item}.png`].map((name) => path.join(dir, name)).find((file) => fs.existsSync(file));
  return {
    item, title, notebook: context.pageOf(item), svgOrPngPath: picture ?? null, jsonPath: `${item}.json`,
    tableHtml: table ? tableHtml(table) : undefined, figure: figure ?? undefined,
    ...obtained(rows, figure), notes,
  };
}

/** How and where values were obtained; an item without values of its own (a drawing of what was observed) says it in its figure. */
function obtained(rows: Item['rows'], figure: Item['figure']): { methods: string[]; origins: string[] } {
  if (rows.length > 0 || !figure) return { methods: unique(rows.map(({ method }) => method)), origins: unique(rows.map(({ origin }) => origin)) };
  const [methods, origins] = figure.layout.meta.method.split(' · ');
  return { methods: [methods], origins: origins ? [origins] : [] };
}

/** A table as HTML, escaped. */
export function tableHtml({ columns, rows }: TableView): string {
  const head = columns.map(({ label }) => `<th>${escape(label)}</th>`).join('');
  const body = rows.map((row) => `<tr>${columns.map(({ key }) => `<td>${escape(String(row[key] ?? ''))}</td>`).join('')}</tr>`).join('\n');
  return `<table><thead><tr>${head}</tr></thead><tbody>\n${body}\n</tbody></table>`;
}

function escape(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;');
}

function writeJson(file: string, value: unknown): void {
  fs.writeFileSync(file, `${JSON.stringify(value, null, 1)}\n`);
}
