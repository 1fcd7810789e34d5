/** Figure 7: where the instructions and the CPU time of one request go, per policy, and user IPC. */
import type { Data } from 'plotly.js-dist';
import {
  attributedOrder, differenceOf, instructionsByComponent, partOf, shareByComponent, cpuUs, totalInstructions, userIpc, userShare,
} from '../analysis/request-cost.js';
import { median, medianEstimate, relativeDifferenceEstimate, type Estimate } from '../analysis/statistics.js';
import { paperFig7 } from '../deploy/catalogue.js';
import type { ComponentsData, PolicyInfo } from '../experiments/components-data.js';
import type { Attributed, Grouping } from '../paper/components.js';
import { judge, judgeAll, unavailable, type Evidence, type Judgement } from '../report/verdicts.js';
import type { Method, Row } from '../store/value.js';
import { methodLine, paperSays, type Item } from './item.js';
import { componentColour, paperColour } from './palette.js';
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
    figure: styled({
      title: 'Figure 7: one request through the sidecar, by component',
      alt: `User instructions, CPU time and user IPC of one request for ${shown.length} policies; ${groupingTitle[grouping]}.`,
      method: `${methodLine(rows)}<br>${groupingTitle[grouping]}`,
      data: [...bars(rows, 'user instructions/request', 1000, 'y'), ...bars(rows, 'us CPU/request', 1, 'y2'), ipcMarkers(rows)],
      layout: layout(shown),
    }),
    table: null,
    paper: paperSays('fig07'),
    notes: notes(data),
    judgements: grouping === 'authors' ? judgements(data) : [],
  };
}

function instructionRows(data: ComponentsData, policy: PolicyInfo, grouping: Grouping): Row[] {
  return [...instructionsByComponent(data, policy.id, grouping)].map(([component, estimate]) =>
    row(data, component, policy, estimate, 'user instructions/request', 'measured: exact instruction counts', data.runsOf(policy.id, 'instructions')));
}

function cpuRows(data: ComponentsData, policy: PolicyInfo, grouping: Grouping): Row[] {
  const perRequest = cpuUs(data, policy.id);
  const runs = [...data.runsOf(policy.id, 'cpu-time'), ...data.runsOf(policy.id, 'perf-record')];
  if (perRequest.length === 0) return [];
  const total = medianEstimate(perRequest);
  return [...shareByComponent(data, policy.id, grouping)].map(([component, share]) =>
    row(data, component, policy, partOf(share, total), 'us CPU/request', 'measured: sampled stacks', runs));
}

function ipcRows(data: ComponentsData, policy: PolicyInfo): Row[] {
  const ipc = userIpc(data, policy.id);
  if (!ipc) return [];
  return [row(data, 'user IPC', policy, ipc, 'user instructions per cycle', 'modelled', data.allRunsOf(policy.id))];
}

function row(data: ComponentsData, series: string, policy: PolicyInfo, { value, interval, n }: Estimate, unit: string, method: Method, runs: string[]): Row {
  const common = { series, x: policy.label, unit, origin: data.origin, runs };
  return n === 0
    ? { ...common, value: null, interval: null, method: 'unavailable', reason: 'not measured in this recording' }
    : { ...common, value, interval, method };
}

function bars(rows: Row[], unit: string, scale: number, yaxis: string): Data[] {
  return attributedOrder.flatMap((component) => {
    const own = rows.filter((each) => each.unit === unit && each.series === component && each.value !== null);
    if (own.every((each) => each.value === 0)) return [];
    return [{
      type: 'bar', name: component, legendgroup: component, yaxis,
      // One entry a component: the kernel's have no instruction bar.
      showlegend: yaxis === 'y2',
      x: own.map((each) => each.x), y: own.map((each) => each.value! / scale),
      marker: { color: componentColour(component as Attributed) },
      hovertemplate: `%{x}, ${component}: %{y:.1f}<extra></extra>`,
    } as Data];
  });
}

function ipcMarkers(rows: Row[]): Data {
  const own = rows.filter((each) => each.series === 'user IPC');
  return {
    type: 'scatter', mode: 'markers', name: 'user IPC', yaxis: 'y3', showlegend: false,
    x: own.map((each) => each.x), y: own.map((each) => each.value),
    error_y: {
      type: 'data', symmetric: false, visible: true, thickness: 1.5, width: 4,
      array: own.map((each) => (each.interval ? each.interval[1] - each.value! : 0)),
      arrayminus: own.map((each) => (each.interval ? each.value! - each.interval[0] : 0)),
    },
    marker: { size: 8, color: '#222222' },
    hovertemplate: '%{x}: %{y:.2f} user instructions per cycle<extra></extra>',
  } as Data;
}

