import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { replay, type ReplayOptions } from '../../../../lib/simulate/core/replay.js';
import { simulate } from '../../../../lib/simulate/simulator.js';
import { readTransitions } from '../../../../lib/simulate/transitions.js';
import { readProgram, type CoreInput } from '../../../../lib/simulate/core/program.js';
import type { CoreParameters } from '../../../../lib/simulate/core/parameters.js';
import { End } from '../../../../lib/trace/decode.js';
import { tinyTrace, type Step } from '../tiny-trace.js';
import { branch, line, lines, synthesise } from '../../../../lib/simulate/core/synthetic.js';
import { plainCore, times } from './plain-core.js';

const nothingElse: ReplayOptions = { warmUp: 0, wrongPath: false };

function events(input: CoreInput, core: CoreParameters = plainCore(), options: ReplayOptions = nothingElse) {
  return replay(input, core, options).mean;
}

describe('fetching', () => {
  it('misses every line and page of straight code once, and waits for each', () => {
    const core = plainCore();
    const mean = events(synthesise(lines(0, 1000)), core);
    expect(mean).toMatchObject({ instructions: 16_000, l1iMisses: 1000, l2Misses: 1000, itlbMisses: 16, itlbWalks: 16, l1iPrefetches: 0, l1iWrongPathMisses: 0 });
    expect(mean.icacheStallCycles).toBe(1000 * core.llcCycles);
    expect(mean.itlbStallCycles).toBe(16 * core.walkCycles);
    // 64 bytes at 16 a cycle; 16 instructions would take less.
    expect(mean.deliveryCycles).toBe(1000 * 4);
    expect(mean.cycles).toBe(1000 * (core.llcCycles + 4) + 16 * core.walkCycles);
  });

  it('finds every second line of straight code there with a next-line prefetch', () => {
    const mean = events(synthesise(lines(0, 1000)), plainCore({ nextLines: 1 }));
    expect([mean.l1iMisses, mean.l1iPrefetches]).toEqual([500, 500]);
  });

  it('does not prefetch beyond a page', () => {
    const mean = events(synthesise([line(62), line(63)]), plainCore({ nextLines: 4 }));
    expect([mean.l1iMisses, mean.l1iPrefetches]).toEqual([1, 1]);
  });

  it('overlaps misses when the predictor runs ahead, up to its depth', () => {
    const core = plainCore({ itlb: { sets: 1, ways: 4 } });
    const input = synthesise(lines(0, 64));
    const stalls = [0, 4, 16].map((runAhead) => events(input, { ...core, runAhead }).icacheStallCycles);
    expect(stalls[0]).toBe(64 * core.llcCycles);
    // Of four lines asked for at once only the first is waited for in full.
    expect(stalls[1]).toBeLessThan(stalls[0] / 3);
    expect(stalls[2]).toBeLessThan(stalls[1] / 2);
  });

  it('misses nothing in a loop that fits, and everything in one a line too long for each set', () => {
    const core = plainCore({ l1i: { sets: 64, ways: 8 } });
    const loop = (count: number) => replay(synthesise(...times(3, () => [lines(0, count)])), core, { wrongPath: false, warmUp: 1 }).mean.l1iMisses;
    expect(loop(512)).toBe(0);
    expect(loop(512 + 64)).toBe(512 + 64);
    // Only the set with nine lines misses.
    expect(loop(512 + 1)).toBe(9);
  });

  it('asks L2 for what L1-I lost, and the last level for what L2 lost', () => {
    const core = plainCore();
    const { mean } = replay(synthesise(...times(2, () => [lines(0, 1000)])), core, { wrongPath: false, warmUp: 1 });
    expect([mean.l1iMisses, mean.l2Misses]).toEqual([1000, 0]);
    expect(mean.icacheStallCycles).toBe(1000 * core.l2Cycles);
  });

  it('begins cold after every system call when told so', () => {
    const input = synthesise([...lines(0, 100), 'system call', ...lines(0, 100)]);
    expect(events(input)).toMatchObject({ l1iMisses: 100, l2Misses: 100, itlbMisses: 2 });
    expect(events(input, plainCore(), { ...nothingElse, emptyAtCalls: true })).toMatchObject({ l1iMisses: 200, l2Misses: 200, itlbMisses: 4 });
  });

  it('translates a huge page once', () => {
    const input = synthesise(lines(0, 640));
    expect(events(input).itlbMisses).toBe(10);
    expect(events(input, plainCore(), { ...nothingElse, hugeRegions: [0] }).itlbMisses).toBe(1);
  });

  it("keeps an isolated component's code apart", () => {
    const parser = lines(64, 512).map((block) => ({ ...block, component: 'HTTP Protocol Parse' as const }));
    const input = synthesise(...times(3, () => [[...lines(0, 64), ...parser]]));
    const misses = (options: ReplayOptions) => replay(input, plainCore({ l1i: { sets: 64, ways: 8 } }), { wrongPath: false, warmUp: 1, ...options }).mean.l1iMisses;
    expect(misses({})).toBe(576);
    expect(misses({ isolated: 'HTTP Protocol Parse' })).toBe(0);
  });
});

