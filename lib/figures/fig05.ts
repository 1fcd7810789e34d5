/** Figure 5: latency and throughput of whole applications, without sidecars and with those of a profile, by number of nodes. */
import { comparedShare, paperApplications, profiles } from '../experiments/applications.js';
import type { ApplicationsData, LoadKind, LoadRow } from '../experiments/applications-data.js';
import { judge, judgeAll, number, unavailable, type Judgement } from '../report/verdicts.js';
import type { Row } from '../store/value.js';
import { groupedBars, gridLayout, type Bar, type PanelGrid } from './application-panels.js';
import { allRows, applicationsIn, compareCells, emulatedReason, estimateText, evidenceOf, isVariant, judgedNodes, judgedNodesNote, labelOf, nodeCounts, placeNotes, rowFor, rowsOf, runsOf, steadiedBy, steadyNote, type Cell } from './application-values.js';
import { methodLine, paperSays, type Item } from './item.js';
import { profileColour } from './palette.js';
import { repeatsNote } from './repeats-note.js';
import { styled } from './style.js';

const p90Ms = { unit: 'ms', method: 'measured: latency', of: ({ p90Us }: LoadRow) => p90Us / 1000 } as const;
const p50Ms = { ...p90Ms, of: ({ p50Us }: LoadRow) => p50Us / 1000 } as const;
const perS = { unit: 'requests/s', method: 'measured: throughput', of: ({ achievedPerS }: LoadRow) => achievedPerS } as const;
const sidecarMs = { unit: 'ms', method: 'measured: CPU time', of: ({ sidecarCpuUs }: LoadRow) => sidecarCpuUs / 1000 } as const;
const steadyMs = { ...sidecarMs, of: ({ steadySidecarCpuUs }: LoadRow) => steadySidecarCpuUs! / 1000 } as const;

/** Profile with which the paper's figure was made. */
const paperProfile = 'default';

const panels = [
  { load: 'share', quantity: p90Ms, title: `p90 latency at ${100 * comparedShare} %<br>of the knee (ms)` },
  { load: 'knee', quantity: p90Ms, title: 'p90 latency<br>at the knee (ms)' },
  { load: 'busy', quantity: perS, title: 'maximum throughput<br>(requests/s)' },
] as const;

export function fig05(data: ApplicationsData): Item {
  const all = applicationsIn(data, paperApplications);
  const applications = all.filter((id) => !isVariant(id));
  const nodes = nodeCounts(data);
  const shown = profiles.filter((profile) => allRows(data).some((row) => row.profile === profile));
  const grid: PanelGrid = {
    columns: applications.map((id) => ({ title: labelOf(data, id), groups: nodes.map(String) })), places: shown.length, xTitle: 'nodes',
    rows: panels.map(({ title }) => ({ title, height: 1 })),
  };
  const bars = panels.flatMap(({ load, quantity }, row) => applications.flatMap((application, column) => nodes.flatMap((count, group) => shown.map((profile, place): Bar => {
    const cell: Cell = { application, profile, nodes: count, load };
    const value = rowFor(data, cell, seriesName(profile), xName(data, cell), quantity);
    return { column, row, group, place, series: seriesName(profile), colour: profileColour(profile), value, text: `${value.x}, ${value.series}: ${value.value === null ? 'unavailable' : number(value.value)} ${value.unit}` };
  }))));
  const rows = [...bars.map(({ value }) => value as Row), ...besideRows(data, all, nodes)];
  return {
    item: 'fig05',
    title: 'Figure 5: applications with and without sidecars',
    rows,
    figure: styled({
      title: 'Figure 5: latency and throughput of applications, by number of nodes',
      alt: 'p90 latency at a share of the knee and at the knee, and maximum throughput, of each application without sidecars and with the profiles default and demo, for every number of nodes.',
      method: `${methodLine(rows)}<br>open loop from the intended send time; each profile at shares of its own knee; whiskers: 95 %; no bar: the rate was not kept`,
      data: groupedBars(bars, grid),
      layout: gridLayout(grid, { width: 340 * applications.length, height: 820 }),
    }),
    table: table(data, all, nodes),
    paper: paperSays('fig05'),
    notes: notes(data, applications, nodes),
    judgements: judgements(data, applications, nodes),
  };
}

