/** Figure 10: the part of the cycles in which a core waits for instructions from its caches. */
import type { FrontendQuantity } from '../analysis/simulated-frontend.js';
import type { FrontendData } from '../experiments/frontend-data.js';
import { judgeAll, unavailable, type Judgement } from '../report/verdicts.js';
import { noPoints } from './fig08.js';
import { valueText } from './fig09.js';
import type { Figure } from './figure.js';
import { barsWithWhiskers, panelLayout, whiskersSay, type PaperRange } from './frontend-panels.js';
import { atHighestLoad, boundNotes, evidenceOf, hasSimulated, judgedPoints, largestOf, panelsOf, rowOf, rowsOf, type Panel } from './frontend-values.js';
import { methodLine, paperSays, type Item } from './item.js';
import { stallColour } from './palette.js';
import { styled } from './style.js';

const stalled = 'icacheStallShare';

/** Where the cycles of a request go on a simulated core. */
const cycleQuantities = ['deliveryCycles', 'icacheStallCycles', 'itlbStallCycles', 'resteerCycles', 'decodeResteerCycles', 'cycles'] as const satisfies readonly FrontendQuantity[];
const cycleLabels: Record<(typeof cycleQuantities)[number], string> = {
  deliveryCycles: 'delivering', icacheStallCycles: 'instruction cache', itlbStallCycles: 'instruction TLB',
  resteerCycles: 'mispredicted branches', decodeResteerCycles: 'targets found by the decoder', cycles: 'all',
};

/** @param all with the simulated Ice Lake, and every measured machine. */
export function fig10(all: FrontendData): Item {
  const data = atHighestLoad(all);
  const panels = panelsOf(data, [stalled]);
  return {
    item: 'fig10',
    title: 'Figure 10: cycles stalled on instruction fetch',
    rows: [...rowsOf(panels, [stalled]), ...panels.flatMap(({ points }) => points.filter(({ method }) => method === 'simulated').flatMap((point) => cycleQuantities.map((quantity) => rowOf(point, quantity))))],
    figure: panels.length > 0 ? stallPicture('Figure 10: cycles stalled on instruction fetch', panels, [{ panel: 0, range: [9, 12], text: '9-12 %' }]) : null,
    table: cycleTable(panels),
    paper: paperSays('fig10'),
    notes: [...boundNotes(panels), ...data.notes],
    judgements: judgements(data),
  };
}

/** One bar a policy, a panel a core. */
export function stallPicture(title: string, panels: readonly Panel[], paper: readonly PaperRange[]): Figure {
  const isModelled = hasSimulated(panels);
  return styled({
    title,
    alt: `Share of cycles stalled on instruction fetch, for ${panels[0].points.length} policies on ${panels.map((panel) => panel.title).join(', ')}.`,
    method: [methodLine(rowsOf(panels, [stalled])), ...(isModelled ? [`of the cycles of a core that never waits for data: upper bounds<br>${whiskersSay}`] : [])].join('<br>'),
    data: barsWithWhiskers(panels, { quantity: stalled, name: 'stalled on instruction fetch', colour: stallColour }),
    layout: { ...panelLayout(panels, { title: 'stalled on fetch<br>(% of cycles)' }, paper), bargap: 0.35, showlegend: false },
  });
}

/** Cycles of a request by what they are spent on; simulated cores only. */
function cycleTable(panels: readonly Panel[]): Item['table'] {
  const points = panels.flatMap((panel) => panel.points).filter(({ method }) => method === 'simulated');
  if (points.length === 0) return null;
  return {
    columns: [
      { key: 'core', label: 'core' }, { key: 'policy', label: 'policy' },
      ...cycleQuantities.map((key) => ({ key, label: `${cycleLabels[key]} (cycles/request)` })), { key: stalled, label: 'stalled on fetch (%, upper bound)' },
    ],
    rows: points.map((point) => ({
      core: point.core.label, policy: point.policy.label,
      ...Object.fromEntries(cycleQuantities.map((quantity) => [quantity, valueText(rowOf(point, quantity), 0)])), [stalled]: valueText(rowOf(point, stalled)),
    })),
  };
}

function judgements(data: FrontendData): Judgement[] {
  const points = judgedPoints(data, stalled);
  if (points.length === 0) return ['caption', 'text', 'introduction'].map((reading) => unavailable('C19', reading, noPoints));
  const upTo = [evidenceOf(largestOf(points, stalled), stalled, '%')];
  return [
    judgeAll('C19', 'caption', points.map((point) => evidenceOf(point, stalled, '%'))),
    judgeAll('C19', 'text', upTo),
    judgeAll('C19', 'introduction', upTo),
  ];
}
