import * as fs from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { projectPath } from '../../lib/host/paths.js';
import { executeNotebooks } from '../../lib/report/notebooks.js';
import { runInLab, screenshotFolder } from './run-in-lab.js';

const folder = projectPath('results', 'lab-test');

beforeAll(async () => {
  const [outcome] = await executeNotebooks([projectPath('test', 'fixtures', 'notebooks', 'demo.ts')], { mode: 'recorded', out: folder, onLine: () => undefined });
  expect(outcome.failure).toBeNull();
}, 300_000);

afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

test('a notebook opened in JupyterLab, untrusted, shows its figures, and again, interactive, after Run All', async () => {
  const visit = await runInLab('results/lab-test/demo.ipynb', screenshotFolder());
  expect(visit).toEqual({ figuresBefore: 2, figuresAfter: 2, codeCells: 6, errors: [], foreignRequests: [] });
});
