/**
 * Names for the functions of a program, stripped or not, each with where the name comes from:
 *
 * - `symbol`: the program's own symbol table, full or dynamic. Certain.
 * - `log`: log statements in the function say file and function (`log-sites.ts`); `logNameOf` says how far that goes.
 * - `rtti`: the function stands in the virtual table of a class (`rtti.ts`). It tells class and slot, not the method.
 */
import * as fs from 'node:fs';
import * as nodePath from 'node:path';
import { workbenchPath } from '../host/paths.js';
import { addressOfOffset, codeSegments, readBuildId, readElf, readSymbols, type Elf, type Segment } from './elf.js';
import { readFunctionBounds, type FunctionBounds } from './function-bounds.js';
import { scanCode } from './log-sites.js';
import { qualifiedName, readClasses, type ClassHierarchy } from './rtti.js';
import { decodeColumns, encodeColumns } from './column-file.js';

/** All columns named `...Function` hold indices into `starts`; those of strings, indices into `strings`. */
export interface FunctionTable {
  path: string;
  buildId: string | null;
  segments: Segment[];
  /** Addresses as in the file, sorted; function `i` is [starts[i], ends[i]). */
  starts: Float64Array;
  ends: Float64Array;
  strings: string[];
  /** Each symbol of a function; several where identical functions were folded into one. */
  symbolFunction: Uint32Array;
  symbolName: Uint32Array;
  /** Each log statement. */
  siteFunction: Uint32Array;
  siteFile: Uint32Array;
  siteName: Uint32Array;
  siteLine: Uint32Array;
  /** Each place in a virtual table; functions in more than 12 classes' tables (folded ones) are left out. */
  virtualFunction: Uint32Array;
  virtualClass: Uint32Array;
  virtualSlot: Uint32Array;
  /** 1 when the place is in the class's primary table. */
  virtualPrimary: Uint32Array;
}

export type NameSource = 'symbol' | 'log' | 'rtti';

export interface FunctionName {
  text: string;
  source: NameSource;
}

export interface LogName {
  file: string;
  function: string;
}

export interface VirtualPlace {
  /**
   * Mangled name of the class in whose table the function stands; of several, the one that the others derive from.
   * Where a base has no table of its own in the program, its method is seen in the table of the class that inherits it.
   */
  class: string;
  slot: number;
  primary: boolean;
}

/** In more classes' tables than this, a function is folded or a base's that all inherit: it says nothing about one class. */
const MAX_CLASSES = 12;
/** Raised whenever the tables below would come out differently: older caches are then not read. */
const FORMAT = 2;

/**
 * Names a program's functions; the result is kept per build id, so that only the first call reads the code.
 * @param options.cacheDir where to keep it; `.workbench/cache/functions/` by default.
 * @throws Error naming file and offset when it is no x86-64 ELF program, or is cut short.
 */
export async function nameFunctions(path: string, options: { cacheDir?: string } = {}): Promise<FunctionTable> {
  const buildId = readBuildId(path);
  if (buildId === null) return readTable(path, null); // nothing to tell two builds apart by
  const key = `${buildId}-${fs.statSync(path).size}-${FORMAT}`; // a stripped copy keeps its build id: the size tells them apart
  const cacheFile = nodePath.join(options.cacheDir ?? workbenchPath('cache', 'functions'), `${key}.columns`);
  const cached = readCache(cacheFile);
  if (cached) return { ...cached, path };
  const table = readTable(path, buildId);
  writeCache(cacheFile, table);
  return table;
}

function readTable(path: string, buildId: string | null): FunctionTable {
  try {
    return buildTable(readElf(path), buildId);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new Error(`${path}: a table of this program points outside the file (${error.message}); copy or download it again`);
  }
}

/** Index of the function that holds an address, or -1. */
export function functionAt(bounds: FunctionBounds, address: number): number {
  let low = 0;
  let high = bounds.starts.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (bounds.starts[middle] <= address) low = middle + 1;
    else high = middle;
  }
  return low > 0 && address < bounds.ends[low - 1] ? low - 1 : -1;
}

/** Address of a file offset (what perf prints for a function it cannot name), or -1 outside the loaded bytes. */
export function virtualAddressOfFileOffset(table: FunctionTable, offset: number): number {
  return addressOfOffset(table.segments, offset);
}

/** The best name of a function: symbol, else log statement, else virtual table; null when nothing tells. */
export function nameOf(table: FunctionTable, index: number): FunctionName | null {
  const symbol = symbolsOf(table, index)[0];
  if (symbol !== undefined) return { text: readableSymbol(symbol), source: 'symbol' };
  const log = logNameOf(table, index);
  if (log) return { text: `${log.function} (${log.file})`, source: 'log' };
  const place = virtualPlaceOf(table, index);
  return place ? { text: `${qualifiedName(place.class)} virtual ${place.slot}`, source: 'rtti' } : null;
}

