/** An older and a newer core to compare, policy by policy, for the claims about processor generations. */
import type { FrontendQuantity } from '../analysis/simulated-frontend.js';
import type { FrontendData, FrontendPoint } from '../experiments/frontend-data.js';
import type { Evidence } from '../report/verdicts.js';
import { asEvidence, differenceOf, inPaperOrder, methodOf, nameOf, newerCore, olderCore } from './frontend-values.js';
import { pairOfGenerations } from './generations.js';

export interface PolicyPair {
  older: FrontendPoint;
  newer: FrontendPoint;
}

/**
 * Two machines with hardware counters that are as far apart as the paper's, else the simulated Haswell and Ice Lake.
 * @returns the policies that both have the quantity of, or why there is none.
 */
export function pairsOf({ points }: FrontendData, quantity: FrontendQuantity): PolicyPair[] | { reason: string } {
  const having = points.filter(({ samples }) => samples[quantity]?.length);
  const measured = pairOfGenerations(machinesOf(having));
  const [older, newer] = 'reason' in measured ? [olderCore, newerCore] : [measured.older.recording.name, measured.newer.recording.name];
  const pairs = inPaperOrder(having.filter(({ core }) => core.id === older)).flatMap((point) => {
    const other = having.find(({ core, policy, load }) => core.id === newer && policy.id === point.policy.id && load === point.load);
    return other ? [{ older: point, newer: other }] : [];
  });
  if (pairs.length > 0) return pairs;
  return { reason: `no policy was replayed on both simulated cores, and no hardware counters of both: ${'reason' in measured ? measured.reason : 'they have no policy in common'}` };
}

/** Machines that were measured, as their recordings name them. */
function machinesOf(points: readonly FrontendPoint[]) {
  const measured = points.filter(({ method }) => method !== 'simulated');
  const byRecording = new Map(measured.map(({ core, origin }) => [core.id, { cpuModel: core.label, microarchitecture: core.microarchitecture, recording: { name: core.id, origin } }]));
  return [...byRecording.values()];
}

/**
 * How a quantity differs between the two, as evidence.
 * @param from `older`: older minus newer; `newer`: newer minus older.
 */
export function differenceEvidence({ older, newer }: PolicyPair, quantity: FrontendQuantity, from: 'older' | 'newer', how: 'absolute' | 'relative', unit: string): Evidence {
  const [first, second] = from === 'older' ? [older, newer] : [newer, older];
  const evidence = asEvidence([first, second], differenceOf(first, second, quantity, how)!, unit, methodOf(first, quantity));
  return { ...evidence, case: `${older.policy.label}, ${nameOf(first)} against ${nameOf(second)}` };
}
