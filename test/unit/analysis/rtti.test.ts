import { describe, expect, it } from 'vitest';
import { readElf } from '../../../lib/analysis/elf.js';
import { qualifiedName, readClasses } from '../../../lib/analysis/rtti.js';
import { rela, tinyElf, withFile, words } from './tiny-elf.js';

const CODE = 0x1400;
const NAMES = 0x1500;
const DATA = 0x1600;
const RELA = 0x1900;
const names = ['N10__cxxabiv117__class_type_infoE', 'N10__cxxabiv120__si_class_type_infoE', 'N10__cxxabiv121__vmi_class_type_infoE', 'N3Net4BaseE', 'N3Net7DerivedE', 'N3Net6DoubleE'];
const nameAddress = (i: number) => NAMES + names.slice(0, i).reduce((sum, name) => sum + name.length + 1, 0);

/**
 * A program image: `data` is a list of 8-byte words, `{to: address}` where the loader writes a pointer.
 * The first 24 words are what a static C++ library brings: the three classes of classes with a table each.
 */
type Word = number | { to: number };
const typeInfo = (i: number): Word => ({ to: DATA + 8 * (4 * i) });
const metaTable = (i: number): Word => ({ to: DATA + 8 * (12 + 4 * i + 2) });
const library: Word[] = [
  ...[0, 1, 2].flatMap((i): Word[] => [metaTable(1), { to: nameAddress(i) }, i === 0 ? 0 : typeInfo(0), 0]),
  ...[0, 1, 2].flatMap((i): Word[] => [0, typeInfo(i), { to: CODE + 0x80 }, 0]),
];

function classesOf(program: Word[], references: number[] = []) {
  const all = [...library, ...program];
  const relocations = all.flatMap((word, i) => (typeof word === 'number' ? [] : [rela(DATA + 8 * i, 8, 0, word.to)]));
  const file = tinyElf([
    { name: '.text', flags: 6, address: CODE, data: Buffer.alloc(0x90) },
    { name: '.rodata', address: NAMES, data: Buffer.from(names.map((name) => `${name}\0`).join(''), 'latin1') },
    { name: '.data.rel.ro', flags: 3, address: DATA, data: words(...all.map((word) => (typeof word === 'number' ? word : 0))) },
    { name: '.rela.dyn', type: 4, address: RELA, data: Buffer.concat(relocations) },
  ]);
  const hierarchy = withFile(file, (path) => readClasses(readElf(path), (address) => address >= CODE && address % 16 === 0, Float64Array.from(references)));
  const nameOf = (i: number) => qualifiedName(hierarchy.classes[i]);
  return {
    tables: hierarchy.tables.map((table) => ({ ...table, class: nameOf(table.class) })).filter((table) => !table.class.startsWith('__cxxabiv1')),
    bases: Object.fromEntries(hierarchy.classes.map((_, i) => [nameOf(i), hierarchy.bases[i].map((base) => ({ ...base, class: nameOf(base.class) }))])),
  };
}

const at = (word: number) => DATA + 8 * (library.length + word);
const baseInfo: Word[] = [metaTable(0), { to: nameAddress(3) }];
const f = (i: number): Word => ({ to: CODE + 16 * i });

describe('readClasses', () => {
  it('finds the virtual table of a class through its type information', () => {
    const { tables } = classesOf([...baseInfo, 0, { to: at(0) }, f(1), f(2), 0]);
    expect(tables).toEqual([{ class: 'Net::Base', offsetToTop: 0, slots: [CODE + 16, CODE + 32] }]);
  });

  it('knows the base of a class and keeps the table of a further base apart', () => {
    const doubleInfo: Word[] = [metaTable(2), { to: nameAddress(5) }, 2 * 2 ** 32, { to: at(0) }, 2, { to: at(2) }, 8 * 256 + 2];
    const derivedInfo: Word[] = [metaTable(1), { to: nameAddress(4) }, { to: at(0) }];
    const { bases, tables } = classesOf([...baseInfo, ...derivedInfo, ...doubleInfo.map((w, i) => (i === 5 ? { to: at(2) } : w)), 0, { to: at(5) }, f(1), -8, { to: at(5) }, f(2), 0]);
    expect(bases['Net::Derived']).toEqual([{ class: 'Net::Base', offset: 0 }]);
    expect(bases['Net::Double']).toEqual([{ class: 'Net::Base', offset: 0 }, { class: 'Net::Derived', offset: 8 }]);
    expect(tables).toEqual([
      { class: 'Net::Double', offsetToTop: 0, slots: [CODE + 16] },
      { class: 'Net::Double', offsetToTop: -8, slots: [CODE + 32] },
    ]);
  });

  it('marks a virtual base, whose place in the object is not fixed', () => {
    const info: Word[] = [metaTable(2), { to: nameAddress(5) }, 2 ** 32, { to: at(0) }, -24 * 256 + 3];
    expect(classesOf([...baseInfo, ...info]).bases['Net::Double']).toEqual([{ class: 'Net::Base', offset: null }]);
  });

  it('ends a virtual table where a table of functions that code refers to follows at once', () => {
    const program: Word[] = [...baseInfo, 0, { to: at(0) }, f(1), f(2), f(3), f(4)];
    expect(classesOf(program).tables[0].slots).toHaveLength(4);
    expect(classesOf(program, [at(6)]).tables[0].slots).toEqual([CODE + 16, CODE + 32]);
  });

  it('takes a pair of a pointer and a class name that is no type information for nothing', () => {
    expect(classesOf([{ to: CODE + 8 }, { to: nameAddress(3) }, 0, { to: at(0) }, f(1)]).tables).toEqual([]);
  });
});

describe('qualifiedName', () => {
  it.each([
    ['N5Envoy4Http21ConnectionManagerImplE', 'Envoy::Http::ConnectionManagerImpl'],
    ['N5Envoy12_GLOBAL__N_13FooE', 'Envoy::(anonymous namespace)::Foo'],
    ['St9exception', 'std::exception'],
    ['5Plain', 'Plain'],
  ])('%s is %s', (mangled, name) => expect(qualifiedName(mangled)).toBe(name));

  it('leaves templates, local classes and cut names as they are', () => {
    for (const mangled of ['N3Net3BoxIiEE', 'ZN3Net3runEvE1A', 'N3Net9ShortE']) expect(qualifiedName(mangled)).toBe(mangled);
  });
});
