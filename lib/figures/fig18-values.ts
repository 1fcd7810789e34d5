/** What Figure 18 draws and tabulates: costs of a request by policy and size, and what they come to for a byte. */
import { costPerByte } from '../analysis/cost-per-byte.js';
import { cpuRounds, cpuUs, differenceOf, instructionRounds, instructionsByComponent, partOf, shareByComponent, userIpc } from '../analysis/request-cost.js';
import { countedInstructions, countedIpc } from '../analysis/request-counters.js';
import { commonRounds, estimateOf, nothing, type Rounds } from '../analysis/rounds.js';
import { bootstrap, median, medianEstimate, scaled, type Estimate } from '../analysis/statistics.js';
import type { ComponentsData, PolicyInfo } from '../experiments/components-data.js';
import type { CollectorName } from '../experiments/plan.js';
import { handshakePolicies } from '../experiments/sizes.js';
import type { SizesData } from '../experiments/sizes-data.js';
import type { Attributed } from '../paper/components.js';
import type { Method, Row } from '../store/value.js';

export type Quantity = 'instructions' | 'cpu' | 'ipc';

/** One value of the figure. */
export interface Point {
  policy: PolicyInfo;
  /** Of a response. */
  bytes: number;
  quantity: Quantity;
  /** A component, or the whole request. */
  series: Attributed | 'all';
  row: Row;
}

const counted: Method = 'measured: exact instruction counts';
/** Never both of one policy: TLS is stepped. */
const instructionCollectors: CollectorName[] = ['instructions', 'single-step'];
const timed: Method = 'measured: CPU time';
const tlsReason = 'TLS is not counted under Valgrind, which hides the CPU\'s crypto instructions so that other code would run; it was neither stepped at this size nor counted by hardware';
const notMeasured = 'not measured in this recording, or only in runs with a warning';
const noIpc = 'user IPC needs exact instructions, sampled stacks and CPU time of the same size';

/** Every value of one policy, by the function map of the paper's authors. A quantity that was not measured is one row without value. */
export function pointsOf(data: SizesData, policy: PolicyInfo): Point[] {
  return data.sizes.flatMap((bytes) => {
    const at = data.at(bytes);
    const of = (quantity: Quantity, unit: string, method: Method, collectors: CollectorName[], reason: string) =>
      (series: Point['series'], estimate: Estimate): Point => ({
        policy, bytes, quantity, series, row: rowOf(data, policy, series, bytes, estimate, { unit, method, runs: collectors.flatMap((each) => at.runsOf(policy.id, each)), reason }),
      });
    const instructions = of('instructions', 'user instructions/request', counted, instructionCollectors, policy.id.startsWith('tls') ? tlsReason : notMeasured);
    const cpu = of('cpu', 'us CPU/request', timed, ['cpu-time'], notMeasured);
    const parts = of('cpu', 'us CPU/request', 'measured: sampled stacks', ['cpu-time', 'perf-record'], notMeasured);
    const byHardware = of('instructions', 'user instructions/request', 'measured: hardware counters', ['perf-stat'], notMeasured);
    const exact = estimateOf(instructionRounds(at, policy.id));
    const hardware = estimateOf(countedInstructions(at, policy.id, 'user'));
    const total = estimateOf(cpuRounds(at, policy.id));
    return [
      // Of TLS only the CPU's own counters see every instruction.
      exact.n === 0 && hardware.n > 0 ? byHardware('all', hardware) : instructions('all', exact),
      ...measuredParts(instructionsByComponent(at, policy.id, 'authors')).map(([component, estimate]) => instructions(component, estimate)),
      cpu('all', total),
      ...(total.n === 0 ? [] : measuredParts(shareByComponent(at, policy.id, 'authors')).map(([component, share]) => parts(component, partOf(share, total)))),
      ...ipcPoints(data, policy, bytes, of),
    ];
  });
}

type PointMaker = (quantity: Quantity, unit: string, method: Method, collectors: CollectorName[], reason: string) => (series: Point['series'], estimate: Estimate) => Point;

