import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../../lib/analysis/statistics.js';
import { CodeMap } from '../../../../lib/simulate/core/code-map.js';
import { LruArray } from '../../../../lib/simulate/core/lru-array.js';
import { PathHistory } from '../../../../lib/simulate/core/path-history.js';
import { ReturnStack } from '../../../../lib/simulate/core/return-stack.js';
import { TargetBuffer } from '../../../../lib/simulate/core/target-buffer.js';

describe('an LRU array', () => {
  it('holds what a plain list would', () => {
    fc.assert(fc.property(fc.array(fc.nat(40), { maxLength: 200 }), fc.constantFrom(1, 2, 4), fc.integer({ min: 1, max: 6 }), (numbers, sets, ways) => {
      const array = new LruArray({ sets, ways });
      const lists = Array.from({ length: sets }, (): number[] => []);
      for (const number of numbers) {
        const list = lists[number % sets];
        expect(array.has(number)).toBe(list.includes(number));
        expect(array.access(number)).toBe(list.includes(number));
        lists[number % sets] = [number, ...list.filter((other) => other !== number)].slice(0, ways);
      }
    }));
  });

  it('has nothing once emptied', () => {
    const array = new LruArray({ sets: 1, ways: 2 });
    array.access(0);
    array.empty();
    expect([array.has(0), array.access(0)]).toEqual([false, false]);
  });
});

describe('the branch target buffer', () => {
  it('knows where a branch went last, until another of its set takes its place', () => {
    const buffer = new TargetBuffer({ sets: 1, ways: 2 });
    buffer.taken(10, 100);
    buffer.taken(20, 200);
    buffer.taken(10, 101);
    expect([10, 20].map((branch) => buffer.targetOf(branch))).toEqual([101, 200]);
    buffer.taken(30, 300);
    expect([10, 20, 30].map((branch) => buffer.targetOf(branch)).filter((target) => target >= 0)).toHaveLength(2);
    expect(buffer.targetOf(30)).toBe(300);
    buffer.empty();
    expect(buffer.targetOf(30)).toBe(-1);
  });
});

describe('the return stack', () => {
  it('gives addresses back in reverse, and old ones again where it ran over', () => {
    const stack = new ReturnStack(3);
    for (const address of [1, 2, 3, 4]) stack.push(address);
    expect([0, 1, 2].map((depth) => stack.peek(depth))).toEqual([4, 3, 2]);
    expect([1, 2, 3, 4].map(() => stack.pop())).toEqual([4, 3, 2, 4]);
  });
});

describe('path history', () => {
  const path = fc.array(fc.tuple(fc.nat(1000), fc.nat(1000)), { minLength: 1, maxLength: 60 });

  it('folded step by step depends on the latest branches only, as many as its length', () => {
    fc.assert(fc.property(path, path, path, fc.integer({ min: 1, max: 40 }), fc.integer({ min: 2, max: 13 }), (one, other, common, length, width) => {
      fc.pre(common.length >= length);
      const folded = (branches: [number, number][]) => {
        const history = new PathHistory();
        const image = history.fold(length, width);
        for (const [branch, target] of branches) history.taken(branch, target);
        return history.folded[image];
      };
      expect(folded([...one, ...common])).toBe(folded([...other, ...common]));
    }));
  });

  it('tells paths apart', () => {
    const random = seededRandom(1);
    const images = Array.from({ length: 200 }, () => {
      const history = new PathHistory();
      const image = history.fold(8, 16);
      for (let i = 0; i < 8; i++) history.taken(64 * i, 16 * Math.floor(1000 * random()));
      return history.folded[image];
    });
    expect(new Set(images).size).toBeGreaterThan(190);
  });

  it('refuses widths that cannot be', () => {
    expect(() => new PathHistory().fold(0, 5)).toThrow('a history of 0 branches in 5 bits asked for');
  });
});

describe('short addresses', () => {
  it('keep the order of addresses and their place in a region', () => {
    const regions = [5, 5 + 2 ** 20, 7];
    const map = new CodeMap(regions.map((region) => region * 2 ** 21 + 3));
    expect(map.regions).toEqual([5, 6, 7, 8, 5 + 2 ** 20, 6 + 2 ** 20]);
    expect(map.short(7 * 2 ** 21 + 100)).toBe(2 * 2 ** 21 + 100);
    expect(map.short(9 * 2 ** 21)).toBe(-1);
  });

  it('end where 31 bits do', () => {
    expect(() => new CodeMap(Array.from({ length: 600 }, (_, i) => 2 * i * 2 ** 21))).toThrow('code lies in 1200 regions of 2 MB, up to 1023 can be replayed');
  });
});