export function seriesName(profile: string): string {
  return profile === 'none' ? 'no sidecars' : `sidecars, ${profile}`;
}

function xName(data: ApplicationsData, { application, nodes, load }: Cell): string {
  const under: Record<LoadKind, string> = { one: 'one request at a time', busy: 'at full speed', share: `at ${100 * comparedShare} % of the knee`, knee: 'at the knee' };
  return `${labelOf(data, application)}, ${nodes} ${nodes === 1 ? 'node' : 'nodes'}, ${under[load]}`;
}

/** One request at a time, and what sidecars run meanwhile: what is spent inside them, apart from waiting. */
function besideRows(data: ApplicationsData, applications: readonly string[], nodes: readonly number[]): Row[] {
  return applications.flatMap((application) => nodes.flatMap((count) => profiles.flatMap((profile) => {
    const one: Cell = { application, profile, nodes: count, load: 'one' };
    if (rowsOf(data, one).length === 0) return [];
    const latencies = [rowFor(data, one, `${seriesName(profile)}, median latency`, xName(data, one), p50Ms), rowFor(data, one, `${seriesName(profile)}, p90 latency`, xName(data, one), p90Ms)];
    const sidecars = `${seriesName(profile)}, CPU time of sidecars`;
    return profile === 'none' ? latencies : [...latencies, rowFor(data, one, sidecars, xName(data, one), sidecarMs), rowFor(data, one, `${sidecars}, ${steadiedBy}`, xName(data, one), steadyMs)];
  })));
}

function table(data: ApplicationsData, applications: readonly string[], nodes: readonly number[]): Item['table'] {
  const rows = applications.flatMap((application) => nodes.flatMap((count) => profiles.filter((profile) => profile !== 'none').flatMap((profile) => {
    const cells = (load: LoadKind): Cell[] => ['none', profile].map((each) => ({ application, profile: each, nodes: count, load }));
    const added = (load: LoadKind, of: (row: LoadRow) => number) => estimateText(compareCells(data, cells(load), of, ([without, with_]) => with_ - without));
    if (rowsOf(data, cells('busy')[1]).length === 0) return [];
    const [, own] = cells('one');
    return [{
      application: labelOf(data, application), nodes: count, profile,
      share: added('share', p90Ms.of), knee: added('knee', p90Ms.of), one: added('one', p50Ms.of),
      inside: estimateText(compareCells(data, [own], sidecarMs.of, ([ms]) => ms)), steady: estimateText(compareCells(data, [own], steadyMs.of, ([ms]) => ms)),
      loss: estimateText(lossOf(data, cells('busy'))),
    }];
  })));
  return {
    columns: [
      { key: 'application', label: 'application' }, { key: 'nodes', label: 'nodes' }, { key: 'profile', label: 'profile' },
      { key: 'share', label: `added p90 latency at ${100 * comparedShare} % of each knee (ms)` }, { key: 'knee', label: 'added p90 latency at each knee (ms)' },
      { key: 'one', label: 'added median latency, one request at a time (ms)' }, { key: 'inside', label: 'of it CPU time inside sidecars (ms)' }, { key: 'steady', label: 'the same, steadied (ms)' },
      { key: 'loss', label: 'throughput lost (%)' },
    ],
    rows,
  };
}

/** Per cent of the maximum throughput without sidecars. @param cells without and with, both `busy` */
function lossOf(data: ApplicationsData, cells: readonly Cell[]): ReturnType<typeof compareCells> {
  return compareCells(data, cells, perS.of, ([without, with_]) => 100 * (1 - with_ / without));
}

function notes(data: ApplicationsData, applications: readonly string[], nodes: readonly number[]): string[] {
  const repeats = applications.flatMap((application) => nodes.flatMap((count) => profiles.map((profile) => rowsOf(data, { application, profile, nodes: count, load: 'share' }).length)));
  return [
    "The paper states latency at maximum throughput, where it grows without bound and says little of a sidecar's own share; beside it stands latency at half of the knee, and one request at a time.",
    ...stallNote(data, nodes),
    'Knees are those found on the fewest nodes; every number of nodes gets the same rates.',
    steadyNote, ...placeNotes(data), ...judgedNodesNote(data, 'share', 'C02'), ...repeatsNote('latency and throughput', repeats), ...data.notes,
  ];
}

