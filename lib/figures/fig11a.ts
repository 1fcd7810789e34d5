/** Figure 11a: which code a request goes through, page by page, and how much of it there is. */
import type { Data } from 'plotly.js-dist';
import { codeKilobytes, codePages, componentKilobytes, instructionsPerRequest } from '../analysis/working-set.js';
import { entriesOf, type Entry } from '../analysis/trace-profile.js';
import type { Estimate } from '../analysis/statistics.js';
import { isEnvoysOwn } from '../deploy/catalogue.js';
import type { TracedPolicy, TracesData } from '../experiments/traces-data.js';
import { components } from '../paper/components.js';
import { judge, judgeAll, unavailable, type Judgement } from '../report/verdicts.js';
import { hugePageBytes } from '../simulate/geometry.js';
import type { Row } from '../store/value.js';
import { methodLine, paperSays, type Item } from './item.js';
import { componentColour } from './palette.js';
import { styled } from './style.js';
import { tracedEvidence, tracedRow } from './trace-values.js';

const pageBytes = 4096;
const pagesPerRegion = hugePageBytes / pageBytes;
const parse = 'HTTP Protocol Parse';
/** Columns of the map: more could not be told apart in print. */
const columns = 320;

/** @param policy whose request is drawn; the sizes are of all policies traced. */
export function fig11a(data: TracesData, policy = 'http'): Item {
  const rows = data.shown.flatMap((traced) => workingSetRows(data, traced));
  const drawn = data.shown.find(({ policy: { id } }) => id === policy);
  return {
    item: policy === 'http' ? 'fig11a' : `fig11a-${policy}`,
    title: 'Figure 11a: code that a request goes through',
    rows,
    figure: drawn ? picture(rows, drawn) : null,
    table: table(data),
    paper: paperSays('fig11a'),
    notes: [
      'One request, the one with the median number of instructions. Pages in order of address; a line is a border of 2 MB. A point: the code is in this page at this time.',
      'Code touched counts 64-byte lines of which an instruction was executed, kernel not included; so did the paper, by Intel PIN.',
      ...data.notes,
    ],
    judgements: judgements(data),
  };
}

function picture(rows: Row[], drawn: TracedPolicy) {
  const { typical, pages } = drawn.profiles.ours;
  const order = [...new Set(typical.map(({ page }) => page))].sort((a, b) => a - b);
  const rank = new Map(order.map((page, i) => [page, i]));
  const regions = regionsOf(order);
  return styled({
    title: `Figure 11a: one request of ${drawn.policy.label} through its pages of code`,
    alt: `Time in instructions against ${order.length} pages of 4 kB in ${regions.length} regions of 2 MB, coloured by component; beside it how often each region is entered.`,
    method: methodLine(rows.filter(({ series }) => series === drawn.policy.label)),
    data: [...moments(typical, rank), firstTouches(typical, rank), ...heat(regions, new Map(pages.map((use) => [use.page, entriesOf(use)])), order)],
    layout: {
      width: 900, height: 720, barmode: 'overlay', bargap: 0, legend: { orientation: 'h', y: -0.12, itemsizing: 'constant' },
      xaxis: { domain: [0, 0.76], anchor: 'y', title: { text: 'user instructions since the request arrived (thousands)' }, rangemode: 'tozero' },
      yaxis: { title: { text: '4 kB pages of code, by address' }, range: [-2, order.length + 1] },
      xaxis2: { domain: [0.8, 1], anchor: 'y', title: { text: 'page entries<br>per request' }, nticks: 3, tickangle: 0 },
      shapes: regions.slice(1).map(({ from }) => ({
        type: 'line' as const, xref: 'paper' as const, yref: 'y' as const, x0: 0, x1: 1, y0: from - 0.5, y1: from - 0.5, layer: 'below' as const, line: { color: '#BBBBBB', width: 1 },
      })),
    },
  });
}

/** Regions of 2 MB as ranges of ranks [from, to). */
function regionsOf(order: number[]): { region: number; from: number; to: number }[] {
  const regions: { region: number; from: number; to: number }[] = [];
  order.forEach((page, i) => {
    const region = Math.floor(page / pagesPerRegion);
    if (regions[regions.length - 1]?.region !== region) regions.push({ region, from: i, to: i });
    regions[regions.length - 1].to = i + 1;
  });
  return regions;
}

