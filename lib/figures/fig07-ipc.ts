/**
 * Cycles, instructions and IPC in Figure 7: counted by hardware where a recording has it, beside what is modelled of user
 * code everywhere. The two are never mixed: each value, and each verdict, is of one method.
 */
import type { Data } from 'plotly.js-dist';
import { differenceOf, userIpc } from '../analysis/request-cost.js';
import { countedCycles, countedInstructions, countedIpc, type Code } from '../analysis/request-counters.js';
import { commonRounds, estimateOf, nothing, type Rounds } from '../analysis/rounds.js';
import { differenceEstimate, type Estimate } from '../analysis/statistics.js';
import type { ComponentsData, PolicyInfo } from '../experiments/components-data.js';
import { judgeAll, unavailable, type Evidence, type Judgement } from '../report/verdicts.js';
import type { Method, Row } from '../store/value.js';
import { evidence, policiesOf, row } from './fig07-values.js';

const counted: Method = 'measured: hardware counters';
const ipcUnit = 'instructions per cycle';
const noIpc = 'user IPC needs exact instructions, sampled stacks and CPU time of the same recording';
const notCounted = 'not counted in this recording, or only in runs with a warning; the kernel is counted with the right to it only (root, or perf_event_paranoid 1)';

const codes: readonly { code: Code; name: string }[] = [
  { code: 'user', name: 'user code' }, { code: 'kernel', name: 'kernel' }, { code: 'all', name: 'all code' },
];

/** Whether anything of this recording was counted by hardware. */
export function hasCounters(data: ComponentsData): boolean {
  return data.counters.numRows() > 0;
}

/** Modelled user IPC of a policy; where a recording has hardware counters, what they counted too. */
export function ipcRows(data: ComponentsData, policy: PolicyInfo): Row[] {
  const modelled = row(data, 'user IPC', policy, userIpc(data, policy.id) ?? nothing, 'user instructions per cycle', 'modelled', data.allRunsOf(policy.id), noIpc);
  return hasCounters(data) ? [modelled, ...counterRows(data, policy)] : [modelled];
}

function counterRows(data: ComponentsData, policy: PolicyInfo): Row[] {
  const runs = data.runsOf(policy.id, 'perf-stat');
  const one = (series: string, rounds: Rounds, unit: string) => row(data, series, policy, estimateOf(rounds), unit, counted, runs, notCounted);
  return codes.flatMap(({ code, name }) => [
    one(`cycles, ${name}`, countedCycles(data, policy.id, code), 'cycles/request'),
    one(`instructions, ${name}`, countedInstructions(data, policy.id, code), 'instructions/request'),
    one(`IPC, ${name}`, countedIpc(data, policy.id, code), ipcUnit),
  ]);
}

/** How each IPC is drawn: the counted one of user code is a ring, around the modelled dot where the two agree. */
const markers = [
  { series: 'user IPC', name: 'user IPC (modelled)', symbol: 'circle', size: 8, colour: '#222222' },
  { series: 'IPC, user code', name: 'IPC of user code (counted)', symbol: 'circle-open', size: 13, colour: '#222222' },
  { series: 'IPC, kernel', name: 'IPC of the kernel (counted)', symbol: 'triangle-up', size: 9, colour: '#882255' },
  { series: 'IPC, all code', name: 'IPC of all code (counted)', symbol: 'square', size: 9, colour: '#0072B2' },
];

/** One trace a kind of IPC that there is; they are in the legend only where they have to be told apart. */
export function ipcMarkers(rows: Row[]): Data[] {
  const drawn = markers.map((marker) => ({ ...marker, own: rows.filter((each) => each.series === marker.series && each.value !== null) }))
    .filter(({ series, own }) => series === 'user IPC' || own.length > 0);
  return drawn.map(({ series, name, symbol, size, colour, own }) => ({
    type: 'scatter', mode: 'markers', name: drawn.length > 1 ? name : series, yaxis: 'y3', showlegend: drawn.length > 1,
    x: own.map((each) => each.x), y: own.map((each) => each.value),
    error_y: {
      type: 'data', symmetric: false, visible: true, thickness: 1.5, width: 4,
      array: own.map((each) => (each.interval ? each.interval[1] - each.value! : 0)),
      arrayminus: own.map((each) => (each.interval ? each.value! - each.interval[0] : 0)),
    },
    marker: { size, color: colour, ...(symbol === 'circle' ? {} : { symbol }) },
    hovertemplate: series === 'user IPC' ? '%{x}: %{y:.2f} user instructions per cycle<extra></extra>' : `%{x}, ${name}: %{y:.2f}<extra></extra>`,
  } as Data));
}

