/** Figure 6: tail latency against throughput, per policy, on every machine recorded. */
import type { Data } from 'plotly.js-dist';
import { commonRounds, type Rounds } from '../analysis/rounds.js';
import { median, ratioEstimate, relativeDifferenceEstimate, type Estimate } from '../analysis/statistics.js';
import { paperFig6 } from '../deploy/catalogue.js';
import type { CapacityData } from '../experiments/capacity-data.js';
import { judge, judgeAll, unavailable, type Evidence, type Judgement } from '../report/verdicts.js';
import type { Method, Row } from '../store/value.js';
import { pairOfGenerations } from './generations.js';
import { methodLine, paperSays, unique, type Item } from './item.js';
import { policyColour } from './palette.js';
import { repeatsNote } from './repeats-note.js';
import { styled } from './style.js';

/** Share of the knee at which policies are compared: well below queueing, yet busy. */
const comparedShare = 0.6;

/** @param machines the machine of this session first, then every other recorded one. */
export function fig06(machines: CapacityData[]): Item {
  const rows = machines.flatMap((machine) => [...pointRows(machine), ...capacityRows(machine)]);
  return {
    item: 'fig06',
    title: 'Figure 6: tail latency against throughput',
    rows,
    figure: styled({
      title: 'Figure 6: tail latency (p99) against throughput',
      alt: 'Tail latency over achieved request rate for each policy, one panel a machine; the last point of each line is its knee.',
      method: `${methodLine(rows)}<br>hollow: at the knee, or marked by a warning`,
      data: machines.flatMap((machine, index) => lines(machines, machine, index)),
      layout: panels(machines),
    }),
    table: capacityTable(machines),
    paper: paperSays('fig06'),
    notes: machines.flatMap(notes),
    judgements: judgements(machines),
  };
}

interface Point {
  policy: string; label: string; frame: string; repeat: number; kneeShare: number; achievedPerS: number; p90Us: number; p99Us: number;
  cpuUsPerRequest: number | null; good: boolean; run: string; warning: string;
}
interface Knee {
  policy: string; label: string; frame: string; kneePerS: number; cpuUsPerRequest: number | null; limitedBy: string; good: boolean; warning: string; run: string;
}

function pointsOf(machine: CapacityData): Point[] {
  return machine.points.objects() as Point[];
}

function kneesOf(machine: CapacityData): Knee[] {
  return machine.knees.objects() as Knee[];
}

function lines(machines: CapacityData[], machine: CapacityData, index: number): Data[] {
  const points = pointsOf(machine);
  return inOrder(unique(points.map(({ policy }) => policy))).map((policy) => {
    const own = summary(points.filter((point) => point.policy === policy));
    const { label } = own[0];
    return {
      type: 'scatter', mode: 'lines+markers', name: label, legendgroup: policy,
      // One entry a policy, by the first machine that has it.
      showlegend: machines.findIndex((each) => pointsOf(each).some((point) => point.policy === policy)) === index,
      xaxis: axisName('x', index), yaxis: axisName('y', index),
      x: own.map((point) => point.achievedPerS), y: own.map((point) => point.p99Us / 1000),
      line: { color: policyColour(policy), width: 2, dash: own[0].frame === 'tcp' ? 'dash' : 'solid' },
      marker: { size: 8, color: own.map((point) => (point.good && point.kneeShare < 1 ? policyColour(policy) : '#FFFFFF')), line: { color: policyColour(policy), width: 2 } },
      hovertemplate: `${label}: %{x:.0f} requests/s, p99 %{y:.2f} ms<extra></extra>`,
    } as Data;
  });
}

/** The paper's order; others after it. */
function inOrder(policies: string[]): string[] {
  const rank = (policy: string) => (paperFig6.includes(policy) ? paperFig6.indexOf(policy) : paperFig6.length);
  return [...policies].sort((a, b) => rank(a) - rank(b));
}

