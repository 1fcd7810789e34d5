/** How far a simulated core can be trusted: what it counts against what somebody else counts of the same code. */
import { mpki, type FrontendEvents } from '../simulate/core/events.js';
import { checkKernels } from '../simulate/core/kernels.js';
import { flatness } from '../simulate/core/flatness.js';
import type { CoreParameters } from '../simulate/core/parameters.js';
import { replay, type ReplayResult } from '../simulate/core/replay.js';
import { simulate } from '../simulate/simulator.js';
import type { FrontendTraces } from './frontend-data.js';
import type { LongTrace } from './long-trace.js';
import type { TracedPolicy, TracesData } from './traces-data.js';

/** One quantity, counted twice. */
export interface Check {
  quantity: string;
  /** Policy or kernel. */
  of: string;
  counted: number;
  expected: number;
  unit: string;
  /** Who says what is expected. */
  by: string;
  runs: string[];
}

/** A rate over the first, the second, ... window of the requests of a trace. */
export interface Drift {
  quantity: string;
  of: string;
  /** Requests of a window. */
  window: number;
  rates: number[];
  /** Requests after which every window is within 2 % of the last; null where none is. */
  flatFrom: number | null;
  runs: string[];
}

export interface FrontendChecks {
  core: string;
  origin: string;
  checks: Check[];
  drifts: Drift[];
}

/**
 * @param long many more requests than the other traces have, where there are.
 * @param policies ids of those to check with; those not traced are left out.
 * @throws Error naming the file when a trace is damaged.
 */
export async function frontendChecks(
  frontend: FrontendTraces, traces: TracesData, core: CoreParameters, long: LongTrace | null, policies: readonly string[] = ['tcp', 'http'],
): Promise<FrontendChecks> {
  const traced = traces.shown.filter(({ policy }) => policies.includes(policy.id));
  const checks: Check[] = [];
  const drifts: Drift[] = [];
  for (const each of traced) {
    checks.push(...await cacheChecks(frontend, each, core));
    drifts.push(...driftsOf(each.policy.label, each.run, await frontend.replay(each.policy.id, core), window.short));
  }
  if (long) drifts.push(...driftsOf(long.policy, long.run, replay(long.input, core), window.long));
  return { core: core.name, origin: frontend.origin, checks: [...kernelChecks(core), ...checks, ...callgrindChecks(traces)], drifts };
}

/** Code whose counts follow from how it is made. */
function kernelChecks(core: CoreParameters): Check[] {
  return checkKernels(core).map(({ kernel, quantity, expected, counted }) => ({ quantity, of: kernel, counted, expected, unit: 'per round', by: 'analysis', runs: [] }));
}

/** The core's caches and TLBs alone, fed by nothing but the trace, against the simulator of Figure 11. */
async function cacheChecks(frontend: FrontendTraces, { policy, run, lines, pages }: TracedPolicy, core: CoreParameters): Promise<Check[]> {
  const plain = { ...core, nextLines: 0, runAhead: 0 };
  const { requests } = await frontend.replay(policy.id, plain, { wrongPath: false, warmUp: 0 });
  const mean = (of: (events: FrontendEvents) => number) => total(requests.map(of)) / requests.length;
  const cache = simulate(lines, { first: core.l1i });
  const tlb = simulate(pages, { first: core.itlb, second: core.stlb });
  const check = (quantity: string, counted: number, expected: readonly number[]): Check => ({
    quantity, of: policy.label, counted, expected: total(expected) / requests.length, unit: 'per request', by: 'the simulator of Figure 11', runs: [run],
  });
  return [
    check('L1-I misses, neither prefetch nor wrong path', mean(({ l1iMisses }) => l1iMisses), cache.missesOfRequest),
    check('instruction TLB misses', mean(({ itlbMisses }) => itlbMisses), tlb.missesOfRequest),
    check('page walks', mean(({ itlbWalks }) => itlbWalks), tlb.secondMissesOfRequest),
  ];
}

/** Where a recording has them: callgrind on the same requests. */
function callgrindChecks({ counted }: TracesData): Check[] {
  return counted.flatMap(({ policy, runs, quantities }) => quantities.map(({ label, trace, callgrind }) => ({
    quantity: label, of: policy.label, counted: trace, expected: callgrind, unit: 'per request', by: 'callgrind', runs,
  })));
}

/** Requests over which a rate is taken: as many as traces have connections; the long one has enough for a steadier rate. */
const window = { short: 8, long: 25 };
const rates = { 'L1-I misses': mpki.l1i, 'branch misses': mpki.branches } as const;

/** Every request of a trace differs: what still falls from window to window is learnt, what rises is forgotten. */
function driftsOf(policy: string, run: string, { warmUp, requests }: ReplayResult, size: number): Drift[] {
  const all = [...warmUp, ...requests];
  if (all.length < 2 * size) return [];
  return Object.entries(rates).map(([quantity, rate]) => {
    const { curve, flatFrom } = flatness(all, rate, { window: size });
    return { quantity, of: `${policy}, ${all.length} requests`, window: size, rates: curve.filter((_, i) => i % size === 0).map((point) => point.rate), flatFrom, runs: [run] };
  });
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
