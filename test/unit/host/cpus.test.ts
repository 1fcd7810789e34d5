import { describe, expect, test } from 'vitest';
import { allowedCpus, parseCpuList, planCpus } from '../../../lib/host/cpus.js';

describe('which cores a measurement uses', () => {
  test('the worker gets the last core alone', () => {
    expect(planCpus([0, 1], () => [])).toEqual({ worker: 1, others: [0] });
  });
  test('its SMT siblings stay empty', () => {
    expect(planCpus([0, 1, 2, 3], (cpu) => [(cpu + 2) % 4])).toEqual({ worker: 3, others: [0, 2] });
  });
  test('a single core is shared, and says so by holding the worker', () => {
    expect(planCpus([5], () => [])).toEqual({ worker: 5, others: [5] });
  });
});

describe("the kernel's cpu lists", () => {
  test.each([['0', [0]], ['0-2,5', [0, 1, 2, 5]], ['3,0-1\n', [3, 0, 1]]])('%j is read in its order', (list, cpus) => {
    expect(parseCpuList(list)).toEqual(cpus);
  });
  test.each(['', '0-', '0,', '3-1', '0-3:1/2', 'all', '-1'])('%j is refused', (list) => {
    expect(() => parseCpuList(list)).toThrow(`not a cpu list: "${list}"`);
  });
  test('a process status without one is refused', () => {
    expect(allowedCpus('Name:\tnode\nCpus_allowed_list:\t0-1\nMems_allowed:\t1\n')).toEqual([0, 1]);
    expect(() => allowedCpus('Name:\tnode\nCpus_allow')).toThrow('/proc/self/status has no Cpus_allowed_list; this needs Linux');
  });
});
