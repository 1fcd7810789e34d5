import * as fs from 'node:fs';
import { describe, expect, it } from 'vitest';
import { eventTable } from '../../../lib/counters/events/tables.js';
import { eventList, sharesOf } from '../../../lib/counters/toplev.js';
import { parseToplev } from '../../../lib/counters/toplev-csv.js';

const skylake = () => fs.readFileSync('test/fixtures/counters/frontend/toplev-skylake.csv', 'utf8');

describe('toplev -x,', () => {
  it('is read with its messages left out, nonsense of a bad measurement as it is', () => {
    const nodes = parseToplev(skylake(), 'f');
    expect(nodes.map(({ node, value }) => [node, value])).toEqual([
      ['Frontend_Bound', 53.9], ['Bad_Speculation', 13273.4], ['Backend_Bound', -13254.6], ['Retiring', 27.3], ['MUX', 100], ['MUX', 100],
    ]);
    expect(nodes[1]).toEqual({ node: 'Bad_Speculation', value: 13273.4, unit: '% Slots', below: false, runningPercent: 100, bottleneck: true, cpu: 'C0', time: null });
    expect(nodes[2]).toMatchObject({ unit: '% Slots', below: true });
  });

  it('is read with intervals, another separator and quoted text', () => {
    const text = '# 5.1-full on CPU\nTimestamp;CPUs;Area;Value;Unit;Description;Sample;Stddev;Multiplex;Bottleneck;Idle\n'
      + '1.0;C1;Frontend_Bound.Fetch_Latency;12.5;% Slots;"stalls; all";;0.1;;;\nSUMMARY;C1;Retiring;40;% Slots <;;;;3.99;;Y\n# 5.1-full on CPU\n';
    expect(parseToplev(text, 'f')).toEqual([
      { node: 'Frontend_Bound.Fetch_Latency', value: 12.5, unit: '% Slots', below: false, runningPercent: null, bottleneck: false, cpu: 'C1', time: 1 },
      { node: 'Retiring', value: 40, unit: '% Slots', below: true, runningPercent: 3.99, bottleneck: false, cpu: 'C1', time: 'SUMMARY' },
    ]);
  });

  it.each([
    ['a cut-off line', skylake().slice(0, skylake().indexOf('% Slots')), /f:2: 4 fields, the header has 10/],
    ['toplev without -x', 'FE  Frontend_Bound  % Slots  53.9', /f:1: no header/],
    ['a value that is none', 'Area,Value,Unit,Description,Sample,Stddev,Multiplex,Bottleneck,Idle\nRetiring,nan,%,,,,,,', /f:2: "nan" is no value of Retiring/],
    ['nothing but messages', '# 5.1-full on CPU\nUsing level 1.\n', /f:1: no node in it/],
  ])('refuses %s, naming file and line', (_, text, message) => {
    expect(() => parseToplev(text, 'f')).toThrow(message);
  });
});

describe('the event list that toplev gets', () => {
  it('has Intel\'s names of a table\'s events with their codes, aliases too', () => {
    const list = eventList(eventTable('skylake'));
    const byName = (name: string) => list.find(({ EventName }) => EventName === name);
    expect(byName('ICACHE_TAG.STALLS')).toMatchObject({ EventCode: '0x83', UMask: '0x4' });
    expect(byName('FRONTEND_RETIRED.L1I_MISS')).toMatchObject({ EventCode: '0xc6', MSRIndex: '0x3F7', MSRValue: '0x12' });
    expect(byName('CPU_CLK_UNHALTED.THREAD')).toMatchObject({ Counter: 'Fixed counter 1' });
  });

  it('tells which events only the first four counters can count', () => {
    const list = eventList(eventTable('ice-lake'));
    const counterOf = (name: string) => list.find(({ EventName }) => EventName === name)!.Counter;
    expect([counterOf('ICACHE_64B.IFTAG_MISS'), counterOf('UOPS_RETIRED.SLOTS'), counterOf('TOPDOWN.SLOTS')]).toEqual(['0,1,2,3', '0,1,2,3,4,5,6,7', 'Fixed counter 3']);
  });
});

describe('shares by toplev', () => {
  it('are those of the whole run, as shares rather than per cent; missing where it says nothing', () => {
    expect(sharesOf(parseToplev(skylake(), 'f'))).toMatchObject({ frontend: 0.539, retiring: 0.273, fetchLatency: null, icacheMisses: null });
  });
});
