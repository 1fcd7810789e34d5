import { describe, expect, it } from 'vitest';
import { parseLdd } from '../../../../lib/deploy/cluster/shared-libraries.js';

describe('parseLdd', () => {
  it('takes libraries and the linker, and not what the kernel provides', () => {
    const text = [
      '\tlinux-vdso.so.1 (0x00007ffd2b5f6000)',
      '\tlibm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x00007f0e1c000000)',
      '\t/lib64/ld-linux-x86-64.so.2 (0x00007f0e1c200000)',
    ].join('\n');
    expect(parseLdd(text, 'envoy')).toEqual({
      '/usr/lib/x86_64-linux-gnu/libm.so.6': '/lib/x86_64-linux-gnu/libm.so.6',
      '/usr/lib64/ld-linux-x86-64.so.2': '/lib64/ld-linux-x86-64.so.2',
    });
  });
  it('names a library that is missing', () => {
    expect(() => parseLdd('\tlibmnl.so.0 => not found\n', 'iptables')).toThrow('iptables needs the library libmnl.so.0');
  });
});
