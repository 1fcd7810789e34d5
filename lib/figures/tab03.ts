/** Table 3: cost of filters and of their compositions, attributed and marginal, and whether it adds up. */
import { componentCycles, cpuRounds, cpuUs, cycleRounds, instructionRounds, instructionsByComponent } from '../analysis/request-cost.js';
import { marginalCost, paperDeviation, testAdditivity, type Additivity } from '../analysis/cost-model.js';
import { countedCycles } from '../analysis/request-counters.js';
import { commonRounds, type Rounds } from '../analysis/rounds.js';
import { median, medianEstimate, noiseFloor, scaled, type Estimate } from '../analysis/statistics.js';
import { policyById } from '../deploy/catalogue.js';
import type { ComponentsData, PolicyInfo } from '../experiments/components-data.js';
import type { CollectorName } from '../experiments/plan.js';
import { recomputeTable3, table3 } from '../paper/reported.js';
import { judge, judgeAll, unavailable, type Evidence, type Judgement } from '../report/verdicts.js';
import type { Method, Row } from '../store/value.js';
import { paperSays, unique, type Item } from './item.js';
import { repeatsNote } from './repeats-note.js';

const base = 'http';
/** Order of the paper's table; the exact composition and the two held-out ones after it. */
const listed = ['http', 'header-read', 'ratelimit', 'ip-tag-1', 'logging', 'http-mix-1', 'http-mix-2', 'http-mix-2-exact', 'mix-header-ratelimit', 'mix-tag10-logging'];

/** The parts the paper adds up for a composition; the exact compositions know their own. */
const paperParts: Record<string, string[]> = {
  'http-mix-1': ['ratelimit', 'ip-tag-1'],
  'http-mix-2': ['header-read', 'ratelimit', 'ip-tag-1', 'logging'],
};

/** One way to count the cost of a request. */
interface Measure {
  name: 'user instructions' | 'CPU time' | 'cycles';
  unit: 'user instructions/request' | 'us CPU/request' | 'cycles/request';
  method: Method;
  collector: CollectorName;
  of(data: ComponentsData, policy: string): Rounds;
}

const instructions: Measure = { name: 'user instructions', unit: 'user instructions/request', method: 'measured: exact instruction counts', collector: 'instructions', of: instructionRounds };
const cpuTime: Measure = { name: 'CPU time', unit: 'us CPU/request', method: 'measured: CPU time', collector: 'cpu-time', of: cpuRounds };
/** User and kernel code, as the paper's. */
const cycles: Measure = {
  name: 'cycles', unit: 'cycles/request', method: 'measured: hardware counters', collector: 'perf-stat', of: (data, policy) => countedCycles(data, policy, 'all'),
};

/** Cycles only in recordings of machines that count them. */
function measuresOf(data: ComponentsData): Measure[] {
  return data.counters.numRows() > 0 ? [instructions, cpuTime, cycles] : [instructions, cpuTime];
}

export function tab03(data: ComponentsData): Item {
  const shown = listed.flatMap((id) => data.policies.filter((policy) => policy.id === id));
  return {
    item: 'tab03',
    title: 'Table 3: actual and estimated cost of HTTP filters and their compositions',
    rows: shown.flatMap((policy) => measuresOf(data).flatMap((measure) => costRows(data, policy, measure))),
    figure: null,
    table: { columns: columnsOf(data), rows: shown.map((policy) => tableRow(data, policy)) },
    paper: paperSays('tab03'),
    notes: notes(data),
    judgements: judgements(data),
  };
}

function columnsOf(data: ComponentsData): { key: string; label: string }[] {
  return measuresOf(data).includes(cycles) ? [...ownColumns, ...cycleColumns, ...paperColumns] : [...ownColumns, ...paperColumns];
}

