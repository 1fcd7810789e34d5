/** Which of the paper's figures this machine can measure, and by which method; the rest is redrawn from recordings. */
import type { Method } from '../store/value.js';
import type { Capability, CapabilityName } from './capabilities.js';

interface Way {
  /** What of the figure it gives. */
  part: string;
  method: Method;
  /** Beside `anyMeasurement`. */
  needs: CapabilityName[];
}

interface Item {
  item: string;
  /** In the order of preference where two give the same part. */
  ways: Way[];
}

const anyMeasurement: CapabilityName[] = ['envoy', 'thread pinning', 'schedstat'];

const cycles: Way[] = [
  { part: 'cycles and IPC', method: 'measured: hardware counters', needs: ['hardware counters', 'perf record'] },
  { part: 'cycles and user IPC', method: 'modelled', needs: ['perf record', 'instruction counts'] },
];

const items: Item[] = [
  {
    item: 'fig06',
    ways: [
      { part: 'throughput', method: 'measured: throughput', needs: [] },
      { part: 'latency', method: 'measured: latency', needs: [] },
    ],
  },
  {
    item: 'fig07',
    ways: [
      { part: 'instructions by component', method: 'measured: exact instruction counts', needs: ['instruction counts'] },
      { part: 'CPU time by component', method: 'measured: sampled stacks', needs: ['perf record'] },
      ...cycles,
    ],
  },
  {
    item: 'tab03',
    ways: [
      { part: 'instructions of each filter', method: 'measured: exact instruction counts', needs: ['instruction counts'] },
      { part: 'CPU time of each filter', method: 'measured: CPU time', needs: [] },
      ...cycles,
    ],
  },
];

export interface Feasibility {
  item: string;
  verdict: 'measure' | 'simulate' | 'redraw only';
  /** `part (method)` of everything that can be had here. */
  parts: string[];
  /** What is missing for parts that cannot be had in any way. */
  missing: string[];
}

/** Judges every item by what was found on this machine. */
export function feasibility(found: Record<CapabilityName, Capability>): Feasibility[] {
  return items.map(({ item, ways }) => {
    const lacking = (way: Way) => [...anyMeasurement, ...way.needs].filter((name) => !found[name].available);
    const possible = ways.filter((way) => lacking(way).length === 0);
    const methods = possible.map((way) => way.method);
    const lost = ways.filter((way) => !possible.some((other) => topic(other) === topic(way)));
    return {
      item,
      verdict: methods.some((method) => method.startsWith('measured')) ? 'measure' : methods.length > 0 ? 'simulate' : 'redraw only',
      parts: firstOfEach(possible).map((way) => `${way.part} (${way.method})`),
      missing: [...new Set(lost.flatMap(lacking))],
    };
  });
}

/** Ways to the same quantity share their first word: measured cycles stand in for modelled ones. */
function topic(way: Way): string {
  return way.part.split(' ')[0];
}

function firstOfEach(ways: Way[]): Way[] {
  return ways.filter((way, i) => ways.findIndex((other) => topic(other) === topic(way)) === i);
}
