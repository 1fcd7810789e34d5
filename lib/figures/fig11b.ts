/** Figure 11b: how often each page of code is entered in a request, and how often the instruction TLB has lost it by then. */
import type { Data } from 'plotly.js-dist';
import { entriesOf, type PageUse } from '../analysis/trace-profile.js';
import { intervalOf, tlbMisses, type Bounds } from '../analysis/itlb.js';
import type { TracedPolicy, TracesData } from '../experiments/traces-data.js';
import { components } from '../paper/components.js';
import { judge, judgeAll, unavailable, type Evidence, type Judgement } from '../report/verdicts.js';
import { instructionTlbs, type Geometry } from '../simulate/geometry.js';
import { simulateBounds } from '../simulate/simulator.js';
import type { Row } from '../store/value.js';
import { methodLine, paperSays, type Item } from './item.js';
import { componentColour, paperColour } from './palette.js';
import { styled } from './style.js';

const shownPages = 40;
/** The paper: "in under 20 pages". */
const hotPages = 20;
export const paperTlb = 'share of one thread, 64 + 8' as const;
const wholeCore = instructionTlbs['whole core, 128 + 16'];
const withWalks = 'Skylake, Cascade Lake: share with second level' as const;

/** Misses of a policy on the TLB asked for, on a whole core's, and the walks that a second level leaves. */
interface MissCounts {
  traced: TracedPolicy;
  misses: Bounds;
  wholeCore: Bounds;
  walks: Bounds;
}

function missCounts(traced: TracedPolicy, geometry: Geometry): MissCounts {
  const { pages } = traced;
  return {
    traced, misses: tlbMisses(pages, geometry).misses, wholeCore: tlbMisses(pages, wholeCore).misses, walks: tlbMisses(pages, instructionTlbs[withWalks]).walks,
  };
}

/** What a page costs per request. */
interface PageCost {
  use: PageUse;
  /** Misses of an entry that had been there and was evicted. */
  swaps: Bounds;
}

/** @param geometry of the instruction TLB; the paper's own simulation by default. @param policy which one is drawn. */
export function fig11b(data: TracesData, geometry: Geometry = instructionTlbs[paperTlb], policy = 'http'): Item {
  const drawn = data.shown.find(({ policy: { id } }) => id === policy);
  const costs = drawn ? pageCosts(drawn, geometry) : [];
  const counts = data.shown.map((traced) => missCounts(traced, geometry));
  const rows = [...counts.flatMap((each) => missRows(data, each, geometry)), ...(drawn ? pageRows(data, drawn, costs) : [])];
  return {
    item: 'fig11b',
    title: 'Figure 11b: misses of the instruction TLB, page by page',
    rows,
    figure: drawn ? picture(rows, drawn, costs, geometry) : null,
    table: table(counts, geometry),
    paper: paperSays('fig11b'),
    notes: [
      'Two bounds: what user code leaves in the TLB is kept over a system call, or all of it is gone. The kernel\'s own use of the TLB lies between.',
      'Simulated with exact LRU on every change of page; a repeat within one page cannot miss.',
      'Page walks are those of user code. The paper counts about 1.2k a request: more than user code alone can cause when the second level keeps its state, so that others (the kernel\'s code, flushes, a sibling thread) must have part in them.',
      ...data.notes,
    ],
    judgements: judgements(data, counts.find(({ traced }) => traced === drawn), costs),
  };
}

function pageCosts({ profiles, pages, spans }: TracedPolicy, geometry: Geometry): PageCost[] {
  const { kept, emptied } = simulateBounds(pages, geometry);
  const idOf = new Map(Array.from(pages.units.numbers.subarray(0, pages.units.size), (number, id) => [number, id]));
  return profiles.ours.pages.map((use) => {
    const id = idOf.get(use.page)!;
    return { use, swaps: { kept: kept.swapsOf[id] / spans.length, emptied: emptied.swapsOf[id] / spans.length } };
  });
}

