import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { components } from '../../../../lib/paper/components.js';
import { cores, coreById } from '../../../../lib/simulate/core/cores.js';
import { mpki, type FrontendEvents } from '../../../../lib/simulate/core/events.js';
import { flatness } from '../../../../lib/simulate/core/flatness.js';
import { checkCore } from '../../../../lib/simulate/core/parameters.js';
import { replay } from '../../../../lib/simulate/core/replay.js';
import { busiestRegions, variants } from '../../../../lib/simulate/core/variants.js';
import { topDown } from '../../../../lib/simulate/core/top-down.js';
import { End } from '../../../../lib/trace/decode.js';
import { checkKernels } from '../../../../lib/simulate/core/kernels.js';
import { branch, lines, synthesise, type Block } from '../../../../lib/simulate/core/synthetic.js';
import { plainCore, times } from './plain-core.js';

/** Code that jumps about a few pages, in any component. */
const anyBlock: fc.Arbitrary<Block> = fc.tuple(fc.nat(300), fc.constantFrom(...components)).map(([place, component]) => ({
  at: 40 * place, bytes: 4 + place % 30, component, to: 40 * ((7 * place) % 300),
  end: [End.none, End.conditional, End.jump, End.indirectJump, End.call, End.indirectCall, End.return][place % 7],
}));
const anyRequests = fc.array(fc.array(fc.oneof({ weight: 20, arbitrary: anyBlock }, { weight: 1, arbitrary: fc.constant('system call' as const) }), { minLength: 1, maxLength: 60 }).filter((blocks) => blocks.some((block) => block !== 'system call')), { minLength: 2, maxLength: 5 });

describe('a replay', () => {
  it('gives the same bit by bit when repeated, on every core', () => {
    fc.assert(fc.property(anyRequests, fc.constantFrom(...cores), fc.boolean(), (requests, core, emptyAtCalls) => {
      const input = synthesise(...requests);
      expect(replay(input, core, { emptyAtCalls })).toEqual(replay(input, core, { emptyAtCalls }));
    }), { numRuns: 50 });
  });

  it('charges every event to one component, every cycle to one cause, and every misprediction to one kind', () => {
    fc.assert(fc.property(anyRequests, fc.constantFrom(...cores), (requests, core) => {
      const { mean, byComponent, requests: counted } = replay(synthesise(...requests), core, { warmUp: 0 });
      const parts = [...byComponent.values()];
      const sumOf = (pick: (events: FrontendEvents) => number, all: FrontendEvents[]) => all.reduce((sum, events) => sum + pick(events), 0);
      for (const pick of [(e: FrontendEvents) => e.instructions, (e: FrontendEvents) => e.l1iMisses, (e: FrontendEvents) => e.cycles, (e: FrontendEvents) => e.branchMisses.all]) {
        expect(sumOf(pick, parts)).toBeCloseTo(pick(mean), 6);
        expect(sumOf(pick, counted) / counted.length).toBeCloseTo(pick(mean), 6);
      }
      const { cycles, icacheStallCycles, itlbStallCycles, resteerCycles, decodeResteerCycles, deliveryCycles, branchMisses } = mean;
      expect(cycles).toBeCloseTo(icacheStallCycles + itlbStallCycles + resteerCycles + decodeResteerCycles + deliveryCycles, 6);
      expect(branchMisses.all).toBeCloseTo(branchMisses.conditionalNotTaken + branchMisses.nearTaken, 6);
      expect(branchMisses.nearTaken).toBeCloseTo(branchMisses.conditionalTaken + branchMisses.indirect + branchMisses.returns, 6);
    }), { numRuns: 50 });
  });

  it('counts requests after those that warm up, and nothing between requests', () => {
    const input = synthesise(lines(0, 10), lines(0, 10), lines(0, 20));
    const { warmUp, requests } = replay({ ...input, segments: input.segments.map((segment) => (segment.request === 1 ? { ...segment, request: -1 } : { ...segment, request: Math.min(segment.request, 1) })), requests: 2 }, plainCore(), { warmUp: 1 });
    expect([warmUp.map(({ l1iMisses }) => l1iMisses), requests.map(({ l1iMisses }) => l1iMisses)]).toEqual([[10], [10]]);
    expect(() => replay(input, plainCore(), { warmUp: 3 })).toThrow('3 requests in the trace, 3 of them to warm up');
  });
});

const events: FrontendEvents = {
  instructions: 1000, l1iMisses: 10, l1iWrongPathMisses: 30, l1iPrefetches: 0, l1iWrongPathPrefetches: 0, l2Misses: 4, itlbMisses: 5, itlbWalks: 0, itlbWrongPathMisses: 0,
  branchMisses: { conditionalTaken: 1, conditionalNotTaken: 2, indirect: 3, returns: 4, decodeResteers: 5, nearTaken: 8, all: 10 },
  icacheStallCycles: 140, itlbStallCycles: 35, resteerCycles: 190, decodeResteerCycles: 50, deliveryCycles: 285, cycles: 700,
};

