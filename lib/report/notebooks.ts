/** Runs notebooks from their text, and tells whether a committed notebook still is what its text and data give. */
import { randomUUID } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { projectPath, venvPath, workbenchPath } from '../host/paths.js';
import { run, start } from '../host/process.js';

/** What cells may do: measure briefly, measure long, or draw recorded data only. Cells find it in WORKBENCH_MODE. */
export type NotebookMode = 'quick' | 'full' | 'recorded';

export interface ExecuteOptions {
  mode: NotebookMode;
  /** Folder of the executed .ipynb. */
  out: string;
  /** Folder of earlier .ipynb: the picture of a figure that is still the same is taken from there. */
  previous?: string;
  /** Folder of the interactive pages, which work offline and from `file://`. */
  html?: string;
  /** Seconds one cell may take. */
  cellTimeoutS?: number;
  /** More environment variables for the cells. */
  env?: Record<string, string>;
  /** Called with each line of progress; printed by default. */
  onLine?: (line: string) => void;
}

export interface NotebookOutcome {
  /** File name without ending, e.g. `03-components`. */
  notebook: string;
  ok: boolean;
  /** Which cell failed and how; null when none did. */
  failure: string | null;
  seconds: number;
}

/** Text sources below `notebooks/` in paper order; `only` keeps those whose name starts with one of its entries. */
export function notebookSources(only: string[] = []): string[] {
  const names = fs.readdirSync(projectPath('notebooks')).filter((name) => name.endsWith('.ts')).sort();
  const kept = names.filter((name) => only.length === 0 || only.some((prefix) => name.startsWith(prefix)));
  if (kept.length === 0) throw new Error(`no notebook matches "${only.join(',')}"; there are ${names.join(', ')}`);
  return kept.map((name) => projectPath('notebooks', name));
}

/**
 * Executes notebooks one after another, each in a fresh kernel. Each is saved also when a cell failed; the next still runs.
 * @throws Error when the runner itself could not work.
 */
export async function executeNotebooks(sources: string[], options: ExecuteOptions): Promise<NotebookOutcome[]> {
  if (options.html) await providePlotly(options.html);
  const report = workbenchPath('notebooks', `outcomes-${randomUUID()}.json`);
  const argv = [
    venvPath('bin', 'python'), projectPath('environment', 'notebooks.py'), '--out', options.out, '--report', report,
    ...(options.previous ? ['--previous', options.previous] : []),
    ...(options.html ? ['--html', options.html] : []),
    ...(options.cellTimeoutS ? ['--timeout', String(options.cellTimeoutS)] : []),
    ...sources,
  ];
  const output = await runWithProgress(argv, { ...options.env, WORKBENCH_MODE: options.mode }, options.onLine ?? console.log);
  if (!fs.existsSync(report)) throw new Error(`notebooks could not be run: ${output.trim().split('\n').pop()}`);
  const outcomes = JSON.parse(fs.readFileSync(report, 'utf8')) as NotebookOutcome[];
  fs.rmSync(report);
  return outcomes;
}

/** Like `run`, but hands on each line as it comes. */
async function runWithProgress(argv: string[], env: Record<string, string>, onLine: (line: string) => void): Promise<string> {
  const daemon = await start(argv, { name: 'notebooks', env });
  let seen = 0;
  const handOn = () => {
    const text = daemon.output();
    const end = text.lastIndexOf('\n') + 1;
    if (end > seen) text.slice(seen, end - 1).split('\n').forEach((line) => onLine(line));
    seen = Math.max(seen, end);
  };
  while (daemon.alive()) {
    await Promise.race([daemon.exited, delay(200)]);
    handOn();
  }
  return daemon.output();
}

/** Puts plotly.min.js into a folder: minified once per version, 4.8 MB instead of 10. */
export async function providePlotly(folder: string): Promise<void> {
  const { version } = JSON.parse(fs.readFileSync(projectPath('node_modules', 'plotly.js-dist', 'package.json'), 'utf8')) as { version: string };
  const cached = workbenchPath('cache', `plotly-${version}.min.js`);
  if (!fs.existsSync(cached)) {
    const temporary = `${cached}.${randomUUID()}.tmp`;
    await run([
      projectPath('node_modules', '.bin', 'esbuild'), projectPath('node_modules', 'plotly.js-dist', 'plotly.js'),
      '--minify', '--charset=utf8', '--log-level=error', `--outfile=${temporary}`,
    ]);
    fs.renameSync(temporary, cached);
  }
  fs.mkdirSync(folder, { recursive: true });
  fs.copyFileSync(cached, path.join(folder, 'plotly.min.js'));
}

/** A notebook file, as far as comparing needs. */
export interface Notebook {
  cells: { cell_type: string; source: string | string[]; outputs?: { data?: Record<string, unknown> }[] }[];
}

export function readNotebook(file: string): Notebook {
  return JSON.parse(fs.readFileSync(file, 'utf8')) as Notebook;
}

/**
 * How a fresh notebook differs from the committed one: in the text of its cells and in the JSON of its figures. Images
 * differ between browsers and printed text may name this machine; neither counts.
 */
export function differences(committed: Notebook, fresh: Notebook): string[] {
  if (committed.cells.length !== fresh.cells.length) {
    return [`${committed.cells.length} cells committed, ${fresh.cells.length} in the text`];
  }
  return fresh.cells.flatMap((cell, index) => {
    const old = committed.cells[index];
    if (old.cell_type !== cell.cell_type || textOf(old.source) !== textOf(cell.source)) return [`cell ${index + 1}: text differs`];
    return figuresOf(old) === figuresOf(cell) ? [] : [`cell ${index + 1}: figures differ`];
  });
}

function textOf(source: string | string[]): string {
  return Array.isArray(source) ? source.join('') : source;
}

function figuresOf(cell: Notebook['cells'][number]): string {
  const figures = (cell.outputs ?? []).map((output) => output.data?.['application/vnd.plotly.v1+json']).filter(Boolean);
  return JSON.stringify(figures, (_, value: unknown) => (isRecord(value) ? sorted(value) : value));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Key order says nothing: Python and JavaScript write it differently. */
function sorted(record: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.keys(record).sort().map((key) => [key, record[key]]));
}
