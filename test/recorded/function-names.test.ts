/**
 * Recovered names against the truth: a program whose symbols we still have, and Envoy, whose exported symbols and whose
 * two kinds of traces (log statements, type information) can be held against each other.
 */
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resolveAnchors } from '../../lib/analysis/anchors.js';
import { readElf, readSymbols } from '../../lib/analysis/elf.js';
import { functionAt, logNameOf, nameFunctions, nameOf, virtualPlaceOf, type FunctionTable } from '../../lib/analysis/function-names.js';
import { scanCode } from '../../lib/analysis/log-sites.js';
import { exportedNames, exportedStarts, filesAndClasses, overridingMethods } from '../../lib/analysis/name-agreement.js';
import { qualifiedName } from '../../lib/analysis/rtti.js';
import { envoyReleases, findEnvoy, installEnvoyRelease } from '../../lib/deploy/envoy-binary.js';
import { run } from '../../lib/host/process.js';
import { writeLogProgram } from './log-program.js';

let folder: string;
beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'function-names-'));
});
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

const hasCompiler = ['/usr/bin/clang++', '/usr/bin/ld.lld', '/usr/include/spdlog/spdlog.h'].every((file) => fs.existsSync(file));

// Without clang, lld and libspdlog-dev (Debian) there is no program to compare with.
describe.skipIf(!hasCompiler)('of a C++ program, linked with identical code folded and then stripped', () => {
  let whole: string;
  let table: FunctionTable;
  /** Unqualified and qualified names of the functions at an address, from its symbols. */
  let truth: Map<number, string[]>;

  beforeAll(async () => {
    whole = await buildLogProgram(path.join(folder, 'sources'));
    const stripped = path.join(folder, 'stripped');
    await run(['strip', '-o', stripped, whole]);
    table = await nameFunctions(stripped, { cacheDir: folder });
    truth = await demangledSymbols(whole);
  }, 280_000);

  it('all functions are seen, where they begin and end', async () => {
    const sized = readSymbols(readElf(whole)).filter((s) => s.isFunction && s.isDefined && s.size > 0);
    const bounds = sized.map((s) => [s.name, s.address, s.address + s.size]);
    const seen = sized.map((s) => {
      const index = functionAt(table, s.address);
      return [s.name, table.starts[index], table.ends[index]];
    });
    expect(new Set(sized.map((s) => s.address)).size).toBeGreaterThan(500);
    expect(seen).toEqual(bounds);
  });

  it('a log statement names the function, or one that the debug information says was inlined there', async () => {
    const inlined = await inlineStacks(whole, scanCode(readElf(whole)).sites.map((site) => site.address));
    const counts = { own: 0, inlined: 0, wrong: [] as string[] };
    for (const index of new Set(table.siteFunction)) {
      const name = logNameOf(table, index);
      if (!name) continue;
      const symbols = truth.get(table.starts[index]) ?? [];
      const here = [...inlined].filter(([address]) => functionAt(table, address) === index).flatMap(([, stack]) => stack);
      if (symbols.some((symbol) => unqualified(symbol) === name.function)) counts.own++;
      else if (here.some((frame) => unqualified(frame) === name.function)) counts.inlined++;
      else counts.wrong.push(`${name.function} is ${symbols.join(' or ')}`);
    }
    const logging = new Set(table.siteFunction).size;
    console.info(`${logging} of ${table.starts.length} functions log: ${counts.own} named by their own name, ${counts.inlined} by that of the only logging callee inlined in them, ${logging - counts.own - counts.inlined} left unnamed`);
    expect(counts.wrong).toEqual([]);
    expect(counts.own).toBeGreaterThan(100);
  });

  it('type information names the class of the method', () => {
    const places = [...new Set(table.virtualFunction)].map((index) => ({ place: virtualPlaceOf(table, index)!, symbols: truth.get(table.starts[index]) ?? [] }));
    const wrong = places.filter(({ place, symbols }) => !symbols.some((symbol) => symbol.includes(`${qualifiedName(place.class).split('::').pop()}::`)));
    const virtual = [...truth.values()].filter((symbols) => symbols.some((symbol) => /(?:Worker|Special|Local)\d+::(?:handle|measure|onEvent|drive|same|fold|~)/.test(symbol))).length;
    console.info(`${places.length} functions named by class; ${virtual} virtual methods were written`);
    expect(wrong).toEqual([]);
    expect(places.length).toBeGreaterThan(200);
  });

  it('symbols, where they were not stripped, name every function', async () => {
    const named = await nameFunctions(whole, { cacheDir: folder }); // same build id as the stripped copy: must not get its cache
    const sources = [...named.starts.keys()].map((index) => nameOf(named, index)?.source);
    expect(new Set(sources)).toEqual(new Set(['symbol']));
  });
});

