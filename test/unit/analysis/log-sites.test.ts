import { describe, expect, it } from 'vitest';
import { readElf } from '../../../lib/analysis/elf.js';
import { scanCode } from '../../../lib/analysis/log-sites.js';
import { tinyElf, withFile } from './tiny-elf.js';

const CODE = 0x1400;
const STRINGS = 0x1600;
const TABLE = 0x1700;
const strings = Buffer.from('source/common/http/a.cc\0onData\0not a name\0', 'latin1');
const PATH = STRINGS;
const NAME = STRINGS + 24;
const SENTENCE = STRINGS + 31;

/** Machine code from hexadecimal digits; `{x}` stands for the 4-byte distance from its end to address x. */
function code(text: string, targets: Record<string, number>): Buffer {
  const parts = text.replace(/\s/g, '').split(/[{}]/);
  let bytes = Buffer.alloc(0);
  parts.forEach((part, i) => {
    const piece = i % 2 === 0 ? Buffer.from(part, 'hex') : Buffer.alloc(4);
    if (i % 2 === 1) piece.writeInt32LE(targets[part] - (CODE + bytes.length + 4));
    bytes = Buffer.concat([bytes, piece]);
  });
  return bytes;
}

function scan(text: string, targets: Record<string, number> = { path: PATH, name: NAME }) {
  const file = tinyElf([
    { name: '.text', flags: 6, address: CODE, data: Buffer.concat([code(text, targets), Buffer.alloc(64, 0xcc)]) },
    { name: '.rodata', address: STRINGS, data: strings },
    { name: '.data.rel.ro', flags: 3, address: TABLE, data: Buffer.alloc(64) },
  ]);
  return withFile(file, (path) => scanCode(readElf(path)));
}

// The instruction bytes are those of three statements of Envoy 1.40.0 (newStream, ext_authz onComplete, mcp decodeHeaders).
describe('a log statement is found', () => {
  const expected = [{ address: CODE, file: 'source/common/http/a.cc', line: 532, function: 'onData' }];

  it('when path, line and name go to the stack near the frame pointer', () => {
    expect(scan('488d05{path} 488945c0 c745c814020000 488d05{name} 488945d0').sites).toEqual(expected);
  });

  it('when they go far from the frame pointer', () => {
    expect(scan('488d05{path} 488985d0feffff c785d8feffff14020000 488d05{name} 488985e0feffff').sites).toEqual(expected);
  });

  it('when they go through a pointer and the line comes from a register', () => {
    const { sites } = scan('be14020000 488d85f0fdffff 4c8d05{path} 4c8900 897008 488d35{name} 48897010');
    expect(sites).toEqual([{ ...expected[0], address: CODE + 12 }]);
  });
});

describe('no log statement is made of', () => {
  it('a path and a name that are arguments of a call (an assertion)', () => {
    expect(scan('488d3d{path} 488d35{name} ba14020000 e800000000').sites).toEqual([]);
  });

  it('a path and a name stored at places that are not 16 bytes apart', () => {
    expect(scan('488d05{path} 488945c0 c745c814020000 488d05{name} 488945d8').sites).toEqual([]);
  });

  it('a path and a sentence', () => {
    expect(scan('488d05{path} 488945c0 c745c814020000 488d05{name} 488945d0', { path: PATH, name: SENTENCE }).sites).toEqual([]);
  });

  it('a path without a line', () => {
    expect(scan('488d05{path} 488945c0 488d05{name} 488945d0').sites).toEqual([]);
  });
});

it('addresses of data that code takes are listed, since tables begin there', () => {
  expect([...scan('488d05{b} 4c8d3d{a}', { a: TABLE + 8, b: TABLE + 16 }).dataReferences]).toEqual([TABLE + 8, TABLE + 16]);
});
