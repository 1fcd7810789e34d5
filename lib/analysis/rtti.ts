/**
 * What C++ type information says about functions: which class's virtual table they stand in, and at which slot.
 * `strip` cannot remove it, since exceptions and dynamic_cast read it at run time.
 * Layout: Itanium C++ ABI, sections 2.5 (virtual tables) and 2.9.5 (type information).
 */
import { offsetOfAddress, readPointers, readUInt64, textAt, type Elf, type Section } from './elf.js';

export interface VirtualTable {
  /** Index into `classes`. */
  class: number;
  /** 0 for the class's primary table; negative for the table of a further base inside the object. */
  offsetToTop: number;
  /** Function address per slot; NaN where another library's function, or none, stands. */
  slots: number[];
}

export interface Base {
  /** Index into `classes`. */
  class: number;
  /** Bytes into the object; null for a virtual base, whose place differs between derived classes. */
  offset: number | null;
}

export interface ClassHierarchy {
  /** Mangled type names, e.g. `N5Envoy7Network14ConnectionImplE`. */
  classes: string[];
  /** Direct bases of each class. */
  bases: Base[][];
  tables: VirtualTable[];
}

/** Class of a class (`N10__cxxabiv1...`), by what follows its name: nothing, one base, or a list of them. */
const META_CLASSES: Record<string, 'none' | 'one' | 'many'> = {
  '17__class_type_info': 'none',
  '20__si_class_type_info': 'one',
  '21__vmi_class_type_info': 'many',
};
/** More direct bases than this are no type information but other numbers. */
const MAX_BASES = 64;
/** Mangled names of classes: nested, in std, local to a function, or plain. */
const CLASS_NAME = /^(?:N.+E|S[a-z].+|Z.+E.+|\d+[A-Za-z_].*)$/;

/**
 * @param isFunctionStart whether an address is where a function begins; ends a table where other data follows.
 * @param dataReferences addresses that code takes, sorted: a table that follows a virtual table begins at one.
 */
export function readClasses(elf: Elf, isFunctionStart: (address: number) => boolean, dataReferences: Float64Array): ClassHierarchy {
  const data = new PointerImage(elf);
  const types = readTypes(elf, data);
  const classOfType = new Map([...types.keys()].map((address, i) => [address, i]));
  const bases = [...types.values()].map((type) => type.bases.flatMap(({ type: address, offset }): Base[] => {
    const base = classOfType.get(address);
    return base === undefined ? [] : [{ class: base, offset }];
  }));
  const borders = new Set(dataReferences);
  const tables: VirtualTable[] = [];
  data.forEachWord((address, value) => {
    const type = classOfType.get(value);
    if (type === undefined || data.isPointer(address - 8)) return;
    const offsetToTop = data.raw(address - 8);
    if (!(offsetToTop <= 0 && offsetToTop > -1e6)) return;
    const slots = slotsAt(data, address + 8, isFunctionStart, borders);
    if (slots.some((slot) => !Number.isNaN(slot))) tables.push({ class: type, offsetToTop, slots });
  });
  return { classes: [...types.values()].map((type) => type.name), bases, tables };
}

function slotsAt(data: PointerImage, first: number, isFunctionStart: (address: number) => boolean, borders: Set<number>): number[] {
  const slots: number[] = [];
  for (let address = first; address === first || !borders.has(address); address += 8) {
    const value = data.at(address);
    if (data.isExternal(address)) slots.push(NaN);
    else if (data.isPointer(address) && isFunctionStart(value)) slots.push(value);
    else break;
  }
  return slots;
}

interface TypeInfo {
  name: string;
  /** Addresses of the bases' type information, and where in the object they are. */
  bases: { type: number; offset: number | null }[];
}

function readTypes(elf: Elf, data: PointerImage): Map<number, TypeInfo> {
  const names = new NameReader(elf);
  const byMeta = new Map<string, number[]>();
  data.forEachWord((address, value) => {
    if (!data.isPointer(address - 8) || names.at(value) === null) return;
    const meta = data.externalName(address - 8) ?? String(data.at(address - 8));
    const candidates = byMeta.get(meta) ?? [];
    if (candidates.length === 0) byMeta.set(meta, candidates);
    candidates.push(address - 8);
  });
  const types = new Map<number, TypeInfo>();
  for (const [meta, addresses] of byMeta) {
    const kind = META_CLASSES[metaClassName(meta, data, names)];
    if (!kind) continue; // two neighbouring pointers that only look like type information
    for (const address of addresses) {
      types.set(address, { name: names.at(data.at(address + 8))!, bases: basesAt(data, address + 16, kind) });
    }
  }
  return new Map([...types].sort((a, b) => a[0] - b[0]));
}

/**
 * The class that type information is itself an object of: asked for by symbol from a shared C++ library,
 * or, in a static program, an address inside that class's own virtual table, which in turn names it.
 */
function metaClassName(meta: string, data: PointerImage, names: NameReader): string {
  const external = /^_ZTVN10__cxxabiv1(.+)E/.exec(meta);
  if (external) return external[1];
  const typeInfo = data.at(Number(meta) - 8);
  const name = Number.isNaN(typeInfo) ? null : names.at(data.at(typeInfo + 8));
  return name === null ? '' : name.replace(/^N10__cxxabiv1(.+)E$/, '$1');
}

