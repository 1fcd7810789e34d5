/** Figure 7: where the instructions and the CPU time of one request go, per policy, and IPC. */
import type { Data } from 'plotly.js-dist';
import {
  attributedOrder, busyShare, cpuRounds, cpuUs, differenceOf, instructionsByComponent, partOf, quotientOf, shareByComponent, totalInstructions, userShare, utilisations,
} from '../analysis/request-cost.js';
import { countedCycles } from '../analysis/request-counters.js';
import { commonRounds } from '../analysis/rounds.js';
import { median, medianEstimate, ratioEstimate, scaled, type Estimate } from '../analysis/statistics.js';
import { isEnvoysOwn, paperFig7 } from '../deploy/catalogue.js';
import type { ComponentsData, PolicyInfo } from '../experiments/components-data.js';
import { components, type Attributed, type Grouping } from '../paper/components.js';
import { judge, judgeAll, unavailable, type Evidence, type Judgement } from '../report/verdicts.js';
import type { Row } from '../store/value.js';
import { hasCounters, ipcFalls, ipcMarkers, ipcRises, ipcRows, ipcVerdicts } from './fig07-ipc.js';
import { evidence, policiesOf, row } from './fig07-values.js';
import type { Figure } from './figure.js';
import { methodLine, paperSays, type Item } from './item.js';
import { componentColour, paperColour } from './palette.js';
import { repeatsNote } from './repeats-note.js';
import { tlsNotes } from './tls-note.js';
import { styled } from './style.js';

const groupingTitle: Record<Grouping, string> = {
  ours: "components by the innermost function of Table 2's own words",
  authors: "components by the paper authors' function map",
};

/**
 * @param grouping which functions make up a component; the paper's own figure used the authors' map.
 * @param policyIds which policies, in order; those not measured are left out.
 */
export function fig07(data: ComponentsData, grouping: Grouping = 'authors', policyIds: readonly string[] = paperFig7): Item {
  const shown = policyIds.flatMap((id) => data.policies.filter((policy) => policy.id === id));
  const rows = shown.flatMap((policy) => [...instructionRows(data, policy, grouping), ...cpuRows(data, policy, grouping), ...ipcRows(data, policy)]);
  return {
    item: grouping === 'authors' ? 'fig07' : 'fig07-ours',
    title: `Figure 7: cost of a request per policy, ${groupingTitle[grouping]}`,
    rows,
    figure: rows.some(({ value }) => value !== null) ? picture(shown, rows, grouping, hasCounters(data)) : null,
    table: null,
    paper: paperSays('fig07'),
    notes: notes(data, shown),
    judgements: grouping === 'authors' ? judgements(data) : [],
  };
}

function picture(shown: PolicyInfo[], rows: Row[], grouping: Grouping, counters: boolean): Figure {
  const cpu = bars(rows, 'us CPU/request', 1, 'y2');
  const instructions = bars(rows, 'user instructions/request', 1000, 'y');
  return styled({
    title: 'Figure 7: one request through the sidecar, by component',
    alt: `User instructions, CPU time and ${counters ? 'IPC' : 'user IPC'} of one request for ${shown.length} policies; ${groupingTitle[grouping]}.`,
    method: `${methodLine(rows)}<br>${groupingTitle[grouping]}`,
    data: [...onceInLegend([...instructions, ...cpu]), ...ipcMarkers(rows)],
    layout: layout(shown, counters),
  });
}

function instructionRows(data: ComponentsData, policy: PolicyInfo, grouping: Grouping): Row[] {
  return [...instructionsByComponent(data, policy.id, grouping)].map(([component, estimate]) =>
    row(data, component, policy, estimate, 'user instructions/request', 'measured: exact instruction counts', data.countedRunsOf(policy.id)));
}

function cpuRows(data: ComponentsData, policy: PolicyInfo, grouping: Grouping): Row[] {
  const perRequest = cpuUs(data, policy.id);
  const runs = [...data.runsOf(policy.id, 'cpu-time'), ...data.runsOf(policy.id, 'perf-record')];
  const total = perRequest.length > 0 ? medianEstimate(perRequest) : { value: 0, interval: null, n: 0 };
  return [...shareByComponent(data, policy.id, grouping)].map(([component, share]) =>
    row(data, component, policy, partOf(share, total), 'us CPU/request', 'measured: sampled stacks', runs));
}

function bars(rows: Row[], unit: string, scale: number, yaxis: string): Data[] {
  return attributedOrder.flatMap((component) => {
    const own = rows.filter((each) => each.unit === unit && each.series === component && each.value !== null);
    if (own.every((each) => each.value === 0)) return [];
    return [{
      type: 'bar', name: component, legendgroup: component, yaxis,
      legendrank: attributedOrder.indexOf(component),
      x: own.map((each) => each.x), y: own.map((each) => each.value! / scale),
      marker: { color: componentColour(component as Attributed) },
      hovertemplate: `%{x}, ${component}: %{y:.1f}<extra></extra>`,
    } as Data];
  });
}