const ownColumns = [
  { key: 'policy', label: 'policy' },
  { key: 'attributed', label: 'filter, attributed (user instr.)' },
  { key: 'marginal', label: 'filter, marginal (user instr.)' },
  { key: 'total', label: 'total (user instr.)' },
  { key: 'deviation', label: 'total vs sum of parts' },
  { key: 'cpuMarginal', label: 'filter, marginal CPU (µs)' },
  { key: 'cpuTotal', label: 'total CPU (µs)' },
  { key: 'cpuDeviation', label: 'CPU: total vs sum of parts' },
];

const cycleColumns = [
  { key: 'cyclesMarginal', label: 'filter, marginal (cycles)' },
  { key: 'cyclesTotal', label: 'total (cycles)' },
  { key: 'cyclesDeviation', label: 'cycles: total vs sum of parts' },
];

const paperColumns = [
  { key: 'paperFilter', label: 'paper: filter (kcycles)' },
  { key: 'paperTotal', label: 'paper: total (kcycles)' },
];

function tableRow(data: ComponentsData, { id, label }: PolicyInfo): Record<string, string> {
  const paper = table3.find(({ policy }) => policy === id);
  const single = id === base;
  return {
    policy: label,
    attributed: single ? '-' : thousands(attributed(data, id)),
    marginal: single ? '-' : thousands(marginal(data, id, instructions)),
    total: thousands(estimateOf(data, id, instructions)),
    deviation: percent(additivity(data, id, instructions)?.ofTotal),
    cpuMarginal: single ? '-' : microseconds(marginal(data, id, cpuTime)),
    cpuTotal: microseconds(estimateOf(data, id, cpuTime)),
    cpuDeviation: percent(additivity(data, id, cpuTime)?.ofTotal),
    ...(measuresOf(data).includes(cycles) ? {
      cyclesMarginal: single ? '-' : thousands(marginal(data, id, cycles)),
      cyclesTotal: thousands(estimateOf(data, id, cycles)),
      cyclesDeviation: percent(additivity(data, id, cycles)?.ofTotal),
    } : {}),
    paperFilter: paper?.filterKcycles?.toString() ?? '-',
    paperTotal: paper?.totalKcycles?.toString() ?? '-',
  };
}

/** Instructions that ran inside the filter's own functions and its access log. */
function attributed(data: ComponentsData, policy: string): Estimate | null {
  const own = instructionsByComponent(data, policy, 'ours').get('Sidecar Filter')!;
  return own.n > 0 ? own : null;
}

/** Policy minus bare HTTP: what a user pays for having the filter, side effects elsewhere included. */
function marginal(data: ComponentsData, policy: string, measure: Measure): Estimate | null {
  const measured = [measure.of(data, base), measure.of(data, policy)];
  if (measured.some((rounds) => rounds.size === 0)) return null;
  const { samples: [bare, own], paired } = commonRounds(measured);
  return marginalCost(bare, own, { paired });
}

function estimateOf(data: ComponentsData, policy: string, measure: Measure): Estimate | null {
  const own = measure.of(data, policy);
  return own.size > 0 ? medianEstimate([...own.values()]) : null;
}

/** Parts of a composition: its own when it is composed, the paper's when it is one of the paper's mixes. */
function partsOf(policy: string): string[] | undefined {
  return paperParts[policy] ?? policyById(policy).composedOf;
}

function additivity(data: ComponentsData, policy: string, measure: Measure): Additivity | null {
  const parts = partsOf(policy);
  if (!parts) return null;
  const measured = [base, policy, ...parts].map((id) => measure.of(data, id));
  if (measured.some((rounds) => rounds.size === 0)) return null;
  const { samples: [bare, own, ...singles], paired } = commonRounds(measured);
  return testAdditivity(bare, singles, own, { paired });
}

