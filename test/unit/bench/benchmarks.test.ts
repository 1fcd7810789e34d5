import { describe, expect, it } from 'vitest';
import { chooseBenchmarks, runBenchmarks } from '../../../lib/bench/benchmarks.js';

describe('a choice of benchmarks', () => {
  it('is all but the one that sets up a second clone, unless that is asked for', () => {
    const all = chooseBenchmarks([]);
    expect(all).not.toContain('reproduce');
    expect(chooseBenchmarks([], ['reproduce'])).toEqual([...all, 'reproduce']);
    expect(chooseBenchmarks(['reproduce'])).toEqual(['reproduce']);
  });

  it('keeps the order in which they have to be run, whatever order they are named in', () => {
    expect(chooseBenchmarks(['figures', 'recovery', 'stacks'])).toEqual(chooseBenchmarks([]).filter((name) => ['figures', 'recovery', 'stacks'].includes(name)));
  });

  it('names the benchmarks that there are when one is misspelt', () => {
    expect(() => chooseBenchmarks(['stack'])).toThrow(/no benchmark "stack"; there are recovery, .*stacks/);
  });
});

it('nothing chosen touches nothing', async () => {
  expect(await runBenchmarks([], () => { throw new Error('started'); })).toEqual([]);
});
