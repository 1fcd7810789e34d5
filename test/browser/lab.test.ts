import * as fs from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { projectPath } from '../../lib/host/paths.js';
import { executeNotebooks } from '../../lib/report/notebooks.js';
import { findBrowser, launchBrowser } from '../../lib/figures/browser.js';
import { runInLab, screenshotFolder } from './run-in-lab.js';

const folder = projectPath('results', 'lab-test');

beforeAll(async () => {
  const [outcome] = await executeNotebooks([projectPath('test', 'fixtures', 'notebooks', 'demo.ts')], {
    mode: 'recorded', out: folder, html: folder, onLine: () => undefined,
  });
  expect(outcome.failure).toBeNull();
}, 300_000);

afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

test('a notebook opened in JupyterLab, untrusted, shows its figures, and again, interactive, after Run All', async () => {
  const visit = await runInLab('results/lab-test/demo.ipynb', screenshotFolder());
  expect(visit).toEqual({ figuresBefore: 2, figuresAfter: 2, codeCells: 6, errors: [], foreignRequests: [] });
});

test('the exported page draws its figures from file://, without asking the network for anything', async () => {
  const browser = await launchBrowser(findBrowser() ?? 'no browser');
  try {
    const page = await browser.newPage({ viewport: { width: 1000, height: 1800 } });
    const requests: string[] = [];
    page.on('request', (request) => { if (!/^(data|blob):/.test(request.url())) requests.push(request.url()); });
    await page.goto(`file://${folder}/demo.html`);
    await page.locator('.jp-RenderedPlotly .main-svg').last().waitFor({ state: 'attached' });
    expect(await page.locator('.jp-RenderedPlotly .js-plotly-plot').count()).toBe(2);
    expect(requests).toEqual([`file://${folder}/demo.html`, `file://${folder}/plotly.min.js`]);
    await page.screenshot({ path: `${screenshotFolder()}/demo-page.png` });
  } finally {
    await browser.close();
  }
});