/** One point for a page in a column of time, under the component that entered it first there. */
function moments(typical: Entry[], rank: Map<number, number>): Data[] {
  const perColumn = Math.max(1, Math.ceil((typical[typical.length - 1]?.instruction ?? 1) / columns));
  const seen = new Set<string>();
  const points = typical.filter(({ instruction, page }) => {
    const key = `${Math.floor(instruction / perColumn)} ${page}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
  return components.flatMap((component): Data[] => {
    const own = points.filter((point) => point.component === component);
    return own.length === 0 ? [] : [{
      type: 'scatter', mode: 'markers', name: component,
      x: own.map(({ instruction }) => Math.round(instruction / 10) / 100), y: own.map(({ page }) => rank.get(page)!),
      marker: { size: 3, symbol: 'square', color: componentColour(component) },
      hovertemplate: `${component}, %{x:.1f}k instructions<extra></extra>`,
    } as Data];
  });
}

/** The curve of first touches: where it rises late, code is still new to the request. */
function firstTouches(typical: Entry[], rank: Map<number, number>): Data {
  const seen = new Set<number>();
  const first = typical.filter(({ page }) => !seen.has(page) && seen.add(page));
  return {
    type: 'scatter', mode: 'markers', name: 'first touch of a page',
    x: first.map(({ instruction }) => Math.round(instruction / 10) / 100), y: first.map(({ page }) => rank.get(page)!),
    marker: { size: 6, symbol: 'circle-open', color: '#222222', line: { width: 1 } }, hovertemplate: 'first touch, %{x:.1f}k instructions<extra></extra>',
  } as Data;
}

/** How often each region is entered: a bar over its pages. */
function heat(regions: { region: number; from: number; to: number }[], entries: Map<number, number>, order: number[]): Data[] {
  const counts = regions.map(({ from, to }) => order.slice(from, to).reduce((sum, page) => sum + (entries.get(page) ?? 0), 0));
  return [{
    type: 'bar', orientation: 'h', name: 'entries of a 2 MB region', xaxis: 'x2', showlegend: false,
    x: counts.map((count) => Math.round(count)), y: regions.map(({ from, to }) => (from + to - 1) / 2), width: regions.map(({ from, to }) => to - from),
    marker: { color: '#999999', line: { color: '#FFFFFF', width: 1 } },
    hovertemplate: '%{x} page entries a request<extra></extra>',
  } as Data];
}

function workingSetRows(data: TracesData, traced: TracedPolicy): Row[] {
  const { profiles } = traced;
  const row = (x: string, estimate: Estimate, unit: string) => tracedRow(data, traced, x, estimate, unit);
  const [ours, authors] = [profiles.ours, profiles.authors].map(({ requests }) => componentKilobytes(requests, parse));
  return [
    row('code touched', codeKilobytes(profiles.ours.requests), 'kB/request'),
    row('pages touched', codePages(profiles.ours.requests), 'pages of 4 kB/request'),
    row('instructions', instructionsPerRequest(profiles.ours.requests), 'user instructions/request'),
    ...(authors ? [row('code of HTTP parsing, authors\' map', authors, 'kB/request')] : []),
    ...(ours ? [row('code of HTTP parsing, innermost function', ours, 'kB/request')] : []),
  ];
}

function table(data: TracesData): Item['table'] {
  const kilobytes = (estimate: Estimate | null) => (estimate ? estimate.value.toFixed(1) : '-');
  return {
    columns: [
      { key: 'policy', label: 'policy' }, { key: 'requests', label: 'requests traced' }, { key: 'instructions', label: 'user instructions/request' },
      { key: 'kilobytes', label: 'code touched (kB/request)' }, { key: 'pages', label: '4 kB pages/request' }, { key: 'regions', label: '2 MB regions' },
      { key: 'authors', label: 'of it HTTP parsing, authors\' map (kB)' }, { key: 'ours', label: 'innermost function (kB)' },
    ],
    rows: data.shown.map(({ policy, profiles, spans }) => ({
      policy: policy.label, requests: spans.length, instructions: Math.round(instructionsPerRequest(profiles.ours.requests).value),
      kilobytes: codeKilobytes(profiles.ours.requests).value.toFixed(0), pages: Math.round(codePages(profiles.ours.requests).value),
      regions: regionsOf([...new Set(profiles.ours.typical.map(({ page }) => page))].sort((a, b) => a - b)).length,
      authors: kilobytes(componentKilobytes(profiles.authors.requests, parse)), ours: kilobytes(componentKilobytes(profiles.ours.requests, parse)),
    })),
  };
}

function judgements(data: TracesData): Judgement[] {
  const all = (pick: (traced: TracedPolicy) => Estimate, unit: string) => data.shown.filter(({ policy }) => isEnvoysOwn(policy)).map((traced) => tracedEvidence(data, traced, pick(traced), unit));
  const sizes = all(({ profiles }) => codeKilobytes(profiles.ours.requests), 'kB');
  const pages = all(({ profiles }) => codePages(profiles.ours.requests), 'pages');
  const http = data.shown.find(({ policy }) => policy.id === 'http');
  const parsing = http && componentKilobytes(http.profiles.authors.requests, parse);
  return [
    judgeAll('C23', 'size-section', sizes), judgeAll('C23', 'size-introduction', sizes),
    judgeAll('C23', 'pages-section', pages), judgeAll('C23', 'pages-introduction', pages),
    http && parsing ? judge('C24', 'size', tracedEvidence(data, http, parsing, 'kB')) : unavailable('C24', 'size', 'no trace of bare HTTP'),
  ];
}
