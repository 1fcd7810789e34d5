import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readBuildId, readElf, codeSegments } from '../../../lib/analysis/elf.js';
import { codeOf, codeOfFiles, CodeLines, collectCodeLines, loadCodeLines, saveCodeLines } from '../../../lib/trace/code-lines.js';
import { memoryTrace, run } from './memory-trace.js';

let dir: string;
beforeAll(() => { dir = fs.mkdtempSync(path.join(os.tmpdir(), 'code-lines-')); });
afterAll(() => fs.rmSync(dir, { recursive: true, force: true }));

const envoy = { object: 'envoy', buildId: 'ab12' };
const vdso = { object: '[vdso]', buildId: null };
const code = [
  { ...envoy, start: 0x5000, end: 0x9000, fileAddress: 0x1000 },
  { ...vdso, start: 0x7fff0000, end: 0x7fff1000, fileAddress: 0 },
];
/** Every byte tells its own address. */
const bytesAt = (address: number, length: number) => Uint8Array.from({ length }, (_, i) => (address + i) * 7 & 255);
const readCode = (_: unknown, address: number, length: number) => bytesAt(address, length);
const newDir = () => fs.mkdtempSync(path.join(dir, 'recording-'));

describe('the code lines of a trace', () => {
  it('are those its runs touch, in the numbering of the objects\' files', async () => {
    const lines = await collectCodeLines(memoryTrace([run(0x5000), run(0x507e, 4), run(0x7fff0040, 64, 20)], { header: { code } }), readCode);
    expect(lines.lineNumbers(envoy)).toEqual([0x40, 0x41, 0x42]);
    expect(lines.lineNumbers(vdso)).toEqual([1]);
    expect(lines.read(envoy, 0x107e, 4)).toEqual(bytesAt(0x107e, 4));
    expect(codeOf({ code }, lines.read.bind(lines))(0x7fff0050, 9)).toEqual(bytesAt(0x50, 9));
  });

  it('cannot be had of code that no object is mapped at', async () => {
    await expect(collectCodeLines(memoryTrace([run(0x4000)], { header: { code } }), readCode)).rejects.toThrow('no object is mapped at 0x4000');
  });

  it('say which address they lack', async () => {
    const lines = await collectCodeLines(memoryTrace([run(0x5000)], { header: { code } }), readCode);
    expect(() => lines.read(envoy, 0x103f, 2)).toThrow('envoy (build ab12): no code is kept of 0x1040');
  });
});

describe('code lines kept in a recording', () => {
  it('grow by what further traces of the same build touch', async () => {
    const recording = newDir();
    for (const address of [0x5000, 0x8000, 0x5040]) {
      saveCodeLines(recording, await collectCodeLines(memoryTrace([run(address), run(0x7fff0000)], { header: { code } }), readCode));
    }
    const lines = loadCodeLines(recording, { code });
    expect(lines.lineNumbers(envoy)).toEqual([0x40, 0x41, 0x100]);
    expect(lines.read(envoy, 0x4000, 64)).toEqual(bytesAt(0x4000, 64));
    expect(lines.lineNumbers(vdso)).toEqual([0]);
    expect(fs.readdirSync(path.join(recording, 'binaries'))).toEqual(['ab12.code', 'vdso.code']);
    expect(fs.readdirSync(recording)).toEqual(['binaries']);
  });

  it('refuse other code under the same build id', async () => {
    const recording = newDir();
    const trace = () => memoryTrace([run(0x5000)], { header: { code } });
    saveCodeLines(recording, await collectCodeLines(trace(), readCode));
    const other = await collectCodeLines(trace(), (_, address, length) => bytesAt(address + 1, length));
    expect(() => saveCodeLines(recording, other)).toThrow('the code at 0x1000 differs between traces');
  });

  it('are an error wherever the file is cut or changed', async () => {
    const recording = newDir();
    saveCodeLines(recording, await collectCodeLines(memoryTrace([run(0x5000), run(0x6000)], { header: { code } }), readCode));
    const file = path.join(recording, 'binaries', 'ab12.code');
    const whole = fs.readFileSync(file);
    for (let at = 0; at < whole.length; at++) {
      const changed = Buffer.from(whole);
      changed[at] ^= 1 << (at % 8);
      for (const bytes of [changed, whole.subarray(0, at)]) {
        fs.writeFileSync(file, bytes);
        expect(() => loadCodeLines(recording, { code }), `byte ${at}`).toThrow(`${file}: byte `);
      }
    }
  });

  it('of an object that nothing was kept of are none', () => {
    expect(loadCodeLines(newDir(), { code })).toEqual(new CodeLines());
  });
});

describe('code read from the traced programs', () => {
  it('is the bytes of the file\'s code segments, and zeros beside them', () => {
    const node = process.execPath;
    const segment = codeSegments(readElf(node).segments)[0];
    const read = codeOfFiles({ node });
    const object = { object: 'node', buildId: readBuildId(node) };
    expect(Buffer.from(read(object, segment.address + 64, 32))).toEqual(readElf(node).bytes.subarray(segment.offset + 64, segment.offset + 96));
    expect(read(object, segment.address + segment.fileSize + 2 ** 30, 4)).toEqual(new Uint8Array(4));
  });

  it('is refused of another build, and of an object without a file', () => {
    const read = codeOfFiles({ node: process.execPath, '[vdso]': Uint8Array.of(1, 2, 3) });
    expect(() => read({ object: 'node', buildId: 'ff' }, 0, 1)).toThrow('but the trace executed node (build ff)');
    expect(() => read(envoy, 0, 1)).toThrow('no file is given for the code of envoy');
    expect(read(vdso, 1, 3)).toEqual(Uint8Array.of(2, 3, 0));
  });
});
