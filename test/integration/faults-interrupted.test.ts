import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { carryOut } from '../../lib/experiments/campaign.js';
import { startTicks } from '../../lib/host/process.js';
import {
  daemonsOf, descendantsOf, draftsIn, newPlace, recordedIn, runFoldersOf, smallPlan, stillAlive, underWay, until, type Place, type Process,
} from './support/small-campaign.js';

let place: Place;
let children: number[] = [];
beforeEach(() => { place = newPlace(); });
afterEach(() => {
  for (const pid of children) if (startTicks(pid) !== undefined) process.kill(pid, 'SIGKILL');
  children = [];
  place.remove();
});

interface Child {
  pid: number;
  ended: Promise<{ code: number | null; signal: string | null; said: string }>;
}

/** A campaign in a process of its own, at the same place. */
function campaign(...words: string[]): Child {
  const script = path.resolve('test/integration/support/measure-plan.ts');
  const child = spawn(process.execPath, ['--import', 'tsx', script, place.folder, ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => { said += String(text); });
  children.push(child.pid!);
  return { pid: child.pid!, ended: new Promise((resolve) => child.on('close', (code, signal) => resolve({ code, signal, said }))) };
}

/** Waits until the second run is being loaded. @returns every process that runs for the campaign. */
async function inSecondRun({ pid }: Child): Promise<Process[]> {
  await until('the first run', () => fs.existsSync(place.store.live().dir) && recordedIn(place.store).length === 1);
  await until('the first load to be gone', () => !daemonsOf(pid).some(({ name }) => name === 'load generator'));
  await underWay(pid, /load generator/);
  const processes = descendantsOf(pid);
  expect(processes.map(({ name }) => name)).toEqual(expect.arrayContaining(['envoy', expect.stringMatching(/^load-gen/)]));
  expect(daemonsOf(pid).map(({ name }) => name).sort()).toEqual(['echo', 'envoy-tcp', 'load generator']);
  expect(draftsIn(place.store)).not.toEqual([]);
  return processes;
}

async function goesOn(): Promise<void> {
  const { measured, recorded, failed } = await carryOut(smallPlan('http', 'tcp'), { store: place.store });
  expect([recorded.map(({ policy }) => policy.id), measured.map(({ policy }) => policy.id), failed]).toEqual([['http'], ['tcp'], []]);
  expect(recordedIn(place.store)).toEqual(['http/cpu-time', 'tcp/cpu-time']);
  expect(draftsIn(place.store)).toEqual([]);
  expect(fs.existsSync(place.lock)).toBe(false);
}

describe('Ctrl-C in the middle of a run', () => {
  it('ends everything at once, leaves nothing half-written, and the next start goes on', async () => {
    const child = campaign('http', 'tcp');
    const processes = await inSecondRun(child);
    process.kill(child.pid, 'SIGINT');
    expect((await child.ended).code).toBe(130);
    await until('its programs to end', () => stillAlive(processes).length === 0, 5);
    expect(draftsIn(place.store)).toEqual([]);
    expect(runFoldersOf(child.pid)).toEqual([]);
    expect(daemonsOf(child.pid)).toEqual([]);
    expect(fs.existsSync(place.lock)).toBe(false);
    await goesOn();
  });

  it('stops the campaign too where the process lives on, as a notebook kernel does: no further run is tried', async () => {
    const child = campaign('--lives-on', 'http', 'tcp', 'http', 'tcp');
    const processes = await inSecondRun(child);
    process.kill(child.pid, 'SIGINT');
    const { code, said } = await child.ended;
    expect([code, JSON.parse(said)]).toEqual([0, {
      said: 'measuring was interrupted; 1 run kept, the next start goes on from there', recorded: ['http/cpu-time'],
    }]);
    expect(stillAlive(processes)).toEqual([]);
    await goesOn();
  });
});

describe('kill -9 of the workbench', () => {
  it('takes its programs with it; the next start removes what it left and goes on', async () => {
    const child = campaign('http', 'tcp');
    const processes = await inSecondRun(child);
    process.kill(child.pid, 'SIGKILL');
    expect((await child.ended).signal).toBe('SIGKILL');
    await until('its programs to end', () => stillAlive(processes).length === 0, 5);
    expect(recordedIn(place.store), 'what is half-written does not read as data').toEqual(['http/cpu-time']);
    expect(draftsIn(place.store)).not.toEqual([]);
    expect(fs.existsSync(place.lock)).toBe(true);
    await goesOn();
    expect(runFoldersOf(child.pid)).toEqual([]);
    expect(daemonsOf(child.pid)).toEqual([]);
  });
});

describe('two campaigns at once', () => {
  it('the second says who measures since when, and changes nothing', async () => {
    const child = campaign('http');
    const lock = await until('the first to measure', () => fs.existsSync(place.lock) && fs.readFileSync(place.lock, 'utf8'));
    const { since } = JSON.parse(lock) as { since: string };
    const second = newPlace(path.join(place.folder, 'second'));
    process.env.WORKBENCH_LOCK = place.lock;
    await expect(carryOut(smallPlan('tcp'), { store: second.store }))
      .rejects.toThrow(`process ${child.pid} has been measuring on this machine since ${since}, and two would measure each other; wait for it, or end it with: kill ${child.pid}`);
    expect(fs.existsSync(second.folder)).toBe(false);
    expect([daemonsOf(process.pid), runFoldersOf(process.pid)]).toEqual([[], []]);
    expect(fs.readFileSync(place.lock, 'utf8')).toBe(lock);
    const { code, said } = await child.ended;
    expect([code, JSON.parse(said)]).toEqual([0, { said: 'all measured', recorded: ['http/cpu-time'] }]);
  });
});