/** The paper's IPC ranges as grey bands behind ours: it counts kernel instructions too, so they are not the same quantity. */
function layout(shown: PolicyInfo[]): object {
  const tcp = shown.filter(({ frame }) => frame === 'tcp').length;
  const band = (x0: number, x1: number, y0: number, y1: number) => ({
    type: 'rect', xref: 'x', yref: 'y3', x0, x1, y0, y1, layer: 'below', line: { width: 0 }, fillcolor: paperColour, opacity: 0.25,
  });
  return {
    width: 860, height: 900, barmode: 'stack', bargap: 0.25,
    legend: { orientation: 'v', x: 1.01, y: 1, traceorder: 'reversed' },
    margin: { t: 100, b: 110 },
    xaxis: { tickangle: -45, anchor: 'y3', categoryorder: 'array', categoryarray: shown.map(({ label }) => label) },
    yaxis: { domain: [0.69, 1], title: { text: 'user instructions<br>(thousands/request)' } },
    yaxis2: { domain: [0.34, 0.65], title: { text: 'CPU time<br>(µs/request)' } },
    yaxis3: { domain: [0, 0.3], title: { text: 'user IPC<br>(grey: paper, all code)' }, rangemode: 'tozero' },
    shapes: [band(-0.5, tcp - 0.5, 0.7, 0.9), band(tcp - 0.5, shown.length - 0.5, 0, 0.6)],
  };
}

function notes(data: ComponentsData): string[] {
  return [
    'Components of CPU time are shares of sampled stacks times the CPU time of undisturbed runs; instructions are counted exactly, user code only.',
    ...data.notes,
  ];
}

function judgements(data: ComponentsData): Judgement[] {
  return [
    shareVerdict(data), ...largestVerdicts(data), ...filterVerdicts(data), ...ipcVerdicts(data), ipcRises(data), uniformVerdict(data), ...ipcFalls(data),
  ];
}

function policiesOf(data: ComponentsData, frame: 'tcp' | 'http'): PolicyInfo[] {
  return paperFig7.flatMap((id) => data.policies.filter((policy) => policy.id === id && policy.frame === frame && id !== 'tls'));
}

function evidence(data: ComponentsData, policy: PolicyInfo | null, estimate: Estimate, unit: string, method: Method): Evidence {
  return {
    value: estimate.value, interval: estimate.interval, unit, method, origin: data.origin,
    runs: policy ? data.allRunsOf(policy.id) : [], case: policy?.label, cpu: data.cpuModel, envoyVersion: data.envoyVersion,
  };
}

function per100(estimate: Estimate): Estimate {
  return { ...estimate, value: 100 * estimate.value, interval: estimate.interval && [100 * estimate.interval[0], 100 * estimate.interval[1]] };
}

/** Share of instructions (all user code) of one component, per cent. */
function instructionShare(data: ComponentsData, policy: string, component: Attributed): Estimate | null {
  const total = totalInstructions(data, policy);
  if (total.length === 0) return null;
  const part = instructionsByComponent(data, policy, 'authors').get(component)!;
  const percent = 100 * part.value / median(total);
  return { value: percent, interval: [percent, percent], n: part.n };
}

/** C07: by CPU time; by instructions beside it. */
function shareVerdict(data: ComponentsData): Judgement {
  const cases = policiesOf(data, 'http').filter(({ id }) => hasSamples(data, id))
    .map((policy) => evidence(data, policy, per100(shareByComponent(data, policy.id, 'authors').get('HTTP Protocol Parse')!), '%', 'measured: sampled stacks'));
  return cases.length > 0 ? judgeAll('C07', 'parsing', cases) : unavailable('C07', 'parsing', 'no stacks were sampled');
}

/** C08: OS Write minus the largest other component (but parsing, for HTTP), in points of CPU time. */
function largestVerdicts(data: ComponentsData): Judgement[] {
  return (['http', 'tcp'] as const).map((frame) => {
    const cases = policiesOf(data, frame).filter(({ id }) => hasSamples(data, id)).map((policy) => {
      const shares = shareByComponent(data, policy.id, 'authors');
      const others = [...shares].filter(([name]) => name !== 'OS Write' && name !== 'Unattributed' && !(frame === 'http' && name === 'HTTP Protocol Parse'));
      const largest = others.reduce((a, b) => (b[1].value > a[1].value ? b : a));
      return { ...evidence(data, policy, per100(differenceOf(shares.get('OS Write')!, largest[1])), 'points', 'measured: sampled stacks'), case: `${policy.label}, against ${largest[0]}` };
    });
    return cases.length > 0 ? judgeAll('C08', frame, cases) : unavailable('C08', frame, 'no stacks were sampled');
  });
}

