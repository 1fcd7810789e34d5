/** What Figure 18's claims come to: C42, C43, C44 and C48. */
import { componentUserIpc, cpuRounds, cpuUs, differenceOf, instructionsByComponent, quotientOf } from '../analysis/request-cost.js';
import { commonRounds, type Rounds } from '../analysis/rounds.js';
import { bootstrap, differenceEstimate, median, medianEstimate, relativeDifferenceEstimate, type Estimate } from '../analysis/statistics.js';
import type { PolicyInfo } from '../experiments/components-data.js';
import { headerOnlyPolicies, sizeLabel } from '../experiments/sizes.js';
import type { SizesData } from '../experiments/sizes-data.js';
import type { Attributed } from '../paper/components.js';
import { judgeAll, unavailable, type Evidence, type Judgement } from '../report/verdicts.js';
import type { Method } from '../store/value.js';
import { componentIpc, componentUs, tlsPairs } from './fig18-values.js';

const counted: Method = 'measured: exact instruction counts';
const hardware: Method = 'measured: hardware counters';
const ipcUnit = 'instructions per cycle';
/** Up to here the paper sees IPC hold. */
const knee = 2 ** 14;
const kernelParts = ['OS Read', 'OS Write'] as const satisfies readonly Attributed[];
const notSampled = 'instructions of the kernel can only be counted by hardware, and this recording has no stacks sampled on its counters';

export function sizeVerdicts(data: SizesData): Judgement[] {
  return [headerVerdict(data), tlsVerdict(data), growVerdict(data), ...kernelIpcVerdicts(data), sidecarIpcVerdict(data), tlsWriteVerdict(data), parsingVerdict(data)];
}

/** Policies with no TLS, whose every claim but those on TLS is about. */
function plainPolicies(data: SizesData): PolicyInfo[] {
  return data.policies.filter(({ id }) => !id.startsWith('tls'));
}

/** Smallest and largest size at which something was measured; null when that is one size or none. */
function ends(data: SizesData, measuredAt: (bytes: number) => boolean): [number, number] | null {
  const sizes = data.sizes.filter(measuredAt);
  return sizes.length > 1 ? [sizes[0], sizes[sizes.length - 1]] : null;
}

function evidence(data: SizesData, name: string, { value, interval, n }: Estimate, about: { unit: string; method: Method; runs: string[] }): Evidence {
  return { value, interval, repeats: n, case: name, origin: data.origin, cpu: data.cpuModel, envoyVersion: data.envoyVersion, ...about };
}

/** C42: user instructions of the filter itself. */
function headerVerdict(data: SizesData): Judgement {
  const cases = data.policies.filter(({ id }) => headerOnlyPolicies.includes(id)).flatMap((policy) => sameInstructions(data, policy, 'Sidecar Filter'));
  return cases.length > 0 ? judgeAll('C42', 'headers', cases) : unavailable('C42', 'headers', 'instructions of no policy with such a filter were counted at two sizes');
}

/** C48: user instructions of parsing, by the authors' map. */
function parsingVerdict(data: SizesData): Judgement {
  const cases = plainPolicies(data).filter(({ frame }) => frame === 'http').flatMap((policy) => sameInstructions(data, policy, 'HTTP Protocol Parse'));
  return cases.length > 0 ? judgeAll('C48', 'flat', cases) : unavailable('C48', 'flat', 'instructions of no HTTP policy were counted at two sizes');
}

/** (largest - smallest) / smallest of a component's user instructions. */
function sameInstructions(data: SizesData, policy: PolicyInfo, component: Attributed): Evidence[] {
  const ofBytes = (bytes: number) => instructionsByComponent(data.at(bytes), policy.id, 'authors').get(component)!;
  const sizes = ends(data, (bytes) => ofBytes(bytes).n > 0);
  if (!sizes) return [];
  const [small, large] = sizes.map(ofBytes);
  if (small.value === 0) return [];
  const interval = quotientOf(large, small).interval;
  const difference: Estimate = { value: large.value / small.value - 1, interval: interval && [interval[0] - 1, interval[1] - 1], n: Math.min(small.n, large.n) };
  const runs = sizes.flatMap((bytes) => data.at(bytes).countedRunsOf(policy.id));
  return [evidence(data, `${policy.label}, ${component}, ${between(sizes)}`, difference, { unit: '', method: counted, runs })];
}

