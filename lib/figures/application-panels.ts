/** Panels side by side, one an application, with groups of bars: Figures 5, 12 and 14. */
import type { Annotation, Data, Layout } from 'plotly.js-dist';
import type { Row } from '../store/value.js';

/** A bar of a group, or a part of one that is stacked. */
export interface Bar {
  /** Which panel, from the left and from the top. */
  column: number;
  row: number;
  /** Which group of its panel, and which place in the group. */
  group: number;
  place: number;
  series: string;
  colour: string;
  value: Pick<Row, 'value' | 'interval' | 'unit'>;
  /** What the pointer shows. */
  text: string;
}

export interface PanelRow {
  title: string;
  /** Share of the height. */
  height: number;
  /** One scale in all columns, so that their bars compare. */
  oneScale?: boolean;
}

export interface PanelGrid {
  columns: { title: string; groups: string[] }[];
  rows: PanelRow[];
  /** Bars in a group. */
  places: number;
  /** Below the last row. */
  xTitle: string;
}

const gapX = 0.07;
const gapY = 0.09;
/** Of a group, the rest is space. */
const filled = 0.84;

/** Bars without an interval are a trace of their own: whiskers of no length would look like certainty. */
function traceOf({ series, column, row, value: { interval } }: Bar): string {
  return [series, column, row, interval !== null].join('|');
}

/** One entry in the legend a series. */
export function groupedBars(bars: readonly Bar[], grid: PanelGrid): Data[] {
  const width = filled / grid.places;
  const named = new Set<string>();
  return [...new Set(bars.map(traceOf))].map((key) => {
    const all = bars.filter((bar) => traceOf(bar) === key);
    const own = all.filter(({ value }) => value.value !== null);
    const [first] = all;
    const showlegend = !named.has(first.series);
    named.add(first.series);
    const index = indexOf(grid, first);
    return {
      type: 'bar', name: first.series, legendgroup: first.series, showlegend, xaxis: axis('x', index), yaxis: axis('y', index),
      x: own.map(({ group, place }) => group + (place - (grid.places - 1) / 2) * width), y: own.map(({ value }) => value.value), width: own.map(() => width * 0.94),
      marker: { color: first.colour }, ...(first.value.interval ? { error_y: whiskers(own) } : {}), text: own.map(({ text }) => text), textposition: 'none', hovertemplate: '%{text}<extra></extra>',
    } as Data;
  });
}

function whiskers(own: readonly Bar[]): object {
  return {
    type: 'data', symmetric: false, visible: true, thickness: 1.2, width: 3, color: '#222222',
    array: own.map(({ value: { value, interval } }) => interval![1] - value!),
    arrayminus: own.map(({ value: { value, interval } }) => value! - interval![0]),
  };
}

/** Axes of the grid; bars of one place stack. */
export function gridLayout(grid: PanelGrid, size: { width: number; height: number }, annotations: Partial<Annotation>[] = []): Partial<Layout> {
  const across = span(grid.columns.map(() => 1), gapX);
  const down = span([...grid.rows].reverse().map(({ height }) => height), gapY).reverse();
  const axes = grid.rows.flatMap((row, r) => grid.columns.flatMap(({ groups }, c) => {
    const index = indexOf(grid, { row: r, column: c });
    const last = r === grid.rows.length - 1;
    return [
      [axis('xaxis', index), {
        domain: across[c], anchor: axis('y', index), tickvals: groups.map((_, i) => i), ticktext: last ? groups : groups.map(() => ''), range: [-0.5, groups.length - 0.5],
        showgrid: false, zeroline: false, tickangle: groups.some((text) => text.length > 4) ? -40 : 0, ...(last ? { title: { text: grid.xTitle, font: { size: 13 } } } : {}),
      }],
      [axis('yaxis', index), { domain: down[r], anchor: axis('x', index), rangemode: 'tozero', ...(row.oneScale && c > 0 ? { matches: axis('y', indexOf(grid, { row: r, column: 0 })) } : {}), ...(c === 0 ? { title: { text: row.title, font: { size: 13 } } } : {}) }],
    ];
  }));
  const titles = grid.columns.map(({ title }, c): Partial<Annotation> => ({
    text: title, xref: 'paper', yref: 'paper', x: (across[c][0] + across[c][1]) / 2, y: 1, xanchor: 'center', yanchor: 'bottom', showarrow: false, font: { size: 14 },
  }));
  return {
    ...size, barmode: 'stack', margin: { t: 130, b: 70 }, legend: { orientation: 'h', x: 0, y: -0.16, yanchor: 'top' },
    annotations: [...titles, ...annotations], ...Object.fromEntries(axes),
  } as Partial<Layout>;
}

/** In the middle of a panel that has no bar. */
export function panelNote(grid: PanelGrid, { row, column }: { row: number; column: number }, text: string): Partial<Annotation> {
  const across = span(grid.columns.map(() => 1), gapX)[column];
  const down = span([...grid.rows].reverse().map(({ height }) => height), gapY).reverse()[row];
  return { text, xref: 'paper', yref: 'paper', x: (across[0] + across[1]) / 2, y: (down[0] + down[1]) / 2, xanchor: 'center', yanchor: 'middle', showarrow: false, font: { size: 12, color: '#777777' } };
}

/** Domains of shares of 1 with gaps between. */
function span(shares: readonly number[], gap: number): [number, number][] {
  const all = shares.reduce((sum, share) => sum + share, 0);
  const free = 1 - gap * (shares.length - 1);
  let from = 0;
  return shares.map((share) => {
    const to = from + (free * share) / all;
    const domain: [number, number] = [from, Math.min(1, to)];
    from = to + gap;
    return domain;
  });
}

function indexOf({ columns }: PanelGrid, { row, column }: { row: number; column: number }): number {
  return row * columns.length + column;
}

/** Plotly's own names: `x`, `x2`, ... in traces, `xaxis`, `xaxis2`, ... in layouts. */
function axis(letter: 'x' | 'y' | 'xaxis' | 'yaxis', index: number): string {
  return `${letter}${index === 0 ? '' : index + 1}`;
}
