/**
 * perf itself, asked as the collectors of hardware counters ask it. Most machines that this runs on have no such counters: the
 * time-stamp counter (perf's msr unit), which virtual machines have too, stands in, under the names of events.
 */
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventTable } from '../../lib/counters/events/tables.js';
import { parseFrontendCounts, valuesOf } from '../../lib/counters/frontend-counts.js';
import { perfStat } from '../../lib/counters/perf-stat.js';
import { whilePerf } from '../../lib/counters/perf-tool.js';
import { planCpus } from '../../lib/host/cpus.js';

let dir: string;
beforeEach(() => { dir = fs.mkdtempSync(path.join(os.tmpdir(), 'counters-')); });
afterEach(() => fs.rmSync(dir, { recursive: true }));

const groups = ['{msr/tsc,name=cycles/,msr/tsc,name=l1iMisses/}', '{msr/tsc,name=cycles/,msr/tsc,name=branchMisses/}'];

describe('groups of named events', () => {
  it.for(['-x;', '-j'])('come back in their order, under their names, with %s', async (format, ctx) => {
    const tool = await perfStat.probe();
    ctx.skip(!tool.available, tool.available ? '' : tool.reason);
    ctx.skip(!fs.existsSync('/sys/bus/event_source/devices/msr'), 'perf has no msr unit here');
    const file = path.join(dir, 'counts');
    const result = await whilePerf(['stat', format, '-o', file, ...groups.flatMap((group) => ['-e', group]), '-t', String(process.pid)], planCpus().others, async () => 'done');
    expect(result).toBe('done');
    const counts = parseFrontendCounts(fs.readFileSync(file, 'utf8'), file, eventTable('ice-lake'));
    expect(counts.counts.map(({ event, status }) => [event, status])).toEqual([['cycles', 'counted'], ['l1iMisses', 'counted'], ['branchMisses', 'counted']]);
    expect(Object.values(valuesOf(counts)).every((value) => value! > 0)).toBe(true);
  });
});
