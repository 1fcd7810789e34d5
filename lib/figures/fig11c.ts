/** Figure 11c: what a few 2 MB pages save of the instruction TLB's misses, and the memory they cost. */
import type { Data } from 'plotly.js-dist';
import { allHuge, hugePageEffects, intervalOf, rangeOf, regionsTouched, tlbMisses, type Bounds, type HugePageEffect } from '../analysis/itlb.js';
import type { TracedPolicy, TracesData } from '../experiments/traces-data.js';
import { judge, judgeAll, unavailable, type Evidence, type Judgement } from '../report/verdicts.js';
import { hugePageBytes, instructionTlbs, type Geometry } from '../simulate/geometry.js';
import { packedByHeat, placementsByLoadAddress } from '../simulate/layout.js';
import type { Row } from '../store/value.js';
import { describeTlb, paperTlb } from './fig11b.js';
import { methodLine, paperSays, type Item } from './item.js';
import { paperColour, policyColour } from './palette.js';
import { styled } from './style.js';

/** As many as there are huge entries in the paper's TLB; the search is exact up to here. */
const atMost = 8;
/** Place of "all code" on the axis. */
const allCode = atMost + 1.5;
/** Variants that differ from one drawn by a list's length only; the rows have them. */
const notDrawn = ['rbac-reject-1', 'rbac-reject-1000', 'ip-tag-5', 'ip-tag-10'];
const megabyte = 1e6;
/** Load addresses tried within 2 MB. */
const loadAddresses = 8;

/** One policy on one TLB. */
interface Curve {
  traced: TracedPolicy;
  /** By number of huge pages, from 0. */
  effects: HugePageEffect[];
  all: ReturnType<typeof allHuge>;
}

export interface Fig11cOptions {
  /** Of the instruction TLB; the paper's own simulation by default. */
  geometry?: Geometry;
  /** Whose placement is spelled out; bare HTTP by default. */
  policy?: string;
}

export function fig11c(data: TracesData, { geometry = instructionTlbs[paperTlb], policy = 'http' }: Fig11cOptions = {}): Item {
  const curves = data.shown.map((traced) => curveOf(traced, geometry));
  const detailed = curves.find(({ traced }) => traced.policy.id === policy);
  const rows = [...curves.flatMap((curve) => curveRows(data, curve)), ...(detailed ? memoryRows(data, detailed) : [])];
  return {
    item: 'fig11c',
    title: 'Figure 11c: instruction TLB misses against huge pages',
    rows,
    figure: rows.length > 0 ? picture(rows, curves, detailed, geometry) : null,
    table: detailed ? placementTable(detailed) : null,
    paper: paperSays('fig11c'),
    notes: [
      'The best regions for so many huge pages, by exact search with the state kept at system calls; hollow: the same pages with the TLB emptied at each.',
      'What is left then are first uses after an emptying, which no page size saves entirely. The simulation knows the first level only; a second level answers nearly all of these misses in a few cycles.',
      ...(detailed ? layoutNotes(detailed, geometry) : []),
      ...data.notes,
    ],
    judgements: judgements(data, curves, detailed),
  };
}

function curveOf(traced: TracedPolicy, geometry: Geometry): Curve {
  const effects = hugePageEffects(traced.pages, geometry, atMost);
  return { traced, effects, all: allHuge(traced.pages, geometry, effects[0].misses) };
}

function picture(rows: Row[], curves: Curve[], detailed: Curve | undefined, geometry: Geometry) {
  return styled({
    title: 'Figure 11c: instruction TLB misses with the best n huge pages',
    alt: `Misses per request of ${curves.length} policies with 0 to ${atMost} huge pages and with all code on huge pages, and the memory they add.`,
    method: `${methodLine(rows)}<br>${describeTlb(geometry)}, LRU`,
    data: [...curves.filter(({ traced }) => !notDrawn.includes(traced.policy.id)).flatMap((curve) => lines(curve, curve === detailed)), ...(detailed ? [memory(detailed)] : [])],
    layout: {
      width: 900, height: 680, legend: { orientation: 'v', x: 1.01, y: 1 },
      xaxis: { anchor: 'y2', title: { text: 'huge pages of 2 MB' }, tickvals: [...Array(atMost + 1).keys(), allCode], ticktext: [...Array(atMost + 1).keys(), 'all code'].map(String) },
      yaxis: { domain: [0.36, 1], title: { text: 'iTLB misses<br>(% of those without huge pages)' }, rangemode: 'tozero' },
      yaxis2: { domain: [0, 0.27], title: { text: 'memory added<br>(MB)' }, rangemode: 'tozero' },
      shapes: [
        ...[[5, 20], [6, 10]].map(([x, y]) => ({ type: 'line' as const, xref: 'x' as const, yref: 'y' as const, x0: x - 0.35, x1: x + 0.35, y0: y, y1: y, line: { color: paperColour, width: 4 } })),
        { type: 'rect', xref: 'x', yref: 'y2', x0: 4.55, x1: 6.45, y0: 8.5, y1: 11, line: { width: 1.5, color: '#222222', dash: 'dot' } },
      ],
      annotations: [
        { xref: 'x', yref: 'y', x: 4.65, y: 29, text: 'paper,<br>5 and 6 huge pages', showarrow: false, xanchor: 'left', yanchor: 'bottom', align: 'left', font: { size: 11, color: paperColour } },
        { xref: 'x', yref: 'y2', x: 5.5, y: 12, text: 'paper', showarrow: false, yanchor: 'bottom', font: { size: 11, color: paperColour } },
      ],
    },
  });
}

