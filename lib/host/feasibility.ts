/** Which of the paper's figures this machine can measure, and by which method; the rest is redrawn from recordings. */
import type { Method } from '../store/value.js';
import type { Capability, CapabilityName } from './capabilities.js';

interface Way {
  /** What of the figure it gives; ways to the same thing begin with the same word. */
  part: string;
  /** `observed`: read off the machine or its programs, a drawing or a list rather than a value. */
  method: Method | 'observed';
  needs: CapabilityName[];
}

interface Item {
  item: string;
  /** In the order of preference where two give the same part. */
  ways: Way[];
}

/** To run a sidecar on a core of its own. */
const sidecar: CapabilityName[] = ['envoy', 'thread pinning'];
/** To measure what it costs. */
const underLoad: CapabilityName[] = [...sidecar, 'schedstat'];
const counters: CapabilityName[] = [...underLoad, 'hardware counters', 'perf stat'];
const frontendEvents: CapabilityName[] = [...underLoad, 'frontend counters'];
/** Not perf's generic ones. */
const topDownEvents: CapabilityName[] = [...frontendEvents, 'toplev'];

/** To bring an application up, with its stores and sidecars. */
const application: CapabilityName[] = [...underLoad, 'network namespaces', 'redis', 'memcached'];

/** From a trace by Valgrind; single-stepping alone gives the few policies that are stepped. */
function traced(part: string): Way {
  return { part, method: 'measured: instruction trace', needs: [...sidecar, 'instruction traces'] };
}

const items: Item[] = [
  { item: 'tab01', ways: [{ part: 'this machine beside the paper\'s', method: 'observed', needs: [] }] },
  { item: 'fig02', ways: [{ part: 'the framework, with what is live of it', method: 'observed', needs: sidecar }] },
  { item: 'fig03', ways: [{ part: 'two services with their sidecars, as deployed', method: 'observed', needs: sidecar }] },
  { item: 'fig04', ways: [{ part: 'time that each hop adds', method: 'measured: latency', needs: sidecar }] },
  {
    item: 'fig05',
    ways: [
      { part: 'latency of applications', method: 'measured: latency', needs: application },
      { part: 'throughput of applications', method: 'measured: throughput', needs: application },
    ],
  },
  { item: 'topology', ways: [{ part: 'CPU time of each hop', method: 'measured: CPU time', needs: application }] },
  {
    item: 'fig06',
    ways: [
      { part: 'throughput', method: 'measured: throughput', needs: underLoad },
      { part: 'latency', method: 'measured: latency', needs: underLoad },
    ],
  },
  {
    item: 'tab02',
    ways: [
      { part: 'functions of each component', method: 'observed', needs: sidecar },
      { part: 'instructions of each component', method: 'measured: exact instruction counts', needs: [...underLoad, 'instruction counts'] },
      { part: 'CPU time of each component', method: 'measured: sampled stacks', needs: [...underLoad, 'perf record'] },
    ],
  },
  {
    item: 'fig07',
    ways: [
      { part: 'instructions by component', method: 'measured: exact instruction counts', needs: [...underLoad, 'instruction counts'] },
      { part: 'CPU time by component', method: 'measured: sampled stacks', needs: [...underLoad, 'perf record'] },
      { part: 'TLS instructions', method: 'measured: exact instruction counts', needs: [...sidecar, 'single-step'] },
      { part: 'SQL policy', method: 'measured: CPU time', needs: [...underLoad, 'SQL policy', 'mariadb'] },
      { part: 'cycles and IPC', method: 'measured: hardware counters', needs: counters },
      { part: 'cycles and user IPC', method: 'modelled', needs: [...underLoad, 'perf record', 'instruction counts'] },
    ],
  },
  {
    item: 'tab03',
    ways: [
      { part: 'instructions of each filter', method: 'measured: exact instruction counts', needs: [...underLoad, 'instruction counts'] },
      { part: 'CPU time of each filter', method: 'measured: CPU time', needs: underLoad },
      { part: 'cycles of each filter', method: 'measured: hardware counters', needs: counters },
      { part: 'cycles of each filter', method: 'modelled', needs: [...underLoad, 'perf record'] },
    ],
  },
  ...['fig08', 'fig17'].map((item): Item => ({
    item,
    ways: [
      { part: 'slots by what became of them', method: 'measured: hardware counters', needs: topDownEvents },
      { ...traced('slots by what became of them'), method: 'modelled' },
    ],
  })),
  ...['fig09', 'fig15'].map((item): Item => ({
    item,
    ways: [
      { part: 'misses of instruction cache and branches', method: 'measured: hardware counters', needs: frontendEvents },
      { ...traced('misses of instruction cache and branches'), method: 'simulated' },
    ],
  })),
  ...['fig10', 'fig16'].map((item): Item => ({
    item,
    ways: [
      { part: 'cycles stalled on fetch', method: 'measured: hardware counters', needs: topDownEvents },
      { ...traced('cycles stalled on fetch'), method: 'modelled' },
    ],
  })),
  { item: 'fig11a', ways: [traced('code and pages of a request')] },
  { item: 'fig11b', ways: [{ ...traced('misses of the instruction TLB'), method: 'simulated' }] },
  {
    item: 'fig11c',
    ways: [
      { ...traced('misses with huge pages'), method: 'simulated' },
      { part: 'CPU time on huge pages', method: 'measured: CPU time', needs: [...underLoad, 'huge pages'] },
    ],
  },
  {
    item: 'tab04',
    ways: [
      traced('branches by kind'),
      { part: 'mispredictions by kind', method: 'measured: hardware counters', needs: topDownEvents },
      { ...traced('mispredictions by kind'), method: 'simulated' },
    ],
  },
  {
    item: 'fig12',
    ways: [
      { part: 'cycles of applications', method: 'modelled', needs: application },
      { part: 'instructions of sidecars', method: 'measured: exact instruction counts', needs: [...application, 'instruction counts'] },
    ],
  },
  {
    item: 'fig13',
    ways: [
      { part: 'time in sidecars', method: 'measured: system calls', needs: [...application, 'strace'] },
      { part: 'time in sidecars', method: 'measured: system calls', needs: [...application, 'system call events'] },
    ],
  },
  {
    item: 'fig14',
    ways: [
      { part: 'cycles of an invocation', method: 'modelled', needs: application },
      { part: 'instructions of an invocation', method: 'measured: exact instruction counts', needs: [...application, 'instruction counts'] },
    ],
  },
  {
    item: 'fig18',
    ways: [
      { part: 'CPU time by size', method: 'measured: CPU time', needs: underLoad },
      { part: 'instructions by size', method: 'measured: exact instruction counts', needs: [...underLoad, 'instruction counts'] },
      { part: 'TLS instructions by size', method: 'measured: exact instruction counts', needs: [...sidecar, 'single-step'] },
      { part: 'kernel\'s IPC by size', method: 'measured: hardware counters', needs: [...counters, 'perf record'] },
    ],
  },
];

