import { describe, expect, test } from 'vitest';
import { addChainModule, clockOf } from '../../../lib/host/clock.js';

describe('the chain of additions', () => {
  /** What the module is meant to compute, in 64-bit arithmetic. */
  function reference(turns: number, x: bigint, y: bigint, additions: number): bigint {
    for (let i = 0; i < turns * additions; i += 2) {
      x = BigInt.asIntN(64, x + y);
      y = BigInt.asIntN(64, y + x);
    }
    return x;
  }

  test.each([[1, 2], [3, 64], [2, 1024]])('%i turns of %i additions give what the same additions give one by one', async (turns, additions) => {
    const { instance } = await WebAssembly.instantiate(addChainModule(additions));
    const chain = instance.exports.chain as (turns: number, x: bigint, y: bigint) => bigint;
    expect(chain(turns, 1n, 3n)).toBe(reference(turns, 1n, 3n, additions));
  });
});

describe('the clock from burst times', () => {
  test('an undisturbed core of 3 GHz reads 3 GHz', () => {
    expect(clockOf([1000, 1000, 1000, 1000], 3000)).toEqual({ hz: 3e9, interval: [3e9, 3e9] });
  });

  test('bursts that were interrupted do not lower it', () => {
    expect(clockOf([1000, 1000, 1000, 9000, 40_000], 3000).hz).toBe(3e9);
  });

  test('times that cannot be are refused', () => {
    expect(() => clockOf([], 3000)).toThrow('burst times must be positive');
    expect(() => clockOf([1000, 0], 3000)).toThrow('burst times must be positive');
  });
});
