/** How quantities of the front end become rows, evidence and panels, in Figures 8 to 10, 15 to 17 and Table 4. */
import { quantityOf, type FrontendQuantity } from '../analysis/simulated-frontend.js';
import { differenceEstimate, medianEstimate, relativeDifferenceEstimate, type Estimate } from '../analysis/statistics.js';
import { isEnvoysOwn, paperRank } from '../deploy/catalogue.js';
import type { FrontendCore, FrontendData, FrontendPoint } from '../experiments/frontend-data.js';
import type { Evidence } from '../report/verdicts.js';
import type { Method, Row } from '../store/value.js';

/** The simulated core that stands for the paper's newer machine, and for its older one. */
export const newerCore = 'ice-lake';
export const olderCore = 'haswell';

/** Where the model has no backend, shares of what a core spends are bounds only. */
const upperBoundNote = 'A simulated core never waits for data, so that nothing is backend bound and all shares of its cycles and slots are upper bounds.';

export function hasSimulated(panels: readonly Pick<Panel, 'points'>[]): boolean {
  return panels.some(({ points }) => points.some(({ method }) => method === 'simulated'));
}

/** For figures of shares. */
export function boundNotes(panels: readonly Pick<Panel, 'points'>[]): string[] {
  return hasSimulated(panels) ? [upperBoundNote] : [];
}

export function methodOf({ method }: Pick<FrontendPoint, 'method'>, quantity: FrontendQuantity): Method {
  return method === 'simulated' ? quantityOf(quantity).method : method;
}

/**
 * Simulated: the value with the state kept at system calls, and both bounds as its interval; measured: the median of
 * the repeats. @returns null when the point lacks it.
 */
export function estimateOf({ method, samples }: Pick<FrontendPoint, 'method' | 'samples'>, quantity: FrontendQuantity): Estimate | null {
  const own = samples[quantity];
  if (!own || own.length === 0) return null;
  return method === 'simulated' ? fromBounds(own) : medianEstimate(own);
}

/** `relative`: of the second, in per cent. Simulated points are compared bound by bound. @returns null when one lacks it. */
export function differenceOf(a: FrontendPoint, b: FrontendPoint, quantity: FrontendQuantity, how: 'absolute' | 'relative' = 'absolute'): Estimate | null {
  const [x, y] = [a.samples[quantity], b.samples[quantity]];
  if (!x?.length || !y?.length || a.method !== b.method) return null;
  if (a.method === 'simulated') return fromBounds(x.map((value, i) => (how === 'relative' ? 100 * (value / y[i] - 1) : value - y[i])));
  if (how === 'absolute') return differenceEstimate(x, y);
  const { value, interval, n } = relativeDifferenceEstimate(x, y);
  return { value: 100 * value, interval: interval && [100 * interval[0], 100 * interval[1]], n };
}

function fromBounds(bounds: readonly number[]): Estimate {
  return { value: bounds[0], interval: [Math.min(...bounds), Math.max(...bounds)], n: bounds.length };
}

const noBackend = 'a trace of code holds no data addresses and no dependences, so that waiting for data is not modelled';

export function rowOf(point: FrontendPoint, quantity: FrontendQuantity): Row {
  const { label, unit } = quantityOf(quantity);
  const estimate = estimateOf(point, quantity);
  const common = { series: [label, nameOf(point)].join(', '), x: point.policy.label, unit, origin: point.origin, runs: point.runs };
  if (!estimate) return { ...common, value: null, interval: null, method: 'unavailable', reason: point.method === 'simulated' ? noBackend : 'not counted in this recording' };
  return { ...common, value: estimate.value, interval: estimate.interval, method: methodOf(point, quantity) };
}

/** Of every point of the panels, its quantities one after another. */
export function rowsOf(panels: readonly Pick<Panel, 'points'>[], quantities: readonly FrontendQuantity[]): Row[] {
  return panels.flatMap(({ points }) => points.flatMap((point) => quantities.map((quantity) => rowOf(point, quantity))));
}

/**
 * What a verdict rests on. A share of the cycles or slots of a simulated core is an upper bound: what it is evidence of
 * lies between 0 and the larger of both bounds.
 * @param unit as the claim has it.
 */