/** Counted of all code where the CPU shows its counters, else modelled of user code; of components where they were sampled. */
function ipcPoints(data: SizesData, policy: PolicyInfo, bytes: number, of: PointMaker): Point[] {
  const at = data.at(bytes);
  const ofAll = countedIpc(at, policy.id, 'all');
  const hardware: Method = 'measured: hardware counters';
  const all = ofAll.size > 0
    ? of('ipc', 'instructions per cycle', hardware, ['perf-stat'], notMeasured)('all', estimateOf(ofAll))
    : of('ipc', 'user instructions per cycle', 'modelled', [...instructionCollectors, 'cpu-time', 'perf-record'], policy.id.startsWith('tls') ? tlsReason : noIpc)('all', userIpc(at, policy.id) ?? nothing);
  const sampled = of('ipc', 'instructions per cycle', hardware, ['perf-record'], notMeasured);
  const components = [...new Set(data.sampledIpc.filter((each) => each.policy === policy.id && each.bytes === bytes).map(({ component }) => component))];
  return [all, ...components.map((component) => sampled(component, estimateOf(componentIpc(data, policy.id, bytes, component))))];
}

/** Instructions per cycle of a component by repeat, kernel included; empty where the CPU shows no counters. */
export function componentIpc(data: SizesData, policy: string, bytes: number, component: Attributed): Rounds {
  return new Map(data.sampledIpc.filter((each) => each.policy === policy && each.bytes === bytes && each.component === component).map(({ repeat, ipc }) => [repeat, ipc]));
}

/** Components of what was measured at all. */
function measuredParts(parts: Map<Attributed, Estimate>): [Attributed, Estimate][] {
  return [...parts].filter(([, { n }]) => n > 0);
}

interface About {
  unit: string;
  method: Method;
  runs: string[];
  /** Why there is no value, where the estimate rests on nothing. */
  reason: string;
}

function rowOf(data: SizesData, policy: PolicyInfo, series: string, x: string | number, { value, interval, n }: Estimate, { unit, method, runs, reason }: About): Row {
  const common = { series: `${policy.label}, ${series}`, x, unit, origin: data.origin, runs };
  return n === 0 ? { ...common, value: null, interval: null, method: 'unavailable', reason } : { ...common, value, interval, method };
}

/** Microseconds of CPU time a request, or its user instructions, by size. */
function byByte(data: SizesData, roundsAt: (at: ComponentsData) => Rounds): Estimate | null {
  return costPerByte(data.sizes.map((bytes) => ({ bytes, costs: roundsAt(data.at(bytes)) })));
}

/** Nanoseconds of CPU time for each further byte of the response; null with fewer than two sizes. */
export function cpuNsPerByte(data: SizesData, policy: string): Estimate | null {
  const us = byByte(data, (at) => cpuRounds(at, policy));
  return us && scaled(us, 1000);
}

/** User instructions for each further byte, exact ones; null with fewer than two sizes. */
export function instructionsPerByte(data: SizesData, policy: string): Estimate | null {
  return byByte(data, (at) => instructionRounds(at, policy));
}

/** Kernel's part of the worker's CPU time at one size, per cent, by the kernel's ticks. */
export function kernelPercent(data: SizesData, policy: string, bytes: number): Estimate {
  const shares = data.paces.filter((pace) => pace.policy === policy && pace.bytes === bytes).flatMap(({ kernelShare }) => (kernelShare === null ? [] : [100 * kernelShare]));
  return shares.length > 0 ? medianEstimate(shares) : nothing;
}

/** Rows beside the figure: costs of a byte, the kernel's part, what set the pace. */
export function rowsBeside(data: SizesData, policy: PolicyInfo): Row[] {
  const runsOf = (ids: (at: ComponentsData) => string[]) => data.sizes.flatMap((bytes) => ids(data.at(bytes)));
  const cpu = { method: timed, runs: runsOf((at) => at.runsOf(policy.id, 'cpu-time')), reason: notMeasured };
  const instructionReason = policy.id.startsWith('tls') ? tlsReason : notMeasured;
  return [
    rowOf(data, policy, 'each further byte', 'all sizes', cpuNsPerByte(data, policy.id) ?? nothing, { ...cpu, unit: 'ns CPU/byte' }),
    rowOf(data, policy, 'each further byte', 'all sizes', instructionsPerByte(data, policy.id) ?? nothing, { method: counted, runs: runsOf((at) => at.countedRunsOf(policy.id)), unit: 'user instructions/byte', reason: instructionReason }),
    ...data.sizes.map((bytes) => rowOf(data, policy, 'kernel', bytes, kernelPercent(data, policy.id, bytes), { ...cpu, runs: data.at(bytes).runsOf(policy.id, 'cpu-time'), unit: '% of CPU time' })),
    ...data.sizes.map((bytes) => rowOf(data, policy, 'Envoy stopped reading', bytes, pausesOf(data, policy.id, bytes), { ...cpu, runs: data.at(bytes).runsOf(policy.id, 'cpu-time'), unit: 'times/MiB' })),
  ];
}

