/** What every figure of the workbench is: plain data that Plotly draws, in JupyterLab, in a page, or as an image. */
import type { Data, Layout } from 'plotly.js-dist';

/** What goes with a figure wherever it is shown; kept in Plotly's own `layout.meta`. */
export interface FigureMeta {
  /** One sentence that says what the figure shows, for readers who do not see it. */
  alt: string;
  /** How its values were obtained and where, e.g. `measured: CPU time · live`. */
  method: string;
}

/** JSON and nothing else: no functions, no typed arrays, so that two figures are equal when their JSON is. */
export interface Figure {
  data: Data[];
  layout: Partial<Layout> & { meta: FigureMeta };
}

/** Size in CSS pixels when the layout gives none. */
export const defaultSize = { width: 700, height: 400 };

/** The figure's size in CSS pixels. */
export function sizeOf(figure: Figure): { width: number; height: number } {
  return { width: figure.layout.width ?? defaultSize.width, height: figure.layout.height ?? defaultSize.height };
}