/** C42: what TLS adds to the CPU time of a request, at the largest minus at the smallest size. */
function tlsVerdict(data: SizesData): Judgement {
  const cases = tlsPairs.flatMap(([withTls, without]) => {
    const sizes = ends(data, (bytes) => [withTls, without].every((id) => cpuUs(data.at(bytes), id).length > 0));
    const policy = data.policies.find(({ id }) => id === withTls);
    if (!sizes || !policy) return [];
    const measured = sizes.flatMap((bytes): Rounds[] => [withTls, without].map((id) => cpuRounds(data.at(bytes), id)));
    const { samples, paired } = commonRounds(measured);
    const growth = bootstrap(samples, (drawn) => { const [tlsSmall, small, tlsLarge, large] = drawn.map(median); return tlsLarge - large - (tlsSmall - small); }, { paired });
    const runs = sizes.flatMap((bytes) => [withTls, without].flatMap((id) => data.at(bytes).runsOf(id, 'cpu-time')));
    return [evidence(data, `${policy.label} less ${without}, ${between(sizes)}`, growth, { unit: 'us CPU/request', method: 'measured: CPU time', runs })];
  });
  return cases.length > 0 ? judgeAll('C42', 'tls', cases) : unavailable('C42', 'tls', 'CPU time with and without TLS was not measured at two sizes');
}

/** C43: CPU time of the kernel's reads and writes, whose instructions nothing but hardware counts. */
function growVerdict(data: SizesData): Judgement {
  const cases = data.policies.flatMap((policy) => kernelParts.flatMap((component) => {
    const sizes = ends(data, (bytes) => componentUs(data, policy.id, bytes, component) !== null);
    if (!sizes) return [];
    const [small, large] = sizes.map((bytes) => componentUs(data, policy.id, bytes, component)!);
    return [evidence(data, `CPU time, ${policy.label}, ${component}, ${between(sizes)}`, differenceOf(large, small), { unit: 'us CPU/request', method: 'measured: sampled stacks', runs: sampledRuns(data, policy.id, sizes) })];
  }));
  return cases.length > 0 ? judgeAll('C43', 'grow', cases) : unavailable('C43', 'grow', 'stacks were not sampled at two sizes');
}

/** C43: IPC of the kernel's reads and writes, by hardware only. */
function kernelIpcVerdicts(data: SizesData): Judgement[] {
  const of = (policy: PolicyInfo, component: Attributed, bytes: number) => componentIpc(data, policy.id, bytes, component);
  const compare = (compared: [number, number] | null, how: (at: Rounds, base: Rounds) => Estimate, unit: string) => (compared === null ? [] : plainPolicies(data).flatMap((policy) => kernelParts.flatMap((component) => {
    const [base, at] = compared.map((bytes) => of(policy, component, bytes));
    if (base.size === 0 || at.size === 0) return [];
    return [evidence(data, `${policy.label}, ${component}, ${between(compared)}`, how(at, base), { unit, method: hardware, runs: sampledRuns(data, policy.id, compared) })];
  })));
  const smallest = data.sizes[0];
  const largest = data.sizes[data.sizes.length - 1];
  const holds = compare(data.sizes.includes(knee) && smallest < knee ? [smallest, knee] : null, relative, '');
  const falls = compare(data.sizes.includes(knee) && largest > knee ? [knee, largest] : null, difference, ipcUnit);
  const atMegabyte = data.sizes.includes(2 ** 20) ? plainPolicies(data).flatMap((policy) => kernelParts.flatMap((component) => {
    const ipc = of(policy, component, 2 ** 20);
    return ipc.size > 0 ? [evidence(data, `${policy.label}, ${component}`, medianEstimate([...ipc.values()]), { unit: ipcUnit, method: hardware, runs: sampledRuns(data, policy.id, [2 ** 20]) })] : [];
  })) : [];
  return ([['ipc-holds', holds], ['ipc-falls', falls], ['ipc-at-1mb', atMegabyte]] as const)
    .map(([reading, cases]) => (cases.length > 0 ? judgeAll('C43', reading, cases) : unavailable('C43', reading, notSampled)));
}

