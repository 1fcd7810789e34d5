import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../../lib/analysis/statistics.js';
import { iceLake } from '../../../../lib/simulate/core/ice-lake.js';
import { repeated } from '../../../../lib/simulate/core/program.js';
import { replay, type ReplayOptions } from '../../../../lib/simulate/core/replay.js';
import { End } from '../../../../lib/trace/decode.js';
import { branch, kernel, plainCore, times, type Block } from './kernels.js';

/** A loop around a conditional branch with these outcomes. */
function conditional(outcomes: boolean[]): Block[] {
  return outcomes.flatMap((taken) => [branch(End.conditional, 0x100, 0x200), taken ? branch(End.jump, 0x200, 0x100) : branch(End.jump, 0x104, 0x100)]);
}

async function missesAfterHalf(outcomes: boolean[]): Promise<number> {
  const half = outcomes.length / 2;
  const { mean } = replay(await kernel(conditional(outcomes.slice(0, half)), conditional(outcomes.slice(half))), plainCore(), { warmUp: 1 });
  return mean.branchMisses.conditionalTaken + mean.branchMisses.conditionalNotTaken;
}

describe('conditional branches', () => {
  it('are learnt when they always go the same way, alternate, or repeat a pattern', async () => {
    expect(await missesAfterHalf(times(4000, () => [true]))).toBe(0);
    expect(await missesAfterHalf(times(4000, (i) => [i % 2 === 0]))).toBe(0);
    expect(await missesAfterHalf(times(6000, (i) => [[true, true, false, true, false, false, true][i % 7]]))).toBeLessThan(30);
  });

  it('are not learnt when they are random: the rarer outcome is missed', async () => {
    const random = seededRandom(1);
    const share = async (likely: number) => await missesAfterHalf(Array.from({ length: 20_000 }, () => random() < likely)) / 10_000;
    expect(await share(0.5)).toBeCloseTo(0.5, 1);
    expect(await share(0.9)).toBeGreaterThan(0.09);
    expect(await share(0.9)).toBeLessThan(0.14);
  });

  it('that depend on an earlier one are learnt through the path', async () => {
    const random = seededRandom(2);
    const pair = (taken: boolean): Block[] => [
      branch(End.conditional, 0x100, 0x200), taken ? branch(End.jump, 0x200, 0x300) : branch(End.jump, 0x104, 0x300),
      branch(End.conditional, 0x300, 0x400), taken ? branch(End.jump, 0x400, 0x100) : branch(End.jump, 0x304, 0x100),
    ];
    const outcomes = Array.from({ length: 20_000 }, () => random() < 0.5);
    const { mean } = replay(await kernel(outcomes.slice(0, 10_000).flatMap(pair), outcomes.slice(10_000).flatMap(pair)), plainCore(), { warmUp: 1 });
    // The first of each pair is random, the second does as the first.
    expect(mean.branchMisses.all / 10_000).toBeGreaterThan(0.45);
    expect(mean.branchMisses.all / 10_000).toBeLessThan(0.56);
  });
});

describe('indirect branches', () => {
  const dispatch = (targets: number[]): Block[] => targets.flatMap((target) => [branch(End.indirectJump, 0x1000), branch(End.jump, 0x10000 + 0x100 * target, 0x1000)]);

  it('over k random targets are missed in all but 1 of k cases', async () => {
    for (const k of [2, 4, 16]) {
      const random = seededRandom(k);
      const targets = Array.from({ length: 20_000 }, () => Math.floor(k * random()));
      const { mean } = replay(await kernel(dispatch(targets.slice(0, 10_000)), dispatch(targets.slice(10_000))), plainCore(), { warmUp: 1 });
      expect(mean.branchMisses.indirect / 10_000).toBeCloseTo(1 - 1 / k, 1);
      expect(mean.branchMisses.all).toBe(mean.branchMisses.indirect);
    }
  });

  it('that take turns are learnt', async () => {
    const turns = dispatch(times(4000, (i) => [i % 5]));
    expect(replay(await kernel(turns, turns), plainCore(), { warmUp: 1 }).mean.branchMisses.indirect).toBeLessThan(20);
  });

  it('are never missed by a perfect predictor, other branches as before', async () => {
    const random = seededRandom(3);
    const input = await kernel(dispatch(Array.from({ length: 1000 }, () => Math.floor(7 * random()))));
    const miss = (options: ReplayOptions) => replay(input, plainCore(), { warmUp: 0, ...options }).mean.branchMisses;
    expect(miss({}).indirect).toBeGreaterThan(800);
    expect(miss({ perfectIndirect: true })).toMatchObject({ indirect: 0, all: 0 });
  });
});

