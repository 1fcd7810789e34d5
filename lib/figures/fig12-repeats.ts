/** How far repeats of Figure 12 are apart: CPU time of sidecars as measured, and steadied by that of the services. */
import type { Data } from 'plotly.js-dist';
import { medianEstimate } from '../analysis/statistics.js';
import { spreadOf, type Spread } from '../analysis/steadied.js';
import { paperApplications } from '../experiments/applications.js';
import type { ApplicationsData, LoadKind } from '../experiments/applications-data.js';
import type { Row } from '../store/value.js';
import { applicationsIn, estimateText, labelOf, nodeCounts, rowsOf, steadiedBy, steadyNote, type Cell } from './application-values.js';
import { methodLine, type Item } from './item.js';
import { correctionColours } from './palette.js';
import { repeatsNote } from './repeats-note.js';
import { styled } from './style.js';

/** Per cent from their median within which repeats should lie. */
const closePercent = 5;

/** What happened to one deployment under one load, microseconds of CPU time per request, one value a repeat. */
interface Repeats {
  name: { application: string; profile: string; nodes: number };
  measured: number[];
  steady: number[];
  runs: string[];
}

/** Deployments with sidecars that were loaded at full speed at least twice. */
export function fig12Repeats(data: ApplicationsData): Item {
  const all = repeatsUnder(data, 'busy');
  const rows = all.flatMap((one) => spreadRows(data, one));
  return {
    item: 'fig12-repeats',
    title: 'Figure 12: how far repeats are apart',
    rows,
    figure: styled({
      title: 'Figure 12: how far repeats are apart',
      alt: 'Deviation of each repeat from the median of its deployment, in per cent: CPU time of sidecars as measured, and steadied by the CPU time of the services.',
      method: `${methodLine(rows)}, at full speed<br>${steadiedBy}; dashed: ±${closePercent} %`,
      data: [dots(all, 'measured', 'as measured', -0.17), dots(all, 'steady', 'steadied', 0.17)],
      layout: {
        width: 820, height: 200 + 34 * all.length, margin: { l: 240, t: 100 },
        xaxis: { title: { text: 'deviation from the median repeat (%)' }, zeroline: true },
        yaxis: { tickvals: all.map((_, i) => i), ticktext: all.map(nameOf), range: [all.length - 0.5, -0.5], showgrid: false, zeroline: false },
        shapes: [-closePercent, closePercent].map((x) => ({ type: 'line' as const, x0: x, x1: x, y0: 0, y1: 1, yref: 'paper' as const, line: { color: '#777777', width: 1, dash: 'dash' as const } })),
        legend: { orientation: 'h', x: 1, xanchor: 'right', y: 1, yanchor: 'bottom' },
      },
    }),
    table: table(all),
    paper: [],
    notes: [
      steadyNote,
      ...loadsNote(data),
      'What steadying leaves is largest where few requests fit into a window: those under way at its ends, 32 at full speed, have done different parts of their work.',
      ...repeatsNote('CPU time', all.map(({ measured }) => measured.length)),
    ],
    judgements: [],
  };
}

/** Two are always as far from their middle as each other. */
const fewestCompared = 3;

function repeatsUnder(data: ApplicationsData, load: LoadKind): Repeats[] {
  return applicationsIn(data, paperApplications).flatMap((application) => ['default', 'demo'].flatMap((profile) => nodeCounts(data).flatMap((nodes) => {
    const cell: Cell = { application, profile, nodes, load };
    const rows = rowsOf(data, cell);
    if (rows.length < fewestCompared) return [];
    return [{
      name: { application: labelOf(data, application), profile, nodes },
      measured: rows.map(({ sidecarCpuUs }) => sidecarCpuUs), steady: rows.map(({ steadySidecarCpuUs }) => steadySidecarCpuUs!), runs: rows.map(({ run }) => run),
    }];
  })));
}

function nameOf({ name: { application, profile, nodes } }: Repeats): string {
  return `${application}, ${profile}, ${nodes} ${nodes === 1 ? 'node' : 'nodes'}`;
}

function spreadRows(data: ApplicationsData, one: Repeats): Row[] {
  const quantities: [string, (spread: Spread) => number][] = [['median deviation of repeats', ({ typical }) => typical], ['largest deviation of a repeat', ({ largest }) => largest]];
  return ([['as measured', one.measured], [steadiedBy, one.steady]] as const).flatMap(([how, values]) => quantities.map(([what, of]): Row => ({
    series: `CPU time of sidecars, ${how}: ${what}`, x: nameOf(one), value: 100 * of(spreadOf(values)), unit: '% of the median', interval: null, method: 'measured: CPU time', origin: data.origin, runs: one.runs,
  })));
}

function dots(all: readonly Repeats[], which: 'measured' | 'steady', name: string, shift: number): Data {
  const points = all.flatMap((one, i) => spreadOf(one[which]).deviations.map((deviation, repeat) => ({ x: 100 * deviation, y: i + shift, text: `${nameOf(one)}, ${name}: ${one[which][repeat].toFixed(0)} µs/request` })));
  return {
    type: 'scatter', mode: 'markers', name, x: points.map(({ x }) => x), y: points.map(({ y }) => y), text: points.map(({ text }) => text), hovertemplate: '%{text}<extra></extra>',
    marker: { size: 9, color: which === 'measured' ? correctionColours.before : correctionColours.after, line: { width: 0.5, color: '#555555' } },
  } as Data;
}

function table(all: readonly Repeats[]): Item['table'] {
  return {
    columns: [
      { key: 'application', label: 'application' }, { key: 'profile', label: 'profile' }, { key: 'nodes', label: 'nodes' },
      { key: 'measured', label: 'CPU time of sidecars (µs/request)' }, { key: 'measuredSpread', label: 'repeats from their median: half within, largest (%)' },
      { key: 'steady', label: 'the same, steadied (µs/request)' }, { key: 'steadySpread', label: 'repeats from their median: half within, largest (%)' },
      { key: 'close', label: `repeats within ${closePercent} %: as measured → steadied` },
    ],
    rows: all.map(({ name, measured, steady }) => ({
      ...name, measured: estimateText(medianEstimate(measured)), measuredSpread: spreadText(measured), steady: estimateText(medianEstimate(steady)), steadySpread: spreadText(steady),
      close: `${closeRepeats(measured)} → ${closeRepeats(steady)} of ${steady.length}`,
    })),
  };
}

function spreadText(repeats: readonly number[]): string {
  const { typical, largest } = spreadOf(repeats);
  return `${(100 * typical).toFixed(1)}, ${(100 * largest).toFixed(1)}`;
}

function closeRepeats(repeats: readonly number[]): number {
  return spreadOf(repeats).deviations.filter((deviation) => 100 * Math.abs(deviation) <= closePercent).length;
}

/** How it is under the other loads, in one sentence. */
function loadsNote(data: ApplicationsData): string[] {
  const loads = { one: 'one request at a time', busy: 'at full speed', share: 'at half of the knee' } as const;
  const parts = (Object.keys(loads) as (keyof typeof loads)[]).flatMap((load) => {
    const all = repeatsUnder(data, load);
    const close = (which: 'measured' | 'steady') => all.filter((one) => closeRepeats(one[which]) === one[which].length).length;
    return all.length > 0 ? [`${loads[load]} in ${close('steady')} of ${all.length} (as measured: ${close('measured')})`] : [];
  });
  return parts.length > 0 ? [`Every repeat lies within ${closePercent} % of its deployment's median, once steadied: ${parts.join(', ')}.`] : [];
}
