/**
 * The top-down method's first level and the nodes of instruction fetch, from counts.
 *
 * Formulas: pmu-tools (hsx, skx, clx, icx and spr_server_ratios.py, TMA 5.1), which a test evaluates beside these. They are
 * those of one thread with its SMT sibling idle (toplev --single-thread), as measured here: with both at work, slots before
 * Ice Lake are the core's and take the counts of both.
 */
import type { EventName, EventTableId } from './events/event-table.js';
import type { EventValues } from './frontend-counts.js';

/** Null where an event of the formula was not counted. */
export interface TopDown {
  /** Shares of the issue slots; level 1 sums to 1, but for `badSpeculation` being cut off at 0 from Ice Lake on. */
  retiring: number | null;
  badSpeculation: number | null;
  frontend: number | null;
  backend: number | null;
  /** Part of `frontend` in which nothing at all was delivered: share of the slots. */
  fetchLatency: number | null;
  /** Shares of the cycles; they overlap with each other and with what goes on meanwhile. */
  icacheMisses: number | null;
  itlbMisses: number | null;
  branchResteers: number | null;
}

/** `register`: level 1 by the metrics register of Ice Lake and later, 8 bits a value; `counters`: by general counters. */
export type TopDownWay = 'counters' | 'register';

/** Why there is no top-down split of counts of a table; null where there is. */
export function whyNoTopDown(table: EventTableId): string | null {
  return table === 'generic' ? 'perf\'s generic events do not tell issue slots apart; tables with those that do are in lib/counters/events/' : null;
}

/**
 * @param table whose events were counted: `FrontendCounts.table`.
 * @returns null where the core has no such events, or no such register.
 */
export function topDownOf(table: EventTableId, values: EventValues, way: TopDownWay = 'counters'): TopDown | null {
  const formulas = formulasOf[table][way];
  if (!formulas) return null;
  const nodes = formulas((name) => values[name] ?? NaN);
  return Object.fromEntries(Object.entries(nodes).map(([node, value]) => [node, Number.isFinite(value) ? value : null])) as unknown as TopDown;
}

/** Counts of an event in the window; NaN when it was not counted. */
type Count = (name: EventName) => number;
type Nodes = Record<keyof TopDown, number>;

const formulasOf: Record<EventTableId, Partial<Record<TopDownWay, (n: Count) => Nodes>>> = {
  haswell: { counters: haswellNodes },
  skylake: { counters: skylakeNodes },
  'ice-lake': { counters: (n) => iceLakeNodes(n, 'counters'), register: (n) => iceLakeNodes(n, 'register') },
  'sapphire-rapids': { counters: (n) => sapphireRapidsNodes(n, 'counters'), register: (n) => sapphireRapidsNodes(n, 'register') },
  generic: {},
};

function haswellNodes(n: Count): Nodes {
  const cycles = n('cycles');
  return {
    ...fourWideLevel1(n),
    fetchLatency: Math.min(cycles, n('cyclesWithoutUops')) / cycles,
    icacheMisses: n('dataStallCycles') / cycles,
    itlbMisses: (14 * n('itlbStlbHits') + n('itlbWalkCycles')) / cycles,
    branchResteers: 12 * (n('branchMisses') + n('machineClears') + n('baclears')) / cycles,
  };
}

function skylakeNodes(n: Count): Nodes {
  const cycles = n('cycles');
  return {
    ...fourWideLevel1(n),
    fetchLatency: n('cyclesWithoutUops') / cycles,
    icacheMisses: (n('dataStallCycles') + 2 * n('dataStalls')) / cycles,
    itlbMisses: n('tagStallCycles') / cycles,
    branchResteers: (n('resteerCycles') + 9 * n('baclears')) / cycles,
  };
}

/** Four slots a cycle; what is left of them when the others are taken off is the backend's. */
function fourWideLevel1(n: Count): Pick<Nodes, 'retiring' | 'badSpeculation' | 'frontend' | 'backend'> {
  const slots = 4 * n('cycles');
  const frontend = n('uopsNotDelivered') / slots;
  const issuedOrRecovering = (n('uopsIssued') + 4 * n('recoveryCycles')) / slots;
  const retiring = n('slotsRetired') / slots;
  return { retiring, badSpeculation: issuedOrRecovering - retiring, frontend, backend: 1 - frontend - issuedOrRecovering };
}

function iceLakeNodes(n: Count, way: TopDownWay): Nodes {
  const [cycles, slots] = [n('cycles'), n(way === 'register' ? 'slots' : 'slotsGeneral')];
  const level1 = way === 'register' ? registerLevel1(n) : counterLevel1(n);
  return {
    ...withBadSpeculation({ ...level1, backend: level1.backend + 5 * n('clears') / slots }),
    fetchLatency: (5 * n('cyclesWithoutUops') - n('uopsDropped')) / slots,
    icacheMisses: n('dataStallCycles') / cycles,
    itlbMisses: n('tagStallCycles') / cycles,
    branchResteers: (n('resteerCycles') + 10 * n('baclears')) / cycles,
  };
}

function sapphireRapidsNodes(n: Count, way: TopDownWay): Nodes {
  const cycles = n('cycles');
  const latency = way === 'register'
    ? n('metricFetchLatency') / registerSum(n) - n('uopsDropped') / n('slots')
    : (6 * n('cyclesWithoutUops') - n('uopsDropped')) / n('slotsGeneral');
  return {
    ...withBadSpeculation(way === 'register' ? registerLevel1(n) : counterLevel1(n)),
    fetchLatency: latency,
    icacheMisses: n('dataStallCycles') / cycles,
    itlbMisses: n('tagStallCycles') / cycles,
    branchResteers: (n('resteerCycles') + n('unknownBranchCycles')) / cycles,
  };
}

interface Level1 { retiring: number; frontend: number; backend: number }

function counterLevel1(n: Count): Level1 {
  const slots = n('slotsGeneral');
  return { retiring: n('slotsRetired') / slots, frontend: (n('uopsNotDelivered') - n('uopsDropped')) / slots, backend: n('slotsBackend') / slots };
}

/** The register's fields need not sum to 255; shares of their sum do to 1. */
function registerLevel1(n: Count): Level1 {
  const sum = registerSum(n);
  return { retiring: n('metricRetiring') / sum, frontend: n('metricFrontend') / sum - n('uopsDropped') / n('slots'), backend: n('metricBackend') / sum };
}

function registerSum(n: Count): number {
  return n('metricRetiring') + n('metricBadSpeculation') + n('metricFrontend') + n('metricBackend');
}

function withBadSpeculation(level1: Level1): Level1 & { badSpeculation: number } {
  const { retiring, frontend, backend } = level1;
  return { ...level1, badSpeculation: Math.max(0, 1 - frontend - backend - retiring) };
}
