import { describe, expect, it } from 'vitest';
import { parseExecutableMappings } from '../../../lib/host/mappings.js';

/** Captured from an Envoy with `cat /proc/PID/maps`, shortened. */
const maps = `55b277dcd000-55b279e4a000 r--p 00000000 fe:00 5480504                    /opt/envoy/bin/envoy
55b279e4a000-55b27dfb0000 r-xp 0207d000 fe:00 5480504                    /opt/envoy/bin/envoy
55b27dfb0000-55b27e7a1000 rw-p 061e3000 fe:00 5480504                    /opt/envoy/bin/envoy
7f5ff15aa000-7f5ff15ac000 r-xp 00000000 00:00 0                          [vdso]
7f5ff15ad000-7f5ff15d3000 r-xp 00000000 00:00 0 
`;

describe('parseExecutableMappings', () => {
  it('has code only, with its file, the kernel\'s page and memory without a file', () => {
    expect(parseExecutableMappings(maps)).toEqual([
      { start: 0x55b279e4a000, end: 0x55b27dfb0000, fileOffset: 0x207d000, file: '/opt/envoy/bin/envoy' },
      { start: 0x7f5ff15aa000, end: 0x7f5ff15ac000, fileOffset: 0, file: '[vdso]' },
      { start: 0x7f5ff15ad000, end: 0x7f5ff15d3000, fileOffset: 0, file: '' },
    ]);
  });
  it('names the line that is no mapping', () => {
    expect(() => parseExecutableMappings(`${maps}Size: 4 kB\n`)).toThrow('/proc/PID/maps:6: not a mapping: "Size: 4 kB"');
  });
});
