/** Both recorders of instruction traces on the same requests: what they agree on, and what the CPU's hidden features change. */
import { median } from '../analysis/statistics.js';
import type { RequestProfile } from '../analysis/trace-profile.js';
import type { TracedPolicy, TracesData } from '../experiments/traces-data.js';
import type { CollectorName } from '../experiments/plan.js';
import type { Row } from '../store/value.js';
import type { Item } from './item.js';

const labels: Partial<Record<CollectorName, string>> = {
  trace: 'Valgrind tool', 'single-step-masked': 'single-step, CPU features masked', 'single-step': 'single-step, as the CPU is',
};
const quantities = [
  { key: 'instructions', label: 'user instructions' }, { key: 'lines', label: '64-byte lines' }, { key: 'pages', label: '4 kB pages' },
] as const;

/** Every policy that was traced by more than one recorder. */
export function fig11aRecorders(data: TracesData): Item {
  const compared = data.traced.flatMap((traced) => {
    const reference = data.traced.find(({ policy, recorder }) => policy.id === traced.policy.id && recorder === 'trace');
    return reference && reference !== traced ? [{ traced, reference }] : [];
  });
  return {
    item: 'fig11a-recorders',
    title: 'Figure 11a: recorders of instruction traces, request by request',
    rows: compared.flatMap((pair) => rowsOf(data, pair)),
    figure: null,
    table: {
      columns: [{ key: 'policy', label: 'policy' }, { key: 'recorder', label: 'recorder' }, ...quantities.flatMap(({ key, label }) => [
        { key, label: `${label}/request` }, { key: `${key}Ratio`, label: '× Valgrind tool' },
      ])],
      rows: compared.flatMap(({ traced, reference }) => [tableRow(reference, reference, common(traced, reference)), tableRow(traced, reference, common(traced, reference))]),
    },
    paper: [],
    notes: ['Medians over the requests that both recorded; ratios request by request. A repeated string instruction counts once. Single-stepping takes seconds a request, in which timers come due (deferred work, the watchdog); and it sees the kernel\'s clock page (vdso), instead of which Valgrind makes system calls.'],
    judgements: [],
  };
}

/** Both send the same requests after the same warm-up, so that they correspond by number. */
function common(a: TracedPolicy, b: TracedPolicy): number {
  return Math.min(a.spans.length, b.spans.length);
}

function rowsOf(data: TracesData, { traced, reference }: { traced: TracedPolicy; reference: TracedPolicy }): Row[] {
  return quantities.map(({ key, label }) => ({
    series: `${traced.policy.label}, ${labels[traced.recorder] ?? traced.recorder}`, x: label, value: ratio(traced, reference, key), interval: null,
    unit: 'x Valgrind tool', method: 'measured: instruction trace', origin: data.origin, runs: [traced.run, reference.run],
  }));
}

function ratio(traced: TracedPolicy, reference: TracedPolicy, key: (typeof quantities)[number]['key']): number {
  const [own, other] = [requestsOf(traced), requestsOf(reference)];
  return median(Array.from({ length: common(traced, reference) }, (_, i) => own[i][key] / other[i][key]));
}

function requestsOf({ profiles }: TracedPolicy): RequestProfile[] {
  return profiles.ours.requests;
}

function tableRow(traced: TracedPolicy, reference: TracedPolicy, requests: number): Record<string, string | number> {
  const own = requestsOf(traced).slice(0, requests);
  return {
    policy: traced.policy.label, recorder: labels[traced.recorder] ?? traced.recorder,
    ...Object.fromEntries(quantities.flatMap(({ key }) => [[key, Math.round(median(own.map((request) => request[key])))], [`${key}Ratio`, ratio(traced, reference, key).toFixed(4)]])),
  };
}
