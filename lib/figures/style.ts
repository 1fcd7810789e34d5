/** The look of every figure: legible in print at column width, nothing cut off, the method under the title. */
import type { Data, Layout } from 'plotly.js-dist';
import { defaultSize, type Figure, type FigureMeta } from './figure.js';

/** Fonts that every system has; sizes in px at 700 px width, i.e. 14 px is 10 pt on a 7-inch page. */
export const font = { family: 'Helvetica, Arial, "Liberation Sans", sans-serif', size: 14, color: '#222222' } as const;
const titleSize = 17;
const smallSize = 12;
const grid = '#E5E5E5';

const axis = {
  automargin: true,
  gridcolor: grid,
  linecolor: '#777777',
  zerolinecolor: '#777777',
  ticks: 'outside' as const,
  tickcolor: '#777777',
  ticklen: 4,
  title: { standoff: 12 },
};

/** What a figure file gives; everything else is the house style. */
export interface FigureSpec extends FigureMeta {
  /** e.g. `Figure 7: CPU time of a request by component`. */
  title: string;
  data: Data[];
  /** Laid over the style, axis by axis. */
  layout?: Partial<Layout>;
}

/**
 * A figure in house style.
 * @throws Error when the method is missing: no value is shown without how it was obtained.
 */
export function styled({ title, alt, method, data, layout = {} }: FigureSpec): Figure {
  if (method.trim() === '') throw new Error(`figure "${title}" has no method; say how its values were obtained`);
  return {
    data,
    layout: {
      ...defaultSize,
      ...layout,
      font: { ...font, ...layout.font },
      title: titleWith(title, method),
      margin: { l: 60, r: 20, t: 80, b: 50, ...layout.margin },
      paper_bgcolor: '#FFFFFF',
      plot_bgcolor: '#FFFFFF',
      colorway: ['#332288', '#CC6677', '#117733', '#DDCC77', '#88CCEE', '#882255', '#44AA99', '#999933', '#AA4499'],
      // Plotly.validate fails on a legend that nothing uses.
      ...(data.length > 1 && layout.showlegend !== false ? { legend: { font: { size: smallSize }, ...layout.legend } } : {}),
      ...styledAxes(layout),
      meta: { alt, method },
    },
  };
}

function titleWith(text: string, method: string): Layout['title'] {
  return {
    text,
    font: { size: titleSize },
    subtitle: { text: method, font: { size: smallSize, color: '#555555' } },
    x: 0.01,
    xanchor: 'left',
    y: 0.96,
    yref: 'container',
    yanchor: 'top',
  };
}

/** Every axis the layout names, and the first pair always; one that is not seen has no look. */
function styledAxes(layout: Partial<Layout>): Partial<Layout> {
  const names = new Set(['xaxis', 'yaxis', ...Object.keys(layout).filter((key) => /^[xy]axis\d*$/.test(key))]);
  const given = layout as Record<string, OwnAxis | undefined>;
  return Object.fromEntries([...names].map((name) => {
    const own = given[name] ?? {};
    return [name, own.visible === false ? own : { ...axisLook(own), ...own, title: { ...axis.title, ...own.title } }];
  })) as Partial<Layout>;
}

interface OwnAxis {
  title?: object;
  visible?: boolean;
  showgrid?: boolean;
  zeroline?: boolean;
}

/** Plotly.validate fails on the colour of a line that is not drawn. */
function axisLook({ showgrid, zeroline }: OwnAxis): Partial<typeof axis> {
  const { gridcolor, zerolinecolor, ...look } = axis;
  return { ...(showgrid === false ? {} : { gridcolor }), ...(zeroline === false ? {} : { zerolinecolor }), ...look };
}
