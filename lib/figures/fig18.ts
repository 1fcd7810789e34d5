/** Figure 18: cost of a request by component as its response grows, a column a policy. */
import type { Annotation, Data } from 'plotly.js-dist';
import { attributedOrder, busyShare } from '../analysis/request-cost.js';
import type { Estimate } from '../analysis/statistics.js';
import type { PolicyInfo } from '../experiments/components-data.js';
import { sizedPolicies, sizeLabel } from '../experiments/sizes.js';
import type { Pace, SizesData } from '../experiments/sizes-data.js';
import { valueText } from './fig09.js';
import type { Figure } from './figure.js';
import { sizeVerdicts } from './fig18-verdicts.js';
import { connectionCost, connectionRows, cpuNsPerByte, cpuRepeats, instructionsPerByte, kernelPercent, pointsOf, rowsBeside, tlsPairs, tlsRows, tlsSides, type Point, type Quantity } from './fig18-values.js';
import { methodLine, paperSays, type Item } from './item.js';
import { componentColour } from './palette.js';
import { repeatsNote } from './repeats-note.js';
import { styled } from './style.js';
import { tlsNotes } from './tls-note.js';

/** @param policyIds which policies, in order; those not measured are left out. */
export function fig18(data: SizesData, policyIds: readonly string[] = sizedPolicies): Item {
  const shown = policyIds.flatMap((id) => data.policies.filter((policy) => policy.id === id));
  const points = shown.flatMap((policy) => pointsOf(data, policy));
  return {
    item: 'fig18',
    title: 'Figure 18: cost of a request by the size of its response',
    rows: [...points.map(({ row }) => row), ...shown.flatMap((policy) => rowsBeside(data, policy)), ...connectionRows(data), ...tlsRows(data)],
    figure: points.some(({ row }) => row.value !== null) ? picture(shown, points) : null,
    table: table(data, shown),
    paper: paperSays('fig18'),
    notes: notes(data, shown, points),
    judgements: sizeVerdicts(data),
  };
}

const panels: readonly { quantity: Quantity; title: string; domain: [number, number]; type: 'log' | 'linear' }[] = [
  { quantity: 'instructions', title: 'user instructions<br>(per request)', domain: [0.68, 1], type: 'log' },
  { quantity: 'cpu', title: 'CPU time<br>(µs/request)', domain: [0.32, 0.64], type: 'log' },
  { quantity: 'ipc', title: 'IPC', domain: [0, 0.28], type: 'linear' },
];

function picture(shown: PolicyInfo[], points: Point[]): Figure {
  const ipc = points.some(({ quantity, row }) => quantity === 'ipc' && row.method === 'modelled') ? 'IPC is that of user code' : 'IPC is that of all code';
  return styled({
    title: 'Figure 18: one request through the sidecar, by the size of its response',
    alt: `User instructions, CPU time and IPC of one request against the size of its response, by component, for ${shown.map(({ label }) => label).join(', ')}.`,
    method: `${methodLine(points.map(({ row }) => row))}<br>components by the paper authors' function map; ${ipc}`,
    data: onceInLegend(shown.flatMap((policy, column) => panels.flatMap((_, panel) => lines(points.filter((point) => point.policy.id === policy.id), column, panel)))),
    layout: layout(shown, points),
  });
}

/** Whole requests over the parts. */
const seriesOrder: readonly Point['series'][] = [...attributedOrder, 'all'];

function lines(own: Point[], column: number, panel: number): Data[] {
  const { quantity, type } = panels[panel];
  return seriesOrder.flatMap((series) => {
    // A logarithmic axis has no 0.
    const drawn = own.filter((point) => point.quantity === quantity && point.series === series && point.row.value !== null && (type === 'linear' || point.row.value > 0));
    if (drawn.length === 0) return [];
    const whole = series === 'all';
    return [{
      type: 'scatter', mode: 'lines+markers', name: whole ? 'whole request' : series, legendgroup: series, legendrank: seriesOrder.indexOf(series),
      xaxis: axis('x', column), yaxis: axis('y', panel),
      x: drawn.map(({ bytes }) => bytes), y: drawn.map(({ row }) => row.value),
      line: { color: whole ? '#222222' : componentColour(series), width: 2, dash: whole ? 'dot' : 'solid' }, marker: { size: 6 },
      // Those of parts reach 0, which a logarithmic axis has not; the rows have them.
      ...(whole || type === 'linear' ? { error_y: intervals(drawn) } : {}),
      text: drawn.map(({ bytes }) => sizeLabel(bytes)), hovertemplate: `%{text}, ${whole ? 'whole request' : series}: %{y:.4g}<extra>${drawn[0].policy.label}</extra>`,
    } as Data];
  });
}