/** Medians over the repeats of each share of the knee; marked repeats count only where there are no good ones. */
function summary(own: Point[]): Point[] {
  return unique(own.map(({ kneeShare }) => kneeShare)).sort((a, b) => a - b).map((share) => {
    const all = own.filter(({ kneeShare }) => kneeShare === share);
    const good = all.filter((point) => point.good);
    const shown = good.length > 0 ? good : all;
    const middle = (pick: (point: Point) => number) => median(shown.map(pick));
    return { ...shown[0], achievedPerS: middle((p) => p.achievedPerS), p90Us: middle((p) => p.p90Us), p99Us: middle((p) => p.p99Us) };
  });
}

/** Share of the width between two panels. */
const gap = 0.07;

/** Milliseconds; written out, because Plotly labels only the powers of ten of a logarithmic axis in full. */
const latencyTicks = [0.1, 1, 10, 100, 1000].flatMap((power) => [1, 2, 5].map((digit) => Number((digit * power).toPrecision(1))));

function panels(machines: CapacityData[]): object {
  const width = (1 - gap * (machines.length - 1)) / machines.length;
  const left = (i: number) => i * (width + gap);
  const axes = machines.map((_, i) => ({
    [axisKey('x', i)]: { domain: [left(i), Math.min(1, left(i) + width)], anchor: axisName('y', i), title: { text: 'achieved throughput (requests/s)' }, rangemode: 'tozero' },
    [axisKey('y', i)]: {
      anchor: axisName('x', i), type: 'log', tickvals: latencyTicks, ticktext: latencyTicks.map(String),
      // One scale, so that machines can be compared.
      ...(i === 0 ? { title: { text: 'p99 latency (ms,<br>from intended send time)' } } : { matches: 'y' }),
    },
  }));
  const titles = machines.length < 2 ? [] : machines.map((machine, i) => ({
    text: `${machine.cpuModel}<br>(${machine.recording.origin})`, align: 'left', xref: 'paper', yref: 'paper', x: left(i), y: 1, yanchor: 'bottom', showarrow: false, xanchor: 'left', font: { size: 12 },
  }));
  return {
    width: Math.max(700, 480 * machines.length), height: 490, margin: { t: machines.length < 2 ? 95 : 130 },
    legend: { orientation: 'h', y: -0.22 }, annotations: titles, ...Object.assign({}, ...axes),
  };
}

/** Two recordings of one machine, or this one and a recording of its kind, are told apart by where they are from. */
function nameOf({ cpuModel, recording }: CapacityData): string {
  return `${cpuModel} (${recording.origin})`;
}

function axisKey(axis: 'x' | 'y', index: number): string {
  return `${axis}axis${index ? index + 1 : ''}`;
}

function axisName(axis: 'x' | 'y', index: number): string {
  return `${axis}${index ? index + 1 : ''}`;
}

function pointRows(machine: CapacityData): Row[] {
  return pointsOf(machine).flatMap((point) => (['p90Us', 'p99Us'] as const).map((percentile) => ({
    series: `${point.label}, ${percentile.slice(0, 3)} latency`, x: point.achievedPerS, value: point[percentile], unit: 'us', interval: null,
    method: 'measured: latency', origin: machine.recording.origin, runs: [point.run], reason: point.warning || undefined,
  } as Row)));
}

/** Maximum throughput: the knee where the sidecar was the limit, otherwise what its CPU time allows. */
function capacityRows(machine: CapacityData): Row[] {
  return kneesOf(machine).map((knee) => {
    const common = { series: 'maximum throughput', x: knee.label, unit: 'requests/s', interval: null, origin: machine.recording.origin, runs: [knee.run] };
    return { ...common, ...capacityOf(knee) };
  });
}

function capacityOf({ limitedBy, kneePerS, cpuUsPerRequest, good, warning }: Knee): Pick<Row, 'value' | 'method' | 'reason'> {
  // Cheap rejections, or another program on the core, look like capacity, or like the lack of it.
  if (!good) return { value: null, method: 'unavailable', reason: warning };
  if (limitedBy === 'sidecar' && kneePerS > 0) return { value: kneePerS, method: 'measured: throughput' };
  if (limitedBy !== 'sidecar' && cpuUsPerRequest !== null) return { value: 1e6 / cpuUsPerRequest, method: 'modelled' };
  return { value: null, method: 'unavailable', reason: 'no rate was sustained' };
}

