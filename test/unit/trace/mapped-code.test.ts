import { describe, expect, it } from 'vitest';
import { codeSources, readMappedCode } from '../../../lib/trace/mapped-code.js';

describe('of this very process', () => {
  it('the code is told with its place in the file, and where its bytes are', () => {
    const code = readMappedCode(process.pid);
    const sources = codeSources(process.pid);
    expect(code.map(({ start }) => start)).toEqual([...code.map(({ start }) => start)].sort((a, b) => a - b));
    expect(code.find(({ object }) => object === 'libc.so.6')?.buildId).toMatch(/^[0-9a-f]{16,}$/);
    expect(code.filter(({ object }) => !(object in sources))).toEqual([]);
    expect(sources['[vdso]'].slice(0, 4)).toEqual(Buffer.from([0x7f, 0x45, 0x4c, 0x46]));
  });
});
