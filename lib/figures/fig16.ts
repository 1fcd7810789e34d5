/** Figure 16: Figure 10's stalls on an older processor, beside the newer one; and what the newer one's larger L2 does alone. */
import type { FrontendQuantity } from '../analysis/simulated-frontend.js';
import type { FrontendData, FrontendPoint } from '../experiments/frontend-data.js';
import { judgeAll, unavailable, type Evidence, type Judgement } from '../report/verdicts.js';
import type { CoreParameters } from '../simulate/core/parameters.js';
import { stallPicture, stallRows } from './fig10.js';
import { differenceEvidence, pairsOf, type PolicyPair } from './frontend-pairs.js';
import { atHighestLoad, evidenceOf, newerCore, olderCore, panelsOf, upperBoundNote } from './frontend-values.js';
import { paperSays, type Item } from './item.js';

const stalled = 'icacheStallShare';

/** The older core with the newer one's L2, and with nothing else of it. */
const largerL2 = `${olderCore}-larger-l2`;

/** @param larger whose L2 it gets. */
export function withL2Of(core: CoreParameters, larger: CoreParameters): CoreParameters {
  return { ...core, id: largerL2, name: `${core.name} with the L2 of ${larger.name}`, l2: larger.l2, sources: { ...core.sources, l2: larger.sources.l2 } };
}

/** @param all with the simulated Haswell, that one {@link withL2Of} Ice Lake, Ice Lake, and every measured machine. */
export function fig16(all: FrontendData): Item {
  const data = atHighestLoad(all);
  const panels = panelsOf(data, [stalled]);
  const band = (core: string, range: [number, number]) => panels.flatMap((panel, i) => (panel.core.id === core ? [{ panel: i, range, text: range.join('-') + ' %' }] : []));
  return {
    item: 'fig16',
    title: 'Figure 16: cycles stalled on instruction fetch, two generations',
    rows: stallRows(panels),
    figure: panels.length > 0 ? stallPicture('Figure 16: cycles stalled on instruction fetch, by generation', panels, [...band(olderCore, [17, 21]), ...band(newerCore, [9, 12])]) : null,
    table: null,
    paper: [...paperSays('fig16'), ...paperSays('abstract')],
    notes: [...(panels.some(({ points }) => points.some(({ method }) => method === 'simulated')) ? [upperBoundNote] : []), ...fewerNotes(data), ...data.notes],
    judgements: [...stallVerdicts(data), ...l2Verdicts(data)],
  };
}

function fewerNotes({ points }: FrontendData): string[] {
  const [older, between] = [olderCore, largerL2].map((core) => points.filter((point) => point.core.id === core));
  return between.length === 0 || between.length === older.length ? []
    : [`${between[0].core.label} was given ${between.length} of the ${older.length} policies, to save time.`];
}

function stallVerdicts(data: FrontendData): Judgement[] {
  const pairs = pairsOf(data, stalled);
  if ('reason' in pairs) return ['more', 'caption', 'text'].map((reading) => unavailable('C39', reading, pairs.reason));
  const older = pairs.map((pair) => evidenceOf(pair.older, stalled, '%'));
  return [
    judgeAll('C39', 'more', pairs.map((pair) => differenceEvidence(pair, stalled, 'older', 'absolute', 'points'))),
    judgeAll('C39', 'caption', older),
    judgeAll('C39', 'text', older),
  ];
}

/** C41 by simulation alone: no machine can be had with another L2 and the same core. */
function l2Verdicts({ points }: FrontendData): Judgement[] {
  const readings = ['abstract', 'figures-points', 'figures-relative'] as const;
  const on = (core: string) => points.filter((point) => point.core.id === core);
  const shared = (other: string) => ({ policy }: FrontendPoint) => on(other).some((point) => point.policy.id === policy.id);
  const [older, newer] = [on(olderCore).filter(shared(largerL2)), on(largerL2).filter(shared(olderCore))];
  if (older.length === 0) return readings.map((reading) => unavailable('C41', reading, 'needs traces replayed on a core with both sizes of L2'));
  const pair = { older: together(older), newer: together(newer) };
  return [
    judgeAll('C41', 'abstract', [removed(pair, 'frontendCycles')]),
    judgeAll('C41', 'figures-points', [atMost(differenceEvidence(pair, stalled, 'older', 'absolute', 'points'))]),
    judgeAll('C41', 'figures-relative', [removed(pair, 'icacheStallCycles')]),
  ];
}

/** One request of every policy: the claim is about the core, not about a policy. */
function together(points: readonly FrontendPoint[]): FrontendPoint {
  const sum = (quantity: FrontendQuantity) => points[0].samples[quantity]!.map((_, bound) => points.reduce((total, { samples }) => total + samples[quantity]![bound], 0));
  const [cycles, icacheStallCycles, frontendCycles] = (['cycles', 'icacheStallCycles', 'frontendCycles'] as const).map(sum);
  return {
    ...points[0], policy: { id: 'together', label: `one request of each of ${points.length} policies`, frame: '' }, runs: points.flatMap(({ runs }) => runs),
    samples: { icacheStallCycles, frontendCycles, icacheStallShare: icacheStallCycles.map((stall, bound) => 100 * stall / cycles[bound]) },
  };
}

/** Per cent of the cycles that the larger L2 saves: (with the smaller - with the larger) / with the smaller. */
function removed(pair: PolicyPair, quantity: FrontendQuantity): Evidence {
  const { value, interval, ...evidence } = differenceEvidence(pair, quantity, 'newer', 'relative', '%');
  return { ...evidence, value: -value!, interval: interval && [-interval[1], -interval[0]] };
}

/** As long as less than half of the cycles are stalled: then waiting for data would make the shares, and what they differ by, smaller. */
function atMost(evidence: Evidence): Evidence {
  return { ...evidence, interval: evidence.interval && [Math.min(0, evidence.interval[0]), evidence.interval[1]], case: `${evidence.case} (an upper bound)` };
}
