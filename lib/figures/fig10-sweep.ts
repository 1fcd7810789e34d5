/** What would help: the same core with one thing changed, by the cycles that each change saves of a request. */
import type { Data } from 'plotly.js-dist';
import type { FrontendSweep, SweepEffect } from '../experiments/frontend-sweep.js';
import type { Row } from '../store/value.js';
import { valueText } from './fig09.js';
import type { Figure } from './figure.js';
import { methodLine, type Item } from './item.js';
import { stallColour } from './palette.js';
import { styled } from './style.js';

/** @param sweeps one a policy, with the same variants of the same core. */
export function fig10Sweep(sweeps: readonly FrontendSweep[]): Item {
  const rows = sweeps.flatMap((sweep) => sweep.effects.flatMap((effect) => effectRows(sweep, effect)));
  const [drawn] = sweeps;
  return {
    item: 'fig10-sweep',
    title: 'What would help: one thing changed in the core, and the cycles that it saves',
    rows,
    figure: drawn ? picture(drawn, rows.filter(({ unit, x }) => unit === shareUnit && x === drawn.policy.label)) : null,
    table: table(sweeps),
    paper: [],
    notes: [
      'Cycles of a core that never waits for data: what is saved would partly hide behind such waits, so that the shares are upper bounds; their order tells which part of the front end matters.',
      'L2 holds code alone here. Predicting every indirect branch also keeps its wrong paths out of the caches. The parser on a core of its own has caches and TLBs for itself; passing control there is not counted.',
    ],
    judgements: [],
  };
}

const shareUnit = '% of cycles';

function effectRows({ policy, core, origin, runs }: FrontendSweep, { label, savedCycles, savedShare }: SweepEffect): Row[] {
  const row = (bounds: readonly number[], unit: string): Row => ({
    series: `${label}, saved on ${core.label} (simulated)`, x: policy.label, value: bounds[0], interval: [Math.min(...bounds), Math.max(...bounds)],
    unit, method: 'modelled', origin, runs,
  });
  return [row(savedCycles, 'cycles per request'), row(savedShare, shareUnit)];
}

function picture({ policy, core, effects }: FrontendSweep, rows: readonly Row[]): Figure {
  const labels = effects.map(({ label }) => label);
  return styled({
    title: `What would help: ${policy.label} on ${core.label}`,
    alt: `Share of a request's cycles that each of ${effects.length} changes of the core saves, the largest first.`,
    method: `${methodLine(rows)}<br>of the cycles of a core that never waits for data: upper bounds<br>bars: state kept at system calls; whiskers: emptied at each`,
    data: [{
      type: 'bar', orientation: 'h', y: labels, x: rows.map(({ value }) => value), marker: { color: stallColour },
      error_x: {
        type: 'data', symmetric: false, visible: true, thickness: 1.2, width: 3, color: '#222222',
        array: rows.map(({ value, interval }) => interval![1] - value!), arrayminus: rows.map(({ value, interval }) => value! - interval![0]),
      },
      hovertemplate: '%{y}: %{x:.1f} % of the cycles<extra></extra>',
    } as Data],
    layout: {
      width: 860, height: 170 + 34 * effects.length, margin: { t: 110 }, bargap: 0.3,
      xaxis: { title: { text: 'cycles saved (% of those of a request)' }, zeroline: true },
      yaxis: { categoryorder: 'array', categoryarray: [...labels].reverse() },
    },
  });
}

function table(sweeps: readonly FrontendSweep[]): Item['table'] {
  const labels = sweeps[0]?.effects.map(({ label }) => label) ?? [];
  return {
    columns: [
      { key: 'change', label: 'changed' },
      ...sweeps.flatMap(({ policy }) => [{ key: `${policy.id} cycles`, label: `${policy.label}: cycles saved/request` }, { key: `${policy.id} share`, label: `${policy.label}: % of its cycles` }]),
    ],
    rows: labels.map((label) => ({
      change: label,
      ...Object.fromEntries(sweeps.flatMap(({ policy, effects }) => {
        const effect = effects.find((each) => each.label === label);
        return [[`${policy.id} cycles`, boundsText(effect?.savedCycles, 0)], [`${policy.id} share`, boundsText(effect?.savedShare, 1)]];
      })),
    })),
  };
}

function boundsText(bounds: readonly number[] | undefined, digits: number): string {
  return bounds ? valueText({ value: bounds[0], interval: [Math.min(...bounds), Math.max(...bounds)] }, digits) : '-';
}
