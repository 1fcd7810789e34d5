import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventTable } from '../../../lib/counters/events/tables.js';
import { frontendCounters, statArguments } from '../../../lib/counters/frontend-counters.js';
import { valuesOf } from '../../../lib/counters/frontend-counts.js';
import { withTranscript } from '../../../lib/host/process.js';

/** As perf 6.1 writes it. */
function line(event: string, value: number): string {
  return `${value};;${event};1000000;100.00;;`;
}

describe('a run\'s folder', () => {
  let dir: string;
  beforeEach(() => { dir = fs.mkdtempSync(path.join(os.tmpdir(), 'counted-')); });
  afterEach(() => fs.rmSync(dir, { recursive: true }));

  it('is read by the table it names', () => {
    fs.writeFileSync(path.join(dir, 'event-table.json'), '{"table":"haswell"}\n');
    fs.writeFileSync(path.join(dir, 'frontend-counters.csv'), [line('cycles', 10), line('cpu/event=0xe6,umask=0x1f/', 3)].join('\n'));
    expect(frontendCounters.read(dir)).toMatchObject({ table: 'haswell', counts: [{ event: 'cycles' }, { event: 'baclears', value: 3 }] });
    fs.writeFileSync(path.join(dir, 'frontend-counters.csv'), '10;;cycles;1;100.00;;\n4;;baclears.any;1;100.00;;\n');
    expect(valuesOf(frontendCounters.read(dir))).toEqual({ cycles: 10, baclears: 4 });
  });

  it('is named in the error when its files are damaged', () => {
    fs.writeFileSync(path.join(dir, 'event-table.json'), '{"tab');
    expect(() => frontendCounters.read(dir)).toThrow(/event-table\.json:1: no event table's name/);
    fs.writeFileSync(path.join(dir, 'event-table.json'), '{"table":"pentium"}');
    fs.writeFileSync(path.join(dir, 'frontend-counters.csv'), line('cycles', 10));
    expect(() => frontendCounters.read(dir)).toThrow(/no events for "pentium"/);
    fs.writeFileSync(path.join(dir, 'event-table.json'), '{"table":"skylake"}');
    fs.writeFileSync(path.join(dir, 'frontend-counters.csv'), line('cycles', 10).slice(0, 12));
    expect(() => frontendCounters.read(dir)).toThrow(/frontend-counters\.csv:1: no run time/);
  });
});

describe('what perf stat is asked', () => {
  it('is one group of events after another, each once', () => {
    const words = statArguments(eventTable('haswell'));
    expect(words.filter((word) => word === '-e')).toHaveLength(eventTable('haswell').groups.length);
    expect(words[1]).toBe('{cycles,instructions,cpu/event=0x9c,umask=0x01,name=uopsNotDelivered/,cpu/event=0x0e,umask=0x01,name=uopsIssued/,cpu/event=0xc2,umask=0x02,name=slotsRetired/}');
  });

  it('is not asked where perf itself is missing', async () => {
    const answer = await withTranscript([{ argv: ['perf'], result: { exitCode: 127 } }], () => frontendCounters.probe());
    expect(answer).toMatchObject({ available: false, reason: 'perf is not installed' });
  });
});
