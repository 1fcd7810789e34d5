/** Opens a notebook in JupyterLab in a headless browser, as a reader of a fresh clone would, and runs it. */
import * as path from 'node:path';
import * as fs from 'node:fs';
import type { Page } from 'playwright-core';
import { findBrowser, launchBrowser } from '../../lib/figures/browser.js';
import { projectPath } from '../../lib/host/paths.js';
import { startLab } from '../../lib/report/lab.js';

export interface LabVisit {
  /** Figures seen when the notebook was opened, before anything ran: the committed outputs, in an untrusted notebook. */
  figuresBefore: number;
  /** Interactive figures, and code cells, after Run All. */
  figuresAfter: number;
  codeCells: number;
  /** Text of error outputs, and of anything on standard error, after Run All. */
  errors: string[];
  /** Requests to anywhere but the server. */
  foreignRequests: string[];
}

/**
 * @param notebook .ipynb relative to the clone, not below a hidden folder: Jupyter does not serve those.
 * @param screenshots folder of `<notebook>-opened.png` and `<notebook>-run.png`.
 */
export async function runInLab(notebook: string, screenshots: string, runTimeoutMs = 240_000): Promise<LabVisit> {
  const program = findBrowser();
  if (!program) throw new Error('no Chrome, Chromium or Edge found; install one or set CHROME to its path');
  const lab = await startLab();
  const browser = await launchBrowser(program);
  try {
    const page = await browser.newPage({ viewport: { width: 1200, height: 2600 } });
    const foreignRequests: string[] = [];
    page.on('request', (request) => { if (/^https?:/.test(request.url()) && new URL(request.url()).hostname !== '127.0.0.1') foreignRequests.push(request.url()); });
    await page.goto(`${lab.notebookUrl(notebook)}&reset`); // without the tabs of the last time
    await page.locator('.jp-Notebook .jp-CodeCell').first().waitFor({ timeout: 120_000 });
    await figures(page).first().waitFor({ timeout: 60_000 });
    // Told to run before it is connected to its kernel, JupyterLab asks which kernel to use.
    await page.getByText(/\| Idle$/).waitFor({ timeout: 120_000 });
    const figuresBefore = await figures(page).count();
    fs.mkdirSync(screenshots, { recursive: true });
    const shot = (name: string) => page.screenshot({ path: path.join(screenshots, `${path.basename(notebook, '.ipynb')}-${name}.png`) });
    await shot('opened');
    await runAll(page, runTimeoutMs);
    await interactive(page);
    await shot('run');
    return {
      figuresBefore,
      figuresAfter: await page.locator('.js-plotly-plot').filter({ has: page.locator('.main-svg') }).count(),
      codeCells: await page.locator('.jp-Notebook .jp-CodeCell').count(),
      errors: await page.locator('[data-mime-type="application/vnd.jupyter.stderr"]').allInnerTexts(),
      foreignRequests,
    };
  } finally {
    await browser.close();
    await lab.stop();
  }
}

/** Outputs that show a figure, as a picture or drawn. */
function figures(page: Page) {
  return page.locator('.jp-OutputArea-child').filter({ has: page.locator('.jp-RenderedPlotly img, .jp-RenderedPlotly .main-svg') });
}

/** Run All, and waits until no cell is waiting any more. */
async function runAll(page: Page, timeout: number): Promise<void> {
  await page.getByRole('menuitem', { name: 'Run', exact: true }).click();
  await page.getByRole('menuitem', { name: /^Run All Cells/ }).click();
  const prompts = page.locator('.jp-CodeCell .jp-InputPrompt');
  await page.locator('.jp-CodeCell .jp-InputPrompt', { hasText: '*' }).first().waitFor({ timeout: 30_000 });
  const deadline = Date.now() + timeout;
  while ((await prompts.allInnerTexts()).some((text) => text.includes('*'))) {
    if (Date.now() > deadline) throw new Error(`Run All did not end within ${timeout / 1000} s`);
    await page.waitForTimeout(500);
  }
}

/** JupyterLab may show a figure's picture until the pointer is over it. */
async function interactive(page: Page): Promise<void> {
  for (const figure of await figures(page).all()) {
    await figure.hover();
    await figure.locator('.main-svg').first().waitFor({ timeout: 30_000 });
  }
  await page.mouse.move(0, 0);
}

/** Where the screenshots of this clone are kept. */
export function screenshotFolder(): string {
  return projectPath('results', 'screenshots');
}