/** C10 is about all code of a request. User IPC alone is not the same quantity, so it cannot judge. */
export function ipcVerdicts(data: ComponentsData): Judgement[] {
  return (['tcp', 'http'] as const).map((frame) => {
    const cases = policiesOf(data, frame).flatMap((policy) => {
      const ipc = countedIpc(data, policy.id, 'all');
      return ipc.size > 0 ? [{ ...evidence(data, policy, estimateOf(ipc), ipcUnit, counted), runs: data.runsOf(policy.id, 'perf-stat') }] : [];
    });
    return cases.length > 0 ? judgeAll('C10', frame, cases) : unavailable('C10', frame, `${whyNotCounted(data, frame)}${userCodeBeside(data, frame)}`);
  });
}

function whyNotCounted(data: ComponentsData, frame: 'tcp' | 'http'): string {
  const counters = policiesOf(data, frame).some(({ id }) => data.runsOf(id, 'perf-stat').length > 0);
  return `instructions of the kernel can only be counted by hardware, and this recording has no run ${counters ? 'in which hardware counters could see the kernel' : 'with hardware counters'}`;
}

function userCodeBeside(data: ComponentsData, frame: 'tcp' | 'http'): string {
  const ofUserCode = (method: string, valuesOf: (id: string) => readonly number[]) => {
    const known = policiesOf(data, frame).flatMap(({ id }) => valuesOf(id));
    return known.length > 0 ? `; user code alone runs at ${Math.min(...known).toFixed(2)} to ${Math.max(...known).toFixed(2)} (${method}), which is not the paper's quantity` : '';
  };
  return ofUserCode(counted, (id) => [...countedIpc(data, id, 'user').values()]) || ofUserCode('modelled', (id) => [userIpc(data, id)?.value ?? []].flat());
}

/** C11: IPC of Reject 1000 minus Reject 100. */
export function ipcRises(data: ComponentsData): Judgement {
  return judgeIpcDifference(data, 'C11', 'rises', [['rbac-reject-1000', 'rbac-reject-100']]);
}

/** C46: each policy against the simpler one before it. */
export function ipcFalls(data: ComponentsData): Judgement[] {
  return [
    judgeIpcDifference(data, 'C46', 'tcp', [['rbac-accept-all', 'tcp'], ['rbac-reject-1', 'rbac-accept-all'], ['rbac-reject-100', 'rbac-reject-1']]),
    judgeIpcDifference(data, 'C46', 'http', [['http-mix-1', 'http'], ['http-mix-2', 'http-mix-1']]),
  ];
}

/** By the counters, of all code as in the paper, when they saw every pair that the model knows; else by the model, of user code. */
function judgeIpcDifference(data: ComponentsData, claim: string, reading: string, pairs: [string, string][]): Judgement {
  const byCounters = casesOf(data, pairs, counted, countedDifference, (id) => data.runsOf(id, 'perf-stat'));
  const modelled = casesOf(data, pairs, 'modelled', modelledDifference, data.allRunsOf);
  const cases = byCounters.length >= modelled.length ? byCounters : modelled;
  return cases.length > 0 ? judgeAll(claim, reading, cases) : unavailable(claim, reading, noIpc);
}

type Difference = (data: ComponentsData, more: string, less: string) => Estimate | null;

function casesOf(data: ComponentsData, pairs: [string, string][], method: Method, difference: Difference, runsOf: (policy: string) => string[]): Evidence[] {
  return pairs.flatMap(([more, less]) => {
    const policy = data.policies.find(({ id }) => id === more);
    const estimate = difference(data, more, less);
    if (!estimate || !policy) return [];
    return [{ ...evidence(data, policy, estimate, ipcUnit, method), case: `${more} minus ${less}`, runs: [more, less].flatMap(runsOf) }];
  });
}

function modelledDifference(data: ComponentsData, more: string, less: string): Estimate | null {
  const [a, b] = [userIpc(data, more), userIpc(data, less)];
  return a && b && differenceOf(a, b);
}

function countedDifference(data: ComponentsData, more: string, less: string): Estimate | null {
  const measured = [countedIpc(data, more, 'all'), countedIpc(data, less, 'all')];
  if (measured.some(({ size }) => size === 0)) return null;
  const { samples: [a, b], paired } = commonRounds(measured);
  return differenceEstimate(a, b, { paired });
}