describe('rates and shares', () => {
  it('are per thousand instructions', () => {
    expect([mpki.l1i(events), mpki.l1iRetired(events), mpki.branches(events), mpki.l2(events), mpki.itlb(events)]).toEqual([40, 10, 10, 4, 5]);
  });

  it('top-down splits the slots as worked out by hand', () => {
    // 700 cycles of 5 slots; of each misprediction's 19 cycles 9 issue the wrong path.
    const { retiring, badSpeculation, frontend, backend } = topDown(events, plainCore({ issueWidth: 5, mispredictionCycles: 19, refillCycles: 10 }));
    expect(retiring).toBeCloseTo(1000 / 3500, 12);
    expect(badSpeculation).toBeCloseTo(90 / 700, 12);
    expect(retiring + badSpeculation + frontend).toBeCloseTo(1, 12);
    expect(backend).toBeNull();
    expect(() => topDown({ ...events, cycles: 0 }, plainCore())).toThrow('0 cycles cannot be split');
  });
});

describe('flatness', () => {
  const rated = (rates: number[]) => rates.map((rate) => ({ ...events, l1iMisses: rate, l1iWrongPathMisses: 0 }));

  it('is reached where every later window is within 2 % of what the second half settles at', () => {
    const { curve, flatFrom } = flatness(rated([100, 80, 60, 50, 50, 50, 50, 50]), mpki.l1i, { window: 2 });
    expect(curve.map(({ rate }) => rate)).toEqual([90, 70, 55, 50, 50, 50, 50]);
    expect([curve[0].requests, flatFrom]).toEqual([2, 5]);
  });

  it('of next to nothing is reached however that varies', () => {
    expect(flatness(rated([1, 0.02, 0, 0.04, 0]), mpki.l1i, { window: 1 }).flatFrom).toBe(2);
  });

  it('is not shown by a curve that still falls, nor by a single window', () => {
    expect(flatness(rated([100, 90, 80, 70, 60, 50]), mpki.l1i, { window: 2 }).flatFrom).toBeNull();
    expect(flatness(rated([50, 50]), mpki.l1i, { window: 2 }).flatFrom).toBeNull();
    expect(() => flatness(rated([50]), mpki.l1i, { window: 2 })).toThrow('1 requests are less than a window of 2');
  });
});

describe('kernels', () => {
  it.each(cores)('counted on $name are those known by analysis', (core) => {
    for (const { kernel, quantity, expected, counted } of checkKernels(core)) {
      // Random ones scatter; of 4000 by a hundred.
      expect(Math.abs(counted - expected), `${kernel}: ${counted} ${quantity} instead of ${expected}`).toBeLessThanOrEqual(kernel.includes('random') ? 100 : 0);
    }
  });
});

describe('variants of a core', () => {
  it('save what they are for, cost what they take away, and else change nothing', () => {
    // A loop of 600 lines fits the larger L1-I only.
    const input = synthesise(...times(3, () => [lines(0, 600)]));
    const core = plainCore({ nextLines: 1, l2: { sets: 512, ways: 8 } });
    const on = (id: string) => {
      const { core: numbers, options } = variants.find((variant) => variant.id === id)!;
      return replay(input, { ...core, ...numbers }, options?.(input)).mean;
    };
    const { cycles } = replay(input, core).mean;
    expect(on('l1i-64k').l1iMisses).toBe(0);
    expect(on('l1i-64k').cycles).toBeLessThan(cycles);
    expect(on('no-prefetch').cycles).toBeGreaterThan(cycles);
    expect(on('perfect-indirect').cycles).toBe(cycles);
  });

  it('asks huge pages for the regions whose pages are entered most', () => {
    const [near, far] = [0, 2 ** 30];
    const input = synthesise(times(10, (i) => [branch(End.jump, near, far + 4096 * i), branch(End.jump, far + 4096 * i, far + 2 ** 20), branch(End.jump, far + 2 ** 20, near)]));
    expect(busiestRegions(input)).toEqual([512, 0]);
  });
});

describe('cores', () => {
  it('say of every number where it comes from', () => {
    for (const core of cores) {
      for (const [name, value] of Object.entries(core)) {
        if (['id', 'name', 'sources'].includes(name)) continue;
        expect(core.sources[name as keyof typeof core.sources].source.length, `${core.id} ${name} ${value}`).toBeGreaterThan(10);
      }
    }
    expect(coreById('haswell').name).toBe('Haswell');
    expect(() => coreById('zen')).toThrow('no core "zen"; there are haswell, cascade-lake, ice-lake');
  });

  it('have the sizes of the paper\'s Table 1', () => {
    const kiloBytes = ({ sets, ways }: { sets: number; ways: number }) => sets * ways * 64 / 1024;
    expect([coreById('haswell'), coreById('ice-lake')].map(({ l1i, l2, itlb }) => [kiloBytes(l1i), kiloBytes(l2), itlb.sets * itlb.ways, itlb.ways])).toEqual([[32, 256, 128, 4], [32, 1280, 128, 8]]);
  });

  it('cannot have just any number', () => {
    const core = coreById('ice-lake');
    expect(() => checkCore({ ...core, l1i: { sets: 48, ways: 8 } })).toThrow('Ice Lake: l1i.sets is 48; give a power of two up to 32768');
    expect(() => checkCore({ ...core, llcCycles: NaN })).toThrow('Ice Lake: llcCycles is NaN; give a number from 0');
    expect(() => checkCore({ ...core, refillCycles: 30 })).toThrow('refillCycles 30 is part of mispredictionCycles 19');
    expect(() => checkCore({ ...core, direction: { ...core.direction, tagBits: 20 } })).toThrow('direction.tagBits is 20; give 4 to 16');
  });
});
