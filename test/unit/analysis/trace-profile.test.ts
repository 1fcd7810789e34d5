import { describe, expect, it } from 'vitest';
import type { Anchor } from '../../../lib/analysis/anchors.js';
import { entriesOf, medianRequest, profileTrace } from '../../../lib/analysis/trace-profile.js';
import { components } from '../../../lib/paper/components.js';
import { End } from '../../../lib/trace/decode.js';
import type { RequestSpan } from '../../../lib/trace/requests.js';
import { memoryTrace, run } from '../trace/memory-trace.js';

/** Envoy's code from 0x1000 on, at the same address in its file. */
const header = { code: [{ object: 'envoy', buildId: 'ab', start: 0x1000, end: 0x100000, fileAddress: 0x1000 }] };
const parse: Anchor = {
  address: 0x2000, end: 0x2100, functionIndex: 0, label: 'dispatch', region: 'parse', component: 'HTTP Protocol Parse', authors: 'HTTP Protocol Parse', source: 'log',
};

interface Run { address: number; bytes: number; instructions: number; end: End }
const loop: Run = { address: 0x1010, bytes: 16, instructions: 4, end: End.call };
const dispatch: Run = { address: 0x2000, bytes: 80, instructions: 20, end: End.call };
const library: Run = { address: 0x9000, bytes: 4, instructions: 1, end: End.return };
const after: Run = { address: 0x2050, bytes: 8, instructions: 2, end: End.return };
const back: Run = { address: 0x1020, bytes: 4, instructions: 1, end: End.none };

function profileOf(executed: Run[], spans: Pick<RequestSpan, 'start' | 'end' | 'instructions'>[]) {
  const trace = memoryTrace(executed.map(({ address, bytes, instructions }) => run(address, bytes, instructions)), { header });
  const endAt = new Map(executed.map(({ address, end }) => [address, end]));
  return profileTrace({
    trace, spans: spans.map((span) => ({ ...span, requests: 1, descriptor: 30, isWhole: true })), decoder: { end: (id) => endAt.get(trace.runs.address[id])! },
    anchors: [parse], buildId: 'ab', grouping: 'ours',
  });
}

const request = [loop, dispatch, library, after, back];

describe('what the requests of a trace execute', () => {
  it('counts instructions, lines and pages of a request, and each component by itself', async () => {
    const { requests: [one] } = await profileOf(request, [{ start: 0, end: 5, instructions: 28 }]);
    expect(one).toMatchObject({ instructions: 28, lines: 4, pages: 3 });
    // Lines 0x2000 and 0x2040 of its own, and the library's: what it calls is its.
    expect(one.byComponent.get('HTTP Protocol Parse')).toEqual({ instructions: 23, lines: 3 });
    expect(one.byComponent.get('Event Poll')).toEqual({ instructions: 5, lines: 1 });
  });

  it('leaves out what runs between requests, but follows its calls', async () => {
    const { requests } = await profileOf([loop, dispatch, ...request.slice(2)], [{ start: 2, end: 4, instructions: 3 }]);
    expect(requests).toHaveLength(1);
    expect(requests[0]).toMatchObject({ instructions: 3, lines: 2, pages: 2 });
    expect([...requests[0].byComponent.keys()]).toEqual(['HTTP Protocol Parse']);
  });

  it('counts how often a page is entered from another, per request, most entered first', async () => {
    const { pages } = await profileOf([...request, ...request], [{ start: 0, end: 5, instructions: 28 }, { start: 5, end: 10, instructions: 28 }]);
    // Within the second request the loop's page is the one execution is in already.
    expect(pages.map((use) => [use.page, entriesOf(use)])).toEqual([[2, 2], [1, 1.5], [9, 1]]);
    expect(pages[0].entries[components.indexOf('HTTP Protocol Parse')]).toBe(2);
    expect(pages.map(({ instructions }) => instructions)).toEqual([22, 5, 1]);
  });

  it('follows the request with the median number of instructions through its pages', async () => {
    const { typical } = await profileOf(request, [{ start: 0, end: 5, instructions: 28 }]);
    expect(typical.map(({ instruction, page }) => [instruction, page])).toEqual([[0, 1], [4, 2], [24, 9], [25, 2], [27, 1]]);
  });
});

describe('the typical request', () => {
  it('is a recorded one, the lower of two in the middle', () => {
    expect(medianRequest([5, 1, 4, 3].map((instructions) => ({ instructions })))).toBe(3);
    expect(medianRequest([])).toBe(-1);
  });
});