/** In per cent of the policy's misses without huge pages. */
function lines({ traced: { policy }, effects, all }: Curve, withUpperBound: boolean): Data[] {
  // Not one line: the n best pages do not become all pages by adding some.
  const x = [...effects.keys(), null, allCode];
  const left = (pick: (bounds: Bounds) => number) => [...effects.map(({ reduction }) => 100 - pick(reduction)), null, 100 - pick(all.reduction)];
  const colour = policyColour(policy.id);
  const kept: Data = {
    type: 'scatter', mode: 'lines+markers', name: policy.label, legendgroup: policy.id, x, y: left(({ kept: value }) => value),
    line: { color: colour, width: 2, dash: policy.frame === 'tcp' ? 'dash' : 'solid' }, connectgaps: false, marker: { size: 6, color: colour }, hovertemplate: `${policy.label}: %{y:.1f} %<extra></extra>`,
  } as Data;
  return withUpperBound ? [kept, {
    type: 'scatter', mode: 'lines+markers', name: `${policy.label}, state emptied`, legendgroup: policy.id, x, y: left(({ emptied }) => emptied),
    line: { color: colour, width: 1, dash: 'dot' }, connectgaps: false, marker: { size: 6, color: '#FFFFFF', line: { color: colour, width: 1.5 } }, hovertemplate: '%{y:.1f} %<extra></extra>',
  } as Data] : [kept];
}

function memory({ traced, effects, all }: Curve): Data {
  return {
    type: 'bar', name: `memory added, ${traced.policy.label}`, yaxis: 'y2', x: [...effects.keys(), allCode],
    y: [...effects.map(({ placement }) => placement.memory.addedBytes / megabyte), addedByAll(traced, all.regions)], marker: { color: '#999999' },
    hovertemplate: '%{y:.1f} MB<extra></extra>',
  } as Data;
}

/** Megabytes of all touched regions on huge pages, less the touched 4 kB pages that they replace. */
function addedByAll({ pages }: TracedPolicy, regions: number): number {
  return (regions * hugePageBytes - pages.units.size * 4096) / megabyte;
}

function curveRows(data: TracesData, { traced: { policy, run }, effects, all }: Curve): Row[] {
  const row = (x: string | number, bounds: Bounds): Row => ({
    series: policy.label, x, value: bounds.kept, interval: intervalOf(bounds), unit: 'misses per request', method: 'simulated', origin: data.origin, runs: [run],
  });
  return [...effects.map(({ placement, misses }) => row(placement.pages, misses)), row('all code', all.misses)];
}

function memoryRows(data: TracesData, { traced: { policy, run }, effects }: Curve): Row[] {
  return effects.map(({ placement: { pages, memory: { addedBytes } } }) => ({
    series: `${policy.label}, memory added`, x: pages, value: addedBytes / megabyte, interval: null, unit: 'MB', method: 'simulated', origin: data.origin, runs: [run],
  }));
}

function placementTable({ traced, effects, all }: Curve): Item['table'] {
  const text = ({ kept, emptied }: Bounds) => `${kept.toFixed(0)} to ${emptied.toFixed(0)}`;
  const percent = ({ kept, emptied }: Bounds) => `${Math.min(kept, emptied).toFixed(0)} to ${Math.max(kept, emptied).toFixed(0)} %`;
  return {
    columns: [
      { key: 'pages', label: `${traced.policy.label}: huge pages` }, { key: 'regions', label: 'regions (offset from the first code, MB)' }, { key: 'misses', label: 'misses/request' },
      { key: 'reduction', label: 'removed' }, { key: 'memory', label: 'memory added (MB)' }, { key: 'exact', label: 'best possible' },
    ],
    rows: [
      ...effects.map(({ placement, misses, reduction }) => ({
        pages: placement.pages, regions: placement.regions.map((region) => regionName(traced, region)).join(', ') || '-', misses: text(misses), reduction: percent(reduction),
        memory: (placement.memory.addedBytes / megabyte).toFixed(1), exact: placement.isExact ? 'yes' : `at least ${placement.lowerBound} in the trace, this is ${placement.misses}`,
      })),
      { pages: 'all code', regions: `${regionsTouched(traced.pages).length} regions`, misses: text(all.misses), reduction: percent(all.reduction), memory: addedByAll(traced, all.regions).toFixed(1), exact: '-' },
    ],
  };
}

