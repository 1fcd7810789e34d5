/** Figure 12: what one request costs a whole application, without sidecars and with those of a profile, by number of nodes. */
import { paperApplications, profiles } from '../experiments/applications.js';
import type { ApplicationsData, LoadRow } from '../experiments/applications-data.js';
import type { InvocationsData } from '../experiments/invocations-data.js';
import { judgeAll, number, unavailable, type Judgement } from '../report/verdicts.js';
import type { Row } from '../store/value.js';
import { groupedBars, gridLayout, panelNote, type Bar, type PanelGrid } from './application-panels.js';
import { allRows, applicationsIn, compareCells, estimateText, evidenceOf, isVariant, judgedNodes, judgedNodesNote, labelOf, nodeCounts, placeNotes, rowFor, rowsOf, runsOf, steadiedBy, steadyNote, byServices, type Cell } from './application-values.js';
import { isCounted, methodOf, noInstructions, overheadOf, partRow, runsBehind, type Part, type Quantity } from './fig12-values.js';
import { emulated, seriesName } from './fig05.js';
import { methodLine, paperSays, type Item } from './item.js';
import { profileColour } from './palette.js';
import { repeatsNote } from './repeats-note.js';
import { styled } from './style.js';

/** @param counted user instructions of sidecars, where they were counted: drawn where there are no hardware counters */
export function fig12(data: ApplicationsData, counted: InvocationsData | null): Item {
  const applications = applicationsIn(data, paperApplications).filter((id) => !isVariant(id));
  const nodes = nodeCounts(data);
  const shown = profiles.filter((profile) => allRows(data).some((row) => row.profile === profile));
  const hardware = isCounted(data);
  const grid: PanelGrid = {
    columns: applications.map((id) => ({ title: labelOf(data, id), groups: nodes.map(String) })), places: shown.length, xTitle: 'nodes',
    rows: [{ title: 'cycles (million/request)', height: 1.2 }, { title: hardware ? 'instructions<br>(million/request)' : 'user instructions of<br>sidecars (million/request)', height: 1 }],
  };
  const bars = (hardware ? ['cycles', 'instructions'] as const : ['cycles'] as const).flatMap((quantity, row) => partBars(data, { applications, nodes, shown, quantity, row }));
  const ofSidecars = hardware || !counted ? [] : applications.flatMap((application, column) => shown.flatMap((profile, place) => sidecarBar(data, counted, { application, profile, column, place })));
  const rows = [...bars, ...ofSidecars].map(({ value }) => value as Row);
  const empty = hardware ? [] : applications.flatMap((_, column) => (ofSidecars.some((bar) => bar.column === column) ? [] : [panelNote(grid, { row: 1, column }, 'not counted')]));
  return {
    item: 'fig12',
    title: 'Figure 12: instructions and cycles of applications',
    rows: [...rows, ...besideRows(data, applications, nodes), ...(hardware ? [] : unavailableRows(data, applications))],
    figure: styled({
      title: 'Figure 12: cost of a request over all services and sidecars',
      alt: 'Cycles and instructions of one request in services and in sidecars, for each application, profile and number of nodes.',
      method: `${methodLine(rows)}<br>${hardware ? 'all processes, user code and kernel, at full speed' : 'cycles: CPU time of every process × core clock, at full speed; instructions counted on one node'}`,
      data: groupedBars([...bars, ...ofSidecars], grid),
      layout: gridLayout(grid, { width: 340 * applications.length, height: 720 }, empty),
    }),
    table: table(data, applications, nodes),
    paper: paperSays('fig12'),
    notes: notes(data, applications, nodes),
    judgements: judgements(data, applications, nodes),
  };
}

interface Drawn {
  applications: readonly string[];
  nodes: readonly number[];
  shown: readonly string[];
  quantity: Quantity;
  row: number;
}

/** Services below, sidecars on top. */
function partBars(data: ApplicationsData, { applications, nodes, shown, quantity, row }: Drawn): Bar[] {
  return applications.flatMap((application, column) => nodes.flatMap((count, group) => shown.flatMap((profile, place) =>
    (profile === 'none' ? ['services'] as const : ['services', 'sidecars'] as const).map((part: Part): Bar => {
      const cell: Cell = { application, profile, nodes: count, load: 'busy' };
      const value = partRow(data, cell, quantity, part, { series: `${seriesName(profile)}: ${part}`, x: `${labelOf(data, application)}, ${count} ${count === 1 ? 'node' : 'nodes'}` });
      return {
        column, row, group, place, series: part === 'services' ? 'services and stores' : seriesName(profile), colour: profileColour(part === 'services' ? 'none' : profile),
        value, text: `${value.x}, ${value.series}: ${value.value === null ? 'unavailable' : number(value.value)} ${value.unit}`,
      };
    }))));
}

