/**
 * Verdicts on the paper's claims: pure judging of measured values by rules that were fixed before anything was
 * measured (lib/paper/claims.ts names them). A verdict never comes from a value alone: an interval that straddles a
 * bound is inconclusive, and so is a single noisy repeat.
 */
import type { Interval } from '../analysis/statistics.js';
import { claimById, claims, readingOf, type Claim, type RangeReading, type Reading, type ShapeReading } from '../paper/claims.js';
import type { Method, Row } from '../store/value.js';

export type Verdict = 'reproduced' | 'differs' | 'inconclusive' | 'unavailable';

/** Ratios: the claimed range widened by this factor each way. */
export const ratioFactor = 1.25;
/** Shares of a whole: the claimed range widened by this many points each way. */
export const sharePoints = 5;
/** Counts that depend on machine and Envoy version: the claimed range widened by this factor each way. */
export const absoluteFactor = 2;
/** "Same", "constant", "flat": a relative difference of at most this many per cent. */
export const samePercent = 10;

/** Fewer repeats cannot span 95 %: the median of n lies between their extremes with probability 1 - 2^(1-n). */
export const leastRepeats = 6;

/**
 * A value to judge: a {@link Row} of results will do. For a shape, the difference; for "same", the
 * relative one, as a fraction (unit '') or in '%'.
 */
export type Evidence = Pick<Row, 'value' | 'unit' | 'interval' | 'method' | 'origin' | 'runs' | 'reason'> & {
  /** What the value is of when there is one for each policy, size or application: `IP Tag 10`. */
  case?: string;
  /** How many repeats the interval rests on, where it comes from repeats. */
  repeats?: number;
  /** Needed for `abs` readings, whose verdict must name both. */
  cpu?: string;
  envoyVersion?: string;
};

/** One entry of results/claims.json: one reading of one claim. */
export interface Judgement {
  id: string;
  reading: string;
  item: string;
  claim: string;
  /** The value as the paper prints it, and where. */
  paper: string;
  quantity: string;
  value: number | null;
  unit: string;
  interval: Interval | null;
  method: Method;
  origin: string;
  verdict: Verdict;
  /** The verdict in words, e.g. `reproduced, simulated`. */
  label: string;
  reason: string;
  runs: string[];
}

/** A verdict and the sentence that says why. */
export interface Ruling {
  verdict: Verdict;
  reason: string;
}

/**
 * Where an interval lies against a claimed range: inside the widened range `reproduced`, wholly outside it `differs`,
 * across a bound `inconclusive`.
 * @param interval 95 %; of an exact value, that value twice
 */
export function judgeRange(interval: Interval, reading: Pick<RangeReading, 'kind' | 'range' | 'share' | 'unit' | 'printed'>): Ruling {
  const [low, high] = widen(reading);
  const accepted = `${rangeText([low, high], reading.unit)} (the paper's ${reading.printed}, ${widening(reading)})`;
  const measured = intervalText(interval, reading.unit);
  if ((low === null || interval[0] >= low) && (high === null || interval[1] <= high)) return { verdict: 'reproduced', reason: `${measured} lies inside ${accepted}` };
  if ((low !== null && interval[1] < low) || (high !== null && interval[0] > high)) return { verdict: 'differs', reason: `${measured} lies outside ${accepted}` };
  return { verdict: 'inconclusive', reason: `${measured} straddles a bound of ${accepted}` };
}

/**
 * Where the interval of a difference lies: on the claimed side of 0, or for `same` within ±10 %.
 * @param interval 95 %; of an exact difference, that difference twice; relative and in per cent when `same` is claimed
 */
