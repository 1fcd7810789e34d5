/**
 * Splits a sidecar's work over the nine components of the paper's Table 2: pure, from raw counts and anchors.
 *
 * User work belongs to the innermost anchor that was active: a function called from there (allocator, library, unnamed)
 * is charged to it, and work under no anchor is the event loop's. Kernel work of a system call that reads, writes or
 * polls belongs to OS Read, OS Write or Event Poll, whoever called it; on loopback the write includes the delivery to
 * the peer's socket, which the kernel does in the same call. Everything else the kernel does (other system calls, page
 * faults, interrupts) stays with the user work it was called from or interrupted.
 */
import type { Anchor } from './anchors.js';
import { functionAt } from './function-names.js';
import { addressOf, isKernel, type Frame, type Stack, type StackProfile } from '../counters/stacks.js';
import type { RegionTree } from '../counters/region-tree.js';
import type { Attributed, Component, Grouping } from '../paper/components.js';

/** Which work a part is: a component, and within it a region (`parse`, `router`, `filter:rbac`, `loop`, `os read`, ...). */
export interface Region {
  component: Attributed;
  region: string;
}

export interface InstructionPart extends Region {
  component: Component;
  /** User instructions; over all parts exactly the tree's total. */
  instructions: number;
  instructionsPerRequest: number;
}

export interface SamplePart extends Region {
  /** Samples; over all parts exactly the profile's total. */
  samples: number;
  /** Those of them in the kernel. */
  kernelSamples: number;
  /** Events the samples stand for: nanoseconds of the CPU clock, or cycles. */
  period: number;
  kernelPeriod: number;
}

/** Charged when no anchor is active: dispatching events, timers, the poll itself. */
const loop: { component: Component; region: string } = { component: 'Event Poll', region: 'loop' };
const unattributed: Region = { component: 'Unattributed', region: 'broken stack' };

/**
 * Instructions per component and region.
 * @param requests how many requests the thread served meanwhile.
 * @throws Error when `requests` is not positive.
 */
export function attributeInstructions(tree: RegionTree, anchors: Anchor[], grouping: Grouping, requests: number): InstructionPart[] {
  if (!(requests > 0)) throw new Error(`instructions per request need a number of requests, not ${requests}; did every request fail?`);
  const byAddress = new Map(anchors.map((anchor) => [anchor.address, anchor]));
  const parts = new Map<string, InstructionPart>();
  const regions: { component: Component; region: string }[] = [];
  tree.nodes.forEach((node, i) => {
    // A node whose own anchor decides nothing (unknown by now, or not in the authors' map) is its parent's work.
    regions.push(regionOf(byAddress.get(node.anchor), grouping) ?? (i === 0 ? loop : regions[node.parent]));
    const { component, region } = regions[i];
    const part = getOrAdd(parts, `${component} ${region}`, () => ({ component, region, instructions: 0, instructionsPerRequest: 0 }));
    part.instructions += node.instructions;
    part.instructionsPerRequest = part.instructions / requests;
  });
  return [...parts.values()];
}

/**
 * How often each anchor's function was entered per request, to check the picture (e.g. two reads a request).
 * @returns by the anchors' labels.
 */
export function callsPerRequest(tree: RegionTree, anchors: Anchor[], requests: number): Map<string, number> {
  const labels = new Map(anchors.map((anchor) => [anchor.address, anchor.label]));
  const calls = new Map<string, number>();
  for (const node of tree.nodes) {
    const label = labels.get(node.anchor);
    if (label !== undefined) calls.set(label, (calls.get(label) ?? 0) + node.calls / requests);
  }
  return calls;
}

/**
 * Samples per component and region. A stack that was cut off is Unattributed, unless the kernel itself says which
 * system call it is in: kernel stacks are always whole.
 * @param anchors of the sampled program, sorted by address.
 * @param event which samples, where several events were recorded; the first by default.
 * @throws Error when the profile has no such event.
 */
export function attributeSamples(profile: StackProfile, anchors: Anchor[], grouping: Grouping, event = profile.stacks[0]?.event): SamplePart[] {
  const stacks = profile.stacks.filter((stack) => stack.event === event);
  if (stacks.length === 0) throw new Error(`no stack was sampled on "${event}", only on: ${[...new Set(profile.stacks.map((stack) => stack.event))].join(', ')}`);
  const bounds = { starts: Float64Array.from(anchors, ({ address }) => address), ends: Float64Array.from(anchors, ({ end }) => end) };
  const anchorOf = (frame: Frame) => {
    const address = addressOf(frame, profile.binary);
    return address === null ? undefined : anchors[functionAt(bounds, address)];
  };
  const parts = new Map<string, SamplePart>();
  for (const stack of stacks) {
    const { component, region } = regionOfStack(stack, anchorOf, grouping);
    const part = getOrAdd(parts, `${component} ${region}`, () => ({ component, region, samples: 0, kernelSamples: 0, period: 0, kernelPeriod: 0 }));
    const kernel = stack.frames.length > 0 && isKernel(stack.frames[0]);
    part.samples += stack.samples;
    part.period += stack.period;
    if (kernel) part.kernelSamples += stack.samples;
    if (kernel) part.kernelPeriod += stack.period;
  }
  return [...parts.values()];
}

