/** The table that `npm run bench` prints, as text. */
import type { BenchRow } from './row.js';

const headings = ['what', 'reach', 'here', 'met?'];

/** Columns as wide as their widest cell; notes follow below, each under the row it belongs to. */
export function benchTable(rows: readonly BenchRow[]): string {
  const cells = rows.map(({ what, reach, here, met }) => [what, reach, here, met]);
  const widths = headings.map((heading, column) => Math.max(heading.length, ...cells.map((row) => row[column].length)));
  const line = (row: string[]) => row.map((cell, column) => cell.padEnd(widths[column])).join('  ').trimEnd();
  const notes = rows.filter((row) => row.notes.length > 0).flatMap(({ what, notes: texts }) => ['', `${what}:`, ...texts.map((text) => `  ${text}`)]);
  return [line(headings), line(widths.map((width) => '-'.repeat(width))), ...cells.map(line), ...notes].join('\n');
}
