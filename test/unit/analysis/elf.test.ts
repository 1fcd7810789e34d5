import { describe, expect, it } from 'vitest';
import { addressOfOffset, findSection, offsetOfAddress, readBuildId, readElf, readPointers, readSymbols } from '../../../lib/analysis/elf.js';
import { rela, tinyElf, withFile, words } from './tiny-elf.js';

const note = Buffer.concat([Buffer.from('040000000400000003000000474e5500', 'hex'), Buffer.from('c0ffee42', 'hex')]);
const text = { name: '.text', flags: 6, address: 0x1400, data: Buffer.from('c3c3c3c3', 'hex') };

describe('readBuildId', () => {
  it('finds the GNU note behind other notes', () => {
    const abiTag = Buffer.from('040000000400000001000000474e550000000000', 'hex');
    const file = tinyElf([text, { name: '.note', type: 7, address: 0x1440, data: Buffer.concat([abiTag, note]) }]);
    expect(withFile(file, readBuildId)).toBe('c0ffee42');
  });

  it('is null for a program linked without one', () => {
    expect(withFile(tinyElf([text]), readBuildId)).toBeNull();
  });
});

describe('readElf', () => {
  it('tells sections by name and keeps address and file offset apart', () => {
    const elf = withFile(tinyElf([text]), readElf);
    expect(findSection(elf, '.text')).toMatchObject({ address: 0x1400, offset: 0x400, size: 4, flags: 6 });
    expect(offsetOfAddress(elf.segments, 0x1402)).toBe(0x402);
    expect(addressOfOffset(elf.segments, 0x402)).toBe(0x1402);
    expect(offsetOfAddress(elf.segments, 0x2400)).toBe(-1);
    expect(addressOfOffset(elf.segments, 0x10)).toBe(-1);
  });

  it('refuses a shell script, naming file and offset', () => {
    expect(() => withFile(Buffer.from('#!/bin/sh\n'.repeat(20)), readElf)).toThrow(/program: no ELF file \(offset 0 holds 0x23212f62\)/);
  });

  it('refuses another machine', () => {
    const file = tinyElf([text]);
    file.writeUInt16LE(183, 18); // AArch64
    expect(() => withFile(file, readElf)).toThrow(/machine 183 at offset 18/);
  });

  it('refuses every shorter prefix of a file, naming where it ends', () => {
    const whole = tinyElf([text]);
    for (const size of [0, 3, 63, 100, 0x401, whole.length - 1]) {
      expect(() => withFile(whole.subarray(0, size), readElf), `${size} bytes`).toThrow(/program: .*offset \d+/);
    }
  });
});

describe('readSymbols', () => {
  it('reads name, address, size and whether it is a defined function', () => {
    const strings = Buffer.from('\0main\0puts\0', 'latin1');
    const entry = (name: number, info: number, section: number, value: number, size: number) => {
      const head = Buffer.alloc(8);
      head.writeUInt32LE(name, 0);
      head[4] = info;
      head.writeUInt16LE(section, 6);
      return Buffer.concat([head, words(value, size)]);
    };
    const symbols = Buffer.concat([entry(1, 0x12, 1, 0x1400, 3), entry(6, 0x12, 0, 0, 0)]);
    const elf = withFile(tinyElf([text, { name: '.dynstr', type: 3, address: 0x1440, data: strings }, { name: '.dynsym', type: 11, address: 0x1480, data: symbols, link: 1 }]), readElf);
    expect(readSymbols(elf)).toEqual([
      { name: 'main', address: 0x1400, size: 3, isFunction: true, isDefined: true },
      { name: 'puts', address: 0, size: 0, isFunction: true, isDefined: false },
    ]);
  });
});

describe('readPointers', () => {
  it('takes the addend of a relative relocation', () => {
    const elf = withFile(tinyElf([{ name: '.rela.dyn', type: 4, address: 0x1440, data: rela(0x1500, 8, 0, 0x1400) }]), readElf);
    const { at, target } = readPointers(elf);
    expect([...at]).toEqual([0x1500]);
    expect([...target]).toEqual([0x1400]);
  });

  it('unpacks RELR: an address, then a bitmap of the 63 words behind it', () => {
    const data = words(0x1401, 0, 0x1402, 0x1403, 0x1404);
    const packed = words(0x1480, 0b1101); // the word at 0x1480; then, behind the tag bit, 0, 1, 1: of the words after it not the first but the next two
    const elf = withFile(tinyElf([{ name: '.data.rel.ro', flags: 3, address: 0x1480, data }, { name: '.relr.dyn', type: 19, address: 0x1440, data: packed }]), readElf);
    const { at, target } = readPointers(elf);
    expect([...at]).toEqual([0x1480, 0x1490, 0x1498]);
    expect([...target]).toEqual([0x1401, 0x1402, 0x1403]);
  });
});