/** One entry a component, whichever panel has it: the kernel's have no instructions, a rare one may have no sample. */
function onceInLegend(traces: Data[]): Data[] {
  const names = traces.map(({ name }) => name);
  return traces.map((trace, i) => ({ ...trace, showlegend: names.indexOf(trace.name) === i }) as Data);
}

/** The paper's IPC, by frame: it counts kernel instructions too, so it is not the same quantity as ours. */
const paperIpc: Record<string, [number, number] | undefined> = { tcp: [0.7, 0.9], http: [0, 0.6] };

/** The paper's IPC ranges as grey bands behind ours. */
function layout(shown: PolicyInfo[], counters: boolean): object {
  const bands = shown.flatMap(({ frame }, i) => {
    const range = paperIpc[frame];
    return range ? [{
      type: 'rect', xref: 'x', yref: 'y3', x0: i - 0.5, x1: i + 0.5, y0: range[0], y1: range[1],
      layer: 'below', line: { width: 0 }, fillcolor: paperColour, opacity: 0.25,
    }] : [];
  });
  return {
    width: 860, height: 900, barmode: 'stack', bargap: 0.25,
    legend: { orientation: 'v', x: 1.01, y: 1, traceorder: 'reversed' },
    margin: { t: 100, b: 110 },
    xaxis: { tickangle: -45, anchor: 'y3', categoryorder: 'array', categoryarray: shown.map(({ label }) => label) },
    yaxis: { domain: [0.69, 1], title: { text: 'user instructions<br>(thousands/request)' } },
    yaxis2: { domain: [0.34, 0.65], title: { text: 'CPU time<br>(µs/request)' } },
    yaxis3: { domain: [0, 0.3], title: { text: `${counters ? 'IPC' : 'user IPC'}<br>(grey: paper, all code)` }, rangemode: 'tozero' },
    shapes: bands,
  };
}


function notes(data: ComponentsData, shown: PolicyInfo[]): string[] {
  return [
    'Components of CPU time are shares of sampled stacks times the CPU time of undisturbed runs; instructions are counted exactly, user code only.',
    ...repeatsNote('CPU time', shown.map(({ id }) => cpuUs(data, id).length)),
    ...repeatsNote('Hardware counters', shown.map(({ id }) => countedCycles(data, id, 'user').size)),
    ...tlsNotes(shown.filter(({ id }) => id.startsWith('tls')).map(({ id }) => totalInstructions(data, id).length > 0)),
    ...waitingNote(data, shown),
    ...(shown.every(isEnvoysOwn) ? [] : ['The SQL policy is a dynamic module of the workbench, since this Envoy has no mysql_proxy: its cost is its own, and no claim is judged by it.']),
    ...data.notes,
  ];
}

/** A worker that waits goes to sleep and wakes up more often, which is then part of what a request costs. */
function waitingNote(data: ComponentsData, shown: PolicyInfo[]): string[] {
  const waiting = shown.flatMap(({ id, label }) => {
    const busy = utilisations(data, id);
    return busy.length > 0 && median(busy) < busyShare ? [`${label} ${(100 * median(busy)).toFixed(0)} %`] : [];
  });
  return waiting.length > 0 ? [`Client and backend share the other cores and kept the worker waiting; it was busy (median): ${waiting.join(', ')}. Waking up more often is part of the CPU time of these.`] : [];
}

function judgements(data: ComponentsData): Judgement[] {
  return [
    shareVerdict(data), ...largestVerdicts(data), ...filterVerdicts(data), ...ipcVerdicts(data), ipcRises(data), uniformVerdict(data), ...ipcFalls(data),
  ];
}

/** Share of instructions (all user code) of one component, per cent. */
function instructionShare(data: ComponentsData, policy: string, component: Attributed): Estimate | null {
  const total = totalInstructions(data, policy);
  if (total.length === 0) return null;
  const part = instructionsByComponent(data, policy, 'authors').get(component)!;
  const percent = 100 * part.value / median(total);
  return { value: percent, interval: [percent, percent], n: part.n };
}

/** Shares of CPU time; where no stack was sampled those of instructions, which leave a claim about cycles open but say something. */
function shareCases(data: ComponentsData, shown: PolicyInfo[], component: Attributed): Evidence[] {
  const sampled = shown.filter(({ id }) => hasSamples(data, id))
    .map((policy) => evidence(data, policy, scaled(shareByComponent(data, policy.id, 'authors').get(component)!, 100), '%', 'measured: sampled stacks'));
  return sampled.length > 0 ? sampled : countedCases(data, shown, component);
}

