import * as path from 'node:path';
import { describe, expect, it } from 'vitest';
import { projectPath, projectRoot, workbenchPath } from '../../lib/host/paths.js';
import { checkCells, typeErrors } from '../../lib/report/cells.js';
import { differences, executeNotebooks, notebookSources, readNotebook } from '../../lib/report/notebooks.js';
import { runInLab, screenshotFolder } from '../browser/run-in-lab.js';

const sources = notebookSources();
const nameOf = (source: string) => path.basename(source, '.ts');

describe('the text of the notebooks', () => {
  it.each(sources.map((source) => [nameOf(source), source]))('%s keeps the rules for cells', (_name, source) => {
    expect(checkCells(source)).toEqual([]);
  });
  it('is type-checked strictly, together with lib', () => {
    expect(typeErrors(sources, projectRoot())).toEqual([]);
  });
});

describe('executed top to bottom on committed data only', () => {
  it.concurrent.each(sources.map((source) => [nameOf(source), source]))('%s runs whole and is the committed notebook, cell by cell and figure by figure', async (name, source) => {
    const out = workbenchPath('notebooks-test');
    const [outcome] = await executeNotebooks([source], { mode: 'recorded', out, onLine: () => undefined });
    expect(outcome.failure).toBeNull();
    expect(differences(readNotebook(projectPath('notebooks', `${name}.ipynb`)), readNotebook(path.join(out, `${name}.ipynb`)))).toEqual([]);
  });
});

describe('in JupyterLab', () => {
  it('the components notebook shows its figures untrusted, and again after Run All', async () => {
    process.env.WORKBENCH_MODE = 'recorded';
    const visit = await runInLab('notebooks/03-components.ipynb', screenshotFolder());
    expect(visit).toMatchObject({ figuresBefore: 5, figuresAfter: 5, errors: [], foreignRequests: [] });
  });
});