function intervals(drawn: Point[]): object {
  return {
    type: 'data', symmetric: false, visible: true, thickness: 1, width: 2,
    array: drawn.map(({ row }) => (row.interval ? row.interval[1] - row.value! : 0)),
    arrayminus: drawn.map(({ row }) => (row.interval ? row.value! - row.interval[0] : 0)),
  };
}

/** One entry a series, whichever panel is the first to have it. */
function onceInLegend(traces: Data[]): Data[] {
  const names = traces.map(({ name }) => name);
  return traces.map((trace, i) => ({ ...trace, showlegend: names.indexOf(trace.name) === i }) as Data);
}

/** Plotly's own names: `x`, `x2`, ... in traces, `xaxis`, `xaxis2`, ... in layouts. */
function axis(letter: 'x' | 'y' | 'xaxis' | 'yaxis', index: number): string {
  return `${letter}${index === 0 ? '' : index + 1}`;
}

const gap = 0.012;

function layout(shown: PolicyInfo[], points: Point[]): object {
  const width = (1 - gap * (shown.length - 1)) / shown.length;
  const left = (column: number) => column * (width + gap);
  const sizes = [...new Set(points.map(({ bytes }) => bytes))].sort((a, b) => a - b);
  // Every second size of a long series, so that labels do not touch.
  const labelled = sizes.filter((_, i) => sizes.length <= 5 || i % 2 === 0);
  const columns = shown.map((_, column) => [axis('xaxis', column), {
    domain: [left(column), left(column) + width], anchor: axis('y', panels.length - 1), type: 'log', tickangle: -60,
    tickvals: labelled, ticktext: labelled.map(sizeLabel), range: [Math.log10(sizes[0]) - 0.3, Math.log10(sizes[sizes.length - 1]) + 0.3],
  }]);
  const rows = panels.map(({ quantity, domain, title, type }, panel) => [axis('yaxis', panel), {
    domain, anchor: 'x', type, title: { text: title }, ...(type === 'linear' ? { rangemode: 'tozero' } : { exponentformat: 'power', dtick: 1, range: decades(points, quantity) }),
  }]);
  return {
    width: 260 + 150 * shown.length, height: 860, margin: { t: 130, b: 90 },
    legend: { orientation: 'v', x: 1.01, y: 1, traceorder: 'normal' },
    ...Object.fromEntries([...columns, ...rows]),
    annotations: shown.flatMap((policy, column) => [
      label({ text: policy.label, x: left(column) + width / 2, y: 1, yanchor: 'bottom', font: { size: 13 } }),
      ...panels.flatMap(({ quantity, domain }) => {
        const known = points.some((point) => point.policy.id === policy.id && point.quantity === quantity && point.row.value !== null);
        return known ? [] : [label({ text: 'unavailable', x: left(column) + width / 2, y: (domain[0] + domain[1]) / 2, yanchor: 'middle', font: { size: 12, color: '#777777' } })];
      }),
    ]),
  };
}

/** From the cheapest part to the dearest request, but not below a hundredth of the cheapest: such parts are noise. */
function decades(points: Point[], quantity: Quantity): [number, number] | undefined {
  const drawn = points.flatMap(({ quantity: own, series, row: { value } }) => (own === quantity && value !== null && value > 0 ? [{ series, value }] : []));
  const whole = drawn.filter(({ series }) => series === 'all').map(({ value }) => value);
  if (whole.length === 0) return undefined;
  const least = Math.min(...drawn.map(({ value }) => value));
  return [Math.log10(Math.max(least / 1.5, Math.min(...whole) / 100)), Math.log10(2 * Math.max(...whole))];
}

function label(given: Partial<Annotation>): Partial<Annotation> {
  return { xref: 'paper', yref: 'paper', xanchor: 'center', showarrow: false, ...given };
}

function table(data: SizesData, shown: PolicyInfo[]): Item['table'] {
  if (data.sizes.length === 0) return null;
  const largest = data.sizes[data.sizes.length - 1];
  return {
    columns: [
      { key: 'policy', label: 'policy' },
      { key: 'cpu', label: 'CPU time of a further byte (ns)' },
      { key: 'instructions', label: 'user instructions of a further byte' },
      { key: 'kernel', label: `kernel, ${sizeLabel(data.sizes[0])} → ${sizeLabel(largest)} (% of CPU time)` },
      { key: 'busy', label: `busy at ${sizeLabel(largest)}: worker, client, backend (% of a core)` },
      { key: 'pauses', label: `Envoy stopped reading at ${sizeLabel(largest)} (times/MiB)` },
      { key: 'tls', label: 'TLS' },
    ],
    rows: shown.map(({ id, label: name }) => ({
      policy: name,
      cpu: text(cpuNsPerByte(data, id), 3),
      instructions: text(instructionsPerByte(data, id), 3),
      kernel: [data.sizes[0], largest].map((bytes) => text(kernelPercent(data, id, bytes), 0)).join(' → '),
      ...paceCells(data.paces.filter((pace) => pace.policy === id && pace.bytes === largest)),
      tls: agreedText(data, id),
    })),
  };
}