function capacityTable(machines: CapacityData[]): Item['table'] {
  const rows = machines.flatMap((machine) => kneesOf(machine).map((knee) => {
    const { value, method } = capacityOf(knee);
    return {
      machine: nameOf(machine), policy: knee.label, knee: Math.round(knee.kneePerS), capacity: value === null ? 'unavailable' : Math.round(value),
      cpu: knee.cpuUsPerRequest === null ? 'unavailable' : Number(knee.cpuUsPerRequest.toFixed(1)), limit: knee.limitedBy, method,
    };
  }));
  return {
    columns: [
      { key: 'machine', label: 'machine' }, { key: 'policy', label: 'policy' }, { key: 'knee', label: 'knee found (requests/s)' },
      { key: 'limit', label: 'limited by' }, { key: 'cpu', label: 'CPU time (µs/request, full speed)' },
      { key: 'capacity', label: 'maximum throughput of one core (requests/s)' }, { key: 'method', label: 'method' },
    ],
    rows,
  };
}

function notes(machine: CapacityData): string[] {
  const name = nameOf(machine);
  const others = kneesOf(machine).filter(({ limitedBy, good }) => good && limitedBy !== 'sidecar');
  const limited = others.length === 0 ? [] : [
    `${name}: for ${others.map(({ label }) => label).join(', ')} the ${unique(others.map(({ limitedBy }) => limitedBy)).join(' or ')} gave out before the sidecar; `
    + 'its maximum throughput is modelled as 1 / (CPU time per request), and the line ends where the generator did.',
  ];
  const marked = kneesOf(machine).filter(({ good }) => !good).map(({ label, warning }) => `${name}: no maximum throughput of ${label}: ${warning}.`);
  const standIn = machine.backend === 'socketify' ? [] : [`${name}: the backend was the ${machine.backend} stand-in, not the paper's socketify echo server.`];
  const repeats = unique(pointsOf(machine).map(({ policy, kneeShare }) => `${policy} ${kneeShare}`))
    .map((point) => pointsOf(machine).filter(({ policy, kneeShare, good }) => good && `${policy} ${kneeShare}` === point).length);
  return [...limited, ...marked, ...repeatsNote(`${name}, latency`, repeats), ...standIn, ...machine.pods.map((note) => `${name}: ${note}`)];
}

function judgements(machines: CapacityData[]): Judgement[] {
  const [here] = machines;
  return [throughputVerdict(here), latencyVerdict(here), ...generationVerdicts(machines)];
}

function throughputVerdict(machine: CapacityData): Judgement {
  const [tcp, http] = ['tcp', 'http'].map((policy) => ({ machine, policy }));
  const compared = capacityRatio(tcp, http);
  return 'reason' in compared ? unavailable('C04', 'throughput', compared.reason) : judge('C04', 'throughput', evidence(machine, compared.ratio, 'x', compared.method, compared.runs));
}

/** A policy on a machine. */
interface Side { machine: CapacityData; policy: string }

/** Maximum throughput of one side over that of the other, both by the same method. */
function capacityRatio(a: Side, b: Side): { ratio: Estimate; method: Method; runs: string[] } | { reason: string } {
  const knees = [a, b].map(({ machine, policy }) => kneesOf(machine).filter((knee) => knee.policy === policy && knee.good));
  if (knees.some((own) => own.length === 0)) return { reason: `no knee of both ${nameOfSide(a, b)} and ${nameOfSide(b, a)} without a warning in this recording` };
  const runs = knees.flat().map(({ run }) => run);
  if (knees.flat().every(({ limitedBy, kneePerS }) => limitedBy === 'sidecar' && kneePerS > 0)) {
    const [x, y] = knees.map((own) => own.map(({ kneePerS }) => kneePerS));
    return { ratio: ratioEstimate(x, y), method: 'measured: throughput', runs };
  }
  // From CPU time per request on both sides, as one side could not be driven to its limit.
  const points = [a, b].map(({ machine, policy }) => busiestPoints(machine, policy));
  const [x, y] = knees.map((own, i) => [...own, ...points[i]].flatMap(({ cpuUsPerRequest }) => cpuUsPerRequest ?? []));
  if (x.length === 0 || y.length === 0) return { reason: 'no request was answered at full speed' };
  return { ratio: ratioEstimate(y, x), method: 'modelled', runs: [...runs, ...points.flat().map(({ run }) => run)] };
}

