/** Figure 13: how long a request is inside each sidecar, by direction, in system calls and in user code. */
import type { PathLatency } from '../analysis/path-latency.js';
import { paths, type Path } from '../analysis/sidecar-latency.js';
import { median, type Interval } from '../analysis/statistics.js';
import { graphById, graphs } from '../apps/graph-file.js';
import { hopsOf } from '../apps/traversals.js';
import type { SidecarLatencyData, TracedSidecar } from '../experiments/sidecar-latency-data.js';
import { judge, judgeAll, number, unavailable, type Evidence, type Judgement } from '../report/verdicts.js';
import type { Row } from '../store/value.js';
import { groupedBars, gridLayout, type Bar, type PanelGrid } from './application-panels.js';
import { estimateText } from './application-values.js';
import { seriesName } from './fig05.js';
import { methodLine, paperSays, unique, type Item } from './item.js';
import { partColour } from './palette.js';
import { styled } from './style.js';

const parts = ['system calls', 'user space'] as const;
type Part = (typeof parts)[number];
/** Profile that claims are judged by. */
const judgedProfile = 'default';
/** Meets clients from outside and answers with the whole page. */
const front = 'productpage';

/** A value with what is not known of it; several repeats together. */
interface Pooled {
  value: number;
  interval: Interval | null;
  n: number;
}

export function fig13(data: SidecarLatencyData): Item {
  const profiles = unique(data.sidecars.map(({ profile }) => profile));
  const services = inOrder(data);
  const grid: PanelGrid = {
    columns: services.map((service) => ({ title: service, groups: [...paths] })), places: 1, xTitle: '',
    rows: profiles.map((profile) => ({ title: `${profile}<br>(µs in the sidecar)`, height: 1, oneScale: true })),
  };
  const bars = profiles.flatMap((profile, row) => services.flatMap((service, column) => paths.flatMap((path, group) => parts.flatMap((part): Bar[] => {
    const value = rowOf(data, profile, service, path, part);
    return value ? [{ column, row, group, place: 0, series: part, colour: partColour(part), value, text: `${service}, ${path}, ${part}: ${number(value.value!)} µs` }] : [];
  }))));
  const rows = bars.map(({ value }) => value as Row);
  return {
    item: 'fig13',
    title: 'Figure 13: time inside sidecars, by direction',
    rows,
    figure: styled({
      title: 'Figure 13: time of a BookInfo request inside each sidecar',
      alt: 'Time in system calls and in user code of each direction through each sidecar of BookInfo, without what the tracer adds.',
      method: `${methodLine(rows)}<br>${toolNames[mainTool(data)]}, one request at a time, without the tracer's own cost; whiskers: 95 %`,
      data: groupedBars(bars, grid),
      layout: { ...gridLayout(grid, { width: 230 * services.length + 60, height: 230 + 300 * profiles.length }), legend: { orientation: 'h', x: 0, y: profiles.length > 1 ? -0.2 : -0.42, yanchor: 'top' } },
    }),
    table: table(data, profiles, services),
    paper: paperSays('fig13'),
    notes: notes(data),
    judgements: judgements(data, services),
  };
}

/** Callers before those they call, as the workbench's graph of that application has them. */
function inOrder({ sidecars }: SidecarLatencyData): string[] {
  const known = [...new Set(sidecars.map(({ application }) => application))].filter((id) => (graphs as readonly string[]).includes(id)).flatMap((id) => hopsOf(graphById(id)).map(({ callee }) => callee));
  const measured = unique(sidecars.map(({ service }) => service));
  return [...unique(known).filter((service) => measured.includes(service)), ...measured.filter((service) => !known.includes(service))];
}

function pathOf(sidecar: TracedSidecar, path: Path, tool: 'strace' | 'events'): PathLatency | undefined {
  return sidecar[tool]?.paths.find((each) => each.path === path);
}

/** The kernel's tracepoints, which add little and tell waiting for the core from work; strace, as the paper has it, where there are none. */
function mainTool(data: SidecarLatencyData): 'strace' | 'events' {
  return data.sidecars.some(({ events }) => events !== null) ? 'events' : 'strace';
}

const toolNames = { events: "the kernel's tracepoints", strace: 'strace' } as const;

function latencies(data: SidecarLatencyData, profile: string, service: string, path: Path, tool = mainTool(data)): PathLatency[] {
  return data.sidecars.filter((one) => one.profile === profile && one.service === service).flatMap((one) => pathOf(one, path, tool) ?? []);
}

