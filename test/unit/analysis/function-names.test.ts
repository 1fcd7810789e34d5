import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { logNameOf, logNamesIn, nameFunctions, nameOf, readableSymbol } from '../../../lib/analysis/function-names.js';
import { functionTable, type LiteralFunction } from './function-table.js';

const namesOf = (...functions: LiteralFunction[]) => functions.map((_, i) => logNameOf(functionTable(functions), i)?.function ?? null);

describe('the name that log statements give', () => {
  it('is the one all statements agree on', () => {
    expect(namesOf({ logs: ['a.cc:3 read', 'a.cc:9 read'] })).toEqual(['read']);
  });

  it('is not that of a callee which also stands alone and was inlined here', () => {
    expect(namesOf({ logs: ['a.cc:3 read', 'a.cc:9 close', 'a.cc:10 close', 'a.cc:11 close'] }, { logs: ['a.cc:9 close', 'a.cc:10 close', 'a.cc:11 close'] })).toEqual(['read', 'close']);
  });

  it('is the majority where several functions were put into one', () => {
    expect(namesOf({ logs: ['a.cc:3 read', 'a.cc:4 read', 'a.cc:9 close'] })).toEqual(['read']);
    expect(namesOf({ logs: ['a.cc:3 read', 'a.cc:9 close'] })).toEqual([null]);
  });

  it('is none when two functions contain the same statement alone: one of them inlined it, and which cannot be told', () => {
    expect(namesOf({ logs: ['a.cc:3 ~A'] }, { logs: ['a.cc:3 ~A'] })).toEqual([null, null]);
  });

  it('may be borne by two functions when the statements differ, as overloads do', () => {
    expect(namesOf({ logs: ['a.cc:3 read'] }, { logs: ['a.cc:30 read'] })).toEqual(['read', 'read']);
  });

  it('does not come from headers or lambdas, whose code ends up in others', () => {
    expect(namesOf({ logs: ['a.h:3 helper'] }, { logs: ['a.cc:8 operator()'] })).toEqual([null, null]);
  });
});

describe('nameOf', () => {
  it('prefers a symbol to a log statement to a virtual table', () => {
    const sources: LiteralFunction[] = [
      { symbols: ['_ZN1A4readEv'], logs: ['a.cc:3 read'], virtual: ['1A', 2] },
      { logs: ['a.cc:3 write'], virtual: ['1A', 3] },
      { virtual: ['N3Net1AE', 4] },
      {},
    ];
    const table = functionTable(sources);
    expect(sources.map((_, i) => nameOf(table, i))).toEqual([
      { text: 'A::read', source: 'symbol' }, { text: 'write (a.cc)', source: 'log' }, { text: 'Net::A virtual 4', source: 'rtti' }, null,
    ]);
  });
});

it('logNamesIn also lists what was inlined and lambdas, most statements first', () => {
  const table = functionTable([{ logs: ['a.cc:3 read', 'a.cc:9 operator()', 'a.cc:10 operator()'] }]);
  expect(logNamesIn(table, 0)).toEqual([{ file: 'a.cc', function: 'operator()', statements: 2 }, { file: 'a.cc', function: 'read', statements: 1 }]);
});

it.each([
  ['_ZN5Envoy4Http1A4readERKi', 'Envoy::Http::A::read'],
  ['_ZNK5Envoy1A4sizeEv', 'Envoy::A::size'],
  ['envoy_dynamic_module_callback_log', 'envoy_dynamic_module_callback_log'],
  ['_ZN1AC2Ev', '_ZN1AC2Ev'],
])('the symbol %s reads %s', (symbol, name) => expect(readableSymbol(symbol)).toBe(name));

describe('nameFunctions', () => {
  let folder: string;
  beforeEach(() => (folder = fs.mkdtempSync(path.join(os.tmpdir(), 'function-names-'))));
  afterEach(() => fs.rmSync(folder, { recursive: true }));

  it('gives the same from the cache as from the program', async () => {
    const first = await nameFunctions('/bin/ls', { cacheDir: folder });
    const cache = path.join(folder, fs.readdirSync(folder)[0]);
    const { mtimeMs } = fs.statSync(cache);
    expect(await nameFunctions('/bin/ls', { cacheDir: folder })).toEqual(first);
    expect(fs.statSync(cache).mtimeMs).toBe(mtimeMs);
    expect(first.starts.length).toBeGreaterThan(100);
  });

  it('reads the program again when the cache is cut short', async () => {
    const first = await nameFunctions('/bin/ls', { cacheDir: folder });
    const cache = path.join(folder, fs.readdirSync(folder)[0]);
    fs.truncateSync(cache, 100);
    expect(await nameFunctions('/bin/ls', { cacheDir: folder })).toEqual(first);
    expect(fs.statSync(cache).size).toBeGreaterThan(100);
  });

  it('names the file and the offset of what is no program', async () => {
    const script = path.join(folder, 'envoy');
    fs.writeFileSync(script, '#!/bin/sh\nexec envoy "$@"\n'.repeat(5));
    await expect(nameFunctions(script)).rejects.toThrow(`${script}: no ELF file (offset 0`);
  });

  it('refuses every program that was cut short on the way', async () => {
    const whole = fs.readFileSync('/bin/ls');
    const cut = path.join(folder, 'ls');
    for (const share of [0.1, 0.5, 0.9, 0.999]) {
      fs.writeFileSync(cut, whole.subarray(0, Math.floor(whole.length * share)));
      await expect(nameFunctions(cut, { cacheDir: folder }), `${share}`).rejects.toThrow(/ls: ends too early.*offset \d+/);
    }
  });
});
