/**
 * Experiment `sizes` (Figure 18): what a request costs as its response grows, and what a connection costs with and
 * without TLS. The response goes from the backend through the sidecar to the client, as in the paper; requests stay
 * small.
 */
import type { SidecarConfig } from '../deploy/types.js';
import type { PlannedLoad } from '../store/run-key.js';
import { steppedLoad } from './components.js';
import { configOf, isTls, repeated, type CollectorName, type Mode, type Plan } from './plan.js';

export const sizes = 'sizes';

/** 16 B to 1 MiB in steps of 4, as the authors' scripts have it. */
export const allSizes: readonly number[] = [4, 6, 8, 10, 12, 14, 16, 18, 20].map((exponent) => 2 ** exponent);

/** Both ends, and where the paper sees IPC begin to fall. */
const fewSizes: readonly number[] = [2 ** 4, 2 ** 14, 2 ** 20];

/** The policies of the figure, in its order. */
export const sizedPolicies: readonly string[] = ['tcp', 'tls', 'http', 'tls-http', 'http-mix-1', 'http-mix-2'];

/** Those whose CPU time is divided by sampled stacks; the mixes are HTTP with filters that read headers only. */
const sampledPolicies: readonly string[] = ['tcp', 'tls', 'http', 'tls-http'];

/** Of each protocol, policies with filters that look at addresses and headers, never at a body (C42). */
export const headerOnlyPolicies: readonly string[] = ['rbac-reject-100', 'http-mix-1', 'http-mix-2'];

/** Compared with and without TLS where every request comes over a connection of its own. */
export const handshakePolicies = { plain: 'tcp', tls: 'tls' } as const;

const settings = {
  quick: { bytes: fewSizes, filterBytes: [fewSizes[0], fewSizes[2]], steppedBytes: [fewSizes[0], fewSizes[1]], cpuRepeats: 2, cpuS: 1, warmUpS: 0.3, sampleRepeats: 1, sampleS: 1.5, countRepeats: 1, counterRepeats: 1, requests: 200, stepped: 1 },
  full: { bytes: allSizes, filterBytes: allSizes, steppedBytes: allSizes, cpuRepeats: 6, cpuS: 1.5, warmUpS: 0.5, sampleRepeats: 2, sampleS: 4, countRepeats: 2, counterRepeats: 6, requests: 400, stepped: 2 },
} as const;

/**
 * Envoy stops reading from the backend when a connection holds more than its limit, 1 MiB unless told: a response of
 * 1 MiB and its head is more than that, and most of them would make it stop. Four times as much is never reached.
 */
const bufferLimitBytes = 4 * 2 ** 20;

/** What to measure instead of the paper's figure, e.g. one more size of one policy. */
export interface SizesChoice {
  policies?: readonly (string | SidecarConfig)[];
  /** Bytes of a response. */
  bytes?: readonly number[];
}

/** Every policy is measured by the same collectors in both modes: quick has fewer sizes and repeats. */
export function sizesPlan(mode: Mode, chosen: SizesChoice = {}): Plan {
  const s = settings[mode];
  const bytes = chosen.bytes ?? s.bytes;
  const own = chosen.policies?.map(sized);
  const runs = (collector: CollectorName, which: readonly SidecarConfig[], loads: readonly PlannedLoad[]) =>
    loads.flatMap((load) => which.map((config) => ({ experiment: sizes, config, collector, load })));
  const busy = bytes.map((each) => sizedLoad(each, s.warmUpS, s.cpuS));
  const timed = own ?? sizedPolicies.map(sized);
  const counted = (some: readonly SidecarConfig[], ofBytes: readonly number[]) => [
    ...runs('instructions', some.filter((config) => !isTls(config)), ofBytes.map((each) => countedSizeLoad(each, s.requests))),
    ...runs('single-step', some.filter(isTls), ofBytes.map((each) => steppedLoad(`/${each}`, s.stepped))),
  ];
  const instructions = own
    ? counted(own, bytes)
    : [
      ...counted(['tcp', 'http'].map(sized), bytes),
      ...counted(headerOnlyPolicies.map(sized), chosen.bytes ?? s.filterBytes),
      // A megabyte takes most of a minute.
      ...counted(['tls', 'tls-http'].map(sized), chosen.bytes ?? s.steppedBytes),
    ];
  const connecting = own ? [] : runs('cpu-time', Object.values(handshakePolicies).map(sized), [connectingLoad(s.warmUpS, s.cpuS)]);
  return {
    experiment: sizes,
    runs: [
      ...repeated(instructions, s.countRepeats, 18),
      ...repeated([...runs('cpu-time', timed, busy), ...connecting], s.cpuRepeats, 19),
      ...repeated(runs('perf-stat', timed, busy), s.counterRepeats, 20),
      ...repeated(runs('perf-record', own ?? sampledPolicies.map(sized), bytes.map((each) => sizedLoad(each, s.warmUpS, s.sampleS))), s.sampleRepeats, 21),
    ],
  };
}

/**
 * Closed loop over few connections: as many large responses are under way at once, and the caches of a core hold none
 * of them if there are many.
 */
export function sizedLoad(bytes: number, warmUpS: number, durationS: number): PlannedLoad {
  return { mode: 'closed', connections: 8, path: `/${bytes}`, warmUpS, durationS };
}

/** A connection for every request, with the smallest response: what opening one costs. */
function connectingLoad(warmUpS: number, durationS: number): PlannedLoad {
  return { ...sizedLoad(allSizes[0], warmUpS, durationS), newConnections: true };
}

/**
 * One request after another over one connection: a megabyte takes a sidecar under Valgrind longer than any rate foresees,
 * and requests that overlap are read in batches of any size, which moved counts by up to 5 % from one repeat to the next.
 */
function countedSizeLoad(bytes: number, requests: number): PlannedLoad {
  return { mode: 'exactly', connections: 1, path: `/${bytes}`, requests };
}

/** A policy as it is measured here; a configuration of the user's own stays as it is. */
function sized(chosen: string | SidecarConfig): SidecarConfig {
  const config = configOf(chosen);
  return config.frame === 'user' ? config : { ...config, bufferLimitBytes };
}

/** Bytes of a response under a load of this experiment; null for another load. */
export function bytesOf({ path }: Pick<PlannedLoad, 'path'>): number | null {
  return /^\/\d+$/.test(path) ? Number(path.slice(1)) : null;
}

/** `16 B`, `4 KiB`, `1 MiB`. */
export function sizeLabel(bytes: number): string {
  if (bytes < 2 ** 10) return `${bytes} B`;
  const [divisor, unit] = bytes < 2 ** 20 ? [2 ** 10, 'KiB'] : [2 ** 20, 'MiB'];
  return `${Number((bytes / divisor).toPrecision(3))} ${unit}`;
}