export interface Feasibility {
  item: string;
  verdict: 'measure' | 'simulate' | 'redraw only';
  /** `part (method)` of everything that can be had here. */
  parts: string[];
  /** `capability (why it is not here)` for parts that cannot be had in any way. */
  missing: string[];
}

/** Judges every item that the workbench makes by what was found on this machine. */
export function feasibility(found: Record<CapabilityName, Capability>): Feasibility[] {
  return items.map(({ item, ways }) => {
    const lacking = (way: Way) => way.needs.filter((name) => !found[name].available);
    const possible = ways.filter((way) => lacking(way).length === 0);
    const lost = ways.filter((way) => !possible.some((other) => topic(other) === topic(way)));
    return {
      item,
      verdict: verdictOn(possible),
      parts: firstOfEach(possible).map((way) => `${way.part} (${way.method})`),
      missing: [...new Set(lost.flatMap(lacking))].map((name) => explained(name, found[name])),
    };
  });
}

function verdictOn(possible: Way[]): Feasibility['verdict'] {
  if (possible.some(({ method }) => method.startsWith('measured') || method === 'observed')) return 'measure';
  return possible.length > 0 ? 'simulate' : 'redraw only';
}

function explained(name: CapabilityName, capability: Capability): string {
  return capability.available ? name : `${name} (${capability.reason})`;
}

/** Ways to the same quantity share their first word: measured cycles stand in for modelled ones. */
function topic(way: Way): string {
  return way.part.split(' ')[0];
}

function firstOfEach(ways: Way[]): Way[] {
  return ways.filter((way, i) => ways.findIndex((other) => topic(other) === topic(way)) === i);
}
