/** Figure 12: what one request costs a whole application, without sidecars and with those of a profile, by number of nodes. */
import { paperApplications, profiles } from '../experiments/applications.js';
import type { ApplicationsData, LoadRow } from '../experiments/applications-data.js';
import type { InvocationsData } from '../experiments/invocations-data.js';
import { judgeAll, number, unavailable, type Judgement } from '../report/verdicts.js';
import type { Row } from '../store/value.js';
import { groupedBars, gridLayout, panelNote, type Bar, type PanelGrid } from './application-panels.js';
import { allRows, applicationsIn, compareCells, evidenceOf, isVariant, labelOf, nodeCounts, placeNotes, rowFor, rowsOf, runsOf, type Cell } from './application-values.js';
import { emulated, seriesName } from './fig05.js';
import { methodLine, paperSays, type Item } from './item.js';
import { profileColour } from './palette.js';
import { repeatsNote } from './repeats-note.js';
import { styled } from './style.js';

const mega = 1e6;
/** CPU time x core clock. */
const kinds = {
  services: { unit: 'million cycles/request', method: 'modelled', of: ({ appCpuUs, clockHz }: LoadRow) => (appCpuUs * clockHz) / 1e6 / mega },
  sidecars: { unit: 'million cycles/request', method: 'modelled', of: ({ sidecarCpuUs, clockHz }: LoadRow) => (sidecarCpuUs * clockHz) / 1e6 / mega },
} as const;
const all = (row: LoadRow) => kinds.services.of(row) + kinds.sidecars.of(row);

const noInstructions = 'instructions of services and kernel<br>need hardware counters';

/** @param counted user instructions of sidecars, where they were counted */
export function fig12(data: ApplicationsData, counted: InvocationsData | null): Item {
  const applications = applicationsIn(data, paperApplications).filter((id) => !isVariant(id));
  const nodes = nodeCounts(data);
  const shown = profiles.filter((profile) => allRows(data).some((row) => row.profile === profile));
  const grid: PanelGrid = {
    columns: applications.map((id) => ({ title: labelOf(data, id), groups: nodes.map(String) })), places: shown.length, xTitle: 'nodes',
    rows: [{ title: 'cycles (million/request)', height: 1.2 }, { title: 'user instructions of<br>sidecars (million/request)', height: 1 }],
  };
  const cycles = applications.flatMap((application, column) => nodes.flatMap((count, group) => shown.flatMap((profile, place) =>
    (profile === 'none' ? ['services'] as const : ['services', 'sidecars'] as const).map((kind): Bar => {
      const cell: Cell = { application, profile, nodes: count, load: 'busy' };
      const series = kind === 'services' ? 'services and stores' : seriesName(profile);
      const value = rowFor(data, cell, `${seriesName(profile)}: ${kind}`, `${labelOf(data, application)}, ${count} ${count === 1 ? 'node' : 'nodes'}`, kinds[kind]);
      return { column, row: 0, group, place, series, colour: profileColour(kind === 'services' ? 'none' : profile), value, text: `${value.x}, ${value.series}: ${value.value === null ? 'unavailable' : number(value.value)} ${value.unit}` };
    }))));
  const instructions = counted ? applications.flatMap((application, column) => shown.flatMap((profile, place) => instructionBar(data, counted, { application, profile, column, place }))) : [];
  const bars = [...cycles, ...instructions];
  const rows = bars.map(({ value }) => value as Row);
  const empty = applications.flatMap((_, column) => (instructions.some((bar) => bar.column === column) ? [] : [panelNote(grid, { row: 1, column }, 'not counted')]));
  return {
    item: 'fig12',
    title: 'Figure 12: instructions and cycles of applications',
    rows: [...rows, ...unavailableRows(data, applications)],
    figure: styled({
      title: 'Figure 12: cost of a request over all services and sidecars',
      alt: 'Modelled cycles of one request in services and in sidecars, and user instructions of the sidecars, for each application, profile and number of nodes.',
      method: `${methodLine(rows)}<br>cycles: CPU time of every process × core clock, at full speed; instructions counted on one node`,
      data: groupedBars(bars, grid),
      layout: gridLayout(grid, { width: 340 * applications.length, height: 720 }, empty),
    }),
    table: table(data, applications, nodes),
    paper: paperSays('fig12'),
    notes: notes(data, applications, nodes),
    judgements: judgements(data, applications, nodes),
  };
}

/** Instructions do not depend on the number of nodes: drawn where they were counted. */
function instructionBar(data: ApplicationsData, counted: InvocationsData, { application, profile, column, place }: { application: string; profile: string; column: number; place: number }): Bar[] {
  if (profile === 'none') return [];
  const total = counted.perRequest(application, profile);
  if (!total) return [];
  const value: Row = {
    series: `${seriesName(profile)}: user instructions`, x: `${labelOf(data, application)}, 1 node`, value: total.value / mega, interval: total.interval && [total.interval[0] / mega, total.interval[1] / mega],
    unit: 'million user instructions/request', method: 'measured: exact instruction counts', origin: counted.origin, runs: counted.runsOf(application, profile),
  };
  return [{ column, row: 1, group: 0, place, series: seriesName(profile), colour: profileColour(profile), value, text: `${value.x}, ${value.series}: ${number(value.value!)} million` }];
}