/** Instructions of user code do not depend on the number of nodes: drawn where they were counted. */
function sidecarBar(data: ApplicationsData, counted: InvocationsData, { application, profile, column, place }: { application: string; profile: string; column: number; place: number }): Bar[] {
  const total = profile === 'none' ? null : counted.perRequest(application, profile);
  if (!total) return [];
  const value: Row = {
    series: `${seriesName(profile)}: user instructions`, x: `${labelOf(data, application)}, 1 node`, value: total.value / 1e6, interval: total.interval && [total.interval[0] / 1e6, total.interval[1] / 1e6],
    unit: 'million user instructions/request', method: 'measured: exact instruction counts', origin: counted.origin, runs: counted.runsOf(application, profile),
  };
  return [{ column, row: 1, group: 0, place, series: seriesName(profile), colour: profileColour(profile), value, text: `${value.x}, ${value.series}: ${number(value.value!)} million` }];
}

const sidecarUs = { unit: 'us CPU/request', method: 'measured: CPU time', of: ({ sidecarCpuUs }: LoadRow) => sidecarCpuUs } as const;
const steadyUs = { ...sidecarUs, of: ({ steadySidecarCpuUs }: LoadRow) => steadySidecarCpuUs! } as const;
const perServices = { ...sidecarUs, unit: 'x CPU time of services', of: byServices } as const;

/** What sidecars cost in CPU time, in three ways; not drawn. */
function besideRows(data: ApplicationsData, applications: readonly string[], nodes: readonly number[]): Row[] {
  return applications.flatMap((application) => nodes.flatMap((count) => ['default', 'demo'].flatMap((profile) => {
    const cell: Cell = { application, profile, nodes: count, load: 'busy' };
    const x = `${labelOf(data, application)}, ${count} ${count === 1 ? 'node' : 'nodes'}`;
    const series = `${seriesName(profile)}: CPU time of sidecars`;
    return [rowFor(data, cell, series, x, sidecarUs), rowFor(data, cell, `${series}, ${steadiedBy}`, x, steadyUs), rowFor(data, cell, `${series} by services in the same window`, x, perServices)];
  })));
}

/** The paper's own quantity is not dropped silently. */
function unavailableRows(data: ApplicationsData, applications: readonly string[]): Row[] {
  return applications.map((application) => ({
    series: 'instructions of services, sidecars and kernel', x: labelOf(data, application), value: null, unit: 'million instructions/request', interval: null,
    method: 'unavailable', origin: data.origin, runs: [], reason: noInstructions,
  }));
}

/** An application without sidecars and with those of a profile. */
function pairOf(application: string, profile: string, nodes: number): [Cell, Cell] {
  const cell = (each: string): Cell => ({ application, profile: each, nodes, load: 'busy' });
  return [cell('none'), cell(profile)];
}

function table(data: ApplicationsData, applications: readonly string[], nodes: readonly number[]): Item['table'] {
  const rows = applications.flatMap((application) => nodes.flatMap((count) => ['default', 'demo'].flatMap((profile) => {
    const [without, with_] = pairOf(application, profile, count);
    const alone = (cell: Cell, of: (row: LoadRow) => number) => compareCells(data, [cell], of, ([value]) => value);
    const [sidecars, steady, relative] = [sidecarUs, steadyUs, perServices].map(({ of }) => alone(with_, of));
    const services = [without, with_].map((cell) => alone(cell, ({ appCpuUs }) => appCpuUs));
    const added = (quantity: Quantity) => estimateText(overheadOf(data, quantity, without, with_));
    return sidecars ? [{ application: labelOf(data, application), nodes: count, profile, cycles: added('cycles'), instructions: added('instructions'), sidecars: estimateText(sidecars), steady: estimateText(steady), relative: estimateText(relative), services: services.map(estimateText).join(' → ') }] : [];
  })));
  return {
    columns: [
      { key: 'application', label: 'application' }, { key: 'nodes', label: 'nodes' }, { key: 'profile', label: 'profile' },
      { key: 'cycles', label: 'cycles added to the emulated application (%)' }, { key: 'instructions', label: 'instructions added (%)' },
      { key: 'sidecars', label: 'CPU time of sidecars (µs/request)' }, { key: 'steady', label: 'the same, steadied (µs/request)' },
      { key: 'relative', label: 'CPU time of sidecars / of services, same window' }, { key: 'services', label: 'CPU time of services, without → with sidecars (µs/request)' },
    ],
    rows,
  };
}

