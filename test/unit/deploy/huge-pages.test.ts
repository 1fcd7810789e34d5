import { describe, expect, it } from 'vitest';
import { parseSmaps, stretchesOf } from '../../../lib/deploy/huge-pages.js';
import { hugePageBytes as size } from '../../../lib/simulate/geometry.js';

const region = (n: number) => n * size;

describe('stretchesOf', () => {
  const text = { start: region(10) + 4096, end: region(13) + 8192 };
  it('moves whole regions together, and what the mapping cuts off by itself', () => {
    expect(stretchesOf(text)).toEqual([
      { start: text.start, end: region(11) }, { start: region(11), end: region(13) }, { start: region(13), end: text.end },
    ]);
  });
  it('moves chosen regions as far as they hold code, each once', () => {
    expect(stretchesOf(text, [region(13), region(11), region(11)])).toEqual([
      { start: region(11), end: region(12) }, { start: region(13), end: text.end },
    ]);
  });
  it('joins chosen neighbours', () => {
    expect(stretchesOf(text, [region(12), region(11)])).toEqual([{ start: region(11), end: region(13) }]);
  });
  it.each([[region(9)], [region(14)], [region(11) + 4096]])('refuses %i, where no region of the code begins', (address) => {
    expect(() => stretchesOf(text, [address])).toThrow('begins no 2 MB region of the code');
  });
  it('has one stretch of a code that lies within a region', () => {
    expect(stretchesOf({ start: region(1) + 4096, end: region(1) + 8192 })).toEqual([{ start: region(1) + 4096, end: region(1) + 8192 }]);
  });
});

it('parseSmaps has the huge pages of each mapping', () => {
  // Captured from an Envoy whose code was moved, shortened.
  const smaps = `55b27a000000-55b27de00000 r-xp 00000000 00:00 0 
Size:              63488 kB
Rss:               63488 kB
AnonHugePages:     63488 kB
THPeligible:           1
VmFlags: rd ex mr mw me ac sd hg 
55b27de00000-55b27dfb0000 r-xp 00000000 00:00 0 
AnonHugePages:         0 kB
`;
  expect(parseSmaps(smaps)).toEqual([
    { start: 0x55b27a000000, end: 0x55b27de00000, hugeBytes: 63488 * 1024 },
    { start: 0x55b27de00000, end: 0x55b27dfb0000, hugeBytes: 0 },
  ]);
});
