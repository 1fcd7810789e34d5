/** Beside Figure 11c: huge pages tried on the live, unmodified sidecar. */
import type { Data } from 'plotly.js-dist';
import type { HugePagesData } from '../experiments/huge-pages.js';
import type { Estimate } from '../analysis/statistics.js';
import type { Method, Row } from '../store/value.js';
import { methodLine, type Item } from './item.js';
import { machineColour } from './palette.js';
import { styled } from './style.js';

const armLabels = { 'file-4k': 'its file, 4 kB pages', 'anonymous-4k': 'a copy on 4 kB pages', 'anonymous-2m': 'a copy on 2 MB pages' } as const;

export function fig11cLive(data: HugePagesData): Item {
  const rows = data.comparisons.flatMap(({ pages, cpuTime, throughput, itlbMisses }) => [
    row(data, armLabels[pages], 'CPU time per request', cpuTime, 'measured: CPU time'),
    row(data, armLabels[pages], 'throughput', throughput, 'measured: throughput'),
    ...(itlbMisses ? [row(data, armLabels[pages], 'misses of the instruction TLB', itlbMisses, 'measured: hardware counters')] : []),
  ]);
  return {
    item: 'fig11c-live',
    title: 'Figure 11c, tried for real: the code of a live sidecar on 2 MB pages',
    rows,
    figure: styled({
      title: 'Figure 11c, tried for real: code on 2 MB pages',
      alt: 'CPU time per request and throughput of a sidecar whose code was moved to a copy on 4 kB and on 2 MB pages, against the untouched one.',
      method: `${methodLine(rows)}<br>${data.cpuModel}; ${data.rounds.length / 3} rounds over ${data.comparisons[0].cpuTime.n} starts`,
      data: [...new Set(rows.map(({ x }) => String(x)))].map((what, i) => bars(rows.filter(({ x }) => x === what), what, i)),
      layout: {
        width: 700, height: 420, barmode: 'group', yaxis: { title: { text: 'ratio to the untouched sidecar,<br>on the pages of its file' }, rangemode: 'tozero' },
        shapes: [{ type: 'line', xref: 'paper', yref: 'y', x0: 0, x1: 1, y0: 1, y1: 1, line: { color: '#222222', width: 1, dash: 'dot' } }],
        legend: { orientation: 'h', y: -0.12 },
      },
    }),
    table: null,
    paper: [],
    notes: [
      'The paper only simulated huge pages; this is the unmodified Envoy, its code moved while it was stopped. Intervals: rounds within starts, resampled in both stages.',
      ...(data.comparisons.some(({ pages, hugeShare }) => pages === 'anonymous-2m' && hugeShare < 0.99)
        ? [`Of the moved code ${(100 * Math.min(...data.comparisons.filter(({ pages }) => pages === 'anonymous-2m').map(({ hugeShare }) => hugeShare))).toFixed(0)} % or more lay on 2 MB pages: what begins or ends within one stays on 4 kB pages.`] : []),
      ...(data.leftOut > 0 ? [`${data.leftOut} rounds were left out: something disturbed them.`] : []),
    ],
    judgements: [],
  };
}

function row(data: HugePagesData, series: string, x: string, { value, interval }: Estimate, method: Method): Row {
  return { series, x, value, interval, unit: `x ${armLabels['file-4k']}`, method, origin: data.origin, runs: data.runs };
}

function bars(own: Row[], name: string, index: number): Data {
  return {
    type: 'bar', name, x: own.map(({ series }) => series), y: own.map(({ value }) => value), marker: { color: machineColour(index) },
    error_y: {
      type: 'data', symmetric: false, thickness: 1.5, width: 5,
      array: own.map(({ value, interval }) => (interval ? interval[1] - value! : 0)), arrayminus: own.map(({ value, interval }) => (interval ? value! - interval[0] : 0)),
    },
    hovertemplate: `${name}, %{x}: %{y:.3f}<extra></extra>`,
  } as Data;
}