function basesAt(data: PointerImage, address: number, kind: 'none' | 'one' | 'many'): TypeInfo['bases'] {
  if (kind === 'none') return [];
  if (kind === 'one') return [{ type: data.at(address), offset: 0 }];
  const count = Math.min(Math.floor(data.raw(address) / 2 ** 32), MAX_BASES); // flags, then the number of bases
  return Array.from({ length: count }, (_, i) => {
    const flags = data.raw(address + 16 * (i + 1)); // bit 0: virtual; from bit 8: offset
    return { type: data.at(address + 8 + 16 * i), offset: flags % 2 === 0 ? Math.floor(flags / 256) : null };
  });
}

/** Strings that can be the mangled name of a class. */
class NameReader {
  private readonly sections: Section[];
  private readonly known = new Map<number, string | null>();

  constructor(private readonly elf: Elf) {
    this.sections = elf.sections.filter((section) => section.type === 1 && (section.flags & 7) === 2);
  }

  at(address: number): string | null {
    const known = this.known.get(address);
    if (known !== undefined) return known;
    const section = this.sections.find((s) => address >= s.address && address < s.address + s.size);
    const name = section ? this.read(address - section.address + section.offset) : null;
    this.known.set(address, name);
    return name;
  }

  private read(offset: number): string | null {
    const { bytes } = this.elf;
    const first = bytes[offset];
    const plausible = first === 0x2a || first === 0x4e || first === 0x53 || first === 0x5a || (first >= 0x31 && first <= 0x39);
    if (!plausible) return null;
    const text = textAt(bytes, offset).replace(/^\*/, ''); // '*' marks a name local to its file
    return CLASS_NAME.test(text) ? text : null;
  }
}

/** The program's constant data as it stands after loading. */
class PointerImage {
  private readonly parts: { section: Section; words: Float64Array; pointer: Uint8Array }[];
  private readonly external: Map<number, string>;

  constructor(private readonly elf: Elf) {
    const positionIndependent = elf.bytes.readUInt16LE(16) === 3;
    const wanted = elf.sections.filter((s) => s.type === 1 && (s.flags & 6) === 2 && /^\.data\.rel\.ro|^\.rodata/.test(s.name) && s.size >= 8);
    this.parts = wanted.map((section) => {
      const words = new Float64Array(Math.floor(section.size / 8));
      const pointer = new Uint8Array(words.length);
      if (!positionIndependent) markAddresses(elf, section, words, pointer);
      return { section, words, pointer };
    });
    const pointers = readPointers(elf);
    this.external = pointers.external;
    pointers.at.forEach((address, i) => {
      const part = this.partOf(address);
      if (!part || (address - part.section.address) % 8 !== 0) return;
      const word = (address - part.section.address) / 8;
      part.words[word] = pointers.target[i];
      part.pointer[word] = 1;
    });
  }

  forEachWord(visit: (address: number, value: number) => void): void {
    for (const { section, words, pointer } of this.parts) {
      for (let i = 1; i < words.length; i++) if (pointer[i]) visit(section.address + 8 * i, words[i]);
    }
  }

  /** The pointer at an address; NaN where there is none or it points to another library. */
  at(address: number): number {
    const part = this.partOf(address);
    return part && this.isPointer(address) ? part.words[(address - part.section.address) / 8] : NaN;
  }

  isPointer(address: number): boolean {
    const part = this.partOf(address);
    return part !== undefined && part.pointer[(address - part.section.address) / 8] === 1;
  }

  isExternal(address: number): boolean {
    return this.external.has(address);
  }

  externalName(address: number): string | undefined {
    return this.external.get(address);
  }

  /** The signed number in the file at an address; NaN where nothing is. */
  raw(address: number): number {
    const part = this.partOf(address);
    return part ? Number(this.elf.bytes.readBigInt64LE(address - part.section.address + part.section.offset)) : NaN;
  }

  private partOf(address: number) {
    return this.parts.find(({ section }) => address >= section.address && address + 8 <= section.address + section.size);
  }
}

/** A program that is always loaded at one place needs no relocations: whatever looks like one of its addresses is one. */
function markAddresses(elf: Elf, section: Section, words: Float64Array, pointer: Uint8Array): void {
  for (let i = 0; i < words.length; i++) {
    words[i] = readUInt64(elf.bytes, section.offset + 8 * i);
    pointer[i] = offsetOfAddress(elf.segments, words[i]) >= 0 ? 1 : 0;
  }
}

/**
 * `N5Envoy4Http12ActiveStreamE` → `Envoy::Http::ActiveStream`. Names with template arguments or local scopes are
 * returned as they are: rules match those on their mangled form.
 */
export function qualifiedName(mangled: string): string {
  const parts: string[] = [];
  const nested = mangled.startsWith('N') && mangled.endsWith('E');
  for (let rest = nested ? mangled.slice(1, -1) : mangled; rest !== ''; ) {
    if (rest.startsWith('St')) {
      parts.push('std');
      rest = rest.slice(2);
      continue;
    }
    const digits = /^[1-9]\d*/.exec(rest)?.[0];
    if (!digits) return mangled;
    const size = Number(digits);
    const name = rest.slice(digits.length, digits.length + size);
    if (name.length < size) return mangled;
    parts.push(name === '_GLOBAL__N_1' ? '(anonymous namespace)' : name);
    rest = rest.slice(digits.length + size);
  }
  return parts.join('::');
}
