import { describe, expect, it } from 'vitest';
import { limitOf, type LimitInput } from '../../../lib/load/self-check.js';

const closed: LimitInput = {
  workerShare: 0.5, generatorShare: 0.2, backendShare: 0.2, otherCores: 1, intendedRatePerS: null, achievedRatePerS: 10_000,
};
const open: LimitInput = { ...closed, intendedRatePerS: 10_000 };

describe('what limited a load', () => {
  it('is the sidecar when its worker thread never rested', () => {
    expect(limitOf({ ...closed, workerShare: 0.98 })).toEqual({
      limitedBy: 'sidecar', reason: "the sidecar's worker thread was busy 98 % of the time",
    });
  });

  it('is the hungrier of generator and backend when the core they share was used up first, as for TCP on two cores', () => {
    const tcp = limitOf({ ...closed, workerShare: 0.71, generatorShare: 0.55, backendShare: 0.42 });
    expect(tcp.limitedBy).toBe('generator');
    expect(tcp.reason).toContain('generator 55 %, backend 42 % of 1 other core: those were used up');
    expect(limitOf({ ...closed, generatorShare: 0.4, backendShare: 0.58 }).limitedBy).toBe('backend');
  });

  it('is a single-threaded backend that filled its core although others were idle', () => {
    const limit = limitOf({ ...closed, backendShare: 0.97, otherCores: 7 });
    expect(limit).toMatchObject({ limitedBy: 'backend' });
    expect(limit.reason).toContain('filled a core by itself');
  });

  it('is never the sidecar when nothing was saturated', () => {
    const limit = limitOf(closed);
    expect(limit.limitedBy).toBe('generator');
    expect(limit.reason).toContain('nothing was saturated');
  });

  it('is nothing when a constant rate was kept, however busy the worker', () => {
    expect(limitOf({ ...open, workerShare: 0.99, achievedRatePerS: 9_950 })).toEqual({ limitedBy: 'none', reason: 'achieved / intended rate is 0.995' });
  });

  it('is looked for when a constant rate was missed', () => {
    expect(limitOf({ ...open, workerShare: 0.99, achievedRatePerS: 9_000 }).limitedBy).toBe('sidecar');
    expect(limitOf({ ...open, generatorShare: 0.8, achievedRatePerS: 9_000 }).limitedBy).toBe('generator');
  });

  it('is the generator when more came than was intended', () => {
    expect(limitOf({ ...open, achievedRatePerS: 10_400 })).toMatchObject({ limitedBy: 'generator' });
  });
});