function pausesOf(data: SizesData, policy: string, bytes: number): Estimate {
  const seen = data.paces.filter((pace) => pace.policy === policy && pace.bytes === bytes).map(({ pausesPerMiB }) => pausesPerMiB);
  return seen.length > 0 ? medianEstimate(seen) : nothing;
}

/** CPU time of opening a connection, microseconds: without TLS, and what its handshake adds. Null where one of the four was not measured. */
export function connectionCost(data: SizesData): { open: Estimate; handshake: Estimate } | null {
  if (!data.connecting || data.sizes.length === 0) return null;
  const kept = data.at(data.sizes[0]);
  const { plain, tls } = handshakePolicies;
  const measured = [cpuRounds(data.connecting, plain), cpuRounds(kept, plain), cpuRounds(data.connecting, tls), cpuRounds(kept, tls)];
  if (measured.some(({ size }) => size === 0)) return null;
  const { samples, paired } = commonRounds(measured);
  const over = (statistic: (medians: number[]) => number) => bootstrap(samples, (drawn) => statistic(drawn.map(median)), { paired });
  return {
    open: over(([opened, used]) => opened - used),
    handshake: over(([opened, used, openedTls, usedTls]) => openedTls - usedTls - (opened - used)),
  };
}

export function connectionRows(data: SizesData): Row[] {
  const cost = connectionCost(data);
  if (!cost || !data.connecting) return [];
  const { connecting } = data;
  const runs = Object.values(handshakePolicies).flatMap((id) => [...connecting.runsOf(id, 'cpu-time'), ...data.at(data.sizes[0]).runsOf(id, 'cpu-time')]);
  const row = (series: string, { value, interval }: Estimate): Row => ({ series, x: 'a connection', value, interval, unit: 'us CPU/connection', method: timed, origin: data.origin, runs });
  return [row('opening a connection, TCP', cost.open), row('TLS handshake', cost.handshake)];
}

/** CPU time of a component, microseconds a request; null where it was not sampled. `n` counts repeats, not samples. */
export function componentUs(data: SizesData, policy: string, bytes: number, component: Attributed): Estimate | null {
  const at = data.at(bytes);
  const share = shareByComponent(at, policy, 'authors').get(component)!;
  const total = cpuUs(at, policy);
  return share.n > 0 && total.length > 0 ? partOf(share, medianEstimate(total)) : null;
}

/** Policies with TLS, and what they are without it. */
export const tlsPairs: readonly (readonly [tls: string, plain: string])[] = [['tls', 'tcp'], ['tls-http', 'http']];

/** What TLS adds to reading and to writing, microseconds of CPU time a request: the authors' map has no TLS, so that decrypting is part of Sidecar Read, encrypting of Sidecar Write. */
export function tlsSides(data: SizesData, [tls, plain]: readonly [string, string], bytes: number): { decrypting: Estimate; encrypting: Estimate } | null {
  const added = (component: Attributed) => {
    const [own, base] = [tls, plain].map((id) => componentUs(data, id, bytes, component));
    return own && base && differenceOf(own, base);
  };
  const [decrypting, encrypting] = [added('Sidecar Read'), added('Sidecar Write')];
  return decrypting && encrypting && { decrypting, encrypting };
}

export function tlsRows(data: SizesData): Row[] {
  return tlsPairs.flatMap((pair) => data.sizes.flatMap((bytes): Row[] => {
    const sides = tlsSides(data, pair, bytes);
    const [policy, plain] = pair.map((id) => data.policies.find((each) => each.id === id));
    if (!sides || !policy || !plain) return [];
    const runs = pair.flatMap((id) => (['cpu-time', 'perf-record'] as const).flatMap((collector) => data.at(bytes).runsOf(id, collector)));
    const row = (series: string, estimate: Estimate) => rowOf(data, policy, series, bytes, estimate, { unit: 'us CPU/request', method: 'measured: sampled stacks', runs, reason: notMeasured });
    return [row(`decrypting (Sidecar Read less that of ${plain.label})`, sides.decrypting), row(`encrypting (Sidecar Write less that of ${plain.label})`, sides.encrypting)];
  }));
}

/** Repeats behind each CPU time drawn. */
export function cpuRepeats(data: SizesData, policies: readonly PolicyInfo[]): number[] {
  return policies.flatMap(({ id }) => data.sizes.map((bytes) => cpuUs(data.at(bytes), id).length));
}
