/** Figure 6: tail latency against throughput, per policy, on every machine recorded. */
import type { Data } from 'plotly.js-dist';
import { medianEstimate, ratioEstimate, relativeDifferenceEstimate, type Estimate } from '../analysis/statistics.js';
import type { CapacityData } from '../experiments/capacity-data.js';
import { judge, judgeAll, unavailable, type Evidence, type Judgement } from '../report/verdicts.js';
import type { Method, Row } from '../store/value.js';
import { methodLine, paperSays, unique, type Item } from './item.js';
import { policyColour } from './palette.js';
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
      method: methodLine(rows),
      data: machines.flatMap((machine, index) => lines(machine, index)),
      layout: panels(machines),
    }),
    table: capacityTable(machines),
    paper: paperSays('fig06'),
    notes: machines.flatMap(notes),
    judgements: judgements(machines),
  };
}

interface Point {
  policy: string; label: string; frame: string; kneeShare: number; achievedPerS: number; p90Us: number; p99Us: number; good: boolean; run: string; warning: string;
}
interface Knee { policy: string; label: string; frame: string; kneePerS: number; cpuUsPerRequest: number; limitedBy: string; run: string }

function pointsOf(machine: CapacityData): Point[] {
  return machine.points.objects() as Point[];
}

function kneesOf(machine: CapacityData): Knee[] {
  return machine.knees.objects() as Knee[];
}

function lines(machine: CapacityData, index: number): Data[] {
  const points = pointsOf(machine);
  return unique(points.map(({ policy }) => policy)).map((policy) => {
    const own = summary(machine, policy);
    const { label } = points.find((point) => point.policy === policy)!;
    return {
      type: 'scatter', mode: 'lines+markers', name: label, legendgroup: policy, showlegend: index === 0,
      xaxis: axisName('x', index), yaxis: axisName('y', index),
      x: own.map((point) => point.achievedPerS), y: own.map((point) => point.p99Us / 1000),
      line: { color: policyColour(policy), width: 2, dash: own[0].frame === 'tcp' ? 'dash' : 'solid' },
      // Hollow: at the knee, or marked by a warning.
      marker: { size: 8, color: own.map((point) => (point.good && point.kneeShare < 1 ? policyColour(policy) : '#FFFFFF')), line: { color: policyColour(policy), width: 2 } },
      hovertemplate: `${label}: %{x:.0f} requests/s, p99 %{y:.2f} ms<extra></extra>`,
    } as Data;
  });
}

/** Medians over the repeats of each share of the knee. */
function summary(machine: CapacityData, policy: string): Point[] {
  const own = pointsOf(machine).filter((point) => point.policy === policy);
  return unique(own.map(({ kneeShare }) => kneeShare)).sort((a, b) => a - b).map((share) => {
    const same = own.filter(({ kneeShare }) => kneeShare === share);
    const middle = (pick: (point: Point) => number) => medianEstimate(same.map(pick)).value;
    return { ...same[0], achievedPerS: middle((p) => p.achievedPerS), p90Us: middle((p) => p.p90Us), p99Us: middle((p) => p.p99Us), good: same.every(({ good }) => good) };
  });
}

function panels(machines: CapacityData[]): object {
  const width = 1 / machines.length;
  const axes = machines.map((_, i) => ({
    [axisKey('x', i)]: { domain: [i * width + (i ? 0.05 : 0), (i + 1) * width], anchor: axisName('y', i), title: { text: 'achieved throughput (requests/s)' }, rangemode: 'tozero' },
    [axisKey('y', i)]: { anchor: axisName('x', i), type: 'log', title: { text: i === 0 ? 'p99 latency (ms, from intended send time)' : '' } },
  }));
  const titles = machines.length < 2 ? [] : machines.map((machine, i) => ({
    text: machine.cpuModel, xref: 'paper', yref: 'paper', x: i * width + 0.05, y: 1.04, showarrow: false, xanchor: 'left', font: { size: 12 },
  }));
  return { width: Math.max(700, 480 * machines.length), height: 460, legend: { orientation: 'h', y: -0.22 }, annotations: titles, ...Object.assign({}, ...axes) };
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
    const { value, method } = capacityOf(knee);
    return { series: 'maximum throughput', x: knee.label, value, unit: 'requests/s', interval: null, method, origin: machine.recording.origin, runs: [knee.run] };
  });
}

function capacityOf(knee: Knee): { value: number; method: Method } {
  return knee.limitedBy === 'sidecar'
    ? { value: knee.kneePerS, method: 'measured: throughput' }
    : { value: 1e6 / knee.cpuUsPerRequest, method: 'modelled' };
}

