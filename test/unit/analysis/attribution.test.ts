import * as fs from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Anchor } from '../../../lib/analysis/anchors.js';
import { attributeInstructions, attributeSamples, callsPerRequest, costPerFilter, sumBy, systemCallRegion } from '../../../lib/analysis/attribution.js';
import type { RegionTree } from '../../../lib/counters/region-tree.js';
import { parsePerfScript, type Frame, type Stack } from '../../../lib/counters/stacks.js';
import { components, type Component, type Grouping } from '../../../lib/paper/components.js';

const anchor = (functionIndex: number, region: string, component: Component, authors: Component | null): Anchor =>
  ({ address: 0x1000 + 0x100 * functionIndex, end: 0x1100 + 0x100 * functionIndex, functionIndex, label: region, region, component, authors, source: 'log' });
const read = anchor(0, 'sidecar read', 'Sidecar Read', 'Sidecar Read');
const parse = anchor(1, 'parse', 'HTTP Protocol Parse', 'HTTP Protocol Parse');
const stream = anchor(2, 'stream', 'Header En/Decoder', null);
const rbac = anchor(3, 'filter:rbac', 'Sidecar Filter', 'Sidecar Filter');
const anchors = [read, parse, stream, rbac];
const groupings: Grouping[] = ['ours', 'authors'];

const tree: RegionTree = {
  thread: 'w',
  instructions: 150,
  nodes: [
    { parent: 0, anchor: 0, calls: 0, instructions: 10 },
    { parent: 0, anchor: read.address, calls: 20, instructions: 20 },
    { parent: 1, anchor: parse.address, calls: 10, instructions: 30 },
    { parent: 2, anchor: stream.address, calls: 10, instructions: 40 },
    { parent: 3, anchor: rbac.address, calls: 10, instructions: 50 },
  ],
};

describe('instructions per component', () => {
  const perComponent = (grouping: Grouping, of = tree) =>
    Object.fromEntries(sumBy(attributeInstructions(of, anchors, grouping, 10), (part) => part.component, (part) => part.instructionsPerRequest));

  it('go to the innermost anchor, and without one to the event loop', () => {
    expect(perComponent('ours')).toEqual({ 'Event Poll': 1, 'Sidecar Read': 2, 'HTTP Protocol Parse': 3, 'Header En/Decoder': 4, 'Sidecar Filter': 5 });
  });

  it("go to the next outer anchor where the authors' map has no such function", () => {
    expect(perComponent('authors')).toEqual({ 'Event Poll': 1, 'Sidecar Read': 2, 'HTTP Protocol Parse': 7, 'Sidecar Filter': 5 });
  });

  it('of an anchor that is no longer one go to its caller', () => {
    const nodes = tree.nodes.map((node) => (node.anchor === stream.address ? { ...node, anchor: 0xdead } : node));
    expect(perComponent('ours', { ...tree, nodes })['HTTP Protocol Parse']).toBe(7);
  });

  it('sum exactly to the total, for any tree and both groupings', () => {
    const node = fc.tuple(fc.nat(), fc.constantFrom(...anchors.map(({ address }) => address), 0xdead), fc.nat({ max: 1e9 }));
    fc.assert(fc.property(fc.array(node), (rows) => {
      const nodes = [tree.nodes[0], ...rows.map(([parent, address, instructions], i) => ({ parent: parent % (i + 1), anchor: address, calls: 1, instructions }))];
      const instructions = nodes.reduce((sum, one) => sum + one.instructions, 0);
      for (const grouping of groupings) {
        const parts = attributeInstructions({ thread: 'w', instructions, nodes }, anchors, grouping, 7);
        expect(parts.reduce((sum, part) => sum + part.instructions, 0)).toBe(instructions);
      }
    }));
  });

  it('are refused for no requests', () => {
    expect(() => attributeInstructions(tree, anchors, 'ours', 0)).toThrow('not 0');
  });

  it('come with how often each anchor was entered per request', () => {
    expect(callsPerRequest(tree, anchors, 10)).toEqual(new Map([['sidecar read', 2], ['parse', 1], ['stream', 1], ['filter:rbac', 1]]));
  });

  it('of a filter are those of its own region', () => {
    expect(costPerFilter(attributeInstructions(tree, anchors, 'ours', 10), (part) => part.instructionsPerRequest)).toEqual(new Map([['rbac', 5]]));
  });
});

const binary = { name: 'envoy', buildId: 'ab', code: [{ offset: 0, address: 0x1000, size: 0x1000 }] };
const inEnvoy = (of: Anchor): Frame => ({ binary: 'envoy', offset: of.functionIndex * 0x100 + 8, symbol: null });
const between: Frame = { binary: 'envoy', offset: 0x900, symbol: null };
const kernel = (symbol: string | null): Frame => ({ binary: '[kernel]', offset: null, symbol });
const libc = (symbol: string): Frame => ({ binary: 'libc.so.6', offset: 1, symbol });
const stack = (frames: Frame[], whole = true): Stack => ({ event: 'cpu-clock', frames, samples: 1, period: 100, whole });
const chargedTo = (one: Stack, grouping: Grouping = 'ours') => attributeSamples({ binary, stacks: [one] }, anchors, grouping)[0];

