/** Recorders of instruction traces and callgrind on the same requests: what they agree on, and what the CPU's hidden features change. */
import { median } from '../analysis/statistics.js';
import type { CallgrindComparison } from '../experiments/callgrind-comparison.js';
import type { TracedPolicy, TracesData } from '../experiments/traces-data.js';
import type { CollectorName } from '../experiments/plan.js';
import type { Row } from '../store/value.js';
import type { Item } from './item.js';

const labels: Partial<Record<CollectorName, string>> = {
  trace: 'Valgrind tool', 'single-step-masked': 'single-step, CPU features masked', 'single-step': 'single-step, as the CPU is',
};
type TableRow = Record<string, string | number>;
type Quantity = (typeof quantities)[number]['key'];

const quantities = [
  { key: 'instructions', label: 'user instructions' }, { key: 'lines', label: '64-byte lines' }, { key: 'pages', label: '4 kB pages' },
] as const;

/** Every policy that was traced by more than one recorder, or counted by callgrind too. */
export function fig11aRecorders(data: TracesData): Item {
  const compared = data.traced.flatMap((traced) => {
    const reference = data.traced.find(({ policy, recorder }) => policy.id === traced.policy.id && recorder === 'trace');
    return reference && reference !== traced ? [{ traced, reference }] : [];
  });
  return {
    item: 'fig11a-recorders',
    title: 'Figure 11a: recorders of instruction traces, and callgrind, on the same requests',
    rows: [...compared.flatMap((pair) => rowsOf(data, pair)), ...data.counted.flatMap((comparison) => callgrindRows(data, comparison))],
    figure: null,
    table: {
      columns: [
        { key: 'policy', label: 'policy' }, { key: 'recorder', label: 'compared with the Valgrind tool' }, { key: 'quantity', label: 'per request' },
        { key: 'reference', label: 'Valgrind tool' }, { key: 'other', label: 'the other' }, { key: 'ratio', label: 'ratio' },
      ],
      rows: [...compared.flatMap(tableRows), ...data.counted.flatMap(callgrindTableRows)],
    },
    paper: [],
    notes: [
      'Recorders: medians over the requests that both recorded, ratios request by request; a repeated string instruction counts once. The clock is asked by system calls under all of them, so the kernel\'s page of clock functions (vdso) is in none.',
      'callgrind: the whole recording by the number of requests, each repetition of a string instruction counted; its simulated cache is shared with the other threads.',
    ],
    judgements: [],
  };
}

/** Both send the same requests after the same warm-up, so that they correspond by number. */
function common(a: TracedPolicy, b: TracedPolicy): number {
  return Math.min(a.spans.length, b.spans.length);
}

function rowsOf(data: TracesData, { traced, reference }: Pair): Row[] {
  return quantities.map(({ key, label }) => ({
    series: `${traced.policy.label}, ${nameOf(traced)}`, x: label, value: ratio(traced, reference, key), interval: null,
    unit: 'x Valgrind tool', method: 'measured: instruction trace', origin: data.origin, runs: [traced.run, reference.run],
  }));
}

interface Pair {
  traced: TracedPolicy;
  reference: TracedPolicy;
}

function nameOf({ recorder }: TracedPolicy): string {
  return labels[recorder] ?? recorder;
}

function ratio(traced: TracedPolicy, reference: TracedPolicy, key: Quantity): number {
  const [own, other] = [traced, reference].map(({ profiles }) => profiles.ours.requests.map((request) => request[key]));
  return median(Array.from({ length: common(traced, reference) }, (_, i) => own[i] / other[i]));
}

function tableRows({ traced, reference }: Pair): TableRow[] {
  const medianOf = ({ profiles }: TracedPolicy, key: Quantity) =>
    Math.round(median(profiles.ours.requests.slice(0, common(traced, reference)).map((request) => request[key])));
  return quantities.map(({ key, label }) => ({
    policy: traced.policy.label, recorder: nameOf(traced), quantity: label,
    reference: medianOf(reference, key), other: medianOf(traced, key), ratio: ratio(traced, reference, key).toFixed(4),
  }));
}

function callgrindRows(data: TracesData, { policy, runs, quantities: compared }: CallgrindComparison): Row[] {
  return compared.map(({ label, trace, callgrind }) => ({
    series: `${policy.label}, callgrind`, x: label, value: callgrind / trace, interval: null, unit: 'x Valgrind tool',
    method: 'measured: instruction trace', origin: data.origin, runs,
  }));
}

function callgrindTableRows({ policy, quantities: compared }: CallgrindComparison): TableRow[] {
  return compared.map(({ label, trace, callgrind }) => ({
    policy: policy.label, recorder: 'callgrind', quantity: label, reference: Math.round(trace), other: Math.round(callgrind), ratio: (callgrind / trace).toFixed(4),
  }));
}
