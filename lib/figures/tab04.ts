/** Table 4: branches of a request by kind, per policy, and how many of them are mispredicted. */
import type { FrontendQuantity } from '../analysis/simulated-frontend.js';
import { medianEstimate, type Estimate } from '../analysis/statistics.js';
import { isEnvoysOwn } from '../deploy/catalogue.js';
import type { FrontendData, FrontendPoint } from '../experiments/frontend-data.js';
import type { TracedPolicy, TracesData } from '../experiments/traces-data.js';
import { judge, judgeAll, unavailable, type Judgement } from '../report/verdicts.js';
import type { Row } from '../store/value.js';
import type { BranchCounts } from '../trace/branches.js';
import { atHighestLoad, evidenceOf, judgedPoints, nameOf, rowOf } from './frontend-values.js';
import { paperSays, unique, type Item } from './item.js';
import { tracedEvidence, tracedRow } from './trace-values.js';

/** As the paper's Table 4 names them. */
const kinds: { key: keyof BranchCounts; missed: FrontendQuantity; label: string; reading: string }[] = [
  { key: 'all', missed: 'allMissed', label: 'all retired', reading: 'all' },
  { key: 'conditionalTaken', missed: 'conditionalTakenMissed', label: 'conditional taken', reading: 'conditional-taken' },
  { key: 'conditionalNotTaken', missed: 'conditionalNotTakenMissed', label: 'conditional not taken', reading: 'conditional-not-taken' },
  { key: 'indirect', missed: 'indirectMissed', label: 'indirect', reading: 'indirect' },
  { key: 'nearTaken', missed: 'nearTakenMissed', label: 'near taken', reading: 'near-taken' },
];
/** The paper's table is of this policy. */
const paperPolicy = 'ratelimit';

/** @param all with the simulated Ice Lake, and every measured machine. */
export function tab04(data: TracesData, all: FrontendData): Item {
  const frontend = atHighestLoad(all);
  const predicted = judgedPoints(frontend, 'allMissed');
  return {
    item: 'tab04',
    title: 'Table 4: branches of a request, by kind, and those mispredicted',
    rows: [...data.shown.flatMap((traced) => branchRows(data, traced)), ...predicted.flatMap(missRows)],
    figure: null,
    table: table(data, predicted),
    paper: paperSays('tab04'),
    notes: [
      'Counted in the disassembled trace as Intel counts BR_INST_RETIRED: "indirect" leaves out returns, "near taken" holds every branch but the conditional ones not taken. User code only.',
      ...(predicted.length > 0 ? [`Mispredicted (in brackets): ${unique(predicted.map(nameOf)).join(', ')}${predicted.some(({ method }) => method === 'simulated') ? ', state kept at system calls' : ''}; a direct branch whose target only the decoder finds is no misprediction. "near taken" holds returns too.`] : []),
      ...unique([...data.notes, ...frontend.notes]),
    ],
    judgements: [...countVerdicts(data), ...missVerdicts(frontend)],
  };
}

function table({ shown }: TracesData, predicted: readonly FrontendPoint[]): Item['table'] {
  const rows = shown.map((traced) => {
    const point = predicted.find(({ policy }) => policy.id === traced.policy.id);
    return {
      policy: traced.policy.label, instructions: Math.round(count(traced, 'instructions').value),
      ...Object.fromEntries(kinds.map(({ key, missed }) => [key, `${Math.round(count(traced, key).value)}${point ? missedText(point, missed) : ''}`])),
      returns: Math.round(count(traced, 'returns').value),
      share: `${share(traced, 'all', 'instructions').value.toFixed(1)} %`, indirectShare: `${share(traced, 'indirect', 'all').value.toFixed(1)} %`,
      indirectInMissed: point?.samples.indirectInMissed ? `${rowOf(point, 'indirectInMissed').value!.toFixed(0)} %` : '-',
    };
  });
  return {
    columns: [
      { key: 'policy', label: 'policy' }, { key: 'instructions', label: 'user instructions/request' },
      ...kinds.map(({ key, label }) => ({ key, label: predicted.length > 0 ? `${label} (mispredicted)` : label })),
      { key: 'returns', label: 'returns' }, { key: 'share', label: 'branches in instructions' }, { key: 'indirectShare', label: 'indirect in branches' },
      { key: 'indirectInMissed', label: 'indirect in mispredicted' },
    ],
    rows,
  };
}

function missedText(point: FrontendPoint, missed: FrontendQuantity): string {
  const { value } = rowOf(point, missed);
  return value === null ? '' : ` (${Math.round(value)})`;
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

/** By policy, as the counts are. */
function missRows(point: FrontendPoint): Row[] {
  return [...kinds.map(({ missed }) => missed), 'indirectInMissed' as const].map((quantity) => {
    const row = rowOf(point, quantity);
    return { ...row, series: point.policy.label, x: row.series };
  });
}

function countVerdicts(data: TracesData): Judgement[] {
  const paper = data.shown.find(({ policy }) => policy.id === paperPolicy);
  const ofPaper = (claim: string, reading: string, pick: (traced: TracedPolicy) => Estimate, unit: string) =>
    (paper ? judge(claim, reading, tracedEvidence(data, paper, pick(paper), unit)) : unavailable(claim, reading, 'no trace of the Rate-Limit policy'));
  const ofAll = (claim: string, reading: string, pick: (traced: TracedPolicy) => Estimate) =>
    judgeAll(claim, reading, data.shown.filter(({ policy }) => isEnvoysOwn(policy)).map((traced) => tracedEvidence(data, traced, pick(traced), '%')));
  return [
    ...kinds.map(({ key, reading }) => ofPaper('C20', reading, (traced) => count(traced, key), 'branches per request')),
    ofAll('C21', 'text', (traced) => share(traced, 'all', 'instructions')),
    ofPaper('C21', 'tables', (traced) => share(traced, 'all', 'instructions'), '%'),
    ofAll('C21', 'conditional', (traced) => share(traced, 'conditional', 'all')),
    ofAll('C22', 'share-text', (traced) => share(traced, 'indirect', 'all')),
    ofPaper('C22', 'share-table', (traced) => share(traced, 'indirect', 'all'), '%'),
  ];
}

/** Like the counts: the table is of one policy, the text of section 5.3 speaks of sidecars. */
function missVerdicts(frontend: FrontendData): Judgement[] {
  const ofPaper = (claim: string, reading: string, quantity: FrontendQuantity, unit: string) => {
    const point = judgedPoints(frontend, quantity).find(({ policy }) => policy.id === paperPolicy);
    return point ? judge(claim, reading, evidenceOf(point, quantity, unit))
      : unavailable(claim, reading, 'neither a trace of the Rate-Limit policy to simulate on nor hardware counters of it are recorded');
  };
  const shares = judgedPoints(frontend, 'indirectInMissed').map((point) => evidenceOf(point, 'indirectInMissed', '%'));
  return [
    ...kinds.map(({ missed, reading }) => ofPaper('C20', `${reading}-missed`, missed, 'misses per request')),
    shares.length > 0 ? judgeAll('C22', 'misses-text', shares) : unavailable('C22', 'misses-text', 'neither a trace to simulate on nor hardware counters are recorded'),
    ofPaper('C22', 'misses-table', 'indirectInMissed', '%'),
  ];
}
