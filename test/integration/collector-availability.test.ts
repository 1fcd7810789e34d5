import * as fs from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { frontendCounters } from '../../lib/counters/frontend-counters.js';
import { instructionRegions } from '../../lib/counters/instruction-regions.js';
import { perfStat } from '../../lib/counters/perf-stat.js';
import { carryOut } from '../../lib/experiments/campaign.js';
import type { Progress } from '../../lib/experiments/carry-out.js';
import { worthPlanning } from '../../lib/experiments/collectors.js';
import { frontendPlan } from '../../lib/experiments/frontend.js';
import { workbenchPath } from '../../lib/host/paths.js';
import { pathWithout } from './support/path-without.js';
import { newPlace, recordedIn, smallPlan, type Place } from './support/small-campaign.js';

const allPrograms = process.env.PATH!;
let place: Place;
beforeEach(() => { place = newPlace(); });
afterEach(() => {
  process.env.PATH = allPrograms;
  place.remove();
});

describe('the instruction counter', () => {
  it('needs no compiler once its tool is built', async (ctx) => {
    const answer = await instructionRegions.probe(); // builds it
    ctx.skip(!answer.available, answer.available ? '' : answer.reason);
    process.env.PATH = pathWithout(place.folder, 'gcc', 'cc', 'make');
    expect(await instructionRegions.probe()).toEqual(answer);
  });

  it('needs one as long as its source is newer than the tool', async (ctx) => {
    const answer = await instructionRegions.probe();
    ctx.skip(!answer.available, answer.available ? '' : answer.reason);
    const tool = workbenchPath('valgrind-tool', 'regions-amd64-linux');
    const { atime, mtime } = fs.statSync(tool);
    process.env.PATH = pathWithout(place.folder, 'gcc', 'cc');
    try {
      fs.utimesSync(tool, atime, new Date(0));
      expect(await instructionRegions.probe()).toEqual({ available: false, reason: 'gcc is not installed', remedy: 'install the package gcc' });
    } finally {
      fs.utimesSync(tool, atime, mtime);
    }
  });
});

describe('runs under perf stat', () => {
  it('are measured where hardware counters can be read; elsewhere they are neither planned nor tried, and the reason stands', async (ctx) => {
    const tool = await perfStat.probe();
    ctx.skip(!tool.available, tool.available ? '' : tool.reason);
    const hardware = await worthPlanning('perf-stat');
    const said: string[] = [];
    const progress: Progress = { planned: (text) => { said.push(text); }, advanced: () => undefined };
    const { unavailable, failed } = await carryOut(smallPlan('http/perf-stat', 'tcp'), { store: place.store, progress });
    expect(failed).toEqual([]);
    if (hardware.available) {
      expect(unavailable).toEqual([]);
      const counted = place.store.runs(place.store.live(), 'faults').find(({ spec }) => spec.collector.name === 'perf-stat')!;
      const valueOf = (event: string) => perfStat.read(counted.dir).find((sample) => sample.event === event)!.value!;
      expect(valueOf('instructions:u') / valueOf('cycles:u')).toBeGreaterThan(0);
      return;
    }
    expect(unavailable).toMatchObject([{ what: 'with perf-stat', runs: [{ config: { id: 'http' } }], reason: hardware.reason, remedy: hardware.remedy }]);
    expect(said).toEqual([expect.stringMatching(/^1 runs, .* to measure; 0 runs recorded already$/)]);
    expect(recordedIn(place.store)).toEqual(['tcp/cpu-time']);
  });
});

describe('experiment frontend', () => {
  it('is measured where the CPU shows its counters; elsewhere the reason stands once, and no knee is searched in vain', async (ctx) => {
    const tool = await perfStat.probe();
    ctx.skip(!tool.available, tool.available ? '' : tool.reason);
    const counters = await frontendCounters.probe();
    ctx.skip(counters.available, 'this machine has counters: measuring it takes a minute');
    const { measured, failed, unavailable } = await carryOut(frontendPlan('quick', ['http', 'tcp']), { store: place.store });
    expect([measured, failed]).toEqual([[], []]);
    const reason = counters.available ? '' : counters.reason;
    expect(unavailable.map(({ what, reason: why, remedy }) => [what, why === reason || why.startsWith('no top-down events'), remedy !== '']).sort()).toEqual([
      ['with frontend-counters', true, true], ['with toplev', true, true],
    ]);
    expect(reason).toMatch(/monitoring unit/);
  });
});
