import { table } from 'arquero';
import { describe, expect, it } from 'vitest';
import { countedCycles, countedInstructions, countedIpc, type CounterRow } from '../../../lib/analysis/request-counters.js';

const row = (policy: string, repeat: number, user: [number, number], kernel: [number, number] | [null, null]): CounterRow => ({
  policy, repeat, userCycles: user[0], userInstructions: user[1], kernelCycles: kernel[0], kernelInstructions: kernel[1], runningPercent: 100, run: `${policy}/${repeat}`,
});
const rows = [row('http', 1, [100, 150], [100, 30]), row('http', 0, [200, 100], [200, 100]), row('http', 2, [80, 40], [null, null]), row('tcp', 0, [1, 1], [1, 1])];
const tables = { counters: table(Object.fromEntries(Object.keys(rows[0]).map((name) => [name, rows.map((each) => each[name as keyof CounterRow])]))) };

describe('counts of one request', () => {
  it('are by repeat, in order, of one policy', () => {
    expect([...countedCycles(tables, 'http', 'user')]).toEqual([[0, 200], [1, 100], [2, 80]]);
    expect([...countedInstructions(tables, 'http', 'kernel')]).toEqual([[0, 100], [1, 30]]);
  });

  it('of all code are the sum of user and kernel, and not known where one of them is not', () => {
    expect([...countedCycles(tables, 'http', 'all')]).toEqual([[0, 400], [1, 200]]);
  });

  it('give IPC as the ratio of each repeat, not of sums over different repeats', () => {
    expect([...countedIpc(tables, 'http', 'user')]).toEqual([[0, 0.5], [1, 1.5], [2, 0.5]]);
    expect([...countedIpc(tables, 'http', 'all')]).toEqual([[0, 0.5], [1, 0.9]]);
  });

  it('are none of a policy that was not counted', () => expect(countedIpc(tables, 'logging', 'all').size).toBe(0));
});
