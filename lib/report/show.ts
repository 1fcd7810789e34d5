/** Shows figures and tables in a notebook cell so that they are seen everywhere a notebook is. */
import type { ColumnTable } from 'arquero';
import type { Figure } from '../figures/figure.js';
import { approximateNote, renderPng, renderSvg } from '../figures/render.js';
import { sizeOf } from '../figures/figure.js';
import { display } from './kernel.js';

const plotlyMime = 'application/vnd.plotly.v1+json';

/**
 * Shows a figure: interactive in JupyterLab and in the exported page, as an image on a code host and in a clone that
 * is not trusted yet, as a sentence to a reader who sees neither. No HTML: that is stripped where it matters.
 * @param options.alt overrides the figure's own sentence.
 */
export async function show(figure: Figure, options: { alt?: string } = {}): Promise<void> {
  const image = await imageOf(figure);
  const { alt, method } = figure.layout.meta;
  const note = image.approximate ? `\n(${approximateNote})` : '';
  display({
    [plotlyMime]: { data: figure.data, layout: figure.layout, config: { displaylogo: false } },
    [image.mime]: image.content,
    'text/plain': `${options.alt ?? alt}\nMethod: ${method}${note}`,
  }, image.mime === 'image/png' ? { 'image/png': sizeOf(figure) } : {});
}

async function imageOf(figure: Figure): Promise<{ mime: string; content: string; approximate: boolean }> {
  const png = await renderPng([figure]);
  if (png) return { mime: 'image/png', content: png[0].toString('base64'), approximate: false };
  const [{ svg, approximateText }] = await renderSvg([figure]);
  return { mime: 'image/svg+xml', content: svg, approximate: approximateText };
}

/**
 * Shows a table, its numbers right-aligned.
 * @param options.limit rows shown, 100 by default.
 * @param options.digits significant digits of numbers that are not integers, 4 by default.
 */
export function showTable(table: ColumnTable, options: { limit?: number; digits?: number } = {}): void {
  const { limit = 100, digits = 4 } = options;
  const names = table.columnNames();
  const rows = table.objects({ limit }) as Record<string, unknown>[];
  const cells = rows.map((row) => names.map((name) => format(row[name], digits)));
  const numeric = names.map((name) => rows.every((row) => row[name] == null || typeof row[name] === 'number'));
  const rest = table.numRows() - rows.length;
  const more = rest > 0 ? `${rest} more rows` : '';
  display({ 'text/html': htmlTable(names, cells, numeric, more), 'text/plain': textTable(names, cells, numeric, more) });
}

function format(value: unknown, digits: number): string {
  if (value == null) return '–';
  if (typeof value !== 'number' || Number.isInteger(value)) return String(value);
  const rounded = Number(value.toPrecision(digits));
  return Math.abs(rounded) >= 1e5 ? String(Math.round(value)) : String(rounded);
}

function htmlTable(names: string[], cells: string[][], numeric: boolean[], more: string): string {
  const row = (tag: string, texts: string[]) =>
    `<tr>${texts.map((text, i) => `<${tag} style="text-align:${numeric[i] ? 'right' : 'left'}">${escapeHtml(text)}</${tag}>`).join('')}</tr>`;
  const body = cells.map((texts) => row('td', texts)).join('\n');
  return `<table>\n<thead>${row('th', names)}</thead>\n<tbody>\n${body}\n</tbody>\n</table>${more ? `\n<p>${more}</p>` : ''}`;
}

function textTable(names: string[], cells: string[][], numeric: boolean[], more: string): string {
  const widths = names.map((name, i) => Math.max(name.length, ...cells.map((row) => row[i].length)));
  const line = (texts: string[]) =>
    texts.map((text, i) => (numeric[i] ? text.padStart(widths[i]) : text.padEnd(widths[i]))).join('  ').trimEnd();
  return [line(names), widths.map((width) => '-'.repeat(width)).join('  '), ...cells.map(line), ...(more ? [more] : [])].join('\n');
}

function escapeHtml(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
}