function picture(rows: Row[], drawn: TracedPolicy, costs: PageCost[], geometry: Geometry) {
  const top = costs.slice(0, shownPages);
  const all = costs.reduce((sum, { use }) => sum + entriesOf(use), 0);
  let soFar = 0;
  const cumulative = top.map(({ use }) => 100 * (soFar += entriesOf(use)) / all);
  return styled({
    title: `Figure 11b: the ${shownPages} most entered pages of ${drawn.policy.label}`,
    alt: `Entries per request of the ${shownPages} most entered of ${costs.length} pages by component, and how often each was evicted from the instruction TLB in a request, as two bounds.`,
    method: `${methodLine(rows.filter(({ series }) => series === drawn.policy.label))}<br>${describeTlb(geometry)}, LRU`,
    data: [...entries(top), share(cumulative), ...evictions(top)],
    layout: {
      width: 860, height: 640, barmode: 'stack', bargap: 0.2, legend: { orientation: 'h', y: -0.16, traceorder: 'normal' },
      xaxis: { anchor: 'y2', title: { text: 'pages of 4 kB, most entered first' }, dtick: 5, range: [0.2, top.length + 0.8] },
      yaxis: { domain: [0.5, 1], title: { text: 'entries per request' } },
      yaxis3: { overlaying: 'y', side: 'right', range: [0, 100], title: { text: 'share of all entries<br>so far (%)' }, showgrid: false, anchor: 'x', tickmode: 'linear', tick0: 0, dtick: 20 },
      yaxis2: { domain: [0, 0.42], title: { text: 'evictions<br>per request' }, rangemode: 'tozero' },
      shapes: [{ type: 'rect', xref: 'x', yref: 'y2', x0: 0.5, x1: 19.5, y0: 6, y1: 60, layer: 'below', line: { width: 0 }, fillcolor: paperColour, opacity: 0.2 }],
      annotations: [{ xref: 'x', yref: 'y2', x: 19.5, y: 60, text: 'paper: 19 pages, 6-60 times', showarrow: false, xanchor: 'right', yanchor: 'top', font: { size: 11, color: paperColour } }],
    },
  });
}

function entries(top: PageCost[]): Data[] {
  return components.flatMap((component, i): Data[] => {
    const y = top.map(({ use }) => use.entries[i]);
    return y.every((value) => value === 0) ? [] : [{
      type: 'bar', name: component, x: top.map((_, rank) => rank + 1), y, marker: { color: componentColour(component) },
      hovertemplate: `${component}: %{y:.1f} entries<extra></extra>`,
    } as Data];
  });
}

function share(cumulative: number[]): Data {
  return {
    type: 'scatter', mode: 'lines', name: 'share of all entries so far', yaxis: 'y3', x: cumulative.map((_, rank) => rank + 1), y: cumulative,
    line: { color: '#222222', width: 1.5, dash: 'dot' }, hovertemplate: 'the first %{x}: %{y:.0f} %<extra></extra>',
  } as Data;
}

function evictions(top: PageCost[]): Data[] {
  const marker = (name: string, pick: (cost: PageCost) => number, symbol: string): Data => ({
    type: 'scatter', mode: 'markers', name, yaxis: 'y2', x: top.map((_, rank) => rank + 1), y: top.map(pick), marker: { symbol, size: 7, color: '#222222' },
    hovertemplate: `page %{x}: %{y:.1f} a request<extra>${name}</extra>`,
  } as Data);
  return [marker('evictions, state kept at system calls', ({ swaps }) => swaps.kept, 'circle'), marker('state emptied', ({ swaps }) => swaps.emptied, 'circle-open')];
}

/** `4 kB: 64 entries, 8-way; 2 MB: 8 entries`. */
export function describeTlb({ first, huge, second }: Geometry): string {
  const array = ({ sets, ways }: { sets: number; ways: number }) => `${sets * ways} entries, ${sets === 1 ? 'fully associative' : `${ways}-way`}`;
  return [`4 kB: ${array(first)}`, ...(huge ? [`2 MB: ${array(huge)}`] : []), ...(second ? [`second level: ${array(second)}`] : [])].join('; ');
}

function missRows(data: TracesData, { traced: { policy, run }, ...counts }: MissCounts, geometry: Geometry): Row[] {
  const row = (x: string, bounds: Bounds): Row => ({
    series: policy.label, x, value: bounds.kept, interval: intervalOf(bounds), unit: 'per request', method: 'simulated', origin: data.origin, runs: [run],
  });
  return [
    row(`iTLB misses, ${describeTlb(geometry)}`, counts.misses),
    row(`iTLB misses, ${describeTlb(wholeCore)}`, counts.wholeCore),
    row('page walks with a second level of 1536 entries', counts.walks),
  ];
}