function costRows(data: ComponentsData, { id, label }: PolicyInfo, measure: Measure): Row[] {
  const runsOf = (ids: string[]) => unique(ids.flatMap((each) => data.runsOf(each, measure.collector)));
  const row = (series: string, estimate: Estimate | null | undefined, from: string[], unit: string, method: Method): Row => {
    const common = { series: `${series}, ${measure.name}`, x: label, unit, origin: data.origin, runs: runsOf(from) };
    return estimate
      ? { ...common, value: estimate.value, interval: estimate.interval, method }
      : { ...common, value: null, interval: null, method: 'unavailable', reason: `${measure.name} of ${from.join(', ')}: not all measured in this recording` };
  };
  const rows = [row('total', estimateOf(data, id, measure), [id], measure.unit, measure.method)];
  if (id !== base) rows.push(row('filter, marginal', marginal(data, id, measure), [base, id], measure.unit, measure.method));
  if (id !== base && measure === instructions) rows.push(row('filter, attributed', attributed(data, id), [id], measure.unit, measure.method));
  const parts = partsOf(id);
  if (parts) {
    const tested = additivity(data, id, measure);
    rows.push(row('total, predicted from single filters', tested?.predicted, [base, ...parts], measure.unit, 'modelled'));
    rows.push(row('(total - predicted) / total', tested && scaled(tested.ofTotal, 100), [base, id, ...parts], '%', 'modelled'));
  }
  return rows;
}

function notes(data: ComponentsData): string[] {
  const wrong = recomputeTable3().filter(({ follows }) => !follows).length;
  const all = recomputeTable3().length;
  return [
    ...noiseNotes(data),
    ...repeatsNote('CPU time', listed.map((id) => cpuRounds(data, id).size)),
    ...repeatsNote('Cycles', listed.map((id) => cycles.of(data, id).size)),
    'A filter costs more than its own functions: its marginal cost includes creating, iterating over and destroying it, and what it makes others do '
      + '(an added header is encoded too). Both are shown; only marginal costs can add up to totals.',
    `Percentages printed in the paper's Table 3 that do not follow from its printed cycles: ${wrong} of ${all}.`,
    'HTTP Mix 2 as published is more than the four filters the paper adds up (ten tags, an HTTP RBAC, a listener filter, request ids, dynamic router statistics); '
      + 'HTTP Mix 2 (exact) is those four filters and nothing else.',
    ...data.notes,
  ];
}

/** What two measurements of the same policy differ by, and which filters lie below that. */
function noiseNotes(data: ComponentsData): string[] {
  const pairs = data.twins(base);
  if (pairs.length === 0) return [];
  const { floor } = noiseFloor(pairs);
  if (floor === null) return [];
  const floorUs = floor * median(cpuUs(data, base));
  const below = listed.slice(1).filter((id) => {
    const cost = marginal(data, id, cpuTime);
    return cost !== null && Math.abs(cost.value) < floorUs;
  });
  return [`CPU time: the same policy measured twice differs by up to ${(100 * floor).toFixed(1)} % (${floorUs.toFixed(1)} µs, A/A pairs of HTTP Router)`
    + (below.length > 0 ? `; the filter cost of ${below.map((id) => policyById(id).label).join(', ')} is smaller than that and says nothing.` : '; every filter cost is above that.')];
}

function judgements(data: ComponentsData): Judgement[] {
  const mixes: [string, string][] = [['mix-1', 'http-mix-1'], ['mix-2', 'http-mix-2']];
  return [
    ...mixes.map(([reading, policy]) => filterSumVerdict(data, reading, policy)),
    ...totalVerdicts(data),
    ...upperBoundVerdicts(data, mixes),
  ];
}

/** C13 and C47 compare filters only, in cycles; by counters where they saw all of it, else by CPU time times clock; instructions beside. */
function filterSumVerdict(data: ComponentsData, reading: string, policy: string): Judgement {
  const measure = bestForCycles(data, [policy]);
  const tested = additivity(data, policy, measure);
  const byCount = additivity(data, policy, instructions);
  const beside = byCount?.ofFilters ? evidence(data, policy, scaled(byCount.ofFilters, 100), '%', instructions.method) : undefined;
  if (!tested) return unavailable('C13', reading, 'CPU time of the composition or one of its parts was not measured');
  if (tested.ofFilters) return judge('C13', reading, evidence(data, policy, scaled(tested.ofFilters, 100), '%', measure.method), beside);
  return unavailable('C13', reading, `the noise of ${measure.name} is larger than what the filters cost: there is nothing to divide by`);
}

