import { describe, expect, it } from 'vitest';
import { denominators, eventOf, perfGroups, perfSpelling, whyNoFit, type EventTable } from '../../../../lib/counters/events/event-table.js';
import { nameInTable } from '../../../../lib/counters/events/names.js';
import { eventTable, eventTableFor, eventTables } from '../../../../lib/counters/events/tables.js';
import { coreName } from '../../../../lib/host/microarchitecture.js';

const each = eventTables.map((table) => [table.id, table] as const);

describe.each(each)('events of %s', (_, table) => {
  it('are counted in groups that fit the counters', () => {
    expect(table.groups.map((group) => whyNoFit(group, table))).toEqual(table.groups.map(() => null));
  });

  it('have cycles and instructions in every group, so that each count has a denominator of its own time', () => {
    for (const group of table.groups) expect(group).toEqual(expect.arrayContaining([...denominators]));
  });

  it('are named once each, and no two share a code', () => {
    const names = table.events.map(({ name }) => name);
    const spellings = table.events.map((event) => perfSpelling(event).replace(/,name=\w+/, ''));
    expect([new Set(names).size, new Set(spellings).size]).toEqual([names.length, names.length]);
  });

  it('are found again in perf\'s output by our name, by Intel\'s and by their codes', () => {
    for (const event of table.events) {
      const codes = perfSpelling(event).replace(/,name=\w+/, '');
      const spellings = [event.name, `${event.name}:u`, event.source, event.source.toLowerCase(), codes, codes.replace(/0x0(?=[^x])/g, '0x'), ...event.aliases ?? []];
      expect(spellings.filter((spelling) => !/:c1:e1$/.test(spelling)).map((spelling) => nameInTable(table, spelling))).toEqual(
        spellings.filter((spelling) => !/:c1:e1$/.test(spelling)).map(() => event.name));
    }
  });
});

describe('the table of a core', () => {
  it.each([
    ['Xeon E5-2683 v3, of the paper\'s appendix', 63, 2, 'haswell'],
    ['Xeon Gold 6142', 85, 4, 'skylake'],
    ['Xeon Gold 6230', 85, 7, 'skylake'],
    ['Xeon Silver 4314, of the paper', 106, 6, 'ice-lake'],
    ['Xeon Platinum 8480', 143, 8, 'sapphire-rapids'],
    ['Xeon E5-2650 v4, a Broadwell', 79, 1, 'generic'],
  ])('of a %s', (_, model, stepping, id) => {
    expect(eventTableFor(coreName({ vendor: 'GenuineIntel', family: 6, model, stepping })!.name).id).toBe(id);
  });

  it('is perf\'s generic events for AMD and for cores that nobody knows', () => {
    expect(eventTableFor('Zen 4').id).toBe('generic');
    expect(eventTableFor(null).id).toBe('generic');
  });

  it('is named in the error when there is none', () => {
    expect(() => eventTable('zen')).toThrow('no events for "zen"; there are haswell, skylake, ice-lake, sapphire-rapids, generic');
  });
});

describe('how perf is asked', () => {
  it('by codes, so that an older perf need not know the names', () => {
    expect(perfSpelling(eventOf(eventTable('haswell'), 'recoveryCycles'))).toBe('cpu/event=0x0d,umask=0x03,cmask=1,name=recoveryCycles/');
    expect(perfSpelling(eventOf(eventTable('ice-lake'), 'l1iRetiredMisses'))).toBe('cpu/event=0xc6,umask=0x01,frontend=0x12,name=l1iRetiredMisses/');
    expect(perfSpelling(eventOf(eventTable('skylake'), 'dataStalls'))).toBe('cpu/event=0x80,umask=0x04,cmask=1,edge=1,name=dataStalls/');
    expect(perfSpelling(eventOf(eventTable('generic'), 'branchMisses'))).toBe('branch-misses');
  });

  it('for the same code another thing since Ice Lake: taken conditional branches, not all of them', () => {
    expect(nameInTable(eventTable('skylake'), 'cpu/event=0xc4,umask=0x1/')).toBe('branchesConditional');
    expect(nameInTable(eventTable('ice-lake'), 'cpu/event=0xc4,umask=0x1/')).toBe('branchesConditionalTaken');
  });

  it('without what cannot be counted here, and without groups of which nothing is left', () => {
    const groups = perfGroups(eventTable('generic'), ['branches', 'branchMisses', 'itlbMisses']);
    expect(groups).toEqual(['{cycles,instructions,L1-icache-load-misses}']);
  });

  it('knows no event of another tool', () => {
    expect(nameInTable(eventTable('ice-lake'), 'IDQ.MS_UOPS')).toBeNull();
    expect(nameInTable(eventTable('ice-lake'), 'cpu/event=0x79,umask=0x30/')).toBeNull();
  });
});

describe('a group that does not fit', () => {
  const iceLake = eventTable('ice-lake');
  const haswell = eventTable('haswell');

  it('is refused before perf is asked for it', () => {
    const groups = [['cycles', 'instructions', 'branches', 'branchMisses', 'baclears', 'l1iMisses']] as const;
    expect(() => perfGroups({ ...haswell, groups })).toThrow(/^haswell: \{cycles,.*\} can never be counted: 4 events need a general counter.*part it in lib\/counters\/events\/haswell\.ts$/);
  });

  it.each<[string, EventTable, Parameters<typeof whyNoFit>[0], RegExp]>([
    ['too many for four counters', haswell, ['cycles', 'instructions', 'uopsNotDelivered', 'uopsIssued', 'slotsRetired', 'recoveryCycles'], /4 events need a general counter, of 4 one is left to the NMI watchdog/],
    ['too many for the first four of eight', iceLake, ['cycles', 'l1iMisses', 'l1iHits', 'dataStallCycles', 'tagStallCycles'], /4 events need one of the first four counters/],
    ['two settings of one register', iceLake, ['cycles', 'l1iRetiredMisses', 'l2RetiredMisses'], /FRONTEND_RETIRED can count one thing at a time/],
    ['metrics without slots before them', iceLake, ['cycles', 'slots', 'metricRetiring'], /slots as the first event/],
  ])('is told: %s', (_, table, group, message) => {
    expect(whyNoFit(group, table)).toMatch(message);
  });
});
