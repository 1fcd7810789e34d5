/** Figure 14: what one invocation of a sidecar costs, service by service. */
import { commonRounds, estimateOf, type Rounds } from '../analysis/rounds.js';
import { bootstrap, median, scaled, type Estimate } from '../analysis/statistics.js';
import { hopsOf, traversalsOf } from '../apps/traversals.js';
import type { CallGraph } from '../apps/call-graph.js';
import { paperApplications } from '../experiments/applications.js';
import type { ApplicationsData, PodRow } from '../experiments/applications-data.js';
import type { InvocationsData } from '../experiments/invocations-data.js';
import { judge, judgeAll, number, unavailable, type Evidence, type Judgement } from '../report/verdicts.js';
import type { Method, Row } from '../store/value.js';
import { groupedBars, gridLayout, type Bar, type PanelGrid } from './application-panels.js';
import { applicationsIn, estimateText, evidenceOf, labelOf, podsOf, shortName, steadiedBy, steadyNote } from './application-values.js';
import { seriesName } from './fig05.js';
import { noClock } from './fig12-values.js';
import { methodLine, paperSays, unique, type Item } from './item.js';
import { profileColour } from './palette.js';
import { styled } from './style.js';

const meshProfiles = ['default', 'demo'] as const;
const kilo = 1000;

/** One sidecar under one profile. */
interface Invocation {
  application: string;
  service: string;
  profile: string;
  /** Per request of a client. */
  traversals: number;
  /** Of one direction, half a traversal: the paper's invocation. */
  instructions: Estimate | null;
  cycles: Estimate | null;
  cpuUs: Estimate | null;
  /** At one speed of the machine for all repeats and all sidecars of this deployment. */
  steadyUs: Estimate | null;
  runs: { instructions: string[]; cycles: string[] };
}

/** @param graphs of the applications measured, by id: who calls whom how often. */
export function fig14(data: ApplicationsData, counted: InvocationsData | null, graphs: Record<string, CallGraph>): Item {
  const applications = applicationsIn(data, paperApplications).filter((id) => graphs[id]);
  const all = applications.flatMap((id) => invocationsOf(data, counted, graphs[id]));
  const servicesOf = (application: string) => unique(all.filter((one) => one.application === application).map(({ service }) => service));
  const grid: PanelGrid = {
    columns: applications.map((id) => ({ title: labelOf(data, id), groups: servicesOf(id).map(shortName) })), places: meshProfiles.length, xTitle: '',
    rows: [{ title: 'user instructions<br>(thousand/invocation)', height: 1, oneScale: true }, { title: 'cycles<br>(thousand/invocation)', height: 1, oneScale: true }],
  };
  const bars = (['instructions', 'cycles'] as const).flatMap((quantity, row) => all.map((one): Bar => {
    const value = rowOf(data, counted, one, quantity);
    return {
      column: applications.indexOf(one.application), row, group: servicesOf(one.application).indexOf(one.service), place: meshProfiles.indexOf(one.profile as 'demo'),
      series: seriesName(one.profile), colour: profileColour(one.profile), value: scaledDown(value), text: `${value.x}, ${one.profile}: ${value.value === null ? 'unavailable' : number(value.value)} ${value.unit}`,
    };
  }));
  const rows = (['instructions', 'cycles'] as const).flatMap((quantity) => all.flatMap((one) => [rowOf(data, counted, one, quantity), perTraversal(rowOf(data, counted, one, quantity))]));
  return {
    item: 'fig14',
    title: 'Figure 14: cost of a sidecar invocation, by service',
    rows: [...rows, ...all.flatMap((one) => cpuRows(data, one))],
    figure: styled({
      title: 'Figure 14: cost of one sidecar invocation, by service',
      alt: 'User instructions and modelled cycles of one invocation of each service\'s sidecar, for every application, with the profiles default and demo.',
      method: `${methodLine(rows)}<br>invocation: one direction of a call through one sidecar, as the paper counts<br>cycles: CPU time × core clock, at full speed`,
      data: groupedBars(bars, grid),
      layout: { ...gridLayout(grid, { width: 340 * applications.length, height: 780 }), legend: { orientation: 'h', x: 0, y: -0.24, yanchor: 'top' } },
    }),
    table: table(data, all),
    paper: paperSays('fig14'),
    notes: notes(data, counted, applications.map((id) => graphs[id])),
    judgements: judgements(data, all, graphs),
  };
}

