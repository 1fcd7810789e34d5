/** Figures as images: PNG and SVG from an installed browser, else SVG with approximate text. */
import type { Page } from 'playwright-core';
import { projectPath } from '../host/paths.js';
import { closeSharedPage, sharedPage } from './browser.js';
import { sizeOf, type Figure } from './figure.js';
import { drawSvgApproximately } from './plotly-jsdom.js';

export interface SvgImage {
  svg: string;
  /** true when text widths were estimated because there is no browser. */
  approximateText: boolean;
}

/** Said wherever an approximate image is shown. */
export const approximateNote = 'text placement approximate: drawn without a browser';

/** A browser that has not drawn one figure after this time never will: it is ended and started anew, once. */
const drawTimeoutMs = 30_000;

/** PNG files, two device pixels per CSS pixel. null when no browser can be had. */
export async function renderPng(figures: Figure[]): Promise<Buffer[] | null> {
  const images: Buffer[] = [];
  for (const figure of figures) {
    const image = await drawInBrowser(figure, 'png');
    if (!image) return null;
    images.push(image);
  }
  return images;
}

/** SVG files, by the browser where there is one. */
export async function renderSvg(figures: Figure[]): Promise<SvgImage[]> {
  const images: SvgImage[] = [];
  for (const figure of figures) {
    const image = await drawInBrowser(figure, 'svg');
    images.push(image
      ? { svg: image.toString('utf8'), approximateText: false }
      : { svg: markApproximate(await drawSvgApproximately(figure)), approximateText: true });
  }
  return images;
}

async function drawInBrowser(figure: Figure, format: 'png' | 'svg'): Promise<Buffer | null> {
  for (const attempt of [1, 2]) {
    const drawn = await withTimeout(plotlyPage().then((page) => page && toImage(page, figure, format)), drawTimeoutMs);
    if (drawn !== 'late') return drawn === null ? null : dataOf(drawn);
    console.warn(`the browser did not draw a figure within ${drawTimeoutMs / 1000} s (attempt ${attempt} of 2); it is started anew`);
    await withTimeout(closeSharedPage(), drawTimeoutMs);
  }
  return null;
}

async function withTimeout<T>(promise: Promise<T>, ms: number): Promise<T | 'late'> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'late'>((resolve) => { timer = setTimeout(() => resolve('late'), ms); });
  promise.catch(() => undefined); // when late, it fails as the browser is closed
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The shared page with plotly.js in it (10 MB, loaded once). */
async function plotlyPage(): Promise<Page | null> {
  const page = await sharedPage();
  if (page && !(await page.evaluate(() => 'Plotly' in globalThis))) {
    await page.addScriptTag({ path: projectPath('node_modules', 'plotly.js-dist', 'plotly.js') });
  }
  return page;
}

async function toImage(page: Page, figure: Figure, format: 'png' | 'svg'): Promise<string> {
  const options = { format, ...sizeOf(figure), scale: format === 'png' ? 2 : 1 };
  return page.evaluate(
    ([drawn, how]) => (globalThis as unknown as PlotlyWindow).Plotly.toImage(drawn, how),
    [figure, options] as const,
  );
}

interface PlotlyWindow {
  Plotly: { toImage(figure: unknown, options: unknown): Promise<string> };
}

function dataOf(url: string): Buffer {
  const [head, body] = [url.slice(0, url.indexOf(',')), url.slice(url.indexOf(',') + 1)];
  return head.endsWith(';base64') ? Buffer.from(body, 'base64') : Buffer.from(decodeURIComponent(body), 'utf8');
}

/** In the file itself, so that an image that travels alone says what it is. */
function markApproximate(svg: string): string {
  return svg.replace(/(<svg[^>]*>)/, `$1<desc>${approximateNote}</desc>`);
}
