import { describe, expect, it } from 'vitest';
import type { CpuWindow } from '../../../lib/experiments/measure.js';
import { warningsFor, type Observed } from '../../../lib/experiments/warnings.js';

const second = 1e9;
const sample = (runNs: number, waitNs = 0) => ({ windowUs: [0, 1e6] as [number, number], runNs, waitNs, timeslices: 1, userShare: null });
const cpu = (worker: ReturnType<typeof sample>): CpuWindow =>
  ({ windowUs: [0, 1e6], requests: 900, worker, sidecar: worker, generator: sample(0.1 * second), backend: sample(0.2 * second) });
const seen: Observed = {
  requests: 900, errors: 0, statuses: { 200: 900 }, intendedRatePerS: 1000, achievedRatePerS: 900, cpus: { worker: 1, others: [0] },
};
const codes = (observed: Observed) => warningsFor(observed).map(({ code }) => code);

describe('a run that did not reach its rate', () => {
  it('is marked with the larger of generator and backend when the worker had time', () => {
    expect(codes({ ...seen, cpu: cpu(sample(0.3 * second)) })).toEqual(['backend-limit']);
  });

  it('is marked with other load alone when something kept the worker from its core: no limit can be told then', () => {
    expect(warningsFor({ ...seen, cpu: cpu(sample(0.3 * second, 0.2 * second)) })).toEqual([
      { code: 'other-load', text: 'the worker waited 20.0 % of the time for its core: something else ran there' },
    ]);
  });

  it('on one core says that the core was shared, beside the limit', () => {
    expect(codes({ ...seen, cpus: { worker: 0, others: [0] }, cpu: cpu(sample(0.3 * second, 0.2 * second)) })).toEqual(['backend-limit', 'no-worker-core']);
  });
});

describe('answers', () => {
  it('make a run marked above 1 % of failures, and at a single rejection by the rate limiter', () => {
    expect(codes({ ...seen, requests: 990, errors: 10, statuses: { 200: 990, 503: 10 } })).toEqual([]);
    expect(codes({ ...seen, requests: 989, errors: 11, statuses: { 200: 989, 429: 1, 503: 10 } })).toEqual(['errors', 'rate-limited']);
    expect(codes({ ...seen, requests: 0, errors: 5, statuses: { 503: 5 } })).toEqual(['errors']);
  });
});
