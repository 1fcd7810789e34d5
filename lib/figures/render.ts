/** Figures as images: PNG and SVG from an installed browser, else SVG with approximate text. */
import type { Page } from 'playwright-core';
import { projectPath } from '../host/paths.js';
import { sharedPage } from './browser.js';
import { sizeOf, type Figure } from './figure.js';
import { drawSvgApproximately } from './plotly-jsdom.js';

export interface SvgImage {
  svg: string;
  /** true when text widths were estimated because there is no browser. */
  approximateText: boolean;
}

/** Said wherever an approximate image is shown. */
export const approximateNote = 'text placement approximate: drawn without a browser';

/** PNG files, two device pixels per CSS pixel. null when no browser can be had. */
export async function renderPng(figures: Figure[]): Promise<Buffer[] | null> {
  const page = await plotlyPage();
  if (!page) return null;
  const images: Buffer[] = [];
  for (const figure of figures) images.push(dataOf(await toImage(page, figure, 'png')));
  return images;
}

/** SVG files, by the browser where there is one. */
export async function renderSvg(figures: Figure[]): Promise<SvgImage[]> {
  const page = await plotlyPage();
  const images: SvgImage[] = [];
  for (const figure of figures) {
    images.push(page
      ? { svg: dataOf(await toImage(page, figure, 'svg')).toString('utf8'), approximateText: false }
      : { svg: markApproximate(await drawSvgApproximately(figure)), approximateText: true });
  }
  return images;
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