function pageRows(data: TracesData, drawn: TracedPolicy, costs: PageCost[]): Row[] {
  return costs.slice(0, shownPages).map(({ use, swaps }, i) => ({
    series: drawn.policy.label, x: `page ${i + 1} (0x${(use.page * 4096).toString(16)})`, value: swaps.kept, interval: intervalOf(swaps),
    unit: 'evictions per request', method: 'simulated', origin: data.origin, runs: [drawn.run],
  }));
}

function table(counts: MissCounts[], geometry: Geometry): Item['table'] {
  const text = ({ kept, emptied }: Bounds) => `${kept.toFixed(kept < 10 ? 1 : 0)} to ${emptied.toFixed(emptied < 10 ? 1 : 0)}`;
  return {
    columns: [
      { key: 'policy', label: 'policy' }, { key: 'share', label: `misses/request, ${describeTlb(geometry)}` },
      { key: 'whole', label: describeTlb(wholeCore) }, { key: 'walks', label: 'page walks/request, second level of 1536' },
      { key: 'top', label: `entries in the ${hotPages} hottest pages` }, { key: 'instructions', label: 'instructions there' },
    ],
    rows: counts.map(({ traced, misses, wholeCore: whole, walks }) => ({
      policy: traced.policy.label,
      share: text(misses),
      whole: text(whole),
      walks: text(walks),
      top: `${concentration(traced, entriesOf).toFixed(0)} %`,
      instructions: `${concentration(traced, ({ instructions }) => instructions).toFixed(0)} %`,
    })),
  };
}

/** Share in per cent of the 20 pages that have most of something. */
function concentration({ profiles }: TracedPolicy, of: (use: PageUse) => number): number {
  const values = profiles.ours.pages.map(of).sort((a, b) => b - a);
  const sum = (list: number[]) => list.reduce((total, value) => total + value, 0);
  return 100 * sum(values.slice(0, hotPages)) / sum(values);
}

const noCounters = 'the paper measured it with hardware counters; no recording of this workbench has them';

function judgements(data: TracesData, drawn: MissCounts | undefined, costs: PageCost[]): Judgement[] {
  const counted = [unavailable('C25', 'misses', noCounters), unavailable('C25', 'walks', noCounters)];
  const readings: [string, string][] = [['C25', 'simulated'], ['C26', 'concentration'], ['C27', 'pages'], ['C27', 'evictions']];
  if (!drawn) return [...counted, ...readings.map(([claim, reading]) => unavailable(claim, reading, 'no trace of this policy'))];
  const evidence = (value: number, interval: [number, number], unit: string, method: Evidence['method'] = 'simulated', about?: string): Evidence =>
    ({ value, interval, unit, method, origin: data.origin, runs: [drawn.traced.run], case: about, cpu: data.cpuModel, envoyVersion: data.envoyVersion });
  // What a simulator is fed with is an access for every instruction: that is how the paper can come to 95 %.
  const concentrated = concentration(drawn.traced, ({ instructions }) => instructions);
  const hot = costs.slice(0, hotPages);
  const lost = (pick: (cost: PageCost) => number) => hot.filter((cost) => pick(cost) >= 1).length;
  const evicted = hot.filter(({ swaps }) => swaps.kept >= 1);
  return [
    ...counted,
    // The paper simulated with the state kept; what an emptied one makes of it is in the table.
    judge('C25', 'simulated', evidence(drawn.misses.kept, [drawn.misses.kept, drawn.misses.kept], 'misses per request')),
    judge('C26', 'concentration', evidence(concentrated, [concentrated, concentrated], '%', 'measured: instruction trace')),
    judge('C27', 'pages', evidence(lost(({ swaps }) => swaps.kept), [lost(({ swaps }) => swaps.kept), lost(({ swaps }) => swaps.kept)], 'pages')),
    evicted.length === 0 ? unavailable('C27', 'evictions', 'none of the hot pages is evicted')
      : judgeAll('C27', 'evictions', evicted.map(({ swaps, use }) => evidence(swaps.kept, [swaps.kept, swaps.kept], 'evictions per request', 'simulated', `page 0x${(use.page * 4096).toString(16)}`))),
  ];
}