/** `envoy+34`: megabytes from where the object's code begins. */
function regionName({ header }: TracedPolicy, region: number): string {
  const [start, end] = [region * hugePageBytes, (region + 1) * hugePageBytes];
  const mapped = header.code.find((each) => each.start < end && each.end > start);
  return mapped ? `${mapped.object}+${Math.max(0, Math.round((start - mapped.start) / 2 ** 20))}` : `0x${start.toString(16)}`;
}

/** What the layout of the code does: load address, and functions packed together. */
function layoutNotes({ traced, effects }: Curve, geometry: Geometry): string[] {
  const object = [...traced.header.code].sort((a, b) => (b.end - b.start) - (a.end - a.start))[0]?.object;
  const range = object ? rangeOf(traced.header, object) : null;
  const none = effects[0].misses.kept;
  const packed = tlbMisses(packedByHeat(traced.lines), geometry).misses;
  const notes = [`Touched lines packed together by heat, the least that any layout needs: ${packed.kept.toFixed(0)} to ${packed.emptied.toFixed(0)} misses a request without any huge page, instead of ${none.toFixed(0)}.`];
  if (!range) return notes;
  const addresses = placementsByLoadAddress(traced.pages, geometry, range, loadAddresses, { atMost: 5 });
  const left = addresses.map(({ placements }) => 100 * (1 - placements[5].misses / placements[0].misses));
  return [...notes, `Over ${loadAddresses} load addresses of ${object} modulo 2 MB, 5 huge pages remove ${Math.min(...left).toFixed(0)} to ${Math.max(...left).toFixed(0)} % of the misses.`];
}

function judgements(data: TracesData, curves: Curve[], detailed: Curve | undefined): Judgement[] {
  const http = curves.filter(({ traced }) => traced.policy.frame === 'http');
  if (http.length === 0 || !detailed) {
    return ([['C28', 'reduction'], ['C29', 'five'], ['C29', 'six'], ['C29', 'introduction'], ['C29', 'conclusion'], ['C30', 'memory']] as const)
      .map(([claim, reading]) => unavailable(claim, reading, 'no trace of an HTTP policy'));
  }
  // The paper simulated with the state kept; what an emptied one makes of it is said beside.
  const evidence = ({ traced: { policy, run } }: Curve, { kept, emptied }: Bounds, unit: string, what: string): Evidence => ({
    value: kept, interval: [kept, kept], unit, method: 'simulated', origin: data.origin, runs: [run],
    case: `${policy.label}, ${what}${emptied === kept ? '' : ` (${emptied.toFixed(0)} ${unit} if system calls empty the TLB)`}`,
    cpu: data.cpuModel, envoyVersion: data.envoyVersion,
  });
  // "Up to": the policy with the largest reduction.
  const largest = (pick: (curve: Curve) => Bounds) => http.reduce((a, b) => (pick(b).kept > pick(a).kept ? b : a));
  const upTo = (pick: (curve: Curve) => Bounds, what: string) => evidence(largest(pick), pick(largest(pick)), '%', what);
  const n = (pages: number) => (curve: Curve) => curve.effects[pages].reduction;
  const memoryOf = (pages: number): Evidence => {
    const added = detailed.effects[pages].placement.memory.addedBytes / megabyte;
    return evidence(detailed, { kept: added, emptied: added }, 'MB', `${pages} huge pages`);
  };
  return [
    judge('C28', 'reduction', upTo(({ all }) => all.reduction, 'all code')),
    judge('C29', 'five', upTo(n(5), '5 huge pages')),
    judge('C29', 'six', upTo(n(6), '6 huge pages')),
    judgeAll('C29', 'introduction', http.flatMap((curve) => [4, 5, 6].map((pages) => evidence(curve, n(pages)(curve), '%', `${pages} huge pages`)))),
    judge('C29', 'conclusion', upTo(n(6), '6 huge pages')),
    judgeAll('C30', 'memory', [5, 6].map(memoryOf)),
  ];
}
