/** What every figure and table of the paper becomes: rows, a picture or a table, the paper's words, verdicts. */
import type { Judgement } from '../report/verdicts.js';
import type { Method, Row } from '../store/value.js';
import { reportedFor } from '../paper/reported.js';
import type { Figure } from './figure.js';

export interface Item {
  /** `fig07`, `tab03`; a variant adds a word: `fig07-authors`. */
  item: string;
  title: string;
  rows: Row[];
  figure: Figure | null;
  table: TableView | null;
  /** What the paper states about it, one sentence each. */
  paper: string[];
  /** Findings and cautions for the reader, one sentence each. */
  notes: string[];
  judgements: Judgement[];
}

export interface TableView {
  columns: { key: string; label: string }[];
  rows: Record<string, string | number>[];
}

/** What the paper's text and captions state of an item, as sentences. */
export function paperSays(item: string): string[] {
  return reportedFor(item).map(({ quantity, printed, place }) => `${quantity}: ${printed} (${place})`);
}

/** `measured: CPU time · live`: how and where the values of these rows were obtained, each once. */
export function methodLine(rows: readonly Row[]): string {
  const known = rows.filter((row) => row.value !== null);
  const methods = unique<Method>(known.map((row) => row.method));
  const origins = unique(known.map((row) => row.origin));
  return `${methods.join(', ') || 'unavailable'} · ${origins.join(', ') || 'no data'}`;
}

export function unique<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}

/** The method line of a figure that shows what was seen rather than values: what was looked at, where and when. */
export function observedLine(what: string, { origin, date }: { origin: string; date: string }): string {
  return `observed: ${what} · ${origin === 'live' ? `live, ${date}` : origin}`;
}
