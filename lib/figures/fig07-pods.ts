/** Does a single sidecar cost as a pod of a cluster what it costs as a process of one machine? */
import { cpuRounds } from '../analysis/request-cost.js';
import { commonRounds, estimateOf, type Rounds } from '../analysis/rounds.js';
import { ratioEstimate, type Estimate } from '../analysis/statistics.js';
import { paperRank } from '../deploy/catalogue.js';
import type { ComponentsData } from '../experiments/components-data.js';
import { number } from '../report/verdicts.js';
import type { Row } from '../store/value.js';
import { groupedBars, gridLayout, type Bar, type PanelGrid } from './application-panels.js';
import { estimateText } from './application-values.js';
import { methodLine, type Item } from './item.js';
import { machineColour } from './palette.js';
import { styled } from './style.js';

/** Every other policy is shown by it too. */
const bare = 'http';

/** What is compared: as measured, and free of how fast the machine was in that round. */
const quantities = [
  { title: 'CPU time of the worker<br>(µs/request)', unit: 'us CPU/request', of: cpuRounds },
  { title: 'the same by that of HTTP<br>in the same round (%)', unit: '% of HTTP\'s CPU time', of: byBare },
] as const;

/** @param data of processes and of pods, best in turn on one machine. */
export function fig07Pods(processes: ComponentsData, pods: ComponentsData): Item {
  const both = [{ name: 'process of one machine', data: processes }, { name: 'pod of Kubernetes', data: pods }];
  const policies = pods.policies.filter(({ id }) => both.every(({ data }) => cpuRounds(data, id).size > 0)).sort((a, b) => paperRank(a.id) - paperRank(b.id));
  const grid: PanelGrid = {
    columns: [{ title: '', groups: policies.map(({ label }) => label) }], places: both.length, xTitle: '',
    rows: quantities.map(({ title }) => ({ title, height: 1 })),
  };
  const bars = quantities.flatMap(({ unit, of }, row) => policies.flatMap(({ id, label }, group) => both.map(({ name, data }, place): Bar => {
    const { value, interval } = estimateOf(of(data, id));
    const shown: Row = { series: name, x: label, value, interval, unit, method: 'measured: CPU time', origin: data.origin, runs: data.runsOf(id, 'cpu-time') };
    return { row, column: 0, group, place, series: name, colour: machineColour(place), value: shown, text: `${label}, ${name}: ${number(value)} ${unit}` };
  })));
  const rows = bars.map(({ value }) => value as Row);
  return {
    item: 'fig07-pods',
    title: 'A single sidecar as a pod beside one as a process',
    rows,
    figure: styled({
      title: 'A single sidecar as a pod beside one as a process',
      alt: 'CPU time of a request in a single sidecar that is a process of one machine, and in one that is a pod of a Kubernetes cluster, by policy.',
      method: `${methodLine(rows)}, at full speed`,
      data: groupedBars(bars, grid),
      layout: { ...gridLayout(grid, { width: 860, height: 640 }), legend: { orientation: 'h', x: 0, y: -0.2, yanchor: 'top' } },
    }),
    table: {
      columns: [
        { key: 'policy', label: 'policy' }, { key: 'process', label: 'process: CPU time (µs/request)' }, { key: 'pod', label: 'pod: CPU time (µs/request)' },
        { key: 'ratio', label: 'pod / process' }, { key: 'relative', label: 'the same of each by HTTP in its round' },
      ],
      rows: policies.map(({ id, label }) => ({
        policy: label, process: estimateText(estimateOf(cpuRounds(processes, id))), pod: estimateText(estimateOf(cpuRounds(pods, id))),
        ratio: estimateText(ratioOf(cpuRounds(pods, id), cpuRounds(processes, id))),
        relative: id === bare ? '1' : estimateText(ratioOf(byBare(pods, id), byBare(processes, id))),
      })),
    },
    paper: [],
    notes: [...new Set([...pods.notes, ...processes.notes, 'What a pod sends and gets crosses a pair of interfaces, a bridge and the cluster\'s packet filters, in the kernel on the worker\'s time; a process\'s stays on loopback.'])],
    judgements: [],
  };
}

/** Per cent, by round. */
function byBare(data: ComponentsData, policy: string): Rounds {
  const [own, other] = [policy, bare].map((id) => cpuRounds(data, id));
  return new Map([...own].flatMap(([round, value]): [number, number][] => (other.has(round) ? [[round, (100 * value) / other.get(round)!]] : [])));
}

/** Round by round where both have rounds: they were taken in turn. */
function ratioOf(a: Rounds, b: Rounds): Estimate | null {
  const { samples: [over, under], paired } = commonRounds([a, b]);
  return over.length > 0 && under.length > 0 ? ratioEstimate(over, under, { paired }) : null;
}