/** Mangled symbols of a function. */
export function symbolsOf(table: FunctionTable, index: number): string[] {
  return rowsOf(table.symbolFunction, index).map((row) => table.strings[table.symbolName[row]]);
}

/** The place in a virtual table that tells whose method a function is; null when it is in none or folded. */
export function virtualPlaceOf(table: FunctionTable, index: number): VirtualPlace | null {
  const rows = rowsOf(table.virtualFunction, index);
  if (rows.length === 0) return null;
  return { class: table.strings[table.virtualClass[rows[0]]], slot: table.virtualSlot[rows[0]], primary: table.virtualPrimary[rows[0]] === 1 };
}

/**
 * The name that the log statements of a function agree on, or null. Statements of headers (inlined or template code) and
 * of lambdas (whose code ends up in whatever holds them) do not count. A statement that several functions contain is
 * inlined in all but one: it counts for the one function that has no other name, for none when there are two of them.
 * Of several names left in a function, the majority decides.
 *
 * What no binary can tell: a callee that is inlined into one caller, which has no statement of its own, looks exactly as
 * if the caller bore its name. So the name says whose code this is; it is the function's own unless that happened.
 */
export function logNameOf(table: FunctionTable, index: number): LogName | null {
  const candidates = statementsOf(table).own.get(index) ?? [];
  const total = candidates.reduce((sum, name) => sum + name.statements, 0);
  const best = candidates.find((name) => name.statements * 2 > total);
  return best ? { file: best.file, function: best.function } : null;
}

/** Every file and function whose log statements a function contains, its own and inlined ones, most statements first. */
export function logNamesIn(table: FunctionTable, index: number): CountedName[] {
  return statementsOf(table).all.get(index) ?? [];
}

interface CountedName extends LogName {
  statements: number;
}

interface Statements {
  all: Map<number, CountedName[]>;
  /** Only of statements that are no inlined copies, as far as can be told. */
  own: Map<number, CountedName[]>;
}

const statementsOfTable = new WeakMap<FunctionTable, Statements>();

function statementsOf(table: FunctionTable): Statements {
  const known = statementsOfTable.get(table);
  if (known) return known;
  const rows = [...table.siteFunction.keys()].filter((row) => !/\.(?:h|hh|hpp|inc|ipp)$/.test(table.strings[table.siteFile[row]]));
  const named = rows.filter((row) => table.strings[table.siteName[row]] !== 'operator()');
  const names = countNames(table, named);
  const hasOneName = (index: number) => names.get(index)?.length === 1;
  const statement = (row: number) => `${table.siteFile[row]} ${table.siteLine[row]} ${table.siteName[row]}`;
  const holders = new Map<string, Set<number>>();
  for (const row of named) {
    const set = holders.get(statement(row)) ?? new Set();
    holders.set(statement(row), set.add(table.siteFunction[row]));
  }
  const isOwn = (row: number) => {
    const all = [...holders.get(statement(row))!];
    const alone = all.filter(hasOneName);
    return alone.length === 0 ? all.length === 1 : alone.length === 1 && alone[0] === table.siteFunction[row];
  };
  const statements = { all: countNames(table, rows), own: countNames(table, named.filter(isOwn)) };
  statementsOfTable.set(table, statements);
  return statements;
}

function countNames(table: FunctionTable, rows: number[]): Map<number, CountedName[]> {
  const names = new Map<number, CountedName[]>();
  for (const row of rows) {
    const [file, name] = [table.strings[table.siteFile[row]], table.strings[table.siteName[row]]];
    const list = names.get(table.siteFunction[row]) ?? [];
    if (list.length === 0) names.set(table.siteFunction[row], list);
    const known = list.find((entry) => entry.file === file && entry.function === name);
    if (known) known.statements++;
    else list.push({ file, function: name, statements: 1 });
  }
  for (const list of names.values()) list.sort((a, b) => b.statements - a.statements);
  return names;
}

/** Rows of a sorted column that hold `value`. */
function rowsOf(column: Uint32Array, value: number): number[] {
  let low = 0;
  let high = column.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (column[middle] < value) low = middle + 1;
    else high = middle;
  }
  const rows: number[] = [];
  for (let row = low; column[row] === value; row++) rows.push(row);
  return rows;
}

/** `_ZN5Envoy4Http1AE...` → `Envoy::Http::A`; other symbols stay as they are. */
export function readableSymbol(symbol: string): string {
  const nested = /^_ZNK?([1-9].*)$/.exec(symbol);
  if (!nested) return symbol;
  const parts: string[] = [];
  for (let rest = nested[1]; ; ) {
    const digits = /^[1-9]\d*/.exec(rest)?.[0];
    if (!digits) return rest.startsWith('E') ? parts.join('::') : symbol;
    parts.push(qualifiedName(digits + rest.slice(digits.length, digits.length + Number(digits))));
    rest = rest.slice(digits.length + Number(digits));
  }
}

