/** Shows an item in a notebook: its picture or table, the paper's words beside, cautions, verdicts. */
import { from } from 'arquero';
import type { Item, TableView } from '../figures/item.js';
import { display } from './kernel.js';
import { show, showTable } from './show.js';
import type { Judgement } from './verdicts.js';

/** Figure or table, what the paper states, and what to be careful about. */
export async function showItem(item: Item): Promise<void> {
  if (item.figure) await show(item.figure);
  if (item.table) showView(item.table);
  const lines = [...item.paper.map((text) => `paper: ${text}`), ...item.notes.map((text) => `note: ${text}`)];
  if (lines.length > 0) display({ 'text/plain': lines.join('\n'), 'text/html': list(lines) });
}

/** A verdict on each reading of the claims about an item. */
export function showVerdicts(judgements: readonly Judgement[]): void {
  showView({
    columns: [
      { key: 'claim', label: 'claim' }, { key: 'quantity', label: 'quantity' }, { key: 'paper', label: 'paper' },
      { key: 'ours', label: 'here' }, { key: 'verdict', label: 'verdict' }, { key: 'reason', label: 'why' },
    ],
    rows: judgements.map(({ id, quantity, paper, value, unit, interval, label, reason }) => ({
      claim: id, quantity, paper, ours: value === null ? 'unavailable' : ours(value, interval, unit), verdict: label, reason,
    })),
  });
}

function ours(value: number, interval: readonly [number, number] | null, unit: string): string {
  const text = (number: number) => String(Number(number.toPrecision(3)));
  return `${text(value)}${interval ? ` [${interval.map(text).join(', ')}]` : ''} ${unit}`.trim();
}

function showView({ columns, rows }: TableView): void {
  showTable(from(rows.map((row) => Object.fromEntries(columns.map(({ key, label }) => [label, row[key] ?? ''])))), { limit: 200 });
}

function list(lines: string[]): string {
  const escape = (text: string) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
  return `<ul>${lines.map((line) => `<li>${escape(line)}</li>`).join('')}</ul>`;
}
