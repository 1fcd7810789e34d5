import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findKnee, judge, type ProbeOutcome } from '../../../lib/load/knee.js';

const durationUs = 1_500_000;

/** One server with a queue: request k is due at k / rate and served in about 1 / capacity seconds, first in, first out. */
function queue(capacityPerS: number, serviceTime: () => number = () => 1e6 / capacityPerS) {
  return (ratePerS: number): Promise<ProbeOutcome> => {
    const due = Array.from({ length: Math.floor((ratePerS * durationUs) / 1e6) }, (_, k) => (k * 1e6) / ratePerS);
    let free = 0;
    const done = due.map((at) => (free = Math.max(free, at) + serviceTime()));
    const requests = done.filter((at) => at < durationUs).length;
    const median = (from: number, to: number) => {
      const latencies = done.map((at, k) => at - due[k]).filter((_, k) => due[k] >= from && due[k] < to).sort((a, b) => a - b);
      return latencies[latencies.length >> 1];
    };
    return Promise.resolve({
      windowUs: [0, durationUs], requests, errors: 0, achievedRatePerS: requests / (durationUs / 1e6),
      halvesP50Us: [median(0, durationUs / 2), median(durationUs / 2, durationUs)],
    });
  };
}

describe('knee search', () => {
  it('finds the capacity of a queue with constant service time (D/D/1) within 3 %, from a closed-loop maximum that is off by 15 %', async () => {
    await fc.assert(fc.asyncProperty(fc.integer({ min: 500, max: 5000 }), fc.double({ min: 0.85, max: 1.15, noNaN: true }), async (capacity, off) => {
      const { kneeRatePerS } = await findKnee(queue(capacity), { closedLoopMaximumPerS: capacity * off });
      expect(Math.abs(kneeRatePerS / capacity - 1)).toBeLessThan(0.03);
    }), { numRuns: 20 });
  });

  it('finds it within 3 % when service times vary evenly by a factor of three (D/G/1)', async () => {
    await fc.assert(fc.asyncProperty(fc.integer({ min: 1000, max: 5000 }), fc.integer({ min: 1 }), async (capacity, seed) => {
      const random = randomFrom(seed);
      const { kneeRatePerS } = await findKnee(queue(capacity, () => ((0.5 + random()) * 1e6) / capacity), { closedLoopMaximumPerS: capacity });
      expect(Math.abs(kneeRatePerS / capacity - 1)).toBeLessThan(0.03);
    }), { numRuns: 20, seed: 7 });
  });

  it('needs six loads when the knee is where the closed loop said, and brackets it', async () => {
    const knee = await findKnee(queue(10_000), { closedLoopMaximumPerS: 10_000 });
    expect(knee.probes).toHaveLength(6);
    expect(knee.notSustainedPerS! - knee.kneeRatePerS).toBeCloseTo((0.6 * 10_000) / 64);
    expect(knee.reason).toMatch(/^\d+ requests\/s was sustained, \d+ was not: /);
  });

  it('goes below and above its range when the closed-loop maximum was misleading', async () => {
    expect((await findKnee(queue(3000), { closedLoopMaximumPerS: 10_000 })).kneeRatePerS).toBeCloseTo(3000, -2);
    expect((await findKnee(queue(14_000), { closedLoopMaximumPerS: 10_000 })).kneeRatePerS).toBeCloseTo(14_000, -3);
  });

  it('need not go below a range that begins lower', async () => {
    const { kneeRatePerS, probes } = await findKnee(queue(4000), { closedLoopMaximumPerS: 10_000, lowest: 0.35, probes: 4 });
    expect(probes).toHaveLength(4);
    expect(Math.abs(kneeRatePerS - 4000)).toBeLessThan((0.75 * 10_000) / 16);
  });

  it('says so when no rate, or every rate, is sustained', async () => {
    const outcome = (errors: number) => (rate: number) => Promise.resolve<ProbeOutcome>({
      windowUs: [0, durationUs], requests: rate, errors, achievedRatePerS: rate, halvesP50Us: [100, 100],
    });
    expect(await findKnee(outcome(500_000), { closedLoopMaximumPerS: 1000 })).toMatchObject({ kneeRatePerS: 0 });
    const open = await findKnee(outcome(0), { closedLoopMaximumPerS: 1000 });
    expect(open.notSustainedPerS).toBeNull();
    expect(open.reason).toContain('the knee lies above');
  });

  it('refuses to start from a server that answered nothing', async () => {
    await expect(findKnee(queue(1000), { closedLoopMaximumPerS: 0 })).rejects.toThrow('closed-loop maximum of 0 requests/s; is the backend alive?');
  });
});

describe('a sustained rate', () => {
  const good: ProbeOutcome = { windowUs: [0, durationUs], requests: 1500, errors: 0, achievedRatePerS: 1000, halvesP50Us: [200, 210] };

  it('has been achieved to 99 %, without errors and with a steady backlog', () => {
    expect(judge(1000, good).sustained).toBe(true);
    expect(judge(1000, { ...good, achievedRatePerS: 989 })).toMatchObject({ sustained: false, reason: '98.9 % of the rate achieved' });
    expect(judge(1000, { ...good, errors: 30 })).toMatchObject({ sustained: false, reason: '2.0 % errors' });
  });

  it('is told from overload by latency that grows through the window, even where counts agree', () => {
    expect(judge(1000, { ...good, halvesP50Us: [5000, 20_000] })).toMatchObject({ sustained: false, reason: 'backlog grew by 20.0 ms a second' });
  });

  it('may recover from an early stall', () => {
    expect(judge(1000, { ...good, halvesP50Us: [20_000, 300] }).sustained).toBe(true);
  });

  it('is not missed for what a window cuts off, or for how medians of few differ, where a whole application answers thirty a second', () => {
    const few: ProbeOutcome = { windowUs: [0, 3_000_000], requests: 87, errors: 0, achievedRatePerS: 29, halvesP50Us: [120_000, 150_000] };
    expect(judge(30, few).sustained).toBe(true);
    expect(judge(30, { ...few, requests: 84, achievedRatePerS: 28 })).toMatchObject({ sustained: false, reason: '93.3 % of the rate achieved' });
    expect(judge(30, { ...few, halvesP50Us: [120_000, 180_000] })).toMatchObject({ sustained: false, reason: 'backlog grew by 40.0 ms a second' });
  });
});

/** mulberry32: a small seeded generator of numbers in [0, 1). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
