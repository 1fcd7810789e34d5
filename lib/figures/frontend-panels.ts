/** Panels one below another, one a core, with a bar or a group of bars for each policy: Figures 8 to 10 and 15 to 17. */
import type { Annotation, Data, Layout, Shape } from 'plotly.js-dist';
import { quantityOf, type FrontendQuantity } from '../analysis/simulated-frontend.js';
import { estimateOf, inPaperOrder, type Panel } from './frontend-values.js';
import { unique } from './item.js';
import { paperColour } from './palette.js';

/** Height of a panel and of what stands around them, px. */
const panelHeight = 260;
const aroundHeight = 240;
/** Between panels, for the title of the lower one, px. */
const gapHeight = 34;

export interface PanelAxis {
  title: string;
  /** Fixed, where the scale is known; one scale in all panels otherwise. */
  range?: [number, number];
}

/** What the paper states, drawn in one panel: a band, or a line where both ends are the same. */
export interface PaperRange {
  panel: number;
  range: [number, number];
  text: string;
}

/** One y axis a panel, one x axis below the last. */
export function panelLayout(panels: readonly Panel[], axis: PanelAxis, paper: readonly PaperRange[] = []): Partial<Layout> {
  const inner = panels.length * panelHeight + (panels.length - 1) * gapHeight;
  const domain = (i: number): [number, number] => {
    const top = inner - i * (panelHeight + gapHeight);
    return [Math.max(0, (top - panelHeight) / inner), top / inner];
  };
  const axes = panels.map((_, i) => ({
    [`yaxis${suffix(i)}`]: {
      domain: domain(i), title: { text: axis.title },
      ...(axis.range ? { range: axis.range } : { rangemode: 'tozero', ...(i === 0 ? {} : { matches: 'y' }) }),
    },
  }));
  const labels = panels.map(({ title }, i) => label({ text: title, x: 0, y: domain(i)[1], yanchor: 'bottom', font: { size: 13 } }));
  return {
    // The title hangs 4 % of the height below the top.
    width: 920, height: inner + aroundHeight, margin: { t: Math.round(90 + 0.04 * (inner + aroundHeight)), b: 120, r: 95 },
    xaxis: { tickangle: -45, anchor: `y${suffix(panels.length - 1)}`, categoryorder: 'array', categoryarray: policyLabels(panels) },
    shapes: paper.map(shapeOf),
    annotations: [...labels, ...paper.map(paperLabel)],
    ...Object.assign({}, ...axes),
  } as Partial<Layout>;
}

/** Of every panel, in the paper's order. */
function policyLabels(panels: readonly Panel[]): string[] {
  return unique(inPaperOrder(panels.flatMap(({ points }) => points)).map(({ policy }) => policy.label));
}

function shapeOf({ panel, range: [low, high] }: PaperRange): Partial<Shape> {
  const place = { xref: 'paper', yref: axisName(panel), x0: 0, x1: 1, y0: low, y1: high } as Partial<Shape>;
  return low === high
    ? { ...place, type: 'line', line: { color: paperColour, width: 2, dash: 'dash' } }
    : { ...place, type: 'rect', layer: 'below', line: { width: 0 }, fillcolor: paperColour, opacity: 0.25 };
}

/** Right of the panel, where no bar hides it. */
function paperLabel({ panel, range: [low, high], text }: PaperRange): Partial<Annotation> {
  return label({ text: `paper:<br>${text}`, align: 'left', x: 1.01, yref: axisName(panel), y: (low + high) / 2, yanchor: 'middle', font: { size: 11, color: paperColour } });
}

function label(given: Partial<Annotation>): Partial<Annotation> {
  return { xref: 'paper', yref: 'paper', xanchor: 'left', showarrow: false, ...given } as Partial<Annotation>;
}

/** What a panel's bars are drawn on. */
export function axisName(panel: number): 'y' | 'y2' {
  return `y${suffix(panel)}` as 'y';
}

function suffix(panel: number): string {
  return panel === 0 ? '' : String(panel + 1);
}

export interface Bars {
  quantity: FrontendQuantity;
  name: string;
  colour: string;
}

/** One series of bars in every panel that has it, with one entry in the legend. */
export function barsOf(panels: readonly Panel[], { quantity, name, colour }: Bars): Data[] {
  return seriesOf(panels, quantity).map(({ own, panel }, nth) => ({
    type: 'bar', name, legendgroup: name, showlegend: nth === 0, yaxis: axisName(panel),
    x: own.map(({ x }) => x), y: own.map(({ value }) => value), marker: { color: colour },
    hovertemplate: `%{x}, ${name}: %{y:.1f} ${quantityOf(quantity).unit}<extra></extra>`,
  } as Data));
}

/** The same with whiskers from one bound to the other. */
export function barsWithWhiskers(panels: readonly Panel[], bars: Bars): Data[] {
  const series = seriesOf(panels, bars.quantity);
  return barsOf(panels, bars).map((bar, i) => ({ ...bar, error_y: whiskers(series[i].own) } as Data));
}

/** Whiskers alone, for stacked bars, which would hide those of the bars below. */
export function whiskersOf(panels: readonly Panel[], { quantity, name }: Omit<Bars, 'colour'>): Data[] {
  return seriesOf(panels, quantity).map(({ own, panel }) => ({
    type: 'scatter', mode: 'markers', name, legendgroup: name, showlegend: false, hoverinfo: 'skip', yaxis: axisName(panel),
    x: own.map(({ x }) => x), y: own.map(({ value }) => value), marker: { size: 4, color: whiskerColour }, error_y: whiskers(own),
  } as Data));
}

interface Bar {
  x: string;
  value: number;
  interval: [number, number] | null;
}

/** Of the panels that have the quantity. */
function seriesOf(panels: readonly Panel[], quantity: FrontendQuantity): { own: Bar[]; panel: number }[] {
  return panels.flatMap((each, panel) => {
    const own = each.points.flatMap((point) => {
      const estimate = estimateOf(point, quantity);
      return estimate ? [{ x: point.policy.label, ...estimate }] : [];
    });
    return own.length > 0 ? [{ own, panel }] : [];
  });
}

const whiskerColour = '#222222';

function whiskers(own: readonly Bar[]): object {
  return {
    type: 'data', symmetric: false, visible: true, thickness: 1.2, width: 3, color: whiskerColour,
    array: own.map(({ value, interval }) => (interval ? interval[1] - value : 0)),
    arrayminus: own.map(({ value, interval }) => (interval ? value - interval[0] : 0)),
  };
}

/** Said in the subtitle of every figure with simulated cores. */
export const whiskersSay = 'bars: state kept at system calls; whiskers: emptied at each';

/** For panels with bars of several kinds. */
export const legendBeside = { orientation: 'v', x: 1.01, y: 1, traceorder: 'normal' } as const;
