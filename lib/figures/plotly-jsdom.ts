/**
 * Plotly without a browser: checks a figure's attributes, and draws SVG where there is no browser.
 *
 * jsdom computes no layout, so text widths are estimates and what is placed by them (legends, margins) is
 * approximate; WebGL traces stay empty. Everything else is drawn as a browser would, and the same each time.
 */
import * as fs from 'node:fs';
import * as zlib from 'node:zlib';
import { sizeOf, type Figure } from './figure.js';
import { projectPath } from '../host/paths.js';
import { ownBox, pageBox, textLength, textWidth, type Box, type SvgNode } from './svg-geometry.js';

interface Plotly {
  validate(data: unknown, layout: unknown): { msg: string }[] | undefined;
  newPlot(box: unknown, figure: unknown): Promise<unknown>;
  toImage(figure: unknown, options: { format: 'svg'; width: number; height: number }): Promise<string>;
}

let loaded: Promise<Plotly> | null = null;

/** What Plotly finds wrong with a figure, e.g. misspelt attributes; empty when nothing. */
export async function validateFigure(figure: Figure): Promise<string[]> {
  const plotly = await (loaded ??= loadPlotly());
  const copy = structuredClone(figure);
  return (plotly.validate(copy.data, copy.layout) ?? []).map(({ msg }) => msg);
}

/** SVG text of a figure with estimated text widths, byte for byte the same each time in a fresh process. */
export async function drawSvgApproximately(figure: Figure): Promise<string> {
  const plotly = await (loaded ??= loadPlotly());
  const url = await plotly.toImage(structuredClone(figure), { format: 'svg', ...sizeOf(figure) });
  return decodeURIComponent(url.slice(url.indexOf(',') + 1));
}

/** Runs plotly.js inside a jsdom window that has been given what Plotly asks of a browser. */
async function loadPlotly(): Promise<Plotly> {
  const { JSDOM, VirtualConsole } = await import('jsdom');
  const dom = new JSDOM('<!doctype html><body></body>', { runScripts: 'outside-only', pretendToBeVisual: true, virtualConsole: new VirtualConsole() });
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- the kernel's compiler has no DOM types
  const window = dom.window as any;
  window.URL.createObjectURL = () => 'blob:none';
  window.Math.random = seededRandom(); // element ids are random; seeded, the SVG repeats
  window.SVGElement.prototype.getComputedTextLength = function (this: SvgNode) { return textLength(this); };
  window.SVGElement.prototype.getBBox = function (this: SvgNode) { return rectangle(ownBox(this)); };
  window.SVGElement.prototype.getBoundingClientRect = function (this: SvgNode) { return rectangle(pageBox(this)); };
  window.HTMLCanvasElement.prototype.getContext = canvasContext;
  window.HTMLCanvasElement.prototype.toDataURL = canvasUrl;
  window.eval(fs.readFileSync(projectPath('node_modules', 'plotly.js-dist', 'plotly.js'), 'utf8'));
  return window.Plotly as Plotly;
}

/** The DOM's two shapes of a box in one. */
function rectangle({ left, top, right, bottom }: Box) {
  return { left, top, right, bottom, x: left, y: top, width: right - left, height: bottom - top };
}

interface Canvas {
  width: number;
  height: number;
  pixels?: Uint8ClampedArray;
}

/** Heatmaps are painted pixel by pixel and embedded as an image; nothing else needs a canvas. */
function canvasContext(this: Canvas) {
  return {
    createImageData: (width: number, height: number) => ({ width, height, data: new Uint8ClampedArray(width * height * 4) }),
    putImageData: (image: { data: Uint8ClampedArray }) => { this.pixels = image.data; },
    measureText: (text: string) => ({ width: textWidth(text, 12) }),
    fillRect: () => undefined,
    clearRect: () => undefined,
  };
}

function canvasUrl(this: Canvas): string {
  const pixels = this.pixels ?? new Uint8ClampedArray(this.width * this.height * 4);
  return `data:image/png;base64,${encodePng(pixels, this.width, this.height).toString('base64')}`;
}

/** PNG of RGBA pixels: signature, header, one compressed stream of unfiltered rows (ISO/IEC 15948). */
function encodePng(pixels: Uint8ClampedArray, width: number, height: number): Buffer {
  const rows = Buffer.alloc(height * (1 + width * 4));
  for (let y = 0; y < height; y++) rows.set(pixels.subarray(y * width * 4, (y + 1) * width * 4), y * (1 + width * 4) + 1);
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 6], 8); // eight bits a channel, RGBA
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    pngChunk('IHDR', header), pngChunk('IDAT', zlib.deflateSync(rows)), pngChunk('IEND', Buffer.alloc(0)),
  ]);
}

function pngChunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const chunk = Buffer.alloc(body.length + 8);
  chunk.writeUInt32BE(data.length, 0);
  body.copy(chunk, 4);
  chunk.writeUInt32BE(crc32(body), body.length + 4);
  return chunk;
}

/** zlib.crc32 came with Node 20.15 and 22.2, but the types of Node 20 do not have it. */
function crc32(bytes: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}

/** Park and Miller's generator (Communications of the ACM 31, 1988): enough for distinct ids. */
function seededRandom(): () => number {
  let state = 1;
  return () => (state = (state * 48271) % 2147483647) / 2147483647;
}