describe('calls and returns', () => {
  /** Calls nested so deep, then all their returns. */
  function chain(depth: number): Block[] {
    const down = Array.from({ length: depth }, (_, i) => branch(End.call, 0x1000 * i, 0x1000 * (i + 1)));
    const up = Array.from({ length: depth }, (_, i) => branch(End.return, i === 0 ? 0x1000 * depth : 0x1000 * (depth - i) + 4));
    return [...down, ...up, branch(End.jump, 4, 0)];
  }

  it('are all predicted as deep as the return stack, and beyond it the outermost returns are missed', async () => {
    const missed = async (depth: number) => replay(await kernel(...times(3, () => [chain(depth)])), plainCore({ returnStack: 16 }), { warmUp: 1 }).mean.branchMisses.returns;
    expect(await missed(10)).toBe(0);
    expect(await missed(16)).toBe(0);
    expect(await missed(20)).toBe(4);
  });
});

describe('the branch target buffer', () => {
  const ring = (count: number): Block[] => Array.from({ length: count }, (_, i) => branch(End.jump, 0x40 * i, 0x40 * ((i + 1) % count)));
  // Not of the last round, since nothing follows its last branch.
  const resteers = async (count: number, core = plainCore({ targetBuffer: { sets: 1, ways: 8 } })) =>
    replay(await kernel(...times(3, () => [ring(count)])), core, { warmUp: 1 }).requests[0];

  it('holds as many branches as it has entries; of more in turn the decoder has to find those that chance threw out', async () => {
    expect((await resteers(8)).branchMisses).toMatchObject({ decodeResteers: 0, all: 0 });
    const { branchMisses, decodeResteerCycles } = await resteers(24);
    expect(branchMisses.all).toBe(0);
    // Kept through m misses with chance (7/8)^m: 24 x (1 - (7/8)^m) = m for m = 23.
    expect(branchMisses.decodeResteers).toBeGreaterThanOrEqual(21);
    expect(decodeResteerCycles).toBe(branchMisses.decodeResteers * iceLake.decodeResteerCycles);
  });

  it('of a thousand entries holds 700 branches nearly all, and 2,500 hardly any', async () => {
    const core = plainCore({ targetBuffer: { sets: 256, ways: 4 } });
    expect((await resteers(700, core)).branchMisses.decodeResteers).toBeLessThan(70);
    expect((await resteers(2500, core)).branchMisses.decodeResteers).toBeGreaterThan(2000);
  });
});

describe('a trace replayed again', () => {
  it('is known by heart, which is why it is not counted that way', async () => {
    const random = seededRandom(4);
    const requests = times(8, () => [conditional(Array.from({ length: 300 }, () => random() < 0.5))]);
    const input = await kernel(...requests);
    const fresh = replay(input, plainCore(), { warmUp: 4 }).mean.branchMisses.all;
    const rehearsed = replay(repeated(input, 12), plainCore(), { warmUp: 11 * 8 }).mean.branchMisses.all;
    expect(fresh).toBeGreaterThan(120);
    expect(rehearsed).toBeLessThan(fresh / 2);
  });
});