/** C44: by the counters where they were sampled, else modelled of the user code, which is nearly all of these two. */
function sidecarIpcVerdict(data: SizesData): Judgement {
  const cases = plainPolicies(data).flatMap((policy) => (['Sidecar Read', 'Sidecar Write'] as const).flatMap((component) => {
    const byCounters = againstSmallest(data, policy, component);
    return byCounters.length > 0 ? byCounters : modelledAgainstSmallest(data, policy, component);
  }));
  return cases.length > 0 ? judgeAll('C44', 'sidecar', cases) : unavailable('C44', 'sidecar', 'it needs exact instructions, sampled stacks and CPU time of one policy at two sizes, or stacks sampled on hardware counters');
}

/** C44: IPC of the kernel's writes under TLS. */
function tlsWriteVerdict(data: SizesData): Judgement {
  const cases = data.policies.filter(({ id }) => id.startsWith('tls')).flatMap((policy) => againstSmallest(data, policy, 'OS Write'));
  return cases.length > 0 ? judgeAll('C44', 'tls-write', cases) : unavailable('C44', 'tls-write', notSampled);
}

/** Each further size against the smallest that was counted. */
function againstSmallest(data: SizesData, policy: PolicyInfo, component: Attributed): Evidence[] {
  const [smallest, ...larger] = data.sizes.filter((bytes) => componentIpc(data, policy.id, bytes, component).size > 0);
  return larger.map((bytes) => evidence(data, `${policy.label}, ${component}, ${between([smallest, bytes])}`,
    relative(componentIpc(data, policy.id, bytes, component), componentIpc(data, policy.id, smallest, component)),
    { unit: '', method: hardware, runs: sampledRuns(data, policy.id, [smallest, bytes]) }));
}

function modelledAgainstSmallest(data: SizesData, policy: PolicyInfo, component: Attributed): Evidence[] {
  const modelled = data.sizes.flatMap((bytes) => {
    const ipc = componentUserIpc(data.at(bytes), policy.id, component);
    return ipc ? [{ bytes, ipc }] : [];
  });
  const [smallest, ...larger] = modelled;
  return larger.map(({ bytes, ipc }) => {
    const { interval, value, n } = quotientOf(ipc, smallest.ipc);
    return evidence(data, `user code, ${policy.label}, ${component}, ${between([smallest.bytes, bytes])}`, { value: value - 1, interval: interval && [interval[0] - 1, interval[1] - 1], n },
      { unit: '', method: 'modelled', runs: [smallest.bytes, bytes].flatMap((each) => data.at(each).allRunsOf(policy.id)) });
  });
}

function difference(at: Rounds, base: Rounds): Estimate {
  const { samples: [a, b], paired } = commonRounds([at, base]);
  return differenceEstimate(a, b, { paired });
}

function relative(at: Rounds, base: Rounds): Estimate {
  const { samples: [a, b], paired } = commonRounds([at, base]);
  return relativeDifferenceEstimate(a, b, { paired });
}

function sampledRuns(data: SizesData, policy: string, sizes: readonly number[]): string[] {
  return sizes.flatMap((bytes) => (['cpu-time', 'perf-record'] as const).flatMap((collector) => data.at(bytes).runsOf(policy, collector)));
}

function between([small, large]: readonly number[]): string {
  return `${sizeLabel(large)} against ${sizeLabel(small)}`;
}
