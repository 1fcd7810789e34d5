import { describe, expect, it } from 'vitest';
import { readElf } from '../../../lib/analysis/elf.js';
import { functionAt } from '../../../lib/analysis/function-names.js';
import { readFunctionBounds } from '../../../lib/analysis/function-bounds.js';
import { tinyElf, withFile } from './tiny-elf.js';

const HDR = 0x1500;
const FRAME = 0x1600;

/** A common entry of the given augmentation, then one description per function; and the sorted table over them. */
function frames(augmentation: string, augmentationData: string, functions: [start: number, size: number][]) {
  const common = Buffer.concat([
    Buffer.from('0000000001', 'hex'), Buffer.from(`${augmentation}\0`, 'latin1'), Buffer.from('017810', 'hex'),
    Buffer.from([augmentationData.length / 2]), Buffer.from(augmentationData, 'hex'),
  ]);
  const commonEntry = Buffer.concat([int32(common.length), common]);
  const parts: Buffer[] = [commonEntry];
  const table: Buffer[] = [];
  let at = FRAME + commonEntry.length;
  for (const [start, size] of functions) {
    parts.push(int32(16), int32(at + 4 - FRAME), int32(start - (at + 8)), int32(size), int32(0));
    table.push(int32(start - HDR), int32(at - HDR));
    at += 20;
  }
  return { hdr: Buffer.concat([Buffer.from('011b033b', 'hex'), int32(FRAME - HDR - 4), int32(functions.length), ...table]), frame: Buffer.concat(parts) };
}

function bounds(augmentation: string, data: string, functions: [number, number][]) {
  const { hdr, frame } = frames(augmentation, data, functions);
  return withFile(tinyElf([{ name: '.eh_frame_hdr', address: HDR, data: hdr }, { name: '.eh_frame', address: FRAME, data: frame }]), (file) => readFunctionBounds(readElf(file)));
}

describe('readFunctionBounds', () => {
  it('gives start and end of each function', () => {
    const { starts, ends } = bounds('zR', '1b', [[0x1400, 0x20], [0x1430, 0x08]]);
    expect([...starts]).toEqual([0x1400, 0x1430]);
    expect([...ends]).toEqual([0x1420, 0x1438]);
  });

  it('reads past the personality routine and the exception table of functions that catch', () => {
    expect([...bounds('zPLR', '9b000000001b1b', [[0x1400, 0x20]]).ends]).toEqual([0x1420]);
  });

  it('leaves out empty functions and cuts one that reaches into the next', () => {
    const { starts, ends } = bounds('zR', '1b', [[0x1400, 0x50], [0x1410, 0], [0x1430, 8]]);
    expect([...starts]).toEqual([0x1400, 0x1430]);
    expect([...ends]).toEqual([0x1430, 0x1438]);
  });

  it('refuses an unknown pointer encoding', () => {
    expect(() => bounds('zR', '50', [[0x1400, 0x20]])).toThrow(/encoding 0x50/);
  });

  it('says what is missing when a program has no frame table', () => {
    expect(() => withFile(tinyElf([]), (file) => readFunctionBounds(readElf(file)))).toThrow(/no \.eh_frame_hdr/);
  });

  it('refuses a table that claims more functions than it holds', () => {
    const { hdr, frame } = frames('zR', '1b', [[0x1400, 0x20]]);
    hdr.writeUInt32LE(1000, 8);
    const file = tinyElf([{ name: '.eh_frame_hdr', address: HDR, data: hdr }, { name: '.eh_frame', address: FRAME, data: frame }]);
    expect(() => withFile(file, (path) => readFunctionBounds(readElf(path)))).toThrow(/claims 1000 functions/);
  });
});

describe('functionAt', () => {
  const table = { starts: Float64Array.of(0x1400, 0x1430), ends: Float64Array.of(0x1420, 0x1438) };

  it('finds a function by its first and last byte', () => {
    expect([0x1400, 0x141f, 0x1430, 0x1437].map((address) => functionAt(table, address))).toEqual([0, 0, 1, 1]);
  });

  it('is -1 before, between and behind functions', () => {
    expect([0, 0x1420, 0x142f, 0x1438].map((address) => functionAt(table, address))).toEqual([-1, -1, -1, -1]);
  });
});

function int32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeInt32LE(value);
  return buffer;
}
