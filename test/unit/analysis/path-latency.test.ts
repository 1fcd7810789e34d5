import { describe, expect, it } from 'vitest';
import { pathLatencies } from '../../../lib/analysis/path-latency.js';
import { noTime, type Half, type Path, type Traversal } from '../../../lib/analysis/sidecar-latency.js';

const half = (path: Path, kernelUs: number, userUs: number): Half => ({
  path, time: { ...noTime, kernelNs: kernelUs * 1000, userNs: userUs * 1000, waitNs: 2000, gaps: 3, calls: { readv: 2 } },
  after: { ...noTime, userNs: 9000, gaps: 1, calls: { close: 1 } },
});
const traversal = (kernelUs: number, userUs: number, isFirst = false): Traversal => ({
  direction: 'inbound', startNs: 0, request: half('request_ingress', kernelUs, userUs), response: half('request_egress', 2 * kernelUs, 2 * userUs),
  isFirst, opensUpstream: false, upstream: null,
});
const exactly = (value: number) => ({ value, interval: [value, value] as [number, number], n: 5 });

describe('pathLatencies', () => {
  it('gives the medians of each path that was taken, as seen and corrected', () => {
    const [ingress, egress, ...rest] = pathLatencies([{ traversals: [traversal(30, 100), traversal(40, 110), traversal(50, 300)], overhead: { insideNs: exactly(1000), outsideNs: exactly(3000) } }]);
    expect(rest).toEqual([]);
    expect(ingress).toMatchObject({
      path: 'request_ingress', traversals: 3,
      raw: { kernelUs: { value: 40 }, userUs: { value: 110 }, totalUs: { value: 150 } },
      corrected: { kernelUs: { value: 38 }, userUs: { value: 101 }, totalUs: { value: 139 } },
      correctionUs: { kernelUs: 2, userUs: 9 }, waitUs: { value: 2 }, afterUs: { value: 5 }, calls: { close: 1, readv: 2 },
    });
    expect(egress).toMatchObject({ path: 'request_egress', raw: { kernelUs: { value: 80 } } });
  });

  it("widens intervals by what is not known of the tracer's cost", () => {
    const traversals = [traversal(30, 100), traversal(30, 100)];
    const [ingress] = pathLatencies([{ traversals, overhead: { insideNs: { value: 1000, interval: [500, 1500], n: 5 }, outsideNs: exactly(3000) } }]);
    expect(ingress.raw.kernelUs.interval).toEqual([30, 30]);
    expect(ingress.corrected.kernelUs.interval).toEqual([27, 29]);
  });

  it("corrects each recording by its own tracer's cost", () => {
    const costs = [1000, 11_000].map((ns) => ({ insideNs: exactly(ns), outsideNs: exactly(0) }));
    const [ingress] = pathLatencies([{ traversals: [traversal(32, 100)], overhead: costs[0] }, { traversals: [traversal(52, 100)], overhead: costs[1] }]);
    expect(ingress.corrected.kernelUs).toMatchObject({ value: 30, interval: [30, 30] });
  });

  it('looks at a choice of traversals when told to', () => {
    const traversals = [traversal(30, 100, true), traversal(40, 110), traversal(50, 120)];
    const overhead = { insideNs: exactly(0), outsideNs: exactly(0) };
    expect(pathLatencies([{ traversals, overhead }], ({ isFirst }) => isFirst)[0]).toMatchObject({ traversals: 1, raw: { kernelUs: { value: 30, interval: null } } });
  });
});