/** Median of the repeats; the interval holds theirs. */
function pooled(values: readonly Pooled[]): Pooled | null {
  if (values.length === 0) return null;
  const bounds = values.flatMap(({ interval }) => interval ?? []);
  return { value: median(values.map(({ value }) => value)), interval: bounds.length > 0 ? [Math.min(...bounds), Math.max(...bounds)] : null, n: values.reduce((sum, { n }) => sum + n, 0) };
}

function partOf(data: SidecarLatencyData, profile: string, service: string, path: Path, part: Part | 'both', kind: 'raw' | 'corrected' = 'corrected', tool = mainTool(data)): Pooled | null {
  const name = { 'system calls': 'kernelUs', 'user space': 'userUs', both: 'totalUs' } as const;
  return pooled(latencies(data, profile, service, path, tool).map((latency) => latency[kind][name[part]]));
}

function rowOf(data: SidecarLatencyData, profile: string, service: string, path: Path, part: Part): Row | null {
  const value = partOf(data, profile, service, path, part);
  return value && {
    series: `${seriesName(profile)}: ${part}`, x: `${service}, ${path}`, value: value.value, interval: value.interval, unit: 'us', method: 'measured: system calls', origin: data.origin, runs: runsOf(data, profile, service),
  };
}

function runsOf(data: SidecarLatencyData, profile: string, service: string): string[] {
  return data.sidecars.filter((one) => one.profile === profile && one.service === service).map(({ run }) => run);
}

function table(data: SidecarLatencyData, profiles: readonly string[], services: readonly string[]): Item['table'] {
  const rows = profiles.flatMap((profile) => services.flatMap((service) => paths.flatMap((path) => {
    const found = latencies(data, profile, service, path);
    if (found.length === 0) return [];
    const of = (part: Part | 'both', kind: 'raw' | 'corrected') => estimateText(partOf(data, profile, service, path, part, kind));
    return [{
      profile, service, path, kernel: of('system calls', 'corrected'), user: of('user space', 'corrected'), both: of('both', 'corrected'), raw: of('both', 'raw'),
      other: estimateText(partOf(data, profile, service, path, 'both', 'corrected', 'strace')), otherRaw: estimateText(partOf(data, profile, service, path, 'both', 'raw', 'strace')), calls: number(Object.values(found[0].calls).reduce((sum, count) => sum + count, 0)), wait: estimateText(pooled(found.map(({ waitUs }) => waitUs))),
    }];
  })));
  return {
    columns: [
      { key: 'profile', label: 'profile' }, { key: 'service', label: 'sidecar of' }, { key: 'path', label: 'direction' },
      { key: 'kernel', label: 'in system calls (µs)' }, { key: 'user', label: 'in user space (µs)' }, { key: 'both', label: 'both (µs)' }, { key: 'raw', label: 'as traced (µs)' },
      { key: 'other', label: 'both, by strace (µs)' }, { key: 'otherRaw', label: 'as strace shows it (µs)' }, { key: 'calls', label: 'system calls' }, { key: 'wait', label: 'asleep meanwhile (µs)' },
    ],
    rows,
  };
}

function notes(data: SidecarLatencyData): string[] {
  const own = data.sidecars.map((one) => ({ name: `${one.service} (${one.profile})`, ...one, ...(one[mainTool(data)] ?? one.strace)! }));
  const worst = own.reduce((a, b) => (b.unassignedShare > a.unassignedShare ? b : a));
  const checked = own.flatMap(({ ofPlain }) => ofPlain ?? []);
  return [
    "request_ingress and request_egress: a request into the service and its answer; fanout_egress and fanout_ingress: what the service asks of others, and their answers. Time asleep, e.g. for a connection to stand, is not in the bars.",
    `Up to ${(100 * worst.unassignedShare).toFixed(1)} % of a worker's time belongs to no request (${worst.name}): timers, connections that open and close.`,
    ...(checked.length > 0 ? [`Held against the scheduler's account of untraced rounds, the corrected times and what the worker spends around its sleeps come to ${range(checked.map(({ least }) => least.value))} of it counting the least for sleeping, ${range(checked.map(({ most }) => most.value))} counting the most.`] : []),
    'The claims speak of latency at full load; here one request is under way at a time, so that nothing waits for another.',
  ];
}