/** The paper's own quantity is not dropped silently. */
function unavailableRows(data: ApplicationsData, applications: readonly string[]): Row[] {
  return applications.map((application) => ({
    series: 'instructions of services, sidecars and kernel', x: labelOf(data, application), value: null, unit: 'instructions/request', interval: null,
    method: 'unavailable', origin: data.origin, runs: [], reason: noInstructions.replace('<br>', ' '),
  }));
}

/** Per cent that a profile adds to the cycles of the application without sidecars. */
function overhead(data: ApplicationsData, application: string, profile: string, nodes: number): { estimate: ReturnType<typeof compareCells>; runs: string[] } {
  const cells = ['none', profile].map((each): Cell => ({ application, profile: each, nodes, load: 'busy' }));
  return { estimate: compareCells(data, cells, all, ([without, with_]) => 100 * (with_ / without - 1)), runs: runsOf(data, cells) };
}

function table(data: ApplicationsData, applications: readonly string[], nodes: readonly number[]): Item['table'] {
  const rows = applications.flatMap((application) => nodes.flatMap((count) => ['default', 'demo'].flatMap((profile) => {
    const own: Cell = { application, profile, nodes: count, load: 'busy' };
    const sidecars = compareCells(data, [own], ({ sidecarCpuUs }) => sidecarCpuUs, ([us]) => us);
    const services = ['none', profile].map((each) => compareCells(data, [{ ...own, profile: each }], ({ appCpuUs }) => appCpuUs, ([us]) => us));
    return sidecars ? [{ application: labelOf(data, application), nodes: count, profile, overhead: text(overhead(data, application, profile, count).estimate), sidecars: text(sidecars), services: services.map(text).join(' → ') }] : [];
  })));
  return {
    columns: [
      { key: 'application', label: 'application' }, { key: 'nodes', label: 'nodes' }, { key: 'profile', label: 'profile' },
      { key: 'overhead', label: 'cycles added to the emulated application (%)' }, { key: 'sidecars', label: 'CPU time of sidecars (µs/request)' }, { key: 'services', label: 'CPU time of services, without → with sidecars (µs/request)' },
    ],
    rows,
  };
}

function text(estimate: ReturnType<typeof compareCells>): string {
  if (!estimate) return '-';
  return `${number(estimate.value)}${estimate.interval ? ` [${estimate.interval.map(number).join(', ')}]` : ''}`;
}

function notes(data: ApplicationsData, applications: readonly string[], nodes: readonly number[]): string[] {
  const repeats = applications.flatMap((application) => nodes.flatMap((count) => profiles.map((profile) => rowsOf(data, { application, profile, nodes: count, load: 'busy' }).length)));
  return [
    'Instructions of services and kernel need hardware counters, which were not at hand: user instructions of the sidecars stand in their place, exact, and are no part of the paper\'s ratios.',
    ...placeNotes(data), ...repeatsNote('CPU time', repeats), ...data.notes,
  ];
}

function judgements(data: ApplicationsData, applications: readonly string[], nodes: readonly number[]): Judgement[] {
  const [fewest] = nodes;
  const cases = (profile: string) => applications.flatMap((application) => {
    const { estimate, runs } = overhead(data, application, profile, fewest);
    return estimate ? [evidenceOf(data, labelOf(data, application), estimate, { unit: '%', method: 'measured: CPU time', runs })] : [];
  });
  const share = (claim: string, reading: string, profile: string) => (cases(profile).length > 0 ? emulated(judgeAll(claim, reading, cases(profile))) : unavailable(claim, reading, `no application ran with the profile ${profile} and without`));
  const counted = noInstructions.replace('<br>', ' ');
  return [
    unavailable('C31', 'instructions-caption', counted), share('C31', 'cycles-caption', 'default'),
    unavailable('C31', 'instructions-text', counted), share('C31', 'cycles-text', 'default'),
    unavailable('C32', 'instructions', counted), share('C32', 'cycles', 'demo'),
    constantVerdict(data, applications, nodes),
  ];
}

/** C33, by what sidecars add in CPU time: cycles of the application with them less those without. */
function constantVerdict(data: ApplicationsData, applications: readonly string[], [fewest, ...more]: readonly number[]): Judgement {
  const cases = applications.flatMap((application) => ['default', 'demo'].flatMap((profile) => more.flatMap((count) => {
    const cells = [fewest, count].map((each): Cell => ({ application, profile, nodes: each, load: 'busy' }));
    const estimate = compareCells(data, cells, ({ sidecarCpuUs }) => sidecarCpuUs, ([few, many]) => many / few - 1);
    return estimate ? [evidenceOf(data, `CPU time of sidecars, ${labelOf(data, application)}, ${profile}, ${count} nodes against ${fewest}`, estimate, { unit: '', method: 'measured: CPU time', runs: runsOf(data, cells) })] : [];
  })));
  return cases.length > 0 ? judgeAll('C33', 'constant', cases) : unavailable('C33', 'constant', 'one number of nodes only');
}