describe('samples per component', () => {
  it('go to the innermost anchor from the leaf', () => {
    expect(chargedTo(stack([libc('malloc'), between, inEnvoy(stream), inEnvoy(parse), libc('clone3')])).component).toBe('Header En/Decoder');
    expect(chargedTo(stack([libc('malloc'), between, inEnvoy(stream), inEnvoy(parse), libc('clone3')]), 'authors').component).toBe('HTTP Protocol Parse');
    expect(chargedTo(stack([between, libc('clone3')])).region).toBe('loop');
  });

  it('in a read, write or poll of the kernel go to the system, whoever called', () => {
    expect(chargedTo(stack([kernel('tcp_recvmsg'), kernel('do_readv'), kernel('do_syscall_64'), libc('readv'), inEnvoy(read)]))).toMatchObject({ component: 'OS Read', samples: 1, kernelSamples: 1, kernelPeriod: 100 });
  });

  it('of other system calls, page faults and interrupts stay with the user work they came from', () => {
    expect(chargedTo(stack([kernel('x'), kernel('__x64_sys_madvise'), kernel('do_syscall_64'), libc('madvise'), inEnvoy(parse)]))).toMatchObject({ component: 'HTTP Protocol Parse', kernelSamples: 1 });
    expect(chargedTo(stack([kernel('handle_mm_fault'), kernel('asm_exc_page_fault'), inEnvoy(parse)])).component).toBe('HTTP Protocol Parse');
    expect(chargedTo(stack([kernel('x'), kernel('asm_sysvec_apic_timer_interrupt'), libc('__send'), inEnvoy(parse)])).component).toBe('HTTP Protocol Parse');
  });

  it('of cut-off stacks are Unattributed, unless the kernel says which call they are in', () => {
    expect(chargedTo(stack([inEnvoy(parse)], false)).component).toBe('Unattributed');
    expect(chargedTo(stack([kernel('__x64_sys_sendto')], false)).component).toBe('OS Write');
    expect(chargedTo(stack([], false)).component).toBe('Unattributed');
  });

  it('each land in exactly one component, for any stacks and both groupings', () => {
    const frame = fc.constantFrom(...anchors.map(inEnvoy), between, kernel('do_readv'), kernel(null), kernel('asm_x'), libc('__send'), libc('clone3'));
    const any = fc.record({ event: fc.constant('e'), frames: fc.array(frame), samples: fc.integer({ min: 1, max: 9 }), period: fc.nat(), whole: fc.boolean() });
    fc.assert(fc.property(fc.array(any, { minLength: 1 }), (stacks) => {
      for (const grouping of groupings) {
        const parts = attributeSamples({ binary, stacks }, anchors, grouping);
        expect(parts.reduce((sum, part) => sum + part.samples, 0)).toBe(stacks.reduce((sum, one) => sum + one.samples, 0));
        expect(parts.reduce((sum, part) => sum + part.period, 0)).toBe(stacks.reduce((sum, one) => sum + one.period, 0));
        for (const part of parts) expect([...components, 'Unattributed']).toContain(part.component);
      }
    }));
  });

  it('of several events are kept apart', () => {
    const stacks = [stack([inEnvoy(parse)]), { ...stack([inEnvoy(read)]), event: 'cycles' }];
    expect(attributeSamples({ binary, stacks }, anchors, 'ours', 'cycles')).toMatchObject([{ component: 'Sidecar Read', samples: 1 }]);
    expect(() => attributeSamples({ binary, stacks }, anchors, 'ours', 'branches')).toThrow('no stack was sampled on "branches", only on: cpu-clock, cycles');
  });

});

describe('the system call a stack is in', () => {
  it('is found in real stacks by the kernel\'s own names, or the C library\'s on the way in and out', () => {
    const samples = parsePerfScript(fs.readFileSync('test/fixtures/counters/perf-script.txt', 'utf8'), 'f');
    const region = (symbol: string) => systemCallRegion(samples.find(({ frames }) => frames.some((frame) => frame.symbol === symbol))!.frames)?.region;
    expect(region('__x64_sys_sendto')).toBe('os write');
    expect(region('__x64_sys_epoll_wait')).toBe('poll');
    expect(region('__GI___readv')).toBe('os read');
    expect(region('asm_sysvec_apic_timer_interrupt')).toBeUndefined();
  });

  it.each([
    ['__x64_sys_recvfrom', 'OS Read'], ['ksys_read', 'OS Read'], ['do_readv', 'OS Read'], ['__sys_recvmsg', 'OS Read'],
    ['do_writev', 'OS Write'], ['ksys_write', 'OS Write'], ['__sys_sendto', 'OS Write'], ['__do_sys_sendmmsg', 'OS Write'],
    ['__se_sys_epoll_pwait', 'Event Poll'], ['do_epoll_wait', 'Event Poll'], ['__x64_sys_epoll_ctl', 'Event Poll'],
    ['__x64_sys_futex', undefined], ['__x64_sys_readlink', undefined], ['do_writepages', undefined], ['vfs_read', undefined],
  ])('%s → %s', (symbol, component) => {
    expect(systemCallRegion([kernel(symbol), kernel('do_syscall_64'), libc('syscall')])?.component).toBe(component);
  });

  it('comes from the C library where the kernel hides its symbols', () => {
    expect(systemCallRegion([kernel(null), kernel(null), libc('__libc_recv@@GLIBC_2.2')])?.component).toBe('OS Read');
    expect(systemCallRegion([libc('__send')])).toBeNull();
  });
});
