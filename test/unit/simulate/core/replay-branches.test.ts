import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../../lib/analysis/statistics.js';
import { iceLake } from '../../../../lib/simulate/core/ice-lake.js';
import { repeated } from '../../../../lib/simulate/core/program.js';
import { replay, type ReplayOptions } from '../../../../lib/simulate/core/replay.js';
import { End } from '../../../../lib/trace/decode.js';
import { callChain, dispatches, outcomes } from '../../../../lib/simulate/core/kernels.js';
import { branch, synthesise, type Block } from '../../../../lib/simulate/core/synthetic.js';
import { plainCore, times } from './plain-core.js';

function missesAfterHalf(taken: boolean[]): number {
  const half = taken.length / 2;
  const { mean } = replay(synthesise(outcomes(taken.slice(0, half)), outcomes(taken.slice(half))), plainCore(), { warmUp: 1 });
  return mean.branchMisses.conditionalTaken + mean.branchMisses.conditionalNotTaken;
}

describe('conditional branches', () => {
  it('are learnt when they always go the same way, alternate, or repeat a pattern', () => {
    expect(missesAfterHalf(times(4000, () => [true]))).toBe(0);
    expect(missesAfterHalf(times(4000, (i) => [i % 2 === 0]))).toBe(0);
    expect(missesAfterHalf(times(6000, (i) => [[true, true, false, true, false, false, true][i % 7]]))).toBeLessThan(30);
  });

  it('are not learnt when they are random: the rarer outcome is missed', () => {
    const random = seededRandom(1);
    const share = (likely: number) => missesAfterHalf(Array.from({ length: 20_000 }, () => random() < likely)) / 10_000;
    expect(share(0.5)).toBeCloseTo(0.5, 1);
    expect(share(0.9)).toBeGreaterThan(0.09);
    expect(share(0.9)).toBeLessThan(0.14);
  });

  it('that depend on an earlier one are learnt through the path', () => {
    const random = seededRandom(2);
    const pair = (taken: boolean): Block[] => [
      branch(End.conditional, 0x100, 0x200), taken ? branch(End.jump, 0x200, 0x300) : branch(End.jump, 0x104, 0x300),
      branch(End.conditional, 0x300, 0x400), taken ? branch(End.jump, 0x400, 0x100) : branch(End.jump, 0x304, 0x100),
    ];
    const first = Array.from({ length: 20_000 }, () => random() < 0.5);
    const { mean } = replay(synthesise(first.slice(0, 10_000).flatMap(pair), first.slice(10_000).flatMap(pair)), plainCore(), { warmUp: 1 });
    // The first of each pair is random, the second does as the first.
    expect(mean.branchMisses.all / 10_000).toBeGreaterThan(0.45);
    expect(mean.branchMisses.all / 10_000).toBeLessThan(0.56);
  });
});

describe('indirect branches', () => {
  it('over k random targets are missed in all but 1 of k cases', () => {
    for (const k of [2, 4, 16]) {
      const random = seededRandom(k);
      const targets = Array.from({ length: 20_000 }, () => Math.floor(k * random()));
      const { mean } = replay(synthesise(dispatches(targets.slice(0, 10_000)), dispatches(targets.slice(10_000))), plainCore(), { warmUp: 1 });
      expect(mean.branchMisses.indirect / 10_000).toBeCloseTo(1 - 1 / k, 1);
      expect(mean.branchMisses.all).toBe(mean.branchMisses.indirect);
    }
  });

  it('that take turns are learnt', () => {
    const turns = dispatches(times(4000, (i) => [i % 5]));
    expect(replay(synthesise(turns, turns), plainCore(), { warmUp: 1 }).mean.branchMisses.indirect).toBeLessThan(20);
  });

  it('are never missed by a perfect predictor, other branches as before', () => {
    const random = seededRandom(3);
    const input = synthesise(dispatches(Array.from({ length: 1000 }, () => Math.floor(7 * random()))));
    const miss = (options: ReplayOptions) => replay(input, plainCore(), { warmUp: 0, ...options }).mean.branchMisses;
    expect(miss({}).indirect).toBeGreaterThan(800);
    expect(miss({ perfectIndirect: true })).toMatchObject({ indirect: 0, all: 0 });
  });
});

describe('calls and returns', () => {
  it('are all predicted as deep as the return stack, and beyond it the outermost returns are missed', () => {
    const missed = (depth: number) => replay(synthesise(...times(3, () => [callChain(depth)])), plainCore({ returnStack: 16 }), { warmUp: 1 }).mean.branchMisses.returns;
    expect(missed(10)).toBe(0);
    expect(missed(16)).toBe(0);
    expect(missed(20)).toBe(4);
  });
});

describe('the branch target buffer', () => {
  const ring = (count: number): Block[] => Array.from({ length: count }, (_, i) => branch(End.jump, 0x40 * i, 0x40 * ((i + 1) % count)));
  // Not of the last round, since nothing follows its last branch.
  const resteers = (count: number, core = plainCore({ targetBuffer: { sets: 1, ways: 8 } })) =>
    replay(synthesise(...times(3, () => [ring(count)])), core, { warmUp: 1 }).requests[0];

  it('holds as many branches as it has entries; of more in turn the decoder has to find those that chance threw out', () => {
    expect((resteers(8)).branchMisses).toMatchObject({ decodeResteers: 0, all: 0 });
    const { branchMisses, decodeResteerCycles } = resteers(24);
    expect(branchMisses.all).toBe(0);
    // Kept through m misses with chance (7/8)^m: 24 x (1 - (7/8)^m) = m for m = 23.
    expect(branchMisses.decodeResteers).toBeGreaterThanOrEqual(21);
    expect(decodeResteerCycles).toBe(branchMisses.decodeResteers * iceLake.decodeResteerCycles);
  });

  it('of a thousand entries holds 700 branches nearly all, and 2,500 hardly any', () => {
    const core = plainCore({ targetBuffer: { sets: 256, ways: 4 } });
    expect((resteers(700, core)).branchMisses.decodeResteers).toBeLessThan(70);
    expect((resteers(2500, core)).branchMisses.decodeResteers).toBeGreaterThan(2000);
  });
});

describe('a trace replayed again', () => {
  it('is known by heart, which is why it is not counted that way', () => {
    const random = seededRandom(4);
    const requests = times(8, () => [outcomes(Array.from({ length: 300 }, () => random() < 0.5))]);
    const input = synthesise(...requests);
    const fresh = replay(input, plainCore(), { warmUp: 4 }).mean.branchMisses.all;
    const rehearsed = replay(repeated(input, 12), plainCore(), { warmUp: 11 * 8 }).mean.branchMisses.all;
    expect(fresh).toBeGreaterThan(120);
    expect(rehearsed).toBeLessThan(fresh / 2);
  });
});