describe('without prefetch and wrong path', () => {
  const anyStep: fc.Arbitrary<Step> = fc.oneof(
    { weight: 15, arbitrary: fc.record({ address: fc.nat(30_000), bytes: fc.integer({ min: 1, max: 200 }) }) },
    { weight: 10, arbitrary: fc.record({ address: fc.integer({ min: 2 ** 30, max: 2 ** 30 + 2000 }), bytes: fc.constant(30) }) },
    { weight: 2, arbitrary: fc.constant('call' as const) },
  );
  const kinds = [End.none, End.conditional, End.jump, End.indirectJump, End.call, End.indirectCall, End.return];
  const core = plainCore({ l1i: { sets: 4, ways: 3 }, itlb: { sets: 2, ways: 2 }, itlbHuge: { sets: 1, ways: 1 }, stlb: { sets: 2, ways: 3 } });

  it('counts the misses of L1-I, iTLB and STLB that a simulator of each by itself counts', async () => {
    await fc.assert(fc.asyncProperty(fc.array(anyStep, { minLength: 1, maxLength: 150 }), fc.boolean(), fc.boolean(), async (steps, emptyAtCalls, huge) => {
      const runs = steps.filter((step) => step !== 'call').length;
      fc.pre(runs > 0);
      const spans = [{ start: 0, end: runs }];
      const trace = tinyTrace(steps);
      const input = await readProgram({ trace, spans, componentOf: () => 'Event Poll', endOf: (id) => ({ end: kinds[trace.runs.address[id] % kinds.length], target: null }) });
      const hugeRegions = huge ? [512] : [];
      const mean = replay(input, core, { ...nothingElse, emptyAtCalls, hugeRegions }).mean;
      const [pages, codeLines] = await readTransitions(tinyTrace(steps), [4096, 64], spans);
      const tlb = simulate(pages, { first: core.itlb, huge: core.itlbHuge, second: core.stlb }, { emptyAtCalls, hugeRegions });
      const cache = simulate(codeLines, { first: core.l1i, second: core.l2 }, { emptyAtCalls });
      expect(mean).toMatchObject({ l1iMisses: cache.misses, l2Misses: cache.secondMisses, itlbMisses: tlb.misses, itlbWalks: tlb.secondMisses });
    }));
  });
});

describe('a wrong path', () => {
  // Never seen before, a branch is predicted not to be taken.
  const missed = [branch(End.conditional, 60, 6400), { at: 6400 }];

  it('fetches what lies behind the branch, in a straight line where code was never executed, until it is resolved', () => {
    const core = plainCore({ l2Cycles: 1, llcCycles: 1, mispredictionCycles: 19, stlbCycles: 0, walkCycles: 0 });
    const mean = events(synthesise(missed), core, { warmUp: 0 });
    // A line a cycle after it was asked for, and four cycles to deliver it: asked for at 0, 5, 10 and 15.
    expect(mean).toMatchObject({ l1iMisses: 2, l1iWrongPathMisses: 4, branchMisses: { conditionalTaken: 1, all: 1, nearTaken: 1 } });
    expect(mean.resteerCycles).toBe(19);
  });

  it('stalls at its own misses', () => {
    const core = plainCore({ l2Cycles: 20, llcCycles: 20, mispredictionCycles: 19 });
    expect(events(synthesise(missed), core, { warmUp: 0 }).l1iWrongPathMisses).toBe(1);
  });

  it('asks ahead of its stalls when the predictor runs ahead', () => {
    const core = plainCore({ l2Cycles: 20, llcCycles: 20, mispredictionCycles: 19, runAhead: 16 });
    const mean = events(synthesise(missed), core, { warmUp: 0 });
    // Fetch waits in the first 32 bytes; the predictor may be 16 times as many ahead.
    expect(mean.l1iWrongPathMisses).toBe(9);
  });

  it('brings in what the right path comes to later', () => {
    const core = plainCore({ l2Cycles: 1, llcCycles: 1 });
    const then = [...missed, branch(End.jump, 6404, 64), line(1), line(2)];
    expect(events(synthesise(then), core, nothingElse).l1iMisses).toBe(4);
    expect(events(synthesise(then), core, { warmUp: 0 }).l1iMisses).toBe(2);
  });

  it('follows branches that the target buffer knows', () => {
    // The jump behind the branch is executed first; its target's line is thrown out of L1-I before the branch mispredicts.
    const core = plainCore({ l1i: { sets: 1, ways: 2 }, l2Cycles: 1, llcCycles: 1, walkCycles: 0, stlbCycles: 0 });
    const known = [branch(End.jump, 64, 1024), branch(End.jump, 1024, 2048), { at: 2048 }];
    const between = [branch(End.jump, 2052, 3200), line(50), branch(End.jump, 3264, 60)];
    const mean = replay(synthesise([...known, ...between], missed), core, { warmUp: 1 }).mean;
    // Behind the branch, from there to 1024, 2048 and straight on: 2048 is known to lead to 3200.
    expect(mean.l1iWrongPathMisses).toBeGreaterThanOrEqual(4);
  });
});
