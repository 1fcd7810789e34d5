/** Figure 9: misses of the instruction cache and of branch prediction per thousand instructions. */
import type { FrontendQuantity } from '../analysis/simulated-frontend.js';
import type { FrontendData } from '../experiments/frontend-data.js';
import { judgeAll, unavailable, type Judgement } from '../report/verdicts.js';
import { noPoints } from './fig08.js';
import type { Figure } from './figure.js';
import { barsWithWhiskers, legendBeside, panelLayout, whiskersSay, type PaperRange } from './frontend-panels.js';
import { atHighestLoad, evidenceOf, judgedPoints, panelsOf, rowOf, type Panel } from './frontend-values.js';
import { methodLine, paperSays, type Item } from './item.js';
import { mpkiColours } from './palette.js';
import { styled } from './style.js';

export const mpkiQuantities = ['l1iMpki', 'l1iRetiredMpki', 'branchMpki'] as const satisfies readonly FrontendQuantity[];

/** As the paper's legend has them. */
const names: Record<(typeof mpkiQuantities)[number], string> = { l1iMpki: 'L1-I', l1iRetiredMpki: 'L1-I retired', branchMpki: 'branches' };

/** What counts as a miss here and there. */
export const mpkiNotes = [
  'L1-I: lines asked for that the cache neither held nor awaited, on right and wrong paths, whether or not fetch then had to wait; lines that next-line prefetch brought are no misses. Retired: those of the right path. Branches: mispredicted conditional and indirect ones and returns.',
];

/** @param all with the simulated Ice Lake, and every measured machine. */
export function fig09(all: FrontendData): Item {
  const data = atHighestLoad(all);
  const panels = panelsOf(data, mpkiQuantities);
  return {
    item: 'fig09',
    title: 'Figure 9: misses of instruction cache and branch prediction',
    rows: mpkiRows(panels),
    figure: panels.length > 0 ? mpkiPicture('Figure 9: misses per thousand instructions', panels, [{ panel: 0, range: [45, 75], text: 'L1-I 45-75' }]) : null,
    table: missTable(panels),
    paper: paperSays('fig09'),
    notes: [...mpkiNotes, ...data.notes],
    judgements: judgements(data),
  };
}

export function mpkiRows(panels: readonly Panel[]) {
  return panels.flatMap(({ points }) => points.flatMap((point) => mpkiQuantities.map((quantity) => rowOf(point, quantity))));
}

/** Grouped bars, a panel a core. */
export function mpkiPicture(title: string, panels: readonly Panel[], paper: readonly PaperRange[] = []): Figure {
  return styled({
    title,
    alt: `L1-I misses, those of retired instructions, and mispredicted branches per thousand instructions, for ${panels[0].points.length} policies on ${panels.map((panel) => panel.title).join(', ')}.`,
    method: `${methodLine(mpkiRows(panels))}<br>${whiskersSay}`,
    data: mpkiQuantities.flatMap((quantity) => barsWithWhiskers(panels, { quantity, name: names[quantity], colour: mpkiColours[quantity] })),
    layout: { ...panelLayout(panels, { title: 'misses per<br>1000 instructions' }, paper), barmode: 'group', legend: legendBeside, bargap: 0.25, bargroupgap: 0.05 },
  });
}

function missTable(panels: readonly Panel[]): Item['table'] {
  const shown = ['l1iMpki', 'l1iRetiredMpki', 'l1iRetiredShare', 'branchMpki'] as const;
  const labels = ['L1-I misses (MPKI)', 'of retired instructions (MPKI)', 'retired in L1-I misses (%)', 'branch misses (MPKI)'];
  return {
    columns: [{ key: 'core', label: 'core' }, { key: 'policy', label: 'policy' }, ...shown.map((key, i) => ({ key, label: labels[i] }))],
    rows: panels.flatMap(({ title, points }) => points.map((point) => ({
      core: title, policy: point.policy.label, ...Object.fromEntries(shown.map((quantity) => [quantity, valueText(rowOf(point, quantity))])),
    }))),
  };
}

/** `41.2 (41.2 to 63.0)`: the value, and its interval. */
export function valueText({ value, interval }: { value: number | null; interval: [number, number] | null }, digits = 1): string {
  if (value === null) return '-';
  return interval ? `${value.toFixed(digits)} (${interval.map((bound) => bound.toFixed(digits)).join(' to ')})` : value.toFixed(digits);
}

function judgements(data: FrontendData): Judgement[] {
  const all = (claim: string, reading: string, quantity: FrontendQuantity, unit: string, only?: string) => {
    const points = judgedPoints(data, quantity).filter(({ policy }) => only === undefined || policy.id === only);
    return points.length > 0 ? judgeAll(claim, reading, points.map((point) => evidenceOf(point, quantity, unit))) : unavailable(claim, reading, noPoints);
  };
  return [
    all('C16', 'mpki', 'l1iMpki', 'MPKI'),
    all('C17', 'retired', 'l1iRetiredShare', '%'),
    all('C18', 'text', 'branchMpki', 'MPKI'),
    all('C18', 'tables', 'branchMpki', 'MPKI', 'ratelimit'),
  ];
}
