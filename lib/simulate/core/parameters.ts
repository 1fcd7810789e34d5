/**
 * What a simulated core is made of, each number with where it comes from. A core is one data file (haswell.ts,
 * cascade-lake.ts, ice-lake.ts); another one is another file and its line in cores.ts.
 */
import { checkGeometry, type EntryArray } from '../geometry.js';

/** Sizes of a TAGE-class direction predictor; see tage.ts. */
export interface DirectionPredictorSize {
  /** Two-bit counters of the base predictor: a power of two. */
  baseEntries: number;
  /** Of each tagged table: a power of two. */
  entries: number;
  tagBits: number;
  /** Taken branches that each tagged table looks back on, ascending. */
  histories: readonly number[];
}

/** Sizes of an ITTAGE-class predictor of indirect targets; see indirect.ts. */
export interface IndirectPredictorSize {
  /** Targets remembered by branch alone: a power of two. */
  baseEntries: number;
  /** Of each tagged table: a power of two. */
  entries: number;
  tagBits: number;
  /** Taken branches that each tagged table looks back on, ascending. */
  histories: readonly number[];
}

/** The numbers of a core. Sets of every array are powers of two; cycles are those of the core's clock. */
export interface CoreNumbers {
  /** First-level instruction cache, lines of 64 bytes. */
  l1i: EntryArray;
  /** Private second-level cache. Data compete for it on a real core; here code has it alone. */
  l2: EntryArray;
  /** Instruction TLB for pages of 4 kB, and of 2 MB. */
  itlb: EntryArray;
  itlbHuge: EntryArray;
  /** Second-level TLB, for both sizes of pages; shared with data on a real core, which has none here. */
  stlb: EntryArray;
  /** Cycles until a line that the first level lacks is there: from the second level, and from the last one. */
  l2Cycles: number;
  llcCycles: number;
  /** Cycles until a translation is there that the instruction TLB lacks: from the second level, and by a page walk. */
  stlbCycles: number;
  walkCycles: number;
  /** Bytes fetched and decoded a cycle. */
  fetchBytes: number;
  /** Instructions decoded a cycle. */
  decodeWidth: number;
  /** Slots a cycle, as top-down analysis counts them. */
  issueWidth: number;
  /** Branch target buffer. */
  targetBuffer: EntryArray;
  direction: DirectionPredictorSize;
  indirect: IndirectPredictorSize;
  /** Addresses on the return stack. */
  returnStack: number;
  /** Cycles from fetching a mispredicted branch to fetching what really follows. */
  mispredictionCycles: number;
  /** Of those, the ones in which the front end refills (top-down: frontend bound); the others issue the wrong path. */
  refillCycles: number;
  /** Cycles from fetching a taken branch that the target buffer lacks to fetching its target, found by the decoder. */
  decodeResteerCycles: number;
  /** Lines behind a missing one that are brought in with it, within its page; 0 for no next-line prefetch. */
  nextLines: number;
  /** Runs of code that the branch predictor may be ahead of fetch, asking for their lines; 0 for no run-ahead. */
  runAhead: number;
}

/**
 * `published`: the source named was seen to say so. `unconfirmed`: it is known to, but could not be looked up. `stand-in`:
 * nobody says, our choice and why.
 */
export type Standing = 'published' | 'unconfirmed' | 'stand-in';

export interface Sourced<Value> {
  value: Value;
  standing: Standing;
  source: string;
}

export interface CoreParameters extends CoreNumbers {
  /** E.g. `ice-lake`. */
  id: string;
  /** E.g. `Ice Lake`. */
  name: string;
  /** Where each number comes from. */
  sources: { [Name in keyof CoreNumbers]: Omit<Sourced<unknown>, 'value'> };
}

/** Bytes that a branch predictor passes in a cycle when no branch is taken: two fetches of 16, the same on every core (a stand-in). */
export const predictedBytes = 32;

export type CoreDescription = { [Name in keyof CoreNumbers]: Sourced<CoreNumbers[Name]> };

export function published<Value>(value: Value, source: string): Sourced<Value> {
  return { value, standing: 'published', source };
}

export function unconfirmed<Value>(value: Value, source: string): Sourced<Value> {
  return { value, standing: 'unconfirmed', source };
}

/** @param source why this value */
export function standIn<Value>(value: Value, source: string): Sourced<Value> {
  return { value, standing: 'stand-in', source };
}

/**
 * A core from its data file.
 * @throws Error naming a number that no core can have.
 */
export function describeCore(id: string, name: string, description: CoreDescription): CoreParameters {
  const part = <Part>(pick: (sourced: Sourced<unknown>) => unknown): Part =>
    Object.fromEntries(Object.entries(description).map(([key, sourced]) => [key, pick(sourced)])) as Part;
  const core = { id, name, ...part<CoreNumbers>(({ value }) => value), sources: part<CoreParameters['sources']>(({ standing, source }) => ({ standing, source })) };
  checkCore(core);
  return core;
}

/** Sets are told from the lowest bits of a line, page or branch, of which short addresses (code-map.ts) keep only so many. */
const mostSetsOf = { l1i: 2 ** 15, l2: 2 ** 15, itlb: 2 ** 9, itlbHuge: 2 ** 9, stlb: 2 ** 9, targetBuffer: 2 ** 20 };

/** @throws Error naming a number that no core can have. */
export function checkCore(core: CoreParameters): void {
  for (const [name, mostSets] of Object.entries(mostSetsOf)) {
    const { sets, ways } = core[name as keyof typeof mostSetsOf];
    checkGeometry({ first: { sets, ways } });
    checkPower(core, `${name}.sets`, sets, mostSets);
  }
  for (const name of ['direction', 'indirect'] as const) {
    checkPower(core, `${name}.baseEntries`, core[name].baseEntries, 2 ** 24);
    checkPower(core, `${name}.entries`, core[name].entries, 2 ** 20);
    if (!(core[name].tagBits >= 4 && core[name].tagBits <= 16)) throw new Error(`${core.name}: ${name}.tagBits is ${core[name].tagBits}; give 4 to 16`);
  }
  for (const [name, value] of Object.entries(core)) {
    if (typeof value === 'number' && !(value >= 0 && Number.isFinite(value))) throw new Error(`${core.name}: ${name} is ${value}; give a number from 0`);
  }
  if (core.refillCycles > core.mispredictionCycles) throw new Error(`${core.name}: refillCycles ${core.refillCycles} is part of mispredictionCycles ${core.mispredictionCycles}; give a smaller one`);
}

function checkPower(core: CoreParameters, name: string, value: number, most: number): void {
  if (!(value >= 1 && value <= most && Number.isInteger(Math.log2(value)))) throw new Error(`${core.name}: ${name} is ${value}; give a power of two up to ${most}`);
}
