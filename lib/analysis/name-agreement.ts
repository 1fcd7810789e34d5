/**
 * Recovered names held against whatever else a stripped binary says of the same functions: its exported symbols, its
 * frame table, and the two kinds of traces (log statements, type information) against each other.
 */
import { readElf, readSymbols } from './elf.js';
import { functionAt, logNameOf, symbolsOf, virtualPlaceOf, type FunctionTable } from './function-names.js';
import { scanCode } from './log-sites.js';
import { qualifiedName, readClasses } from './rtti.js';

export interface Agreement<Case> {
  /** Cases in which both sources say something. */
  compared: number;
  disagreeing: Case[];
}

/** Exported functions that also log: does the log statement say the name under which it is exported? */
export function exportedNames(table: FunctionTable): Agreement<{ log: string; symbols: string[] }> {
  const pairs = [...new Set(table.symbolFunction)].flatMap((index) => {
    const log = logNameOf(table, index);
    return log ? [{ log: log.function, symbols: symbolsOf(table, index) }] : [];
  });
  // A mangled name holds each of its parts with the part's length before it.
  const same = (log: string, symbol: string) => symbol === log || symbol.includes(`${log.length}${log}`);
  return { compared: pairs.length, disagreeing: pairs.filter(({ log, symbols }) => !symbols.some((symbol) => same(log, symbol))) };
}

/** Exported functions, by symbol: does one begin, by the frame table, where it is exported? */
export function exportedStarts(binary: string, table: FunctionTable): Agreement<string> {
  const exported = readSymbols(readElf(binary)).filter((symbol) => symbol.isFunction && symbol.isDefined && symbol.size > 0);
  const elsewhere = exported.filter(({ address }) => table.starts[functionAt(table, address)] !== address);
  return { compared: exported.length, disagreeing: elsewhere.map(({ name }) => name) };
}

/**
 * Methods that log: does the file of the log statement speak of the class in whose virtual table the method stands?
 * @returns with `byChance`, how many would agree were the classes dealt at random.
 */
export function filesAndClasses(table: FunctionTable): Agreement<{ file: string; class: string }> & { byChance: number } {
  const pairs = [...new Set(table.siteFunction)].flatMap((index) => {
    const [log, place] = [logNameOf(table, index), virtualPlaceOf(table, index)];
    const plain = place && qualifiedName(place.class) !== place.class;
    return log && plain && log.file.startsWith('source/') ? [{ file: log.file, class: qualifiedName(place.class) }] : [];
  });
  return {
    compared: pairs.length,
    disagreeing: pairs.filter((pair) => !shareAWord(pair.file, pair.class)),
    byChance: pairs.filter((pair, i) => shareAWord(pair.file, pairs[(i * 7 + 1) % pairs.length].class)).length,
  };
}

/** Virtual methods with several logging implementations: do all of these bear one name? */
export function overridingMethods(binary: string, table: FunctionTable): Agreement<{ method: string; names: string[] }> {
  const groups = implementations(binary, table);
  return { compared: groups.length, disagreeing: groups.filter(({ names }) => new Set(names).size > 1) };
}

/** Words that stand in most paths and class names and so prove nothing. */
const emptyWords = new Set(['source', 'common', 'extensions', 'envoy', 'impl', 'base', 'filter', 'filters', 'manager', 'factory', 'config']);

function shareAWord(file: string, className: string): boolean {
  const joined = className.toLowerCase();
  const inClass = new Set(wordsOf(className));
  return wordsOf(file).some((word) => inClass.has(word) || (word.length > 3 && joined.includes(word)))
    || joined.includes(file.split('/').slice(-2)[0].replace(/_/g, ''));
}

function wordsOf(text: string): string[] {
  const spaced = text.replace(/\.cc$/, '').replace(/([a-z0-9])([A-Z])/g, '$1 $2').toLowerCase();
  return spaced.split(/[^a-z0-9]+/).filter((word) => word.length > 2 && !emptyWords.has(word));
}

/** The names that log statements give to the implementations of each virtual method: slot of a class that has a table. */
function implementations(binary: string, table: FunctionTable): { method: string; names: string[] }[] {
  const starts = new Set(table.starts);
  const elf = readElf(binary);
  const { classes, bases, tables } = readClasses(elf, (address) => starts.has(address), scanCode(elf).dataReferences);
  const primary = new Map(tables.filter((entry) => entry.offsetToTop === 0).map((entry) => [entry.class, entry.slots]));
  const chain = (index: number): number[] => {
    const base = bases[index].find((candidate) => candidate.offset === 0 && primary.has(candidate.class));
    return base ? [index, ...chain(base.class)] : [index];
  };
  const byMethod = new Map<string, Map<number, string>>();
  for (const [index, slots] of primary) {
    slots.forEach((address, slot) => {
      const name = Number.isNaN(address) ? null : logNameOf(table, functionAt(table, address));
      if (!name) return;
      for (const owner of chain(index).filter((candidate) => primary.get(candidate)!.length > slot)) {
        const method = `${qualifiedName(classes[owner])} slot ${slot}`;
        const functions = byMethod.get(method) ?? new Map<number, string>();
        byMethod.set(method, functions.set(address, name.function.replace(/^~.*/, '~')));
      }
    });
  }
  return [...byMethod].filter(([, functions]) => functions.size > 1).map(([method, functions]) => ({ method, names: [...functions.values()] }));
}
