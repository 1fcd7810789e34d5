/** What makes a run one that is kept and marked, but never plotted as if good (design, section 6). */
import type { CpuPlan } from '../host/cpus.js';
import { limitOf } from '../load/self-check.js';
import type { LoadOutcome } from '../load/types.js';
import type { Run, Warning } from '../store/run-store.js';
import type { ApplicationWindow } from './application-load.js';
import type { CpuWindow } from './measure.js';

const errorShare = 0.01;
/** Share of the window that the worker was runnable but had to wait: something else ran on its core. */
const waitShare = 0.05;

/** Those that say what set the pace; what one request cost holds all the same. */
export const limitCodes: readonly Warning['code'][] = ['generator-limit', 'backend-limit', 'rate-missed'];

/** Whether a run may be plotted as good: in a closed loop no rate was asked for, so that a limit elsewhere breaks no promise. */
export function isGood({ warnings, spec }: Pick<Run, 'warnings' | 'spec'>): boolean {
  const closed = spec.load.mode === 'closed' || spec.load.mode === 'knee-search';
  return warnings.every(({ code }) => closed && limitCodes.includes(code));
}

export interface Observed extends Pick<LoadOutcome, 'requests' | 'errors' | 'statuses'> {
  intendedRatePerS?: number | null;
  achievedRatePerS?: number;
  cpu?: CpuWindow;
  cpus?: CpuPlan;
}

export function warningsFor(seen: Observed): Warning[] {
  return [...errorWarnings(seen), ...(seen.cpu ? cpuWarnings(seen, seen.cpu) : [])];
}

/** Of a whole application: whether the generator was the limit, and whether a rate that was asked for was kept. */
export function applicationWarnings(outcome: LoadOutcome, { windowUs, generator }: ApplicationWindow): Warning[] {
  const warnings = errorWarnings(outcome);
  const generatorShare = generator.runNs / 1000 / (windowUs[1] - windowUs[0]);
  if (generatorShare > generatorBusyShare) warnings.push({ code: 'generator-limit', text: `the load generator was busy ${(100 * generatorShare).toFixed(0)} % of the time` });
  const { intendedRatePerS, requests, windowUs: [from, to] } = outcome;
  const intended = ((intendedRatePerS ?? 0) * (to - from)) / 1e6;
  if (intendedRatePerS !== null && Math.abs(requests - intended) > Math.max(rateDeviation * intended, edgeRequests)) {
    warnings.push({ code: 'rate-missed', text: `${requests} of ${intended.toFixed(0)} requests intended were answered in the window` });
  }
  return warnings;
}

/** A generator of one thread that ran for this share of the window had no time left. */
const generatorBusyShare = 0.95;
const rateDeviation = 0.02;
/** A window begins and ends in the middle of some, of few more where a rate is low. */
const edgeRequests = 3;

export function errorWarnings({ requests, errors, statuses }: Observed): Warning[] {
  const warnings: Warning[] = [];
  if (requests === 0) warnings.push({ code: 'errors', text: 'no request was answered' });
  else if (errors / (requests + errors) > errorShare) {
    warnings.push({ code: 'errors', text: `${errors} of ${requests + errors} requests failed (more than 1 %)` });
  }
  // One rejection is enough: a cheap 429 looks like capacity.
  if (statuses['429']) warnings.push({ code: 'rate-limited', text: `${statuses['429']} requests were answered 429 by the rate limiter` });
  return warnings;
}

function cpuWarnings(seen: Observed, cpu: CpuWindow): Warning[] {
  const windowNs = (cpu.windowUs[1] - cpu.windowUs[0]) * 1000;
  const oneCore = seen.cpus?.others.includes(seen.cpus.worker) ?? false;
  const waited = cpu.worker.waitNs / windowNs;
  // A worker that is kept from its core reaches no limit of generator or backend that one could speak of.
  if (!oneCore && waited > waitShare) {
    return [{ code: 'other-load', text: `the worker waited ${(100 * waited).toFixed(1)} % of the time for its core: something else ran there` }];
  }
  const warnings = limitWarnings(seen, cpu, windowNs);
  if (oneCore) warnings.push({ code: 'no-worker-core', text: 'one core only: the sidecar shared it with the load generator and the backend' });
  return warnings;
}

function limitWarnings(seen: Observed, cpu: CpuWindow, windowNs: number): Warning[] {
  const limit = limitOf({
    workerShare: cpu.worker.runNs / windowNs,
    generatorShare: cpu.generator.runNs / windowNs,
    backendShare: cpu.backend.runNs / windowNs,
    otherCores: seen.cpus?.others.length ?? 1,
    intendedRatePerS: seen.intendedRatePerS ?? null,
    achievedRatePerS: seen.achievedRatePerS ?? 0,
  });
  if (limit.limitedBy === 'sidecar' && seen.intendedRatePerS) {
    const missed = `${Math.round(seen.achievedRatePerS ?? 0)} of ${Math.round(seen.intendedRatePerS)} requests/s intended`;
    return [{ code: 'rate-missed', text: `the sidecar did not keep up (${missed}): ${limit.reason}` }];
  }
  if (limit.limitedBy === 'generator') return [{ code: 'generator-limit', text: limit.reason }];
  if (limit.limitedBy === 'backend') return [{ code: 'backend-limit', text: limit.reason }];
  return [];
}
