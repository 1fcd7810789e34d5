/** Table 4: branches of a request by kind, per policy. Their misses need a model of a predictor or counters. */
import { medianEstimate, type Estimate } from '../analysis/statistics.js';
import type { TracedPolicy, TracesData } from '../experiments/traces-data.js';
import { judge, judgeAll, unavailable, type Judgement } from '../report/verdicts.js';
import type { Row } from '../store/value.js';
import type { BranchCounts } from '../trace/branches.js';
import { paperSays, type Item } from './item.js';
import { tracedEvidence, tracedRow } from './trace-values.js';

/** As the paper's Table 4 names them. */
const kinds: { key: keyof BranchCounts; label: string; reading: string }[] = [
  { key: 'all', label: 'all retired', reading: 'all' },
  { key: 'conditionalTaken', label: 'conditional taken', reading: 'conditional-taken' },
  { key: 'conditionalNotTaken', label: 'conditional not taken', reading: 'conditional-not-taken' },
  { key: 'indirect', label: 'indirect', reading: 'indirect' },
  { key: 'nearTaken', label: 'near taken', reading: 'near-taken' },
];
/** The paper's table is of this policy. */
const paperPolicy = 'ratelimit';

export function tab04(data: TracesData): Item {
  return {
    item: 'tab04',
    title: 'Table 4: branches of a request, by kind',
    rows: data.shown.flatMap((traced) => branchRows(data, traced)),
    figure: null,
    table: {
      columns: [{ key: 'policy', label: 'policy' }, { key: 'instructions', label: 'user instructions/request' },
        ...kinds.map(({ key, label }) => ({ key, label })), { key: 'returns', label: 'returns' }, { key: 'share', label: 'branches in instructions' }, { key: 'indirectShare', label: 'indirect in branches' }],
      rows: data.shown.map((traced) => ({
        policy: traced.policy.label, instructions: Math.round(count(traced, 'instructions').value),
        ...Object.fromEntries(kinds.map(({ key }) => [key, Math.round(count(traced, key).value)])),
        returns: Math.round(count(traced, 'returns').value),
        share: `${share(traced, 'all', 'instructions').value.toFixed(1)} %`, indirectShare: `${share(traced, 'indirect', 'all').value.toFixed(1)} %`,
      })),
    },
    paper: paperSays('tab04'),
    notes: [
      'Counted in the disassembled trace as Intel counts BR_INST_RETIRED: "indirect" leaves out returns, "near taken" holds every branch but the conditional ones not taken. User code only.',
      ...data.notes,
    ],
    judgements: judgements(data),
  };
}

function count({ branches }: TracedPolicy, key: keyof BranchCounts): Estimate {
  return medianEstimate(branches.map((each) => each[key]));
}

/** Per cent. */
function share({ branches }: TracedPolicy, part: keyof BranchCounts, whole: keyof BranchCounts): Estimate {
  return medianEstimate(branches.map((each) => 100 * each[part] / each[whole]));
}

function branchRows(data: TracesData, traced: TracedPolicy): Row[] {
  const row = (x: string, estimate: Estimate, unit: string) => tracedRow(data, traced, x, estimate, unit);
  return [
    ...kinds.map(({ key, label }) => row(label, count(traced, key), 'branches/request')),
    row('branches', share(traced, 'all', 'instructions'), '% of instructions'),
    row('indirect branches', share(traced, 'indirect', 'all'), '% of branches'),
  ];
}

const noMisses = 'misses need a model of the branch predictor or hardware counters, which no experiment here has yet';

function judgements(data: TracesData): Judgement[] {
  const paper = data.shown.find(({ policy }) => policy.id === paperPolicy);
  const ofPaper = (claim: string, reading: string, pick: (traced: TracedPolicy) => Estimate, unit: string) =>
    (paper ? judge(claim, reading, tracedEvidence(data, paper, pick(paper), unit)) : unavailable(claim, reading, 'no trace of the Rate-Limit policy'));
  const ofAll = (claim: string, reading: string, pick: (traced: TracedPolicy) => Estimate) =>
    judgeAll(claim, reading, data.shown.map((traced) => tracedEvidence(data, traced, pick(traced), '%')));
  return [
    ...kinds.flatMap(({ key, reading }) => [
      ofPaper('C20', reading, (traced) => count(traced, key), 'branches per request'), unavailable('C20', `${reading}-missed`, noMisses),
    ]),
    ofAll('C21', 'text', (traced) => share(traced, 'all', 'instructions')),
    ofPaper('C21', 'tables', (traced) => share(traced, 'all', 'instructions'), '%'),
    ofAll('C21', 'conditional', (traced) => share(traced, 'conditional', 'all')),
    ofAll('C22', 'share-text', (traced) => share(traced, 'indirect', 'all')),
    ofPaper('C22', 'share-table', (traced) => share(traced, 'indirect', 'all'), '%'),
    unavailable('C22', 'misses-text', noMisses), unavailable('C22', 'misses-table', noMisses),
  ];
}
