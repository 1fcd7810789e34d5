import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { withMeasuringLock } from '../../../lib/host/lock.js';
import { startTicks } from '../../../lib/host/process.js';

let folder: string;
let file: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'lock-'));
  file = path.join(folder, 'measuring.lock');
});
afterEach(() => fs.rmSync(folder, { recursive: true }));

function hold(owner: { pid: number; startTicks: number }): void {
  fs.writeFileSync(file, JSON.stringify({ ...owner, since: '2026-11-23T10:00:00.000Z' }));
}

test('a second measurement is told which process measures and since when', async () => {
  hold({ pid: process.ppid, startTicks: startTicks(process.ppid)! });
  await expect(withMeasuringLock(async () => 1, file)).rejects.toThrow(
    `process ${process.ppid} has been measuring on this machine since 2026-11-23T10:00:00.000Z`,
  );
  expect(fs.existsSync(file), 'the owner keeps its lock').toBe(true);
});

test('WORKBENCH_LOCK names another lock than the one of the user', async () => {
  process.env.WORKBENCH_LOCK = file;
  try {
    await withMeasuringLock(async () => expect(fs.existsSync(file)).toBe(true));
  } finally {
    delete process.env.WORKBENCH_LOCK;
  }
});

test('measuring inside a measurement is refused', async () => {
  await withMeasuringLock(async () => {
    await expect(withMeasuringLock(async () => 1, file)).rejects.toThrow('this process is measuring already');
  }, file);
});

test.each([
  ['of a dead process', { pid: 2 ** 22 + 1, startTicks: 1 }],
  ['of a process whose pid was given to another', { pid: process.ppid, startTicks: 1 }],
])('a lock %s is taken over', async (_name, owner) => {
  hold(owner);
  expect(await withMeasuringLock(async () => 'measured', file)).toBe('measured');
  expect(fs.readdirSync(folder)).toEqual([]);
});

test('a lock cut short by a full disk is taken over', async () => {
  fs.writeFileSync(file, '{"pid":');
  expect(await withMeasuringLock(async () => 'measured', file)).toBe('measured');
});

test('of two that find the same dead owner, one measures', async () => {
  hold({ pid: 2 ** 22 + 1, startTicks: 1 });
  let measuring = 0;
  const body = async () => { measuring++; await new Promise((resolve) => setTimeout(resolve, 300)); };
  const outcomes = await Promise.allSettled([withMeasuringLock(body, file), withMeasuringLock(body, file)]);
  expect(measuring).toBe(1);
  expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
});

test('the lock is given back when the measurement fails', async () => {
  await expect(withMeasuringLock(async () => { throw new Error('Envoy died'); }, file)).rejects.toThrow('Envoy died');
  expect(fs.readdirSync(folder)).toEqual([]);
});