export function judgeShape(interval: Interval, expected: ShapeReading['expected'], unit = ''): Ruling {
  if (expected === 'same') return judgeSame(interval);
  const [near, far] = expected === 'greater' ? interval : [-interval[1], -interval[0]];
  const side = expected === 'greater' ? 'above 0' : 'below 0';
  const measured = `the difference ${intervalText(interval, unit)}`;
  if (near > 0) return { verdict: 'reproduced', reason: `${measured} lies ${side}, as claimed` };
  if (far <= 0) return { verdict: 'differs', reason: `${measured} does not lie ${side}, as claimed` };
  return { verdict: 'inconclusive', reason: `${measured} has no certain sign; claimed is ${side}` };
}

/**
 * Judges one reading of a claim.
 *
 * About cycles, three things hold besides: instruction counts never judge them (inconclusive, the instruction reading
 * beside), CPU time judges them by a model (cycles = CPU time x core clock) and is labelled so, hardware counters
 * judge them.
 * @param readingId may be left out when the claim has one reading
 * @param beside user instructions of the same quantity, printed in the reason whatever the verdict
 * @throws Error on an unknown claim or reading, another unit than the claim's,
 *   or an `abs` reading without CPU and Envoy version.
 */
export function judge(claimId: string, readingId: string | undefined, evidence: Evidence, beside?: Evidence): Judgement {
  const claim = claimById(claimId);
  const reading = readingOf(claim, readingId);
  const given = inClaimedUnit(reading, evidence);
  const own = entry(claim, reading, given, ruleOn(claim, reading, given));
  if (!beside) return own;
  const { verdict, reason } = ruleOn(claim, { ...reading, cycles: undefined }, inClaimedUnit(reading, beside));
  return { ...own, reason: `${own.reason}; by ${methodInWords(beside.method)} (${verdict}): ${reason}` };
}

/**
 * Judges a reading that speaks of every policy, size or application: one case wholly outside and it differs, all inside
 * and it is reproduced, otherwise inconclusive; cases without a value leave it at most inconclusive. The value reported
 * is that of the case which decides: the first of the worst verdict.
 * @throws Error without any case, and as {@link judge}.
 */
export function judgeAll(claimId: string, readingId: string | undefined, cases: readonly Evidence[]): Judgement {
  if (cases.length === 0) throw new Error(`${claimId} judged on no case; use unavailable() and say why there is none`);
  const judged = cases.map((evidence) => judge(claimId, readingId, evidence));
  const verdict = verdictOfAll(judged.map((each) => each.verdict));
  const decides = judged.findIndex((each) => each.verdict === verdict);
  const worst = judged[decides < 0 ? judged.findIndex((each) => each.verdict === 'unavailable') : decides];
  const counted = judged.filter((each) => each.verdict === 'reproduced').length;
  const name = cases[judged.indexOf(worst)].case;
  const reason = `${counted} of ${cases.length} cases as claimed; ${name ? `${name}: ` : ''}${worst.reason}`;
  const method = weakest(judged.filter((each) => each.verdict !== 'unavailable').map((each) => each.method)) ?? 'unavailable';
  return { ...worst, verdict, method, label: labelOf(verdict, method), reason, runs: [...new Set(judged.flatMap((each) => each.runs))] };
}

/** A reading that cannot be judged, and why. */
export function unavailable(claimId: string, readingId: string | undefined, reason: string): Judgement {
  const claim = claimById(claimId);
  const reading = readingOf(claim, readingId);
  const unit = reading.kind === 'shape' ? '' : reading.unit;
  return entry(claim, reading, { value: null, unit, interval: null, method: 'unavailable', origin: 'none', runs: [] }, { verdict: 'unavailable', reason });
}

/**
 * The whole of results/claims.json: every reading of all claims in order of id, judged or unavailable.
 * @throws Error when a reading is judged twice, or is none of the paper's.
 */
