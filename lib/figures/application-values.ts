/** What Figures 5, 12 and 14 have in common: cells of application, profile and nodes, and how they compare. */
import { commonRounds, estimateOf, type Rounds } from '../analysis/rounds.js';
import { bootstrap, median, type Estimate } from '../analysis/statistics.js';
import type { ApplicationsData, LoadKind, LoadRow, PodRow } from '../experiments/applications-data.js';
import { leastRepeats, number, type Evidence } from '../report/verdicts.js';
import type { Method, Row } from '../store/value.js';
import { unique } from './item.js';

/** One deployment under one kind of load. */
export interface Cell {
  application: string;
  profile: string;
  nodes: number;
  load: LoadKind;
}

/** Good repeats of a cell. */
export function rowsOf(data: ApplicationsData, cell: Cell): LoadRow[] {
  return allRows(data).filter((row) => row.good && sameCell(row, cell));
}

/** A quantity of a cell, by repeat. */
export function roundsOf(data: ApplicationsData, cell: Cell, of: (row: LoadRow) => number): Rounds {
  return new Map(rowsOf(data, cell).map((row) => [row.repeat, of(row)]));
}

export function runsOf(data: ApplicationsData, cells: readonly Cell[]): string[] {
  return cells.flatMap((cell) => rowsOf(data, cell).map(({ run }) => run));
}

/** A row of results for a cell; unavailable, with the warning, where no repeat is good. */
export function rowFor(data: ApplicationsData, cell: Cell, series: string, x: string, { unit, method, of }: { unit: string; method: Method; of: (row: LoadRow) => number }): Row {
  const estimate = estimateOf(roundsOf(data, cell, of));
  if (estimate.n === 0) {
    const marked = allRows(data).find((row) => sameCell(row, cell));
    return { series, x, value: null, unit, interval: null, method: 'unavailable', origin: data.origin, runs: [], reason: marked?.warning || 'not measured' };
  }
  return { series, x, value: estimate.value, unit, interval: estimate.interval, method, origin: data.origin, runs: runsOf(data, [cell]) };
}

/** A statistic of several cells' medians, paired by round where they share rounds; null where a cell has no good repeat. */
export function compareCells(data: ApplicationsData, cells: readonly Cell[], of: (row: LoadRow) => number, statistic: (medians: number[]) => number): Estimate | null {
  const rounds = cells.map((cell) => roundsOf(data, cell, of));
  if (rounds.some(({ size }) => size === 0)) return null;
  const { samples, paired } = commonRounds(rounds);
  return bootstrap(samples, (drawn) => statistic(drawn.map((sample) => median(sample))), { paired });
}

export function evidenceOf(data: ApplicationsData, name: string, { value, interval, n }: Estimate, about: { unit: string; method: Method; runs: string[] }): Evidence {
  return { value, interval, repeats: n, case: name, origin: data.origin, cpu: data.cpuModel, envoyVersion: data.envoyVersion, ...about };
}

export function allRows(data: ApplicationsData): LoadRow[] {
  return data.loads.objects() as LoadRow[];
}

/** Pods of some services that have a sidecar, on the fewest nodes: one row a service and repeat. */
export function podsOf(data: ApplicationsData, application: string, profile: string, services: readonly string[]): PodRow[] {
  const [fewest] = nodeCounts(data);
  return (data.pods.objects() as PodRow[]).filter((row) => row.application === application && row.profile === profile && row.nodes === fewest && services.includes(row.service) && row.sidecarCpuUs !== null);
}

export function nodeCounts(data: ApplicationsData): number[] {
  return unique(allRows(data).map(({ nodes }) => nodes)).sort((a, b) => a - b);
}

/**
 * Numbers of nodes by which claims about them are judged: those that were repeated often enough under a load; all where fewer
 * than two were. The others are drawn beside them.
 */
export function judgedNodes(data: ApplicationsData, load: LoadKind): number[] {
  const repeats = (count: number) => new Set(allRows(data).filter((row) => row.nodes === count && row.load === load).map(({ repeat }) => repeat)).size;
  const enough = nodeCounts(data).filter((count) => repeats(count) >= leastRepeats);
  return enough.length >= 2 ? enough : nodeCounts(data);
}

/** What a figure says of those that are not. @param claim e.g. `C33` */
export function judgedNodesNote(data: ApplicationsData, load: LoadKind, claim: string): string[] {
  const others = nodeCounts(data).filter((count) => !judgedNodes(data, load).includes(count));
  return others.length === 0 ? [] : [`${claim} is judged on ${judgedNodes(data, load).join(' and ')} nodes; ${others.join(', ')} were repeated fewer than ${leastRepeats} times.`];
}

/** `BookInfo`, by id. */
export function labelOf(data: ApplicationsData, application: string): string {
  return data.labels[application] ?? application;
}

/** Those that were measured, the paper's first. */
export function applicationsIn(data: ApplicationsData, order: readonly string[]): string[] {
  const measured = unique(allRows(data).map(({ application }) => application));
  return [...order.filter((id) => measured.includes(id)), ...measured.filter((id) => !order.includes(id))];
}

/** `47.9 [46.6, 48.7]`, as tables print it; `-` where there is none. */
export function estimateText(estimate: Pick<Estimate, 'value' | 'interval'> | null): string {
  if (!estimate) return '-';
  return `${number(estimate.value)}${estimate.interval ? ` [${estimate.interval.map(number).join(', ')}]` : ''}`;
}

/** A service's name as fits below a bar or into a box. */
export function shortName(service: string): string {
  return service.replace(/service$/, '').replace('memcached', 'mc');
}

/** Whether it is a variant of an application, `bookinfo:since-2024-06`. */
export function isVariant(application: string): boolean {
  return application.includes(':');
}

function sameCell(row: Cell, cell: Cell): boolean {
  return row.application === cell.application && row.profile === cell.profile && row.nodes === cell.nodes && row.load === cell.load;
}

/** Added to every figure of applications on one machine. */
export function placeNotes(data: ApplicationsData): string[] {
  const emulated = 'Services are emulated: they make the calls and send the bytes of the real ones, but compute nothing. What sidecars add is theirs; how it compares with an application\'s own cost is not the paper\'s.';
  if (data.engine !== 'namespaces') return [emulated];
  return [emulated,
    `All nodes are bridges of one kernel and share ${data.podCores === 1 ? 'one core' : `${data.podCores} cores`}: more nodes lengthen the way of a packet through the kernel, but add no core, no network card and no wire.`];
}

/** How CPU time was made comparable between repeats, for method lines. */
export const steadiedBy = "steadied by the services' CPU time in the same window";

/** What a steadied value says, and what it does not. */
export const steadyNote = 'Steadied: CPU time for the same work can drift within seconds, for all programs alike; the services in the same window, which do the same work in every repeat, say how dear work was just then. Its interval is what repeats differ by beside that drift; the interval of the value as measured holds the drift too. Each deployment is steadied at a speed of its own: between deployments compare sidecars by services.';

/** CPU time of sidecars for one of the services' that requests reach, in the same window: the machine's speed is in neither more than in the other. */
export function byServices({ sidecarCpuUs, referenceCpuUs }: { sidecarCpuUs: number | null; referenceCpuUs: number }): number {
  return (sidecarCpuUs ?? 0) / referenceCpuUs;
}

/** Why shares of an application's cost are not judged. */
export const emulatedReason = "the paper's applications compute, the emulated ones here do not, so that shares of their cost say nothing of the paper's";