function capacityTable(machines: CapacityData[]): Item['table'] {
  const rows = machines.flatMap((machine) => kneesOf(machine).map((knee) => {
    const { value, method } = capacityOf(knee);
    return {
      machine: machine.cpuModel, policy: knee.label, knee: Math.round(knee.kneePerS), capacity: Math.round(value),
      cpu: Number(knee.cpuUsPerRequest.toFixed(1)), limit: knee.limitedBy, method,
    };
  }));
  return {
    columns: [
      { key: 'machine', label: 'machine' }, { key: 'policy', label: 'policy' }, { key: 'knee', label: 'knee found (requests/s)' },
      { key: 'limit', label: 'limited by' }, { key: 'cpu', label: 'CPU time (us/request, full speed)' },
      { key: 'capacity', label: 'maximum throughput of one core (requests/s)' }, { key: 'method', label: 'method' },
    ],
    rows,
  };
}

function notes(machine: CapacityData): string[] {
  const others = kneesOf(machine).filter(({ limitedBy }) => limitedBy !== 'sidecar');
  const limited = others.length === 0 ? [] : [
    `${machine.cpuModel}: for ${others.map(({ label }) => label).join(', ')} the ${unique(others.map(({ limitedBy }) => limitedBy)).join(' or ')} gave out before the sidecar; `
    + 'its maximum throughput is modelled as 1 / (CPU time per request), and the line ends where the generator did.',
  ];
  const standIn = machine.backend === 'socketify' ? [] : [`${machine.cpuModel}: the backend was the ${machine.backend} stand-in, not the paper's socketify echo server.`];
  return [...limited, ...standIn];
}

function judgements(machines: CapacityData[]): Judgement[] {
  const [here] = machines;
  return [throughputVerdict(here), latencyVerdict(here), ...generationVerdicts(machines)];
}

function throughputVerdict(machine: CapacityData): Judgement {
  const knees = kneesOf(machine);
  const tcp = knees.find(({ policy }) => policy === 'tcp');
  const http = knees.find(({ policy }) => policy === 'http');
  if (!tcp || !http) return unavailable('C04', 'throughput', 'no knee of both TCP and HTTP in this recording');
  // From CPU time per request on both sides wherever one side could not be driven to its limit.
  const byCpu = [tcp, http].some(({ limitedBy }) => limitedBy !== 'sidecar');
  const cpuOf = (policy: string) => [...pointsWithCpu(machine, policy), ...knees.filter((knee) => knee.policy === policy).map(({ cpuUsPerRequest }) => cpuUsPerRequest)];
  const estimate = byCpu ? ratioEstimate(cpuOf('http'), cpuOf('tcp')) : ratioEstimate([tcp.kneePerS], [http.kneePerS]);
  return judge('C04', 'throughput', evidence(machine, estimate, 'x', byCpu ? 'modelled' : 'measured: throughput', [tcp.run, http.run]));
}

/** CPU time per request at the knee: the busiest points, where batching is as at full speed. */
function pointsWithCpu(machine: CapacityData, policy: string): number[] {
  const atKnee = machine.points.filter((row: { policy: string; kneeShare: number }) => row.kneeShare >= 1)
    .objects() as { policy: string; cpuUsPerRequest: number }[];
  return atKnee.filter((row) => row.policy === policy).map(({ cpuUsPerRequest }) => cpuUsPerRequest);
}

function latencyVerdict(machine: CapacityData): Judgement {
  const points = pointsOf(machine).filter(({ kneeShare }) => kneeShare === comparedShare);
  const bare = (frame: string) => points.filter(({ policy }) => policy === frame);
  const cases = unique(points.map(({ policy }) => policy)).flatMap((policy) => {
    const own = points.filter((point) => point.policy === policy);
    const base = bare(own[0].frame);
    if (policy === own[0].frame || base.length === 0) return [];
    const difference = relativeDifferenceEstimate(own.map(({ p99Us }) => p99Us), base.map(({ p99Us }) => p99Us));
    return [{ ...evidence(machine, difference, '', 'measured: latency', own.map(({ run }) => run)), case: own[0].label }];
  });
  return cases.length > 0 ? judgeAll('C04', 'latency', cases) : unavailable('C04', 'latency', `no points at ${comparedShare} of the knee`);
}

function generationVerdicts(machines: CapacityData[]): Judgement[] {
  const reason = machines.length < 2
    ? 'needs recordings of two machines some generations apart; there is one so far (`npm run pack` makes one of any machine)'
    : 'the machines recorded so far are not five Intel generations apart';
  return [unavailable('C05', 'throughput', reason), unavailable('C06', 'latency', reason)];
}

function evidence(machine: CapacityData, estimate: Estimate, unit: string, method: Method, runs: string[]): Evidence {
  return { value: estimate.value, interval: estimate.interval, unit, method, origin: machine.recording.origin, runs, cpu: machine.cpuModel, envoyVersion: machine.envoyVersion };
}