export function assembleClaims(judgements: readonly Judgement[]): Judgement[] {
  const key = (id: string, reading: string) => `${id} ${reading}`;
  const byReading = new Map<string, Judgement>();
  for (const judgement of judgements) {
    const { id, reading } = judgement;
    readingOf(claimById(id), reading);
    if (byReading.has(key(id, reading))) throw new Error(`${id} reading "${reading}" is judged twice; pass one judgement for each reading`);
    byReading.set(key(id, reading), judgement);
  }
  return claims.flatMap((claim) =>
    claim.readings.map((reading) => byReading.get(key(claim.id, reading.id)) ?? unavailable(claim.id, reading.id, `not yet measured by this workbench: ${claim.experiment}`)),
  );
}

/** How many readings have each label; simulated and modelled ones apart, labels of no reading left out. */
export function countLabels(judgements: readonly Judgement[]): { label: string; count: number }[] {
  const order: Verdict[] = ['reproduced', 'differs', 'inconclusive', 'unavailable'];
  const labels = order.flatMap((verdict) => [verdict, `${verdict}, simulated`, `${verdict}, modelled`]);
  return labels.map((label) => ({ label, count: judgements.filter((each) => each.label === label).length })).filter(({ count }) => count > 0);
}

/** Methods that give the same value every time, so that a value without interval is certain rather than alone. */
const exactMethods: readonly Method[] = ['measured: exact instruction counts', 'measured: instruction trace', 'simulated'];

/** Methods that measure CPU time, whence cycles only follow by a model. */
const timeMethods: readonly Method[] = ['measured: CPU time', 'measured: sampled stacks', 'measured: latency'];

function ruleOn(claim: Claim, reading: Reading, evidence: Evidence): Ruling {
  const { value, method, reason } = evidence;
  if (value === null || method === 'unavailable') return { verdict: 'unavailable', reason: reason ?? `no value of ${reading.quantity}` };
  const interval = evidence.interval ?? (exactMethods.includes(method) ? ([value, value] as Interval) : null);
  if (!interval) return { verdict: 'inconclusive', reason: `${number(value)} ${evidence.unit} comes from a single repeat and has no interval; measure more repeats` };
  checkUnit(claim, reading, evidence.unit);
  const ruling = reading.kind === 'shape' ? judgeShape(interval, reading.expected, evidence.unit) : judgeRange(interval, reading);
  if (reading.kind === 'abs') ruling.reason += `, on ${settingOf(claim, reading, evidence)}`;
  if (reading.cycles && method === 'measured: exact instruction counts') {
    return { verdict: 'inconclusive', reason: `the claim is about cycles, which instruction counts cannot judge; by user instructions (${ruling.verdict}): ${ruling.reason}` };
  }
  if (evidence.repeats !== undefined && evidence.repeats < leastRepeats && !exactMethods.includes(method)) {
    return { verdict: 'inconclusive', reason: `${evidence.repeats} repeats are too few for a 95 % interval (\`-- --fresh\` adds more); so far (${ruling.verdict}): ${ruling.reason}` };
  }
  return modelsCycles(reading, method) ? { ...ruling, reason: `${ruling.reason}; cycles modelled as CPU time x core clock (${method})` } : ruling;
}

function entry(claim: Claim, reading: Reading, evidence: Evidence, { verdict, reason }: Ruling): Judgement {
  const method = modelsCycles(reading, evidence.method) ? 'modelled' : evidence.method;
  return {
    id: claim.id,
    reading: reading.id,
    item: claim.item,
    claim: claim.claim,
    paper: `${reading.printed} (${reading.place})`,
    quantity: reading.quantity,
    value: evidence.value,
    unit: evidence.unit,
    interval: evidence.interval,
    method,
    origin: evidence.origin,
    verdict,
    label: labelOf(verdict, method),
    reason,
    runs: evidence.runs,
  };
}

function modelsCycles(reading: Reading, method: Method): boolean {
  return reading.cycles === true && timeMethods.includes(method);
}

/** Nothing to qualify where nothing was decided on a value. */
function labelOf(verdict: Verdict, method: Method): string {
  return verdict !== 'unavailable' && (method === 'simulated' || method === 'modelled') ? `${verdict}, ${method}` : verdict;
}