function regionOfStack(stack: Stack, anchorOf: (frame: Frame) => Anchor | undefined, grouping: Grouping): Region {
  const call = systemCallRegion(stack.frames);
  if (call) return call;
  if (!stack.whole) return unattributed;
  for (const frame of stack.frames) {
    const region = regionOf(anchorOf(frame), grouping);
    if (region) return region;
  }
  return loop;
}

/** What an anchor says in a grouping; null when the grouping does not know it. */
function regionOf(anchor: Anchor | undefined, grouping: Grouping): { component: Component; region: string } | null {
  const component = grouping === 'ours' ? anchor?.component : anchor?.authors;
  return anchor && component ? { component, region: anchor.region } : null;
}

/** By the kernel's names of system calls (recv and send are recvfrom and sendto there) and the C library's. */
const systemCalls: { names: RegExp; region: Region }[] = [
  { names: /^(?:p?read(?:64)?|p?readv2?|recv|recvfrom|recvmsg|recvmmsg)$/, region: { component: 'OS Read', region: 'os read' } },
  { names: /^(?:p?write(?:64)?|p?writev2?|send|sendto|sendmsg|sendmmsg|sendfile(?:64)?)$/, region: { component: 'OS Write', region: 'os write' } },
  { names: /^(?:epoll_p?wait2?|epoll_ctl|p?poll|p?select)$/, region: { component: 'Event Poll', region: 'poll' } },
];

/**
 * The region of the read, write or poll a stack is inside of in the kernel; null for other kernel work and user code.
 * The outermost kernel frame that bears a system call's name decides: further in, functions of other calls may appear
 * (a send on loopback also delivers). Where none does (no kernel symbols, or on the way in and out of a call) it is
 * the C library's function that made the call, unless an interrupt or exception (`asm_...`) is what entered the kernel.
 */
export function systemCallRegion(frames: Frame[]): Region | null {
  const kernel = frames.filter(isKernel).reverse();
  if (kernel.length === 0) return null;
  const named = kernel.map((frame) => systemCallName(frame.symbol)).find((name) => name !== null);
  if (!named && kernel[0].symbol?.startsWith('asm_')) return null;
  const name = named ?? frames[kernel.length]?.symbol?.replace(/^_*(?:GI|libc)?_*|@.*$/g, '');
  return systemCalls.find(({ names }) => name !== undefined && names.test(name))?.region ?? null;
}

/** `__x64_sys_sendto`, `ksys_read`, `__sys_recvfrom`, `do_writev` → the system call's name; null for other functions. */
function systemCallName(symbol: string | null): string | null {
  const fields = /^(?:__(?:x64|ia32|se|do)_sys_|k?_*sys_|do_(?=(?:p?(?:read|write)v2?|epoll_p?wait|epoll_ctl)$))(\w+)$/.exec(symbol ?? '');
  return fields ? fields[1] : null;
}

/** Sums over regions, e.g. to components: `sumBy(parts, (part) => part.component, (part) => part.instructionsPerRequest)`. */
export function sumBy<Part, Key>(parts: Part[], key: (part: Part) => Key, value: (part: Part) => number): Map<Key, number> {
  const sums = new Map<Key, number>();
  for (const part of parts) sums.set(key(part), (sums.get(key(part)) ?? 0) + value(part));
  return sums;
}

/**
 * What each filter is charged itself: regions `filter:NAME`, `log:NAME`, `log` and `tls` of the component Sidecar Filter.
 * It is less than what a policy with the filter costs more than one without (the marginal cost): a filter also makes
 * others work, by one more step of the chain, its creation and destruction, headers it adds that router and encoder pass.
 * @returns by filter name.
 */
export function costPerFilter<Part extends Region>(parts: Part[], value: (part: Part) => number): Map<string, number> {
  return sumBy(parts.filter((part) => part.component === 'Sidecar Filter'), (part) => part.region.replace(/^filter:/, ''), value);
}

function getOrAdd<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
