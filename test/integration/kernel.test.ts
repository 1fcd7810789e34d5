import * as fs from 'node:fs';
import { createRequire } from 'node:module';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { projectPath, workbenchPath } from '../../lib/host/paths.js';
import { executeNotebooks, type NotebookOutcome } from '../../lib/report/notebooks.js';

const variants = ['type-error', 'strict', 'thrown', 'late-timer', 'late-rejection', 'many-lines', 'stale-lib', 'interrupt', 'files-change', 'demo'];
const out = fs.mkdtempSync(path.join(os.tmpdir(), 'kernel-test-'));
const outcomes = new Map<string, NotebookOutcome>();

interface Output { output_type: string; text?: string[]; data?: Record<string, unknown>; ename?: string; traceback?: string[] }

/** Outputs of a notebook's code cells, cell by cell. */
function outputs(name: string): Output[][] {
  const notebook = JSON.parse(fs.readFileSync(path.join(out, `${name}.ipynb`), 'utf8')) as { cells: { outputs?: Output[] }[] };
  return notebook.cells.flatMap((cell) => (cell.outputs ? [cell.outputs] : []));
}

const printed = (cell: Output[]): string => cell.flatMap(({ text }) => text ?? []).join('');
const failure = (name: string): string | null | undefined => outcomes.get(name)?.failure;

beforeAll(async () => {
  // Two kernels at a time, as many as there are cores everywhere: each spends most of its time on checking types.
  const halves = [0, 1].map((half) => variants.filter((_, i) => i % 2 === half).map((name) => projectPath('test', 'fixtures', 'notebooks', `${name}.ts`)));
  const options = { mode: 'recorded', out, html: path.join(out, 'html'), cellTimeoutS: 120, onLine: () => undefined } as const;
  for (const outcome of (await Promise.all(halves.map((sources) => executeNotebooks(sources, options)))).flat()) outcomes.set(outcome.notebook, outcome);
}, 600_000);

afterAll(() => {
  fs.rmSync(out, { recursive: true, force: true });
  fs.rmSync(workbenchPath('stale-lib'), { recursive: true, force: true });
  fs.rmSync(projectPath('results', 'files-change'), { recursive: true, force: true });
});

describe('a cell fails the run, and the message says which and why, when', () => {
  test('TypeScript rejects it', () => {
    expect(failure('type-error')).toBe("cell 2 of 2: TypeScript: 1:7 - Type 'string' is not assignable to type 'number'.");
    expect(outputs('type-error')[1]).toEqual([expect.objectContaining({ output_type: 'error', ename: 'TypeScript' })]);
  });

  test('it is right but not strictly so', () => {
    expect(failure('strict')).toMatch(/cell 1 of 1: TypeScript: 1:15 - Object is possibly 'undefined'/);
  });

  test('lib throws, naming the lib file and no absolute path', () => {
    expect(failure('thrown')).toMatch(/^cell 2 of 2: Error: no sidecar-workbench clone at or above \//);
    const [{ traceback }] = outputs('thrown')[1];
    expect(traceback?.join('\n')).toContain('lib/host/paths.ts');
    expect(traceback?.join('\n')).not.toContain(projectPath());
  });

  test('a promise that nobody awaits is rejected', () => {
    expect(failure('late-rejection')).toMatch(/^cell 1 of 2: Error: nobody awaits me/);
  });

  test('something throws after the last cell is over', () => {
    expect(failure('late-timer')).toMatch(/^after the last cell: Error: too late/);
  });

  test('a lib file that is loaded through another has changed on disk', () => {
    expect(failure('stale-lib')).toBe('cell 4 of 4: StaleLibrary: .workbench/stale-lib/inner.ts changed since it was loaded: restart the kernel');
    expect(printed(outputs('stale-lib')[1])).toBe('1\n');
  });
});

test('no line of many is lost', () => {
  expect(failure('many-lines')).toBeNull();
  const [first, second] = outputs('many-lines').map((cell) => printed(cell).trim().split('\n'));
  expect(first).toEqual(Array.from({ length: 5000 }, (_, i) => `line ${i}`));
  expect(second).toEqual(Array.from({ length: 20_000 }, (_, i) => String(i)));
});

test('cells run on, and see it, when a file they asked for appears while the kernel runs', () => {
  expect(failure('files-change')).toBeNull();
  expect(printed(outputs('files-change')[3])).toBe('there now true\n');
});

test('an interrupt ends the daemons a cell started, waiting or busy, and the kernel lives on', () => {
  expect(failure('interrupt')).toBeNull();
  const cells = outputs('interrupt');
  expect(cells.map(printed)).toEqual(['alive before: true\n', '', 'alive after: false true\n', '', 'the kernel lives\n']);
  expect([cells[1][0].ename, cells[3][0].ename]).toEqual(['Interrupted', 'Interrupted']);
});

test('a figure is one output: Plotly JSON, a picture and a sentence with its method, but no HTML', () => {
  expect(failure('demo')).toBeNull();
  const [figure] = outputs('demo')[3];
  expect(Object.keys(figure.data ?? {}).sort()).toEqual(['application/vnd.plotly.v1+json', 'image/png', 'text/plain']);
  expect([figure.data?.['text/plain']].flat().join('')).toBe('Stacked bars of nine components for TCP and HTTP.\nMethod: modelled · demonstration');
});

test('a progress bar leaves one output that is the same in every run', () => {
  expect(outputs('demo')[5].map(({ data }) => [data?.['text/plain']].flat().join(''))).toEqual(['steps: 3 steps done']);
});

test('the exported page needs nothing but plotly.min.js beside it', () => {
  const page = fs.readFileSync(path.join(out, 'html', 'demo.html'), 'utf8');
  expect(page).toContain('<script src="plotly.min.js">');
  expect([...page.matchAll(/(?:src|href)="(https?:[^"]*)"/g)].map(([, url]) => url)).toEqual([]);
  expect(fs.statSync(path.join(out, 'html', 'plotly.min.js')).size).toBeLessThan(6e6);
});

describe('the launcher', () => {
  const require = createRequire(projectPath('package.json'));
  const { loadInternals, missingInternals } = require('./environment/kernel/internals.cjs') as {
    loadInternals(): Record<string, Record<string, unknown>>;
    missingInternals(modules: object): string[];
  };

  test('finds every internal of the pinned tslab that it relies on', () => {
    expect(missingInternals(loadInternals())).toEqual([]);
    const pinned = JSON.parse(fs.readFileSync(projectPath('package.json'), 'utf8')) as { dependencies: Record<string, string> };
    expect(pinned.dependencies.tslab).toBe('1.0.22');
    expect((require('tslab/package.json') as { version: string }).version).toBe('1.0.22');
  });

  test('names an internal that is gone or works differently', () => {
    const internals = loadInternals();
    expect(missingInternals({ ...internals, executor: {} })).toEqual(['executor.createExecutor']);
    expect(missingInternals({ ...internals, main: { startKernel: () => undefined } })).toEqual(['main.startKernel']);
  });
});