function range(values: readonly number[]): string {
  return `${Math.min(...values).toFixed(2)} to ${Math.max(...values).toFixed(2)}`;
}

function judgements(data: SidecarLatencyData, services: readonly string[]): Judgement[] {
  const evidence = (service: string, value: Pooled, unit: string): Evidence => ({
    value: value.value, interval: value.interval, repeats: value.n, unit, case: service, method: 'measured: system calls', origin: data.origin, runs: runsOf(data, judgedProfile, service), cpu: data.cpuModel, envoyVersion: data.envoyVersion,
  });
  const none = `no sidecar was traced with the profile ${judgedProfile}`;
  const shares = services.flatMap((service) => {
    const share = kernelShare(data, service);
    return share ? [evidence(service, share, '%')] : [];
  });
  const others = services.filter((service) => service !== front).flatMap((service) => {
    const time = inboundTime(data, service);
    return time ? [evidence(service, time, 'us')] : [];
  });
  return [
    shares.length > 0 ? judgeAll('C34', 'kernel', shares) : unavailable('C34', 'kernel', none),
    userVerdict(data, services, evidence),
    ...timeVerdicts(data, others, evidence, none),
  ];
}

/** Of a sidecar's time over all directions, per cent in system calls. */
function kernelShare(data: SidecarLatencyData, service: string): Pooled | null {
  const kernel = sumOver(data, service, 'system calls');
  const user = sumOver(data, service, 'user space');
  if (!kernel || !user) return null;
  const share = (k: number, u: number) => (100 * k) / (k + u);
  return { value: share(kernel.value, user.value), interval: kernel.interval && user.interval && [share(kernel.interval[0], user.interval[1]), share(kernel.interval[1], user.interval[0])], n: kernel.n };
}

function sumOver(data: SidecarLatencyData, service: string, part: Part | 'both', over: readonly Path[] = paths): Pooled | null {
  const found = over.flatMap((path) => partOf(data, judgedProfile, service, path, part) ?? []);
  if (found.length === 0) return null;
  const bound = (side: 0 | 1) => found.reduce((all, { interval, value }) => all + (interval?.[side] ?? value), 0);
  return { value: found.reduce((all, { value }) => all + value, 0), interval: [bound(0), bound(1)], n: Math.min(...found.map(({ n }) => n)) };
}

/** A request into the service and its answer out of it. */
function inboundTime(data: SidecarLatencyData, service: string): Pooled | null {
  return sumOver(data, service, 'both', ['request_ingress', 'request_egress']);
}

/** User time of a request into a service and its answer, against that of the median service. */
function userVerdict(data: SidecarLatencyData, services: readonly string[], evidence: (service: string, value: Pooled, unit: string) => Evidence): Judgement {
  const times = services.flatMap((service) => {
    const time = sumOver(data, service, 'user space', ['request_ingress', 'request_egress']);
    return time ? [{ service, time }] : [];
  });
  if (times.length < 2) return unavailable('C34', 'user', 'fewer than two sidecars were traced');
  const middle = median(times.map(({ time }) => time.value));
  const relative = (value: number) => value / middle - 1;
  return judgeAll('C34', 'user', times.map(({ service, time }) => evidence(service, { value: relative(time.value), interval: time.interval && [relative(time.interval[0]), relative(time.interval[1])], n: time.n }, '')));
}

function timeVerdicts(data: SidecarLatencyData, others: readonly Evidence[], evidence: (service: string, value: Pooled, unit: string) => Evidence, none: string): Judgement[] {
  const own = inboundTime(data, front);
  const readings = ['time-printed', 'time-plausible', 'productpage-printed', 'productpage-plausible'];
  if (others.length === 0 || !own) return readings.map((reading) => unavailable('C35', reading, none));
  const middle = median(others.map(({ value }) => value!));
  const more: Pooled = { value: own.value - middle, interval: own.interval && [own.interval[0] - middle, own.interval[1] - middle], n: own.n };
  return [
    judgeAll('C35', 'time-printed', others.map(inMs)), judgeAll('C35', 'time-plausible', others),
    judge('C35', 'productpage-printed', inMs(evidence(front, more, 'us'))), judge('C35', 'productpage-plausible', evidence(front, more, 'us')),
  ];
}

function inMs(evidence: Evidence): Evidence {
  return { ...evidence, unit: 'ms', value: evidence.value! / 1000, interval: evidence.interval && [evidence.interval[0] / 1000, evidence.interval[1] / 1000] };
}
