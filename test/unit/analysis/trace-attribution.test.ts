import { describe, expect, it } from 'vitest';
import type { Anchor } from '../../../lib/analysis/anchors.js';
import { ComponentReplay, type StackEffect } from '../../../lib/analysis/trace-attribution.js';
import type { Grouping } from '../../../lib/paper/components.js';
import type { MappedCode, RunTable } from '../../../lib/trace/trace.js';

const code: MappedCode[] = [
  { object: 'envoy', buildId: 'ab', start: 0x500000, end: 0x600000, fileAddress: 0x1000 },
  { object: 'libc.so.6', buildId: 'cd', start: 0x700000, end: 0x800000, fileAddress: 0x1000 },
];
const anchor = (address: number, region: string, component: Anchor['component'], authors: Anchor['authors']): Anchor =>
  ({ address, end: address + 0x100, functionIndex: 0, label: region, region, component, authors, source: 'log' });
const anchors = new Map([
  anchor(0x2000, 'parse', 'HTTP Protocol Parse', 'HTTP Protocol Parse'),
  anchor(0x3000, 'router', 'Header En/Decoder', null),
].map((each) => [each.address, each]));
/** Run-time address of an address in Envoy's file. */
const at = (fileAddress: number) => 0x500000 + fileAddress - 0x1000;

/** Runs of 4 bytes: [address, how it ends], in order of execution. */
function regionsOf(executed: [number, StackEffect][], grouping: Grouping = 'ours'): string[] {
  const runs: RunTable = {
    size: executed.length,
    address: Float64Array.from(executed, ([address]) => address),
    bytes: new Uint32Array(executed.length).fill(4),
    instructions: new Uint32Array(executed.length).fill(1),
  };
  const replay = new ComponentReplay(runs, (id) => executed[id][1], code, anchors, 'ab', grouping);
  return executed.map((_, id) => replay.regions[replay.step(id)].region);
}

describe('charging the runs of a trace', () => {
  it('charges what an anchor calls to it, libraries included, and what follows its return to its caller', () => {
    expect(regionsOf([
      [at(0x1500), 'call'], [at(0x2000), 'call'], [0x700010, 'return'], [at(0x2004), 'return'], [at(0x1504), 'none'],
    ])).toEqual(['loop', 'parse', 'parse', 'parse', 'loop']);
  });

  it('charges the innermost anchor of nested ones', () => {
    expect(regionsOf([
      [at(0x2000), 'call'], [at(0x3000), 'return'], [at(0x2004), 'none'],
    ])).toEqual(['parse', 'router', 'parse']);
  });

  it('leaves an anchor that a grouping does not know to its caller', () => {
    expect(regionsOf([[at(0x2000), 'call'], [at(0x3000), 'return']], 'authors')).toEqual(['parse', 'parse']);
  });

  it('gives the frame of a tail call to the function it jumps to', () => {
    expect(regionsOf([
      [at(0x1500), 'call'], [at(0x2000), 'none'], [at(0x3000), 'return'], [at(0x1504), 'none'],
    ])).toEqual(['loop', 'parse', 'router', 'loop']);
  });

  it('closes everything above the frame that an exception returns to', () => {
    expect(regionsOf([
      [at(0x1500), 'call'], [at(0x2000), 'call'], [at(0x3000), 'call'], [0x700010, 'return'], [at(0x1504), 'none'],
    ])).toEqual(['loop', 'parse', 'router', 'router', 'loop']);
  });

  it('is back in the loop after returning from what was called before the trace began', () => {
    expect(regionsOf([[at(0x2000), 'return'], [at(0x1600), 'none']])).toEqual(['parse', 'loop']);
  });

  it("does not take another object's address for an anchor", () => {
    expect(regionsOf([[0x701000, 'none']])).toEqual(['loop']);
  });
});
