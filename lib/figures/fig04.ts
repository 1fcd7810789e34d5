/** Figure 4: the life of a request between two services via their sidecars, with the time that each hop really added. */
import type { Data } from 'plotly.js-dist';
import { differenceEstimate, medianEstimate, type Estimate } from '../analysis/statistics.js';
import type { MemberName, PathName } from '../deploy/observe-pair.js';
import type { DeploymentData } from '../experiments/deployment.js';
import { components } from '../paper/components.js';
import type { Row } from '../store/value.js';
import { boxHeight, canvasWidth, diagram, lineHeight, textSize, type Arrow, type Box, type Label } from './diagram.js';
import { methodLine, paperSays, type Item } from './item.js';
import { componentColour } from './palette.js';

const serviceWidth = 122;
const sidecarWidth = 176;
const gap = (canvasWidth - 2 * serviceWidth - 2 * sidecarWidth) / 3;
const height = boxHeight(components.length + 2);
const left = [0, serviceWidth + gap, serviceWidth + sidecarWidth + 2 * gap, canvasWidth - serviceWidth];

export function fig04(data: DeploymentData): Item {
  const times = hopTimes(data);
  const rows = rowsOf(data, times);
  const { policy, payloadBytes, timesUs } = data.observation;
  return {
    item: 'fig04',
    title: 'Figure 4: life of a request between two services via sidecars',
    rows,
    figure: diagram({
      title: 'Figure 4: life of a request between two services via sidecars',
      alt: 'Service A, its sidecar, the sidecar of service B and service B in a row, with the components a request passes in each sidecar; below, the time of a call by each path.',
      method: methodLine(rows),
      height,
      boxes: [
        service(0, 'Service A', ['calls B through', 'its own sidecar']),
        sidecar(1, 'Sidecar A (egress)', times.egress), ...chips(1),
        sidecar(2, 'Sidecar B (ingress)', times.ingress), ...chips(2),
        service(3, 'Service B', ['answers with', `${payloadBytes} bytes;`, 'called directly:', `${Math.round(times.paths.direct.value)} µs`]),
      ],
      arrows: [0, 1, 2].flatMap(there),
      labels: [0, 1, 2].flatMap(numbers).concat([1, 2].flatMap((column) => componentLabels(column, policy.filters))),
      plot: { height: 178, left: 172, data: bars(times), xaxis: { title: { text: 'median time of one call (µs)', font: { size: textSize } }, range: [0, 2.1 * times.paths.both.value] }, yaxis: { autorange: 'reversed', gridcolor: 'rgba(0,0,0,0)' } },
    }),
    table: null,
    paper: paperSays('fig04'),
    notes: [
      'One call becomes three requests over the network (1, 2, 3); each answer comes back the same way (light arrows), so the time a sidecar adds is that of both directions.',
      `Calls were made one at a time, by each path in turn (${timesUs.both.length} rounds, policy ${policy.label}); nobody waits in a queue, so this is the least a sidecar adds.`,
      ...coreNote(data),
      'The components are those of Table 2, in its order; what each of them costs is Figure 7.',
    ],
    judgements: [],
  };
}

interface HopTimes {
  /** Whole time by each path. */
  paths: Record<PathName, Estimate>;
  /** Added by B's sidecar. */
  ingress: Estimate;
  /** Added by A's. */
  egress: Estimate;
}

/** What each sidecar adds: median of the differences round by round. */
function hopTimes({ observation: { timesUs } }: DeploymentData): HopTimes {
  return {
    paths: { direct: medianEstimate(timesUs.direct), ingress: medianEstimate(timesUs.ingress), both: medianEstimate(timesUs.both) },
    ingress: differenceEstimate(timesUs.ingress, timesUs.direct, { paired: true }),
    egress: differenceEstimate(timesUs.both, timesUs.ingress, { paired: true }),
  };
}

