/** Figures of labelled boxes and arrows, as Plotly shapes and annotations in house style: px from the top left corner. */
import type { Annotation, Data, Layout, Shape } from 'plotly.js-dist';
import type { Figure } from './figure.js';
import { font, styled } from './style.js';
import { textWidth } from './svg-geometry.js';

export const textSize = 12;
export const lineHeight = 16;
/** Between a box's edge and its text. */
const padding = 8;
/** Plotly sets an annotation's text this far from its anchor. */
const plotlyPadding = 2;
const margin = { l: 10, r: 10, t: 80, b: 10 };
/** Room for the outermost edges, which would be cut in half otherwise. */
const rim = 2;

/** What a diagram is drawn on, within the figure's margins. */
export const canvasWidth = 680;

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
  /** Bold, first line. */
  title?: string;
  lines?: string[];
  fill?: string;
  /** Of the edge. */
  colour?: string;
  /** Something that only holds other things, as a pod. */
  dashed?: boolean;
}

export interface Arrow {
  from: [x: number, y: number];
  to: [x: number, y: number];
  /** Drawn lighter: an answer, beside the request. */
  light?: boolean;
}

export interface Label {
  x: number;
  y: number;
  text: string;
  anchor?: 'left' | 'center' | 'right';
  bold?: boolean;
  colour?: string;
}

export interface DiagramSpec {
  title: string;
  alt: string;
  method: string;
  /** Of the drawing, px. */
  height: number;
  boxes: Box[];
  arrows: Arrow[];
  labels?: Label[];
  /** A plot under the drawing, on axes `x2` and `y2`. */
  plot?: { height: number; data: Data[]; xaxis: object; yaxis: object; left: number };
}

export function diagram({ title, alt, method, height, boxes, arrows, labels = [], plot }: DiagramSpec): Figure {
  const below = plot?.height ?? 0;
  const share = (px: number) => px / (height + below);
  const layout: Partial<Layout> = {
    width: canvasWidth + margin.l + margin.r,
    height: height + below + margin.t + margin.b,
    margin,
    showlegend: false,
    xaxis: { visible: false, fixedrange: true, range: [-rim, canvasWidth + rim] },
    yaxis: { visible: false, fixedrange: true, range: [height + rim, -rim], domain: [share(below), 1] },
    shapes: boxes.map(boxShape),
    annotations: [...boxes.flatMap(boxTexts), ...labels.map(labelText), ...arrows.map(arrowHead)],
  };
  const axes = plot && {
    xaxis2: { ...plot.xaxis, domain: [plot.left / canvasWidth, 1], anchor: 'y2' },
    yaxis2: { ...plot.yaxis, domain: [share(axisRoom), share(below - plotGap)], anchor: 'x2' },
  };
  return styled({ title, alt, method, data: plot?.data ?? [], layout: { ...layout, ...axes } as Partial<Layout> });
}

/** For the ticks and title of the plot's axis, and between the drawing and the plot. */
const axisRoom = 42;
const plotGap = 30;

/** Height of a box that holds that many lines under its title. */
export function boxHeight(lines: number): number {
  return 2 * padding + (lines + 1) * lineHeight;
}

/** Fonts differ: the widest of those a system may draw with is a tenth wider than the estimate. */
const widest = 1.1;

/** Breaks a text into lines no wider than a box of that width holds, by estimated widths. */
export function wrap(text: string, boxWidth: number): string[] {
  return text.split(' ').reduce<string[]>((lines, word) => {
    const last = lines[lines.length - 1];
    const longer = `${last} ${word}`;
    return last !== undefined && widest * textWidth(longer, textSize) <= boxWidth - 2 * padding ? [...lines.slice(0, -1), longer] : [...lines, word];
  }, []);
}

function boxShape({ x, y, width, height, fill, colour, dashed }: Box): Partial<Shape> {
  return {
    type: 'rect', layer: 'below', x0: x, y0: y, x1: x + width, y1: y + height, fillcolor: fill ?? '#FFFFFF',
    line: { color: colour ?? '#777777', width: dashed ? 1 : 1.5, dash: dashed ? 'dash' : 'solid' },
  };
}

function boxTexts({ x, y, title, lines = [] }: Box): Partial<Annotation>[] {
  const all = [...(title ? [{ text: title, bold: true }] : []), ...lines.map((text) => ({ text, bold: false }))];
  return all.map((line, i) => labelText({ x: x + padding, y: y + padding + i * lineHeight, ...line })).filter(({ text }) => text !== '');
}

/** One line of text, its top at `y`. */
function labelText({ x, y, text, anchor = 'left', bold, colour }: Label): Partial<Annotation> {
  const shift = { left: -plotlyPadding, center: 0, right: plotlyPadding }[anchor];
  return {
    x, y, xanchor: anchor, yanchor: 'top', xshift: shift, yshift: plotlyPadding, align: 'left', showarrow: false,
    text: bold ? `<b>${escape(text)}</b>` : escape(text), font: { ...font, size: textSize, color: colour ?? font.color },
  };
}

/** Plotly reads a few tags in texts. */
function escape(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;');
}

function arrowHead({ from, to, light }: Arrow): Partial<Annotation> {
  return {
    x: to[0], y: to[1], ax: from[0], ay: from[1], xref: 'x', yref: 'y', axref: 'x', ayref: 'y', text: '', showarrow: true,
    arrowhead: 2, arrowsize: 1, arrowwidth: light ? 1.2 : 1.8, arrowcolor: light ? '#AAAAAA' : '#333333',
  } as Partial<Annotation>;
}
