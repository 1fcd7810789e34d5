import * as fs from 'node:fs';
import { describe, expect, it } from 'vitest';
import { eventTable } from '../../../lib/counters/events/tables.js';
import { parseFrontendCounts, valuesOf, type EventValues } from '../../../lib/counters/frontend-counts.js';
import { topDownOf, whyNoTopDown, type TopDown } from '../../../lib/counters/top-down.js';

/** Values to three digits, as one can check them by hand. */
const rounded = (nodes: TopDown | null) => Object.fromEntries(Object.entries(nodes!).map(([node, value]) => [node, value === null ? null : Number(value.toFixed(3))]));

/** Of 4,000 slots 1,600 are empty, 1,400 retire, 400 are issued in vain and 200 lost to recovery. */
const fourWide: EventValues = { cycles: 1000, uopsNotDelivered: 1600, uopsIssued: 1800, slotsRetired: 1400, recoveryCycles: 50, cyclesWithoutUops: 300 };
const fourWideLevel1 = { retiring: 0.35, badSpeculation: 0.15, frontend: 0.4, backend: 0.1, fetchLatency: 0.3 };

/** Of 5,000 slots 2,600 are empty, 100 of them dropped, 1,500 retire, 450 and 5 for each of 10 clears are the backend's. */
const fiveWide: EventValues = { cycles: 1000, slotsGeneral: 5000, uopsNotDelivered: 2600, uopsDropped: 100, slotsRetired: 1500, slotsBackend: 450, clears: 10, cyclesWithoutUops: 400 };

describe('top-down by the published formulas, worked out by hand', () => {
  it('on Haswell: 14 cycles a second-level TLB hit, 12 a redirected fetch', () => {
    const values = { ...fourWide, dataStallCycles: 120, itlbStlbHits: 5, itlbWalkCycles: 30, branchMisses: 6, machineClears: 1, baclears: 3 };
    expect(rounded(topDownOf('haswell', values))).toEqual({ ...fourWideLevel1, icacheMisses: 0.12, itlbMisses: 0.1, branchResteers: 0.12 });
  });

  it('on Skylake and Cascade Lake: two cycles more a stall, 9 a redirected fetch', () => {
    const values = { ...fourWide, dataStallCycles: 100, dataStalls: 10, tagStallCycles: 80, resteerCycles: 50, baclears: 10 };
    expect(rounded(topDownOf('skylake', values))).toEqual({ ...fourWideLevel1, icacheMisses: 0.12, itlbMisses: 0.08, branchResteers: 0.14 });
  });

  it('on Ice Lake: five slots a cycle, 10 cycles a redirected fetch, bad speculation what is left', () => {
    const values = { ...fiveWide, dataStallCycles: 90, tagStallCycles: 60, resteerCycles: 30, baclears: 4 };
    expect(rounded(topDownOf('ice-lake', values))).toEqual({
      retiring: 0.3, badSpeculation: 0.1, frontend: 0.5, backend: 0.1, fetchLatency: 0.38, icacheMisses: 0.09, itlbMisses: 0.06, branchResteers: 0.07,
    });
  });

  it('on Sapphire Rapids: six slots a cycle, no slots for clears, cycles of unknown branches as counted', () => {
    const values = {
      cycles: 1000, slotsGeneral: 6000, uopsNotDelivered: 3100, uopsDropped: 100, slotsRetired: 1800, slotsBackend: 600, cyclesWithoutUops: 400,
      dataStallCycles: 90, tagStallCycles: 60, resteerCycles: 30, unknownBranchCycles: 50,
    };
    expect(rounded(topDownOf('sapphire-rapids', values))).toEqual({
      retiring: 0.3, badSpeculation: 0.1, frontend: 0.5, backend: 0.1, fetchLatency: 0.383, icacheMisses: 0.09, itlbMisses: 0.06, branchResteers: 0.08,
    });
  });

  it('cuts bad speculation off at nothing, from Ice Lake on', () => {
    expect(topDownOf('ice-lake', { ...fiveWide, slotsBackend: 1000 })).toMatchObject({ badSpeculation: 0 });
  });
});

describe('top-down of counts that others published, against the shares that perf itself made of them', () => {
  it('Skylake: 48 % retiring, 32 % bad speculation, 14 % frontend, 7 % backend', () => {
    const values = { cycles: 5364230382, recoveryCycles: 608066701, slotsRetired: 10194062626, uopsIssued: 14613100390, uopsNotDelivered: 2928793077 };
    const { retiring, badSpeculation, frontend, backend } = topDownOf('skylake', values)!;
    expect([retiring, badSpeculation, frontend, backend].map((share) => share!.toFixed(2))).toEqual(['0.48', '0.32', '0.14', '0.07']);
  });

  it('Ice Lake\'s metrics register, read every second: 10.2, 7.6, 51.0 and 31.1 %', () => {
    const file = 'test/fixtures/counters/frontend/topdown-interval.csv';
    const counts = parseFrontendCounts(fs.readFileSync(file, 'utf8'), file, eventTable('ice-lake'));
    const { retiring, badSpeculation, frontend, backend } = topDownOf('ice-lake', valuesOf(counts), 'register')!;
    expect([retiring, badSpeculation, frontend, backend].map((share) => (100 * share!).toFixed(1))).toEqual(['10.2', '7.6', '51.0', '31.1']);
    expect(counts.unknown).toEqual(['IDQ.MS_UOPS', 'UOPS_DECODED.DEC0', 'cpu/UOPS_DECODED.DEC0,cmask=1/', 'UOPS_ISSUED.ANY', 'IDQ.MITE_UOPS']);
  });
});

describe('what was not counted', () => {
  it('makes the nodes that need it unknown, and no others', () => {
    expect(topDownOf('haswell', fourWide)).toMatchObject({ frontend: 0.4, icacheMisses: null, itlbMisses: null, branchResteers: null });
    expect(topDownOf('skylake', { cycles: 1000, dataStallCycles: 10 })).toMatchObject({ frontend: null, retiring: null, icacheMisses: null });
  });

  it('is never zero: nothing counted gives nothing', () => {
    for (const table of ['haswell', 'skylake', 'ice-lake', 'sapphire-rapids'] as const) expect(new Set(Object.values(topDownOf(table, {})!))).toEqual(new Set([null]));
    for (const table of ['ice-lake', 'sapphire-rapids'] as const) expect(new Set(Object.values(topDownOf(table, {}, 'register')!))).toEqual(new Set([null]));
  });

  it('is what the metrics register would say, where there is none', () => {
    expect(topDownOf('skylake', fourWide, 'register')).toBeNull();
  });

  it('is everything with perf\'s generic events, and the reason is said', () => {
    expect(topDownOf('generic', { cycles: 1, instructions: 1 })).toBeNull();
    expect(whyNoTopDown('generic')).toMatch(/do not tell issue slots apart/);
    expect(whyNoTopDown('ice-lake')).toBeNull();
  });
});
