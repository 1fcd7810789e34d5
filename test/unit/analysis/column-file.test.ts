import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeColumns, encodeColumns } from '../../../lib/analysis/column-file.js';

const record = fc.record({ starts: fc.float64Array(), rows: fc.uint32Array(), strings: fc.array(fc.string()), path: fc.option(fc.string()) });

describe('a column file', () => {
  it('gives back what was written', () => {
    fc.assert(fc.property(record, (value) => {
      expect(decodeColumns(encodeColumns(value))).toEqual(value);
    }));
  });

  it('is refused when it is cut short anywhere, or longer than it says', () => {
    const whole = encodeColumns({ rows: Uint32Array.of(1, 2, 3), name: 'x' });
    fc.assert(fc.property(fc.nat(whole.length - 1), (size) => {
      expect(() => decodeColumns(whole.subarray(0, size))).toThrow();
    }));
    expect(() => decodeColumns(Buffer.concat([whole, Buffer.alloc(1)]))).toThrow('1 bytes after its last column');
  });

  it('is refused when it is another format', () => {
    expect(() => decodeColumns(Buffer.from('{"rows": [1, 2, 3]}'))).toThrow(/no column file/);
  });
});