/** What claims about cycles are judged on: counted cycles when all of these compositions have them, else CPU time. */
function bestForCycles(data: ComponentsData, compositions: string[]): Measure {
  return compositions.every((policy) => additivity(data, policy, cycles)) ? cycles : cpuTime;
}

/** C14 by the paper's own formula, base + the policy's filter cycles, the filter by attribution. */
function totalVerdicts(data: ComponentsData): Judgement[] {
  const cases = listed.slice(1, 7).flatMap((policy) => {
    const measured = [cycleRounds(data, base), componentCycles(data, policy, 'Sidecar Filter'), cycleRounds(data, policy)];
    if (measured.some((rounds) => rounds.size === 0)) return [];
    const { samples: [bare, filter, own], paired } = commonRounds(measured);
    return [{ ...evidence(data, policy, scaled(paperDeviation(bare, filter, own, { paired }), 100), '%', 'modelled'), case: policyById(policy).label }];
  });
  return ['printed', 'recomputed'].map((reading) => cases.length > 0
    ? judgeAll('C14', reading, cases)
    : unavailable('C14', reading, 'needs CPU time and sampled stacks of the same recording'));
}

function upperBoundVerdicts(data: ComponentsData, mixes: [string, string][]): Judgement[] {
  const reason = 'CPU time of the composition or one of its parts was not measured';
  const measure = bestForCycles(data, mixes.map(([, policy]) => policy));
  const cases = mixes.map(([reading, policy]) => {
    const tested = additivity(data, policy, measure);
    return { reading, evidence: tested && { ...evidence(data, policy, tested.sumMinusComposition, measure === cycles ? 'cycles' : 'us', measure.method), case: policyById(policy).label } };
  });
  const known = cases.flatMap((each) => each.evidence ?? []);
  return [
    // Of every mix, or it is not the paper's sentence that is judged.
    known.length === mixes.length ? judgeAll('C47', 'text', known) : unavailable('C47', 'text', reason),
    ...cases.map((each) => (each.evidence ? judge('C47', each.reading, each.evidence) : unavailable('C47', each.reading, reason))),
  ];
}

/** Runs of bare HTTP and of the parts are behind each of these too: all of them are compared. */
function evidence(data: ComponentsData, policy: string, estimate: Estimate, unit: string, method: Method): Evidence {
  const ids = unique([base, policy, ...(partsOf(policy) ?? [])]);
  const runsOf = (id: string) => (method === cycles.method ? data.runsOf(id, cycles.collector) : data.allRunsOf(id));
  return {
    value: estimate.value, interval: estimate.interval, repeats: estimate.n, unit, method, origin: data.origin, runs: ids.flatMap(runsOf),
    cpu: data.cpuModel, envoyVersion: data.envoyVersion,
  };
}

function thousands(estimate: Estimate | null): string {
  return estimate ? `${(estimate.value / 1000).toFixed(2)}k` : 'unavailable';
}

function microseconds(estimate: Estimate | null): string {
  if (!estimate) return 'unavailable';
  const range = estimate.interval ? ` [${estimate.interval.map((bound) => bound.toFixed(1)).join(', ')}]` : '';
  return estimate.value.toFixed(1) + range;
}

function percent(deviation: Estimate | undefined): string {
  if (!deviation) return '-';
  const range = deviation.interval ? ` [${deviation.interval.map((bound) => (100 * bound).toFixed(1)).join(', ')}]` : '';
  return `${(100 * deviation.value).toFixed(1)} %${range}`;
}