function verdictOfAll(verdicts: Verdict[]): Verdict {
  if (verdicts.includes('differs')) return 'differs';
  if (verdicts.every((verdict) => verdict === 'reproduced')) return 'reproduced';
  return verdicts.every((verdict) => verdict === 'unavailable') ? 'unavailable' : 'inconclusive';
}

/** A verdict on several values is worth what the least direct of them is. */
function weakest(methods: Method[]): Method | undefined {
  return methods.find((method) => method === 'modelled') ?? methods.find((method) => method === 'simulated') ?? methods[0];
}

function judgeSame(interval: Interval): Ruling {
  const measured = `the difference ${intervalText(interval, '%')}`;
  const accepted = `±${samePercent} %`;
  if (interval[0] >= -samePercent && interval[1] <= samePercent) return { verdict: 'reproduced', reason: `${measured} lies inside ${accepted}` };
  if (interval[1] < -samePercent || interval[0] > samePercent) return { verdict: 'differs', reason: `${measured} lies outside ${accepted}` };
  return { verdict: 'inconclusive', reason: `${measured} straddles ${accepted}` };
}

function widen({ kind, range: [low, high], share }: Pick<RangeReading, 'kind' | 'range' | 'share'>): RangeReading['range'] {
  if (share) return [low === null ? null : low - sharePoints, high === null ? null : high + sharePoints];
  const factor = kind === 'abs' ? absoluteFactor : ratioFactor;
  return [low === null ? null : low / factor, high === null ? null : high * factor];
}

function widening({ kind, share }: Pick<RangeReading, 'kind' | 'share'>): string {
  if (share) return `±${sharePoints} points`;
  return kind === 'abs' ? `within a factor of ${absoluteFactor}` : `widened by ${ratioFactor}x`;
}

function settingOf(claim: Claim, reading: Reading, { cpu, envoyVersion }: Evidence): string {
  if (!cpu || !envoyVersion) throw new Error(`${claim.id} reading "${reading.id}" depends on machine and Envoy version; give its evidence cpu and envoyVersion (got ${cpu} and ${envoyVersion})`);
  return `${cpu}, Envoy ${envoyVersion}`;
}

/** Relative differences are reported in per cent, also when they come as the plain fraction that statistics return. */
function inClaimedUnit(reading: Reading, evidence: Evidence): Evidence {
  const { value, interval, unit } = evidence;
  if (reading.kind !== 'shape' || reading.expected !== 'same' || unit !== '') return evidence;
  return { ...evidence, value: value === null ? null : 100 * value, interval: interval && [100 * interval[0], 100 * interval[1]], unit: '%' };
}

/** A value in another unit than the claim's would be judged without anyone noticing. */
function checkUnit(claim: Claim, reading: Reading, unit: string): void {
  const expected = reading.kind !== 'shape' ? reading.unit : reading.expected === 'same' ? '%' : unit;
  if (unit !== expected) throw new Error(`${claim.id} reading "${reading.id}" is judged in "${expected}", its evidence is in "${unit}"; convert it first`);
}

function methodInWords(method: Method): string {
  return method === 'measured: exact instruction counts' ? 'user instructions' : method;
}

function rangeText([low, high]: RangeReading['range'], unit: string): string {
  if (low === null) return `up to ${number(high as number)} ${unit}`;
  return high === null ? `from ${number(low)} ${unit} up` : `${number(low)} to ${number(high)} ${unit}`;
}

function intervalText([low, high]: Interval, unit: string): string {
  return (low === high ? `${number(low)} ${unit}` : `${number(low)} to ${number(high)} ${unit}`).trimEnd();
}

/** Three or four significant digits: more would claim a precision no measurement here has. */
export function number(value: number): string {
  return Math.abs(value) >= 1000 ? Math.round(value).toLocaleString('en-US') : String(Number(value.toPrecision(3)));
}