function notes(data: ApplicationsData, applications: readonly string[], nodes: readonly number[]): string[] {
  const repeats = applications.flatMap((application) => nodes.flatMap((count) => profiles.map((profile) => rowsOf(data, { application, profile, nodes: count, load: 'busy' }).length)));
  return [
    ...(isCounted(data) ? [] : ['Instructions of services and kernel need hardware counters, which were not at hand: user instructions of the sidecars stand in their place, exact, and are no part of the paper\'s ratios.']),
    steadyNote, ...constantNote(data, applications), ...judgedNodesNote(data, 'busy', 'C33'), ...placeNotes(data), ...repeatsNote('CPU time', repeats), ...data.notes,
  ];
}

function judgements(data: ApplicationsData, applications: readonly string[], nodes: readonly number[]): Judgement[] {
  const [fewest] = nodes;
  const share = (claim: string, reading: string, profile: string, quantity: Quantity): Judgement => {
    const method = methodOf(data, quantity);
    if (!method) return unavailable(claim, reading, noInstructions);
    const cases = applications.flatMap((application) => {
      const cells = pairOf(application, profile, fewest);
      const estimate = overheadOf(data, quantity, ...cells);
      return estimate ? [evidenceOf(data, labelOf(data, application), estimate, { unit: '%', method, runs: runsBehind(data, cells) })] : [];
    });
    return cases.length > 0 ? emulated(judgeAll(claim, reading, cases)) : unavailable(claim, reading, `no application ran with the profile ${profile} and without`);
  };
  return [
    share('C31', 'instructions-caption', 'default', 'instructions'), share('C31', 'cycles-caption', 'default', 'cycles'),
    share('C31', 'instructions-text', 'default', 'instructions'), share('C31', 'cycles-text', 'default', 'cycles'),
    share('C32', 'instructions', 'demo', 'instructions'), share('C32', 'cycles', 'demo', 'cycles'),
    constantVerdict(data, applications, perServices.of, 'CPU time of sidecars by services in the same window'),
  ];
}

/**
 * C33. By what sidecars cost for the services' cost in the same window: the paper's overhead is a share, too, and deployments
 * that were measured at different times compare only so. If more nodes make services and sidecars dearer alike, it stays.
 */
function constantVerdict(data: ApplicationsData, applications: readonly string[], of: (row: LoadRow) => number, what: string): Judgement {
  const [fewest, ...more] = judgedNodes(data, 'busy');
  const cases = applications.flatMap((application) => ['default', 'demo'].flatMap((profile) => more.flatMap((count) => {
    const cells = [fewest, count].map((each): Cell => ({ application, profile, nodes: each, load: 'busy' }));
    const estimate = compareCells(data, cells, of, ([few, many]) => many / few - 1);
    return estimate ? [evidenceOf(data, `${what}, ${labelOf(data, application)}, ${profile}, ${count} nodes against ${fewest}`, estimate, { unit: '', method: 'measured: CPU time', runs: runsOf(data, cells) })] : [];
  })));
  return cases.length > 0 ? judgeAll('C33', 'constant', cases) : unavailable('C33', 'constant', 'one number of nodes only');
}

/** The quantity of C33 was chosen when the recording was there: said, with what the other one would give. */
function constantNote(data: ApplicationsData, applications: readonly string[]): string[] {
  const { verdict, reason } = constantVerdict(data, applications, sidecarUs.of, 'CPU time of sidecars');
  if (verdict === 'unavailable') return [];
  return [`Whether nodes matter (C33) is judged by sidecars by services, which was chosen after CPU time as measured had proved to drift; a change that both share would not show. By CPU time of sidecars as measured it is ${verdict}: ${reason}.`];
}