/** Every sidecar that a request crosses, callers before those they call. */
function invocationsOf(data: ApplicationsData, counted: InvocationsData | null, graph: CallGraph): Invocation[] {
  const order = unique(hopsOf(graph).map(({ callee }) => callee));
  const crossed = traversalsOf(graph).filter(({ inbound, outbound }) => inbound + outbound > 0).sort((a, b) => order.indexOf(a.service) - order.indexOf(b.service));
  return crossed.flatMap(({ service, inbound, outbound }) => meshProfiles.map((profile): Invocation => {
    const traversals = inbound + outbound;
    const pods = podsOf(data, graph.id, profile, [service]);
    const each = (of: (row: PodRow) => number) => (pods.length > 0 ? estimateOf(new Map(pods.map((row) => [row.repeat, of(row) / (2 * traversals)]))) : null);
    const instructions = counted?.perRequestOf(graph.id, profile, service) ?? null;
    return {
      application: graph.id, service, profile, traversals,
      instructions: instructions && scaled(instructions, 1 / (2 * traversals)),
      cycles: pods.every(({ clockHz }) => clockHz !== null) ? each(({ sidecarCpuUs, clockHz }) => (sidecarCpuUs! * clockHz!) / 1e6) : null, cpuUs: each(({ sidecarCpuUs }) => sidecarCpuUs!), steadyUs: each(({ steadySidecarCpuUs }) => steadySidecarCpuUs!),
      runs: { instructions: counted?.runsOf(graph.id, profile) ?? [], cycles: pods.map(({ run }) => run) },
    };
  }));
}

function rowOf(data: ApplicationsData, counted: InvocationsData | null, one: Invocation, quantity: 'instructions' | 'cycles'): Row {
  const estimate = one[quantity];
  const method: Method = quantity === 'instructions' ? 'measured: exact instruction counts' : 'modelled';
  const about = { series: `${seriesName(one.profile)}: ${quantity}`, x: `${labelOf(data, one.application)}, ${one.service}`, unit: quantity === 'instructions' ? 'user instructions/invocation' : 'cycles/invocation' };
  if (!estimate) return { ...about, value: null, interval: null, method: 'unavailable', origin: data.origin, runs: [], reason: quantity === 'instructions' ? 'not counted on this recording' : one.cpuUs ? noClock : 'no run without a warning' };
  return { ...about, value: estimate.value, interval: estimate.interval, method, origin: quantity === 'instructions' ? counted!.origin : data.origin, runs: one.runs[quantity] };
}

/** CPU time as measured and steadied; not drawn. */
function cpuRows(data: ApplicationsData, one: Invocation): Row[] {
  const series = `${seriesName(one.profile)}: CPU time`;
  return [{ series, estimate: one.cpuUs }, { series: `${series}, ${steadiedBy}`, estimate: one.steadyUs }].flatMap(({ series: name, estimate }) => (estimate ? [{
    series: name, x: `${labelOf(data, one.application)}, ${one.service}`, value: estimate.value, interval: estimate.interval, unit: 'us CPU/invocation', method: 'measured: CPU time' as const, origin: data.origin, runs: one.runs.cycles,
  }] : []));
}

/** Both directions of a call: twice the paper's invocation. */
function perTraversal(row: Row): Row {
  return { ...row, unit: row.unit.replace('invocation', 'traversal'), value: row.value === null ? null : 2 * row.value, interval: row.interval && [2 * row.interval[0], 2 * row.interval[1]] };
}

function scaledDown({ value, interval, unit }: Row): Bar['value'] {
  return { value: value === null ? null : value / kilo, interval: interval && [interval[0] / kilo, interval[1] / kilo], unit };
}

function table(data: ApplicationsData, all: readonly Invocation[]): Item['table'] {
  const text = (estimate: Estimate | null, factor: number) => estimateText(estimate && scaled(estimate, factor));
  return {
    columns: [
      { key: 'application', label: 'application' }, { key: 'service', label: 'sidecar of' }, { key: 'profile', label: 'profile' }, { key: 'traversals', label: 'traversals (invocations) per request' },
      { key: 'instructions', label: 'user instructions per invocation' }, { key: 'instructionsT', label: 'per traversal' },
      { key: 'cycles', label: 'cycles per invocation' }, { key: 'cyclesT', label: 'per traversal' }, { key: 'cpu', label: 'CPU time per invocation (µs)' },
      { key: 'steady', label: 'the same, steadied (µs)' },
    ],
    rows: all.map((one) => ({
      application: labelOf(data, one.application), service: one.service, profile: one.profile, traversals: `${one.traversals} (${2 * one.traversals})`,
      instructions: text(one.instructions, 1), instructionsT: text(one.instructions, 2), cycles: text(one.cycles, 1), cyclesT: text(one.cycles, 2), cpu: text(one.cpuUs, 1), steady: text(one.steadyUs, 1),
    })),
  };
}

