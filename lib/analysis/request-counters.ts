/** Cycles and instructions of one request as the CPU's own counters had them: pure functions over a tidy table. */
import { escape, type ColumnTable } from 'arquero';
import type { Rounds } from './rounds.js';

export interface CounterTables {
  /**
   * One row a run: policy, repeat, run; userCycles, userInstructions, kernelCycles, kernelInstructions of one request,
   * null where not counted; runningPercent, the least part of the time that one of them was on a counter.
   */
  counters: ColumnTable;
}

export interface CounterRow {
  policy: string;
  repeat: number;
  userCycles: number | null;
  userInstructions: number | null;
  kernelCycles: number | null;
  kernelInstructions: number | null;
  runningPercent: number;
  run: string;
}

/** All code is user and kernel code together. */
export type Code = 'user' | 'kernel' | 'all';

/** Cycles of one request by repeat; repeats in which one of them was not counted are left out. */
export function countedCycles(tables: CounterTables, policy: string, code: Code): Rounds {
  return byRepeat(tables, policy, (row) => sumOf(row.userCycles, row.kernelCycles, code));
}

/** Instructions of one request by repeat, likewise. */
export function countedInstructions(tables: CounterTables, policy: string, code: Code): Rounds {
  return byRepeat(tables, policy, (row) => sumOf(row.userInstructions, row.kernelInstructions, code));
}

/** Instructions per cycle by repeat: both are counted in the same window, so each repeat gives a ratio of its own. */
export function countedIpc(tables: CounterTables, policy: string, code: Code): Rounds {
  const cycles = countedCycles(tables, policy, code);
  const instructions = countedInstructions(tables, policy, code);
  return new Map([...instructions].flatMap(([repeat, count]) => {
    const own = cycles.get(repeat);
    return own ? [[repeat, count / own] as const] : []; // no cycle, no ratio
  }));
}

function byRepeat(tables: CounterTables, policy: string, valueOf: (row: CounterRow) => number | null): Rounds {
  const rows = tables.counters.filter(escape((row: CounterRow) => row.policy === policy)).orderby('repeat').objects() as CounterRow[];
  return new Map(rows.flatMap((row) => {
    const value = valueOf(row);
    return value === null ? [] : [[row.repeat, value] as const];
  }));
}

function sumOf(user: number | null, kernel: number | null, code: Code): number | null {
  if (code === 'user') return user;
  if (code === 'kernel') return kernel;
  return user === null || kernel === null ? null : user + kernel;
}