export function evidenceOf(point: FrontendPoint, quantity: FrontendQuantity, unit: string): Evidence {
  const estimate = estimateOf(point, quantity);
  const about = `${point.policy.label} on ${nameOf(point)}`;
  if (!estimate) return { ...origins([point]), value: null, interval: null, unit, method: 'unavailable', case: about, reason: rowOf(point, quantity).reason };
  const isBound = point.method === 'simulated' && quantityOf(quantity).isUpperBound;
  return {
    ...asEvidence([point], estimate, unit, methodOf(point, quantity)),
    ...(isBound ? { interval: [0, estimate.interval![1]], case: `${about} (an upper bound)` } : { case: about }),
  };
}

/** Evidence of a comparison of two points, or of one alone. */
export function asEvidence(points: readonly FrontendPoint[], { value, interval, n }: Estimate, unit: string, method: Method): Evidence {
  const isSimulated = points[0].method === 'simulated';
  return { ...origins(points), value, interval, unit, method, case: points[0].policy.label, ...(isSimulated ? {} : { repeats: n }) };
}

function origins(points: readonly FrontendPoint[]): Pick<Evidence, 'origin' | 'runs' | 'cpu' | 'envoyVersion'> {
  const each = (of: (point: FrontendPoint) => string) => [...new Set(points.map(of))].join(', ');
  return {
    origin: each(({ origin }) => origin), runs: [...new Set(points.flatMap(({ runs }) => runs))],
    cpu: each(nameOf), envoyVersion: each(({ envoyVersion }) => envoyVersion),
  };
}

/** `Ice Lake (simulated)`; of a measured point the load too. */
export function nameOf({ core, load, method }: Pick<FrontendPoint, 'core' | 'load' | 'method'>): string {
  if (method === 'simulated') return `${core.label} (simulated)`;
  return load === null ? core.label : `${core.label} at ${load} load`;
}

/** Points of one core at one load, in the paper's order of policies. */
export interface Panel {
  title: string;
  core: FrontendCore;
  points: FrontendPoint[];
}

/** Where loads are not compared: simulated points, and of each measured core those at its highest load. */
export function atHighestLoad(data: FrontendData): FrontendData {
  const highest = (core: string) => Math.max(...data.points.filter((point) => point.core.id === core).map(rankOfLoad));
  return { ...data, points: data.points.filter((point) => rankOfLoad(point) === highest(point.core.id)) };
}

function rankOfLoad({ load }: FrontendPoint): number {
  return load === null ? -1 : ['low', 'medium', 'high'].indexOf(load);
}
/** One panel a core and load, in the order of the data; only those that have any of the quantities. */
export function panelsOf({ points }: Pick<FrontendData, 'points'>, of: readonly FrontendQuantity[]): Panel[] {
  const panels = new Map<string, FrontendPoint[]>();
  for (const point of points) {
    if (!of.some((quantity) => point.samples[quantity]?.length)) continue;
    const title = `${nameOf(point)}${point.method === 'simulated' ? '' : ` (${point.origin})`}`;
    panels.set(title, [...panels.get(title) ?? [], point]);
  }
  return [...panels].map(([title, own]) => ({ title, core: own[0].core, points: inPaperOrder(own) }));
}

/** Policies that the paper does not have come last. */
export function inPaperOrder<Point extends { policy: { id: string } }>(points: readonly Point[]): Point[] {
  return [...points].sort((a, b) => paperRank(a.policy.id) - paperRank(b.policy.id));
}

/**
 * What claims about the paper's newer machine are judged by: points counted by hardware on the first machine that has
 * the quantity, else the simulated core's.
 */
export function judgedPoints({ points }: FrontendData, quantity: FrontendQuantity): FrontendPoint[] {
  const having = points.filter(({ samples, policy }) => samples[quantity]?.length && isEnvoysOwn(policy));
  const measured = having.filter(({ method }) => method !== 'simulated');
  const chosen = measured.length > 0 ? measured.filter(({ core }) => core.id === measured[0].core.id) : having.filter(({ core }) => core.id === newerCore);
  return inPaperOrder(chosen);
}

/** With the largest value, of points that have it. */
export function largestOf(points: readonly FrontendPoint[], quantity: FrontendQuantity): FrontendPoint {
  return points.reduce((a, b) => (estimateOf(b, quantity)!.value > estimateOf(a, quantity)!.value ? b : a));
}