function text(estimate: Estimate | null, digits: number): string {
  return estimate && estimate.n > 0 ? valueText(estimate, digits) : '-';
}

/** The largest over the repeats, since that is what could have been a limit. */
function paceCells(paces: Pace[]): { busy: string; pauses: string } {
  if (paces.length === 0) return { busy: '-', pauses: '-' };
  const most = (of: (pace: Pace) => number) => Math.max(...paces.map(of));
  const percent = (share: number) => (100 * share).toFixed(0);
  return {
    busy: [most(({ workerShare }) => workerShare), most(({ generatorShare }) => generatorShare), most(({ backendShare }) => backendShare)].map(percent).join(', '),
    pauses: most(({ pausesPerMiB }) => pausesPerMiB).toFixed(2),
  };
}

/** `TLSv1.3, TLS_AES_256_GCM_SHA384`: every version and cipher that a handshake came to. */
function agreedText(data: SizesData, policy: string): string {
  const agreed = data.agreed.find((each) => each.policy === policy);
  return agreed ? [...Object.keys(agreed.versions), ...Object.keys(agreed.ciphers)].join(', ') : '-';
}

function notes(data: SizesData, shown: PolicyInfo[], points: readonly Point[]): string[] {
  const cost = connectionCost(data);
  return [
    'The response is what grows, from the backend through the sidecar to the client, as in the paper; requests with large bodies are not covered.',
    'Envoy may buffer 4 MiB of a connection here rather than its default of 1 MiB, which a response of 1 MiB and its head exceed.',
    ...limitNotes(data, shown),
    ...(cost ? [`A connection costs ${valueText(cost.open)} µs of the worker's CPU time to open, a TLS handshake on it ${valueText(cost.handshake)} µs more; costs of requests are those over connections that stand.`] : []),
    ...sideNotes(data),
    ...tlsNotes(points.filter(({ policy, quantity }) => policy.id.startsWith('tls') && quantity === 'instructions').map(({ row }) => row.value !== null)),
    ...repeatsNote('CPU time', cpuRepeats(data, shown)),
    ...data.notes,
  ];
}

/** TLS by direction: only the response grows, so only encrypting it does. */
function sideNotes(data: SizesData): string[] {
  const largest = data.sizes[data.sizes.length - 1];
  return data.sizes.length === 0 ? [] : tlsPairs.flatMap((pair) => {
    const sides = tlsSides(data, pair, largest);
    const name = data.policies.find(({ id }) => id === pair[0])?.label;
    return sides ? [`${name} at ${sizeLabel(largest)}: reading costs ${valueText(sides.decrypting)} µs more than without TLS, where the request is decrypted, and writing ${valueText(sides.encrypting)} µs more, where the response is encrypted.`] : [];
  });
}

/** Whether anything but the worker's core set the pace, and what. */
function limitNotes(data: SizesData, shown: PolicyInfo[]): string[] {
  const own = data.paces.filter(({ policy }) => shown.some(({ id }) => id === policy));
  if (own.length === 0) return [];
  const nameOf = (pace: Pace) => `${shown.find(({ id }) => id === pace.policy)!.label} at ${sizeLabel(pace.bytes)}`;
  const pausing = own.filter(({ pausesPerMiB }) => pausesPerMiB > 0);
  const waiting = own.filter(({ workerShare }) => workerShare < busyShare);
  const most = pausing.length > 0 ? pausing.reduce((a, b) => (b.pausesPerMiB > a.pausesPerMiB ? b : a)) : null;
  const least = waiting.length > 0 ? waiting.reduce((a, b) => (b.workerShare < a.workerShare ? b : a)) : null;
  return [
    most
      ? `Buffer watermarks were reached in ${pausing.length} of ${own.length} runs: Envoy stopped reading up to ${most.pausesPerMiB.toFixed(2)} times a MiB (${nameOf(most)}), since the client took bytes more slowly than the backend gave them.`
      : `No buffer watermark was reached in any of ${own.length} runs: Envoy never stopped reading.`,
    least
      ? `In ${waiting.length} of ${own.length} runs client and backend kept the worker waiting: it was busy ${(100 * least.workerShare).toFixed(0)} % of the time at least (${nameOf(least)}). Costs of a request hold all the same, its share of waking up included.`
      : `The worker was busy ${(100 * busyShare).toFixed(0)} % of the time or more in every run: neither client nor backend set the pace.`,
  ];
}