function countedCases(data: ComponentsData, shown: PolicyInfo[], component: Attributed): Evidence[] {
  return shown.flatMap((policy) => {
    const share = instructionShare(data, policy.id, component);
    return share ? [evidence(data, policy, share, '%', 'measured: exact instruction counts')] : [];
  });
}

const nothing = 'neither were stacks sampled nor instructions counted';

function shareVerdict(data: ComponentsData): Judgement {
  const cases = shareCases(data, policiesOf(data, 'http'), 'HTTP Protocol Parse');
  return cases.length > 0 ? judgeAll('C07', 'parsing', cases) : unavailable('C07', 'parsing', nothing);
}

/** C08: OS Write minus the largest other component (but parsing, for HTTP), in points of CPU time. */
function largestVerdicts(data: ComponentsData): Judgement[] {
  return (['http', 'tcp'] as const).map((frame) => {
    const cases = policiesOf(data, frame).filter(({ id }) => hasSamples(data, id)).map((policy) => {
      const shares = shareByComponent(data, policy.id, 'authors');
      const others = [...shares].filter(([name]) => name !== 'OS Write' && name !== 'Unattributed' && !(frame === 'http' && name === 'HTTP Protocol Parse'));
      const largest = others.reduce((a, b) => (b[1].value > a[1].value ? b : a));
      return { ...evidence(data, policy, scaled(differenceOf(shares.get('OS Write')!, largest[1]), 100), 'points', 'measured: sampled stacks'), case: `${policy.label}, against ${largest[0]}` };
    });
    return cases.length > 0 ? judgeAll('C08', frame, cases) : unavailable('C08', frame, 'no stacks were sampled');
  });
}

/** C09: the filter's share of instructions and of CPU time. */
function filterVerdicts(data: ComponentsData): Judgement[] {
  const filtered = [...policiesOf(data, 'tcp'), ...policiesOf(data, 'http')].filter(({ id }) => id !== 'tcp' && id !== 'http');
  const byInstructions = countedCases(data, filtered, 'Sidecar Filter');
  const byTime = shareCases(data, filtered, 'Sidecar Filter');
  const largest = byTime.length > 0 ? byTime.reduce((a, b) => (b.value! > a.value! ? b : a)) : null;
  return [
    byInstructions.length > 0 ? judgeAll('C09', 'instructions', byInstructions) : unavailable('C09', 'instructions', 'instructions were not counted'),
    byTime.length > 0 ? judgeAll('C09', 'cycles-caption', byTime) : unavailable('C09', 'cycles-caption', nothing),
    largest ? judge('C09', 'cycles-text', largest) : unavailable('C09', 'cycles-text', nothing),
  ];
}

/** C12: CPU time of each component but the filter, every policy against its bare protocol. */
function uniformVerdict(data: ComponentsData): Judgement {
  const cases = (['tcp', 'http'] as const).flatMap((frame) => {
    const bare = data.policies.find(({ id }) => id === frame);
    if (!bare || !hasSamples(data, frame)) return [];
    return policiesOf(data, frame).filter(({ id }) => id !== frame && hasSamples(data, id)).flatMap((policy) => againstBare(data, policy, bare));
  });
  return cases.length > 0 ? judgeAll('C12', 'uniform', cases) : unavailable('C12', 'uniform', 'no stacks were sampled of a bare protocol and of a policy on it');
}

/** (own - bare) / bare of each component's CPU time: its share of the samples times the CPU time, which is paired by round. */
function againstBare(data: ComponentsData, policy: PolicyInfo, bare: PolicyInfo): Evidence[] {
  const { samples: [own, base], paired } = commonRounds([cpuRounds(data, policy.id), cpuRounds(data, bare.id)]);
  const time = ratioEstimate(own, base, { paired });
  const [shares, bareShares] = [policy, bare].map(({ id }) => shareByComponent(data, id, 'authors'));
  return components.filter((component) => component !== 'Sidecar Filter' && bareShares.get(component)!.value > 0).map((component) => {
    const { value, interval, n } = partOf(quotientOf(shares.get(component)!, bareShares.get(component)!), time);
    const difference: Estimate = { value: value - 1, interval: interval && [interval[0] - 1, interval[1] - 1], n };
    return {
      ...evidence(data, policy, difference, '', 'measured: sampled stacks'),
      case: `${policy.label}, ${component}`, runs: [policy, bare].flatMap(({ id }) => data.allRunsOf(id)),
    };
  });
}

function hasSamples(data: ComponentsData, policy: string): boolean {
  return userShare(data, policy).n > 0 && cpuUs(data, policy).length > 0;
}