function notes(data: ApplicationsData, counted: InvocationsData | null, shown: readonly CallGraph[]): string[] {
  const byAddress = shown.filter(({ services }) => services.some(({ calledByPodAddress }) => calledByPodAddress)).map(({ label }) => label);
  return [
    'Instructions are those of user code only, one request of a client at a time; cycles are those of user code and kernel, at full speed. The paper counts instructions of both.',
    steadyNote,
    'A sidecar before a store handles bytes, not requests: its invocations are TCP traversals.',
    ...(byAddress.length > 0 ? [`Services of ${byAddress.join(' and ')} call each other at their pods' addresses, as clients of Consul do: Istio has no route for those, so that the caller's sidecar passes the calls on as bytes, which is why a sidecar costs less there. The paper takes such services for outliers, by amortization.`] : []),
    ...(counted ? [] : ['User instructions were not counted: that needs Valgrind.']),
    ...data.notes,
  ];
}

function judgements(data: ApplicationsData, all: readonly Invocation[], graphs: Record<string, CallGraph>): Judgement[] {
  const evidence = (one: Invocation, quantity: 'instructions' | 'cycles', unit: string): Evidence[] => {
    const estimate = one[quantity];
    const method: Method = quantity === 'instructions' ? 'measured: exact instruction counts' : 'measured: CPU time';
    return estimate ? [evidenceOf(data, `${labelOf(data, one.application)}, ${one.service}`, estimate, { unit, method, runs: one.runs[quantity] })] : [];
  };
  const costs = meshProfiles.flatMap((profile) => (['instructions', 'cycles'] as const).map((quantity) => {
    const cases = all.filter((one) => one.profile === profile).flatMap((one) => evidence(one, quantity, `${quantity} per invocation`));
    return cases.length > 0 ? judgeAll('C36', `${profile}-${quantity}`, cases) : unavailable('C36', `${profile}-${quantity}`, 'not measured in this recording');
  }));
  return [...costs, ...countVerdicts(data, graphs.bookinfo), independentVerdict(data, all)];
}

/** C37: what the sidecars themselves counted, both directions. */
function countVerdicts(data: ApplicationsData, bookinfo: CallGraph | undefined): Judgement[] {
  const services = { productpage: 'productpage', review: 'reviews', rating: 'ratings', detail: 'details' };
  return Object.entries(services).map(([reading, service]) => {
    const pods = bookinfo ? podsOf(data, bookinfo.id, 'default', [service]) : [];
    if (pods.length === 0) return unavailable('C37', reading, 'BookInfo did not run with the profile default');
    const seen = pods.map(({ inbound, outbound }) => 2 * (inbound! + outbound!));
    const value = median(seen);
    return judge('C37', reading, evidenceOf(data, service, { value, interval: [Math.min(...seen), Math.max(...seen)], n: seen.length }, { unit: 'invocations per page', method: 'measured: request counts', runs: pods.map(({ run }) => run) }));
  });
}

/**
 * C45: CPU time of an invocation averaged over an application's sidecars, against the median application; both profiles. As
 * measured, with all its drift: applications have different services, so that nothing does the same work beside both.
 */
function independentVerdict(data: ApplicationsData, all: readonly Invocation[]): Judgement {
  const cases = meshProfiles.flatMap((profile) => {
    const applications = unique(all.filter((one) => one.profile === profile && one.cpuUs).map(({ application }) => application));
    if (applications.length < 2) return [];
    const { samples, paired } = commonRounds(applications.map((application) => averageRounds(data, all.filter((one) => one.profile === profile && one.application === application))));
    return applications.map((application, i) => {
      const relative = bootstrap(samples, (drawn) => { const costs = drawn.map((sample) => median(sample)); return costs[i] / median(costs) - 1; }, { paired });
      const runs = unique(all.filter((one) => one.profile === profile && one.application === application).flatMap((one) => one.runs.cycles));
      return evidenceOf(data, `CPU time of an invocation, ${labelOf(data, application)}, ${profile}, against the median application`, relative, { unit: '', method: 'measured: CPU time', runs });
    });
  });
  return cases.length > 0 ? judgeAll('C45', 'independent', cases) : unavailable('C45', 'independent', 'fewer than two applications ran with sidecars');
}

/** Of all sidecars of one application under one profile, weighed by how often they are crossed: microseconds per invocation, by repeat. */
function averageRounds(data: ApplicationsData, own: readonly Invocation[]): Rounds {
  const invocations = own.reduce((sum, { traversals }) => sum + 2 * traversals, 0);
  const sums = new Map<number, number>();
  for (const { application, profile, service } of own) {
    for (const { repeat, sidecarCpuUs } of podsOf(data, application, profile, [service])) sums.set(repeat, (sums.get(repeat) ?? 0) + sidecarCpuUs! / invocations);
  }
  return sums;
}
