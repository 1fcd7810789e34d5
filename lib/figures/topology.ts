/** An application as it was deployed (the paper's Figures 3 and 4): pods with their sidecars by node, calls with what their sidecars cost. */
import type { CallGraph } from '../apps/call-graph.js';
import { hopsOf, traversalsOf } from '../apps/traversals.js';
import { estimateOf } from '../analysis/rounds.js';
import type { ApplicationsData, PodRow } from '../experiments/applications-data.js';
import type { Row } from '../store/value.js';
import { boxHeight, canvasWidth, diagram, lineHeight, type Arrow, type Box, type Label } from './diagram.js';
import { shortName, steadiedBy, steadyNote } from './application-values.js';
import { seriesName } from './fig05.js';
import { methodLine, unique, type Item } from './item.js';
import { number } from '../report/verdicts.js';

const rowGap = 74;
const boxGap = 16;
const height = boxHeight(2);

/** @param profile with sidecars; @param nodes how many the deployment had. */
export function topology(data: ApplicationsData, graph: CallGraph, profile: string, nodes: number): Item {
  const pods = podsIn(data, graph, profile, nodes);
  const places = placesOf(graph, pods);
  const edges = edgesOf(graph).map((edge) => ({ ...edge, costUs: costOf(graph, pods, edge) }));
  const rows = edges.map((edge): Row => ({
    series: `${seriesName(profile)}: CPU time of sidecars on the hop, steadied`, x: `${edge.caller ?? 'client'} to ${edge.callee}`, value: edge.costUs, unit: 'us CPU/request', interval: null,
    method: 'measured: CPU time', origin: data.origin, runs: unique(pods.map(({ run }) => run)),
  }));
  const depth = Math.max(...[...places.values()].map(({ row }) => row)) + 1;
  return {
    item: `topology-${graph.id}`,
    title: `${graph.label} as deployed`,
    rows,
    figure: diagram({
      title: `${graph.label} as deployed: ${seriesName(profile)}, ${nodes} ${nodes === 1 ? 'node' : 'nodes'}`,
      alt: `Services of ${graph.label} with their nodes; arrows are calls of one request, with how many there are and the CPU time that both sidecars spend on them.`,
      method: `${methodLine(rows)}<br>${steadiedBy}<br>on arrows: calls per request, CPU time of the sidecars they cross`,
      height: depth * height + (depth - 1) * rowGap + rowGap,
      boxes: [...places].map(([service, place]) => podBox(graph, pods, service, place)),
      arrows: edges.flatMap((edge) => arrowOf(places, edge)),
      labels: edges.flatMap((edge) => labelsOf(places, edge)),
    }),
    table: null,
    paper: [],
    notes: [steadyNote, 'A sidecar\'s CPU time is shared out over the calls that cross it, each the same: a hop costs what its calls are of the caller\'s and of the callee\'s sidecar.'],
    judgements: [],
  };
}

interface Edge {
  caller: string | null;
  callee: string;
  calls: number;
}

/** Calls between the same two services are one arrow. */
function edgesOf(graph: CallGraph): Edge[] {
  const hops = hopsOf(graph);
  return unique(hops.map(({ caller, callee }) => `${caller ?? ''}>${callee}`)).map((pair) => {
    const own = hops.filter(({ caller, callee }) => `${caller ?? ''}>${callee}` === pair);
    return { caller: own[0].caller, callee: own[0].callee, calls: own.length };
  });
}

function podsIn(data: ApplicationsData, graph: CallGraph, profile: string, nodes: number): PodRow[] {
  const pods = (data.pods.objects() as PodRow[]).filter((row) => row.application === graph.id && row.profile === profile && row.nodes === nodes);
  if (pods.length === 0) throw new Error(`${graph.label} was not deployed with ${seriesName(profile)} on ${nodes} nodes; deploy it first`);
  return pods;
}

/** CPU time of both sidecars for all calls of an edge, microseconds per request of a client. */
function costOf(graph: CallGraph, pods: readonly PodRow[], { caller, callee, calls }: Edge): number {
  return [caller, callee].reduce((sum, service) => {
    const own = pods.filter((pod) => pod.service === service);
    const crossed = traversalsOf(graph).find((each) => each.service === service);
    if (!crossed || own.length === 0) return sum;
    const cost = estimateOf(new Map(own.map((pod) => [pod.repeat, pod.steadySidecarCpuUs ?? 0]))).value;
    return sum + (cost * calls) / (crossed.inbound + crossed.outbound);
  }, 0);
}

interface Place {
  x: number;
  y: number;
  width: number;
  row: number;
}

/** A row for each step away from the client; services that nobody asks are left out. */
function placesOf(graph: CallGraph, pods: readonly PodRow[]): Map<string, Place> {
  const hops = hopsOf(graph);
  const depthOf = new Map<string, number>();
  for (const { caller, callee } of hops) depthOf.set(callee, Math.max(depthOf.get(callee) ?? 0, caller === null ? 0 : (depthOf.get(caller) ?? 0) + 1));
  const services = [...depthOf.keys()].filter((service) => pods.some((pod) => pod.service === service));
  return new Map(services.map((service) => {
    const row = depthOf.get(service)!;
    const inRow = services.filter((other) => depthOf.get(other) === row);
    const width = Math.min(150, (canvasWidth - boxGap * (inRow.length - 1)) / inRow.length);
    const left = (canvasWidth - inRow.length * width - boxGap * (inRow.length - 1)) / 2;
    return [service, { x: left + inRow.indexOf(service) * (width + boxGap), y: rowGap + row * (height + rowGap), width, row }];
  }));
}

function podBox(graph: CallGraph, pods: readonly PodRow[], service: string, { x, y, width }: Place): Box {
  const own = pods.filter((pod) => pod.service === service);
  const cost = estimateOf(new Map(own.map((pod) => [pod.repeat, pod.steadySidecarCpuUs ?? 0]))).value;
  const { protocol } = graph.services.find(({ name }) => name === service)!;
  return { x, y, width, height, title: shortName(service), lines: [`${protocol}, node ${own[0].node + 1}`, `sidecar ${number(cost)} µs`], fill: '#EAF2FB', colour: '#332288' };
}

function arrowOf(places: Map<string, Place>, { caller, callee }: Edge): Arrow[] {
  const to = places.get(callee);
  const from = caller === null ? null : places.get(caller);
  if (!to || from === undefined) return [];
  const end: [number, number] = [to.x + to.width / 2, to.y];
  return [{ from: from ? [startX(from, to), from.y + height] : [end[0], to.y - rowGap + lineHeight], to: end }];
}

/** Below the caller, but on the callee's side, so that arrows fan out. */
function startX(from: Place, to: Place): number {
  const wanted = to.x + to.width / 2;
  return Math.min(from.x + from.width - 12, Math.max(from.x + 12, wanted));
}

/** Beside the arrow's end, on the side that it does not come from. */
function labelsOf(places: Map<string, Place>, { caller, callee, calls, costUs }: Edge & { costUs: number }): Label[] {
  const to = places.get(callee);
  if (!to) return [];
  const end = to.x + to.width / 2;
  const from = caller === null ? undefined : places.get(caller);
  const anchor = from && startX(from, to) > end ? 'right' : 'left';
  const place = { x: anchor === 'left' ? end + 5 : end - 5, anchor } as const;
  const y = to.y - 2 * lineHeight - 6;
  return [{ ...place, y, text: caller === null ? 'client' : `${calls} ${calls === 1 ? 'call' : 'calls'}` }, { ...place, y: y + lineHeight, text: `${number(costUs)} µs` }];
}