describe.each(['pinned', ...envoyReleases().map((release) => release.version)])('of Envoy (%s)', (release) => {
  let binary: string;
  let table: FunctionTable;

  beforeAll(async () => {
    binary = (release === 'pinned' ? await findEnvoy() : await installEnvoyRelease(release)).path;
    table = await nameFunctions(binary, { cacheDir: folder });
  });

  it('exported functions that also log bear the same name', () => {
    const { compared, disagreeing } = exportedNames(table);
    console.info(`${compared} of ${new Set(table.symbolFunction).size} exported functions also have a name from log statements`);
    expect(disagreeing).toEqual([]);
  });

  it('exported functions begin where the frame table says', () => {
    const { compared, disagreeing } = exportedStarts(binary, table);
    expect(disagreeing).toEqual([]);
    expect(compared).toBeGreaterThan(100);
  });

  it("the file of a method's log statements and the class whose table it stands in speak of the same thing", () => {
    const { compared, disagreeing, byChance } = filesAndClasses(table);
    console.info(`${compared} methods have both; ${compared - disagreeing.length} agree (${byChance} would if classes were dealt at random)`);
    expect(disagreeing).toEqual([]);
    expect(compared).toBeGreaterThan(500);
    expect(byChance).toBeLessThan(compared / 2);
  });

  it('methods that override one another bear the same name', () => {
    const { compared, disagreeing } = overridingMethods(binary, table);
    console.info(`${compared} virtual methods have two or more logging implementations`);
    expect(disagreeing).toEqual([]);
    expect(compared).toBeGreaterThan(30);
  });

  it('every component has its anchors, and what is not found says what that means', () => {
    const { anchors, outcomes } = resolveAnchors(table);
    const lost = outcomes.filter((outcome) => outcome.status !== 'found');
    console.info(`${outcomes.length - lost.length} of ${outcomes.length} wanted anchors found\n${lost.map((outcome) => outcome.consequence).join('\n')}`);
    expect(lost.filter((outcome) => outcome.consequence === '')).toEqual([]);
    expect(lost.map((outcome) => outcome.rule).filter((rule) => !knownLosses.includes(rule))).toEqual([]);
    const components = new Set(anchors.map((anchor) => anchor.component));
    expect(components).toEqual(new Set(['Sidecar Read', 'Packet Processing', 'HTTP Protocol Parse', 'Header En/Decoder', 'Sidecar Filter', 'Event Poll', 'Sidecar Write']));
    expect(new Set(anchors.flatMap((anchor) => anchor.authors ?? []))).toEqual(new Set(['Sidecar Read', 'Packet Processing', 'HTTP Protocol Parse', 'Header En/Decoder', 'Sidecar Filter', 'Sidecar Write']));
    for (const filter of ['local_ratelimit', 'header_to_metadata', 'ip_tagging', 'rbac', 'http_inspector']) {
      expect(anchors.some((anchor) => anchor.region === `filter:${filter}`), filter).toBe(true);
    }
  });
});

/** Wanted anchors that some release does not have: log never logs, the others came or went with releases. */
const knownLosses = ['Http::FilterManager::log', 'TcpProxy::Filter::onNewConnection', 'Router::UpstreamRequest::acceptHeadersFromRouter'];

/** Compiles the generated program as Envoy is: optimised, a section a function, unused ones dropped, identical ones folded. */
async function buildLogProgram(sources: string): Promise<string> {
  const files = writeLogProgram(sources);
  const flags = ['-O2', '-g', '-std=c++17', '-ffunction-sections', '-fdata-sections', '-DSPDLOG_COMPILED_LIB'];
  await Promise.all(files.map((file) => run(['clang++', ...flags, '-c', file, '-o', `${file}.o`], { cwd: sources })));
  const program = path.join(sources, 'program');
  const link = ['-fuse-ld=lld', '-Wl,--icf=all', '-Wl,--gc-sections', '-Wl,--build-id'];
  await run(['clang++', ...link, ...files.map((file) => `${file}.o`), '-lspdlog', '-lfmt', '-o', program], { cwd: sources });
  return program;
}

async function demangledSymbols(program: string): Promise<Map<number, string[]>> {
  const { stdout } = await run(['nm', '-C', '--defined-only', program]);
  const symbols = new Map<number, string[]>();
  for (const [, address, name] of stdout.matchAll(/^([0-9a-f]+) [tTwW] (.*)$/gm)) {
    symbols.set(parseInt(address, 16), [...(symbols.get(parseInt(address, 16)) ?? []), name]);
  }
  return symbols;
}

/** The functions that each address is inside of, inlined ones included. */
async function inlineStacks(program: string, addresses: number[]): Promise<Map<number, string[]>> {
  const { stdout } = await run(['addr2line', '-afiC', '-e', program], { input: addresses.map((address) => `0x${address.toString(16)}\n`).join('') });
  const blocks = stdout.split(/^0x/m).slice(1).map((block) => block.trim().split('\n'));
  return new Map(blocks.map(([address, ...lines]) => [parseInt(address, 16), lines.filter((_, i) => i % 2 === 0)]));
}

/** `mod0::Worker0::handle(int) const` → `handle`. */
function unqualified(symbol: string): string {
  let [depth, start] = [0, 0];
  for (let i = 0; i < symbol.length; i++) {
    if (symbol.startsWith('operator', i) && depth === 0) return symbol.slice(i).replace(/^(operator(?:\(\)|[^(]*)).*/, '$1');
    if (symbol[i] === '<') depth++;
    else if (symbol[i] === '>') depth--;
    else if (symbol.startsWith('(anonymous namespace)', i)) i += '(anonymous namespace)'.length - 1;
    else if (symbol[i] === '(' && depth === 0) return symbol.slice(start, i).replace(/<.*/, '');
    else if (symbol.startsWith('::', i) && depth === 0) start = i + 2;
  }
  return symbol.slice(start);
}
