/** What Figure 12 draws and judges: by hardware counters where a recording has them, otherwise modelled cycles and no instructions. */
import { commonRounds, estimateOf, type Rounds } from '../analysis/rounds.js';
import { bootstrap, median, type Estimate } from '../analysis/statistics.js';
import type { ApplicationsData, CountRow } from '../experiments/applications-data.js';
import type { Method, Row } from '../store/value.js';
import { roundsOf, runsOf, type Cell } from './application-values.js';

export type Quantity = 'cycles' | 'instructions';
export type Part = CountRow['part'];

const mega = 1e6;
export const noInstructions = 'instructions of services and kernel need hardware counters';
export const noClock = "nothing looked at the cluster's nodes, so that their core clock is not known";

/** Whether the recording has counts of whole applications. */
export function isCounted(data: ApplicationsData): boolean {
  return data.counts.length > 0;
}

/** How a quantity comes about; null when it cannot be had. */
export function methodOf(data: ApplicationsData, quantity: Quantity): Method | null {
  if (isCounted(data)) return 'measured: hardware counters';
  return quantity === 'cycles' ? 'modelled' : null;
}

/** Per request, by repeat; empty when it cannot be had. Modelled cycles are CPU time times the core clock. */
export function partRounds(data: ApplicationsData, cell: Cell, quantity: Quantity, part: Part): Rounds {
  if (isCounted(data)) return new Map(countsOf(data, cell).filter((row) => row.part === part).map((row) => [row.repeat, row[quantity]]));
  if (quantity === 'instructions') return new Map();
  const all = roundsOf(data, cell, ({ appCpuUs, sidecarCpuUs, clockHz }) => (clockHz === null ? NaN : (part === 'services' ? appCpuUs : sidecarCpuUs) * clockHz) / 1e6);
  return new Map([...all].filter(([, cycles]) => Number.isFinite(cycles)));
}

/** Why a part has no value. */
function whyNone(data: ApplicationsData, cell: Cell, quantity: Quantity): string {
  if (quantity === 'instructions' && !isCounted(data)) return noInstructions;
  return roundsOf(data, cell, ({ appCpuUs }) => appCpuUs).size > 0 ? noClock : 'no run without a warning';
}

function countsOf(data: ApplicationsData, { application, profile, nodes }: Cell): CountRow[] {
  return data.counts.filter((row) => row.application === application && row.profile === profile && row.nodes === nodes);
}

/** A part of a request's cost, in millions. */
export function partRow(data: ApplicationsData, cell: Cell, quantity: Quantity, part: Part, about: { series: string; x: string }): Row {
  const { value, interval, n } = estimateOf(partRounds(data, cell, quantity, part));
  const common = { ...about, unit: `million ${quantity}/request`, origin: data.origin };
  if (n === 0) return { ...common, value: null, interval: null, method: 'unavailable', runs: [], reason: whyNone(data, cell, quantity) };
  return { ...common, value: value / mega, interval: interval && [interval[0] / mega, interval[1] / mega], method: methodOf(data, quantity)!, runs: runsBehind(data, [cell]) };
}

export function runsBehind(data: ApplicationsData, cells: readonly Cell[]): string[] {
  return isCounted(data) ? cells.flatMap((cell) => countsOf(data, cell).map(({ run }) => run)) : runsOf(data, cells);
}

/** Per cent that a profile adds to what the application costs without sidecars; null when either cannot be had. */
export function overheadOf(data: ApplicationsData, quantity: Quantity, without: Cell, with_: Cell): Estimate | null {
  const rounds = [without, with_].map((cell) => wholeRounds(data, cell, quantity));
  if (rounds.some(({ size }) => size === 0)) return null;
  const { samples, paired } = commonRounds(rounds);
  return bootstrap(samples, ([a, b]) => 100 * (median(b) / median(a) - 1), { paired });
}

/** Services and sidecars together; without sidecars there are none to add. */
function wholeRounds(data: ApplicationsData, cell: Cell, quantity: Quantity): Rounds {
  const sidecars = partRounds(data, cell, quantity, 'sidecars');
  return new Map([...partRounds(data, cell, quantity, 'services')].map(([repeat, value]) => [repeat, value + (sidecars.get(repeat) ?? 0)]));
}