/** What tells it from the other. */
function nameOfSide(own: Side, other: Side): string {
  return own.machine === other.machine ? own.policy.toUpperCase() : nameOf(own.machine);
}

/** The points at the knee, where batching is as at full speed. */
function busiestPoints(machine: CapacityData, policy: string): Point[] {
  return pointsOf(machine).filter((point) => point.policy === policy && point.kneeShare >= 1 && point.good);
}

function latencyVerdict(machine: CapacityData): Judgement {
  const points = comparedPoints(machine);
  const p99 = (policy: string): Rounds => new Map(points.filter((point) => point.policy === policy).map(({ repeat, p99Us }) => [repeat, p99Us]));
  const cases = unique(points.map(({ policy }) => policy)).flatMap((policy) => {
    const [{ frame, label }] = points.filter((point) => point.policy === policy);
    if (policy === frame || p99(frame).size === 0) return [];
    const { samples: [own, bare], paired } = commonRounds([p99(policy), p99(frame)]);
    const runs = points.filter((point) => point.policy === policy || point.policy === frame).map(({ run }) => run);
    return [{ ...evidence(machine, relativeDifferenceEstimate(own, bare, { paired }), '', 'measured: latency', runs), case: label }];
  });
  return cases.length > 0 ? judgeAll('C04', 'latency', cases) : unavailable('C04', 'latency', `no two policies of one protocol have points without a warning at ${comparedShare} of the knee`);
}

/** C05 and C06: every policy that both machines have, on the newer against the older one. */
function generationVerdicts(machines: CapacityData[]): Judgement[] {
  const pair = pairOfGenerations(machines);
  if ('reason' in pair) return [unavailable('C05', 'throughput', pair.reason), unavailable('C06', 'latency', pair.reason)];
  const { newer, older } = pair;
  const shared = inOrder(unique(kneesOf(newer).map(({ policy }) => policy))).filter((policy) => kneesOf(older).some((knee) => knee.policy === policy));
  const faster = shared.flatMap((policy) => {
    const compared = capacityRatio({ machine: newer, policy }, { machine: older, policy });
    return 'reason' in compared ? [] : [{ ...evidence(newer, compared.ratio, 'x', compared.method, compared.runs), case: kneesOf(newer).find((knee) => knee.policy === policy)!.label }];
  });
  const sooner = shared.flatMap((policy) => latencySaved(newer, older, policy));
  const between = `${nameOf(newer)} and ${nameOf(older)} are far enough apart, but have no policy in common`;
  return [
    faster.length > 0 ? judgeAll('C05', 'throughput', faster) : unavailable('C05', 'throughput', `${between} whose knee has no warning`),
    sooner.length > 0 ? judgeAll('C06', 'latency', sooner) : unavailable('C06', 'latency', `${between} whose points at ${comparedShare} of the knee have no warning`),
  ];
}

/** Per cent of the older machine's p99 latency that the newer one saves, each at the same share of its own knee. */
function latencySaved(newer: CapacityData, older: CapacityData, policy: string): Evidence[] {
  const [points, others] = [newer, older].map((machine) => comparedPoints(machine).filter((point) => point.policy === policy));
  if (points.length === 0 || others.length === 0) return [];
  const { value, interval, n } = relativeDifferenceEstimate(points.map(({ p99Us }) => p99Us), others.map(({ p99Us }) => p99Us));
  const saved: Estimate = { value: -100 * value, interval: interval && [-100 * interval[1], -100 * interval[0]], n };
  return [{ ...evidence(newer, saved, '%', 'measured: latency', [...points, ...others].map(({ run }) => run)), case: points[0].label }];
}

function comparedPoints(machine: CapacityData): Point[] {
  return pointsOf(machine).filter(({ kneeShare, good }) => kneeShare === comparedShare && good);
}

function evidence(machine: CapacityData, estimate: Estimate, unit: string, method: Method, runs: string[]): Evidence {
  return { value: estimate.value, interval: estimate.interval, repeats: estimate.n, unit, method, origin: machine.recording.origin, runs, cpu: machine.cpuModel, envoyVersion: machine.envoyVersion };
}