/** C09: the filter's share of instructions and of CPU time. */
function filterVerdicts(data: ComponentsData): Judgement[] {
  const filtered = [...policiesOf(data, 'tcp'), ...policiesOf(data, 'http')].filter(({ id }) => id !== 'tcp' && id !== 'http');
  const byInstructions = filtered.flatMap((policy) => {
    const share = instructionShare(data, policy.id, 'Sidecar Filter');
    return share ? [evidence(data, policy, share, '%', 'measured: exact instruction counts')] : [];
  });
  const byTime = filtered.filter(({ id }) => hasSamples(data, id))
    .map((policy) => evidence(data, policy, per100(shareByComponent(data, policy.id, 'authors').get('Sidecar Filter')!), '%', 'measured: sampled stacks'));
  const largest = byTime.length > 0 ? byTime.reduce((a, b) => (b.value! > a.value! ? b : a)) : null;
  return [
    byInstructions.length > 0 ? judgeAll('C09', 'instructions', byInstructions) : unavailable('C09', 'instructions', 'instructions were not counted'),
    byTime.length > 0 ? judgeAll('C09', 'cycles-caption', byTime) : unavailable('C09', 'cycles-caption', 'no stacks were sampled'),
    largest ? judge('C09', 'cycles-text', largest) : unavailable('C09', 'cycles-text', 'no stacks were sampled'),
  ];
}

/** C10 is about all code of a request. Without hardware counters only user IPC is known: not the same quantity, so it cannot judge. */
function ipcVerdicts(data: ComponentsData): Judgement[] {
  return (['tcp', 'http'] as const).map((frame) => {
    const known = policiesOf(data, frame).flatMap((policy) => userIpc(data, policy.id) ?? []).map(({ value }) => value);
    const beside = known.length > 0 ? `; user code alone runs at ${Math.min(...known).toFixed(2)} to ${Math.max(...known).toFixed(2)} (modelled), which is not the paper's quantity` : '';
    return unavailable('C10', frame, `instructions of the kernel can only be counted by hardware, and this recording has no run with hardware counters${beside}`);
  });
}

const noIpc = 'user IPC needs exact instructions, sampled stacks and CPU time of the same recording';

/** C11: user IPC of Reject 1000 minus Reject 100. */
function ipcRises(data: ComponentsData): Judgement {
  return judgeIpcDifference(data, 'C11', 'rises', [['rbac-reject-1000', 'rbac-reject-100']]);
}

/** C46: each policy against the simpler one before it. */
function ipcFalls(data: ComponentsData): Judgement[] {
  return [
    judgeIpcDifference(data, 'C46', 'tcp', [['rbac-accept-all', 'tcp'], ['rbac-reject-1', 'rbac-accept-all'], ['rbac-reject-100', 'rbac-reject-1']]),
    judgeIpcDifference(data, 'C46', 'http', [['http-mix-1', 'http'], ['http-mix-2', 'http-mix-1']]),
  ];
}

function judgeIpcDifference(data: ComponentsData, claim: string, reading: string, pairs: [string, string][]): Judgement {
  const cases = pairs.flatMap(([more, less]) => {
    const [a, b] = [userIpc(data, more), userIpc(data, less)];
    const policy = data.policies.find(({ id }) => id === more);
    if (!a || !b || !policy) return [];
    return [{ ...evidence(data, policy, differenceOf(a, b), 'instructions per cycle', 'modelled'), case: `${more} minus ${less}` }];
  });
  return cases.length > 0 ? judgeAll(claim, reading, cases) : unavailable(claim, reading, noIpc);
}

/** C12: CPU time of all that is not the filter, each policy against its bare protocol. */
function uniformVerdict(data: ComponentsData): Judgement {
  const cases = (['tcp', 'http'] as const).flatMap((frame) => policiesOf(data, frame).filter(({ id }) => id !== frame && hasSamples(data, id)).map((policy) => {
    const rest = restCpu(data, policy.id);
    const bare = restCpu(data, frame);
    return evidence(data, policy, relativeDifferenceEstimate(rest, bare), '', 'measured: sampled stacks');
  }));
  return cases.length > 0 ? judgeAll('C12', 'uniform', cases) : unavailable('C12', 'uniform', 'no stacks were sampled');
}

/** CPU time of a request outside the filter, one value a repeat. */
function restCpu(data: ComponentsData, policy: string): number[] {
  const filter = shareByComponent(data, policy, 'authors').get('Sidecar Filter')!.value;
  return cpuUs(data, policy).map((us) => us * (1 - filter));
}

function hasSamples(data: ComponentsData, policy: string): boolean {
  return userShare(data, policy).n > 0 && cpuUs(data, policy).length > 0;
}
