/** Figure 8: pipeline slots of each policy by top-down analysis. */
import type { FrontendData, FrontendPoint } from '../experiments/frontend-data.js';
import type { FrontendQuantity } from '../analysis/simulated-frontend.js';
import { judgeAll, unavailable, type Evidence, type Judgement } from '../report/verdicts.js';
import type { Figure } from './figure.js';
import { barsOf, legendBeside, panelLayout, whiskersOf, whiskersSay } from './frontend-panels.js';
import { estimateOf, evidenceOf, judgedPoints, panelsOf, rowOf, upperBoundNote, type Panel } from './frontend-values.js';
import { methodLine, paperSays, type Item } from './item.js';
import { topDownColour } from './palette.js';
import { styled } from './style.js';

/** Drawn from below; the frontend first, so that its whisker stands where it ends. */
export const slotQuantities = ['frontend', 'badSpeculation', 'retiring', 'backend'] as const satisfies readonly FrontendQuantity[];

const names: Record<(typeof slotQuantities)[number], string> = {
  frontend: 'frontend bound', badSpeculation: 'bad speculation', retiring: 'retiring', backend: 'backend bound',
};

/** Policies whose filter goes through more data than a header: a list of a thousand addresses, encrypted payload. */
const dataHeavy: readonly string[] = ['rbac-reject-1000', 'tls'];

/** @param data with the simulated Ice Lake, and every measured machine. */
export function fig08(data: FrontendData): Item {
  const panels = panelsOf(data, slotQuantities);
  const rows = panels.flatMap(({ points }) => points.flatMap((point) => slotQuantities.map((quantity) => rowOf(point, quantity))));
  return {
    item: 'fig08',
    title: 'Figure 8: pipeline slots by top-down analysis',
    rows,
    figure: panels.length > 0 ? topDownPicture('Figure 8: pipeline slots of each policy, top-down', panels) : null,
    table: null,
    paper: paperSays('fig08'),
    notes: [...topDownNotes(panels), ...loadNotes(panels), ...data.notes],
    judgements: judgements(data),
  };
}

/** Stacked shares of slots, a panel a core. */
export function topDownPicture(title: string, panels: readonly Panel[]): Figure {
  const rows = panels.flatMap(({ points }) => points.flatMap((point) => slotQuantities.map((quantity) => rowOf(point, quantity))));
  const isModelled = rows.some(({ method }) => method === 'modelled');
  return styled({
    title,
    alt: `Shares of pipeline slots that are frontend bound, lost to bad speculation, retiring and backend bound, for ${panels[0].points.length} policies on ${panels.map((panel) => panel.title).join(', ')}.`,
    method: [methodLine(rows), ...(isModelled ? [`simulated cores never wait for data: no backend, the other shares are upper bounds<br>${whiskersSay} (frontend)`] : [])].join('<br>'),
    data: [
      ...slotQuantities.flatMap((quantity) => barsOf(panels, { quantity, name: names[quantity], colour: topDownColour(quantity) })),
      ...whiskersOf(panels, { quantity: 'frontend', name: names.frontend }),
    ],
    layout: {
      ...panelLayout(panels, { title: 'share of slots (%)', range: [0, 100] }, panels.map((_, panel) => ({ panel, range: [50, 50], text: 'frontend<br>above 50 %' }))),
      barmode: 'stack', legend: legendBeside, bargap: 0.25,
    },
  });
}

export function topDownNotes(panels: readonly Panel[]): string[] {
  return panels.some(({ points }) => points.some(({ method }) => method === 'simulated')) ? [upperBoundNote] : [];
}

function loadNotes(panels: readonly Panel[]): string[] {
  const loads = panels.filter(({ points }) => points.some(({ load }) => load !== null));
  return loads.length > 0 ? [] : ['Load is not covered: requests were traced one at a time, and no recording here has counters at several loads.'];
}

function judgements(data: FrontendData): Judgement[] {
  const points = judgedPoints(data, 'frontend');
  const withBackend = judgedPoints(data, 'backend').filter(({ policy }) => dataHeavy.includes(policy.id));
  return [
    points.length > 0 ? judgeAll('C15', 'frontend', points.map((point) => evidenceOf(point, 'frontend', '%'))) : unavailable('C15', 'frontend', noPoints),
    withBackend.length > 0 ? judgeAll('C15', 'backend', withBackend.flatMap(backendCase)) : unavailable('C15', 'backend', 'waiting for data is not modelled, since traces of code hold no data addresses; no recording here has counters of it'),
  ];
}

export const noPoints = 'neither a trace to simulate on nor hardware counters are recorded';

/** Backend bound minus the larger of retiring and bad speculation. */
function backendCase(point: FrontendPoint): Evidence[] {
  const { backend, retiring, badSpeculation } = point.samples;
  if (!backend || !retiring || !badSpeculation) return [];
  const lead = backend.map((value, i) => value - Math.max(retiring[i], badSpeculation[i]));
  const estimate = estimateOf({ ...point, samples: { backend: lead } }, 'backend')!;
  return [{ ...evidenceOf(point, 'backend', 'points'), value: estimate.value, interval: estimate.interval }];
}