/** The variant of BookInfo that sets TCP_NODELAY where the paper's does not. */
const withoutStall = 'bookinfo:since-2024-06';

/** How much of BookInfo's added latency is TCP's, not the sidecars': with and without, one request at a time. */
function stallNote(data: ApplicationsData, [fewest]: readonly number[]): string[] {
  const [stalled, free] = ['bookinfo', withoutStall].map((application) => compareCells(data, ['none', paperProfile].map((profile): Cell => ({ application, profile, nodes: fewest, load: 'one' })), p50Ms.of, ([without, with_]) => with_ - without));
  if (!stalled || !free) return [];
  return [`Of the ${estimateText(stalled)} ms that sidecars add to a single request of BookInfo, all but ${estimateText(free)} ms is TCP's doing: its service details sends head and body apart with Nagle's algorithm on, and over a connection that a sidecar keeps the body waits for a delayed acknowledgement, 40 ms on Linux. Without sidecars every call opens a connection, which acknowledges at once. A BookInfo since June 2024 (since-2024-06 in the table) sets TCP_NODELAY.`];
}

function judgements(data: ApplicationsData, applications: readonly string[], nodes: readonly number[]): Judgement[] {
  const [fewest] = nodes;
  const pair = (application: string, count: number, load: LoadKind): Cell[] => ['none', paperProfile].map((profile) => ({ application, profile, nodes: count, load }));
  const added = (count: number) => applications.flatMap((application) => {
    const cells = pair(application, count, 'share');
    const estimate = compareCells(data, cells, p90Ms.of, ([without, with_]) => with_ - without);
    return estimate ? [evidenceOf(data, labelOf(data, application), estimate, { unit: 'ms', method: 'measured: latency', runs: runsOf(data, cells) })] : [];
  });
  const none = 'no application was loaded with and without sidecars';
  const constant = applications.flatMap((application) => judgedNodes(data, 'share').slice(1).flatMap((count) => {
    const cells = [...pair(application, fewest, 'share'), ...pair(application, count, 'share')];
    const estimate = compareCells(data, cells, p90Ms.of, ([without, with_, withoutMore, withMore]) => (withMore - withoutMore) / (with_ - without) - 1);
    return estimate ? [evidenceOf(data, `${labelOf(data, application)}, ${count} nodes against ${fewest}`, estimate, { unit: '', method: 'measured: latency', runs: runsOf(data, cells) })] : [];
  }));
  return [
    added(fewest).length > 0 ? judgeAll('C01', 'adds', added(fewest)) : unavailable('C01', 'adds', none),
    added(fewest).length > 0 ? judgeAll('C01', 'amount', added(fewest)) : unavailable('C01', 'amount', none),
    constant.length > 0 ? judgeAll('C02', 'constant', constant) : unavailable('C02', 'constant', 'one number of nodes only'),
    lossVerdict(data, applications, fewest),
  ];
}

/** The largest loss over the applications: computed, but a share of a cost that the emulated services lack. */
function lossVerdict(data: ApplicationsData, applications: readonly string[], nodes: number): Judgement {
  const losses = applications.flatMap((application) => {
    const cells = ['none', paperProfile].map((profile): Cell => ({ application, profile, nodes, load: 'busy' }));
    const estimate = lossOf(data, cells);
    return estimate ? [{ application, estimate, runs: runsOf(data, cells) }] : [];
  });
  if (losses.length === 0) return unavailable('C03', 'loss', 'no application was loaded with and without sidecars');
  const { application, estimate, runs } = losses.reduce((a, b) => (b.estimate.value > a.estimate.value ? b : a));
  return emulated(judge('C03', 'loss', evidenceOf(data, labelOf(data, application), estimate, { unit: '%', method: 'measured: throughput', runs })));
}

/** A reading about shares of an application's own cost stays open where the application is emulated. */
export function emulated(judgement: Judgement): Judgement {
  if (judgement.verdict === 'unavailable') return judgement;
  return { ...judgement, verdict: 'inconclusive', label: 'inconclusive', reason: `${emulatedReason}; so far (${judgement.verdict}): ${judgement.reason}` };
}