/** Why the two sidecars do not add the same, where both workers have the core for sidecars. */
function coreNote({ observation: { members } }: DeploymentData): string[] {
  const core = (name: MemberName) => members.find((member) => member.name === name)!.thread.cpu;
  const shared = core('sidecar A');
  if (core('sidecar B') !== shared || core('service A') === shared || core('service B') === shared) return [];
  return [`Both sidecars ran on core ${shared}, the services on others: the first sidecar put in the way adds a change of core to each direction, the second adds none.`];
}

function rowsOf({ origin, runs }: DeploymentData, times: HopTimes): Row[] {
  const row = (series: string, x: string, { value, interval }: Estimate): Row =>
    ({ series, x, value, unit: 'us', interval, method: 'measured: latency', origin, runs });
  return [
    row('whole call', 'straight to service B', times.paths.direct),
    row('whole call', "through B's sidecar", times.paths.ingress),
    row('whole call', 'through both sidecars', times.paths.both),
    row('added by', 'sidecar B (ingress)', times.ingress),
    row('added by', 'sidecar A (egress)', times.egress),
  ];
}

function service(column: number, title: string, lines: string[]): Box {
  const own = boxHeight(4);
  return { x: left[column], y: (height - own) / 2, width: serviceWidth, height: own, title, lines, fill: '#FBF6E4', colour: '#999933' };
}

function sidecar(column: number, title: string, added: Estimate): Box {
  const blank = components.map(() => '');
  return { x: left[column], y: 0, width: sidecarWidth, height, title, lines: [...blank, '', `adds ${text(added)}`], fill: '#EAF2FB', colour: '#332288' };
}

/** `152 [147, 158] µs`. */
function text({ value, interval }: Estimate): string {
  const round = (us: number) => String(Math.round(us));
  return `${round(value)}${interval ? ` [${interval.map(round).join(', ')}]` : ''} µs`;
}

/** Top of the n-th component's line. */
function lineTop(n: number): number {
  return 8 + (n + 1) * lineHeight;
}

function chips(column: number): Box[] {
  return components.map((component, i) => ({ x: left[column] + 9, y: lineTop(i) + 4, width: 9, height: 9, fill: componentColour(component), colour: componentColour(component) }));
}

function componentLabels(column: number, filters: number): Label[] {
  return components.map((component, i) => ({
    x: left[column] + 25, y: lineTop(i), text: component === 'Sidecar Filter' ? `${component} ${filters > 0 ? `× ${filters}` : '(router)'}` : component,
  }));
}

/** Request and answer across the gap behind a column. */
function there(column: number): Arrow[] {
  const [from, to, y] = [left[column] + widthOf(column), left[column + 1], height / 2];
  return [{ from: [from, y - 8], to: [to, y - 8] }, { from: [to, y + 14], to: [from, y + 14], light: true }];
}

function numbers(column: number): Label[] {
  return [{ x: left[column] + widthOf(column) + gap / 2, y: height / 2 - 30, text: String(column + 1), anchor: 'center', bold: true }];
}

function widthOf(column: number): number {
  return column === 0 || column === 3 ? serviceWidth : sidecarWidth;
}

function bars({ paths, ingress, egress }: HopTimes): Data[] {
  const entries = [
    { name: 'straight to service B', estimate: paths.direct, label: text(paths.direct), colour: '#999933' },
    { name: "through B's sidecar", estimate: paths.ingress, label: `${Math.round(paths.ingress.value)} µs: sidecar B adds ${text(ingress)}`, colour: '#88CCEE' },
    { name: 'through both sidecars', estimate: paths.both, label: `${Math.round(paths.both.value)} µs: sidecar A adds ${text(egress)}`, colour: '#332288' },
  ];
  return [{
    type: 'bar', orientation: 'h', xaxis: 'x2', yaxis: 'y2',
    y: entries.map(({ name }) => name), x: entries.map(({ estimate }) => estimate.value),
    marker: { color: entries.map(({ colour }) => colour) },
    text: entries.map(({ label }) => label), textposition: 'outside', cliponaxis: false, textfont: { size: textSize },
    hovertemplate: '%{y}: %{x:.0f} µs<extra></extra>',
  } as Data];
}