function buildTable(elf: Elf, buildId: string | null): FunctionTable {
  const bounds = readFunctionBounds(elf);
  const strings = new StringPool();
  const scan = scanCode(elf);
  const starts = new Set(bounds.starts);
  const classes = readClasses(elf, (address) => starts.has(address), scan.dataReferences);
  return {
    path: elf.path,
    buildId,
    segments: elf.segments,
    ...bounds,
    ...symbolColumns(elf, bounds, strings),
    ...siteColumns(scan.sites, bounds, strings),
    ...virtualColumns(classes, bounds, strings),
    strings: strings.all,
  };
}

function symbolColumns(elf: Elf, bounds: FunctionBounds, strings: StringPool) {
  const code = codeSegments(elf.segments);
  const seen = new Set<string>();
  const rows: number[][] = [];
  for (const { name, address, isFunction, isDefined } of readSymbols(elf)) {
    if (!isFunction || !isDefined || !code.some((s) => address >= s.address && address < s.address + s.fileSize)) continue;
    const index = functionAt(bounds, address);
    const key = `${index} ${name}`;
    if (index < 0 || bounds.starts[index] !== address || seen.has(key)) continue;
    seen.add(key);
    rows.push([index, strings.add(name)]);
  }
  const [symbolFunction, symbolName] = columns(rows, 2);
  return { symbolFunction, symbolName };
}

function siteColumns(sites: { address: number; file: string; function: string; line: number }[], bounds: FunctionBounds, strings: StringPool) {
  const rows: number[][] = [];
  for (const site of sites) {
    const index = functionAt(bounds, site.address);
    if (index >= 0) rows.push([index, strings.add(site.file.replace(/^\.\//, '')), strings.add(site.function), site.line]);
  }
  const [siteFunction, siteFile, siteName, siteLine] = columns(rows, 4);
  return { siteFunction, siteFile, siteName, siteLine };
}

/** One row per function whose classes agree on whose method it is. */
function virtualColumns(hierarchy: ClassHierarchy, bounds: FunctionBounds, strings: StringPool) {
  const places = new Map<number, { class: number; slot: number; primary: boolean }[]>();
  for (const table of hierarchy.tables) {
    table.slots.forEach((address, slot) => {
      if (Number.isNaN(address)) return;
      const list = places.get(address) ?? [];
      if (list.length === 0) places.set(address, list);
      list.push({ class: table.class, slot, primary: table.offsetToTop === 0 });
    });
  }
  const isBase = ancestry(hierarchy);
  const rows: number[][] = [];
  for (const [address, list] of places) {
    const classes = [...new Set(list.map((place) => place.class))];
    if (classes.length > MAX_CLASSES) continue;
    const owner = classes.find((candidate) => classes.every((other) => other === candidate || isBase(candidate, other)));
    const place = list.find((entry) => entry.class === owner);
    if (place) rows.push([functionAt(bounds, address), strings.add(hierarchy.classes[place.class]), place.slot, place.primary ? 1 : 0]);
  }
  const [virtualFunction, virtualClass, virtualSlot, virtualPrimary] = columns(rows, 4);
  return { virtualFunction, virtualClass, virtualSlot, virtualPrimary };
}

/** Tells whether one class is a direct or indirect base of another. */
function ancestry(hierarchy: ClassHierarchy): (base: number, derived: number) => boolean {
  const ancestors = new Map<number, Set<number>>();
  const of = (index: number): Set<number> => {
    const known = ancestors.get(index);
    if (known) return known;
    const all = new Set<number>();
    ancestors.set(index, all);
    for (const { class: base } of hierarchy.bases[index]) {
      all.add(base);
      of(base).forEach((ancestor) => all.add(ancestor));
    }
    return all;
  };
  return (base, derived) => of(derived).has(base);
}

/** Rows sorted by their first number, turned into columns. */
function columns(rows: number[][], width: number): Uint32Array[] {
  rows.sort((a, b) => a[0] - b[0]);
  return Array.from({ length: width }, (_, column) => Uint32Array.from(rows, (row) => row[column]));
}

class StringPool {
  readonly all: string[] = [];
  private readonly indices = new Map<string, number>();

  add(text: string): number {
    const known = this.indices.get(text);
    if (known !== undefined) return known;
    this.indices.set(text, this.all.length);
    return this.all.push(text) - 1;
  }
}

/** A cache that cannot be read (another version, cut short by a full disk) is as good as none. */
function readCache(file: string): FunctionTable | null {
  if (!fs.existsSync(file)) return null;
  try {
    return decodeColumns(fs.readFileSync(file)) as unknown as FunctionTable;
  } catch {
    return null;
  }
}

/** Written under another name first, so that a second workbench never reads half a file. */
function writeCache(file: string, table: FunctionTable): void {
  fs.mkdirSync(nodePath.dirname(file), { recursive: true });
  const temporary = `${file}.${process.pid}`;
  fs.writeFileSync(temporary, encodeColumns({ ...table, path: '' }));
  fs.renameSync(temporary, file);
}
