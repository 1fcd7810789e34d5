import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTrace } from '../../../lib/trace/format.js';
import { importDrmemtrace } from '../../../lib/trace/importers/drmemtrace.js';
import { importPin } from '../../../lib/trace/importers/pin.js';

let dir: string;
let files = 0;
beforeAll(() => { dir = fs.mkdtempSync(path.join(os.tmpdir(), 'importers-')); });
afterAll(() => fs.rmSync(dir, { recursive: true, force: true }));

function text(content: string): { text: string; file: string } {
  const name = path.join(dir, `${files++}`);
  fs.writeFileSync(`${name}.txt`, content);
  return { text: `${name}.txt`, file: `${name}.trace` };
}

/** Runs as `address+bytes/instructions`, calls as `number(argument)=result`. */
async function shown(file: string): Promise<string[]> {
  const trace = openTrace(file);
  const steps: string[] = [];
  for await (const { ids, length, calls } of trace.chunks()) {
    const { address, bytes, instructions } = trace.runs;
    for (let i = 0; i <= length; i++) {
      for (const { number, argument, result } of calls.filter(({ at }) => at === i)) steps.push(`${number}(${argument})=${result}`);
      if (i < length) steps.push(`${address[ids[i]].toString(16)}+${bytes[ids[i]]}/${instructions[ids[i]]}`);
    }
  }
  return steps;
}

const lines = (...of: string[]) => `${of.join('\n')}\n`;

describe('a PIN itrace text', () => {
  /** 401000: dec rax; 401003: jnz -5; 401005: rep movsb; 401007: ret. */
  const code = Uint8Array.of(0x48, 0xff, 0xc8, 0x75, 0xfb, 0xf3, 0xa4, 0xc3);
  const readCode = (address: number, length: number) => {
    if (address + length > 0x401008) throw new Error('no code');
    return code.subarray(address - 0x401000, address - 0x401000 + length);
  };
  const executed = lines('0x401000', '0x401003', '0x401000', '0x401003', '0x401005', '0x401005', '0x401005', '0x401007', '0x401005', '0x401007', '#eof');

  it('becomes exact runs where the code is given', async () => {
    const { text: from, file } = text(executed);
    expect(await importPin(from, file, { readCode })).toMatchObject({ instructions: 8, runs: 4 });
    expect(await shown(file)).toEqual(['401000+5/2', '401000+5/2', '401005+3/2', '401005+3/2']);
  });

  it('becomes runs by the order of addresses where no code is given', async () => {
    const { text: from, file } = text(executed);
    await importPin(from, file);
    expect(await shown(file)).toEqual(['401000+5/2', '401000+5/2', '401005+3/2', '401005+3/2']);
  });

  it.each([
    ['no address', lines('0x401000', 'I  04001000,3', '#eof'), ':2: "I  04001000,3" is no address'],
    ['an address of the kernel', lines('0xffffffff81000000', '#eof'), ':1: "0xffffffff81000000" is no address of user code'],
    ['a line after its end', lines('0x401000', '#eof', '0x401000'), ':3: "0x401000" follows the end mark'],
    ['no end', lines('0x401000', '0x401003'), 'ends without #eof'],
    ['nothing in it', '', 'ends without #eof'],
  ])('is an error with %s, and leaves no trace', async (_, content, message) => {
    const { text: from, file } = text(content);
    await expect(importPin(from, file)).rejects.toThrow(message);
    expect(fs.existsSync(file)).toBe(false);
  });
});

describe('a drmemtrace view text', () => {
  /** Lines as DynamoRIO's documentation and its own tests print them. */
  const view = lines(
    'Output format:',
    '<--record#-> <--instr#->: <---tid---> <record details>',
    '------------------------------------------------------------',
    '          86          62:      296231 <marker: timestamp 13319413770947383>',
    '          86          62:      296231 <marker: tid 296231 on core 10>',
    '          87          63:      296231 ifetch       2 byte(s) @ 0x0000000000401026 0f 05                syscall  -> %rcx %r11',
    '          88          63:      296231 <marker: timestamp 13319413770947393>',
    '          88          63:      296231 <marker: system call 0>',
    '          88          63:      296231 <marker: function==syscall #0>',
    '          88          63:      296231 <marker: function argument 0x1e>',
    '          88          63:      296231 <marker: function argument 0x7ffd1000>',
    '          88          63:      296231 <marker: function==syscall #0>',
    '          88          63:      296231 <marker: function return value 0xfffffffffffffff5>',
    '          89          64:      296231 ifetch       2 byte(s) @ 0xffffffffb8495c36 66 90                data16 nop',
    '          90          64:      296231 ifetch       4 byte(s) @ 0x0000000000401028 48 83 eb 01          sub    $0x0000000000000001 %rbx -> %rbx',
    '          91          65:      296231 ifetch       4 byte(s) @ 0x000000000040102c 48 83 fb 00          cmp    %rbx $0x0000000000000000',
    '          92          66:      296231 ifetch       2 byte(s) @ 0x0000000000401030 75 d9                jnz    $0x000000000040100b (taken)',
    '          93          67:      296231 ifetch       7 byte(s) @ 0x000000000040100b 48 c7 c7 01 00 00 00 mov    $0x0000000000000001 -> %rdi',
    '          94          68:      296231 ifetch       8 byte(s) @ 0x0000000000401012 48 8d 34 25 00 20 40 lea    0x00402000 -> %rsi',
    '          94          68:      296231                                             00',
    '          95          68:      296231 read         8 byte(s) @ 0x00007fdf64e2adc8 by PC 0x0000000000401012',
    'View tool results:',
    '              6 : total instructions',
  );

  it('becomes runs and system calls, without the kernel\'s code', async () => {
    const { text: from, file } = text(view);
    expect(await importDrmemtrace(from, file)).toMatchObject({ instructions: 6, systemCalls: 1 });
    expect(await shown(file)).toEqual(['401026+2/1', '0(30)=-11', '401028+10/3', '40100b+15/2']);
  });

  it('is read by kinds of instructions where it holds no bytes', async () => {
    const { text: from, file } = text(lines(
      '  1  1:  W0.T7 ifetch  3 byte(s) @ 0x0000000000401000 non-branch',
      '  2  2:  W0.T7 ifetch  2 byte(s) @ 0x0000000000401003 non-branch',
      '  3  2:  W0.T7 ifetch  2 byte(s) @ 0x0000000000401003 non-fetched instruction',
      '  4  3:  W0.T7 ifetch  2 byte(s) @ 0x0000000000401005 untaken conditional jump',
      '  5  4:  W0.T7 ifetch  1 byte(s) @ 0x0000000000401007 return',
    ));
    await importDrmemtrace(from, file);
    expect(await shown(file)).toEqual(['401000+7/3', '401007+1/1']);
  });

  const fetch = (thread: number, rest: string) => `  1  1:  ${thread} ifetch  ${rest}`;
  it.each([
    ['of two threads when none is named', lines(fetch(7, '1 byte(s) @ 0x401000 c3 ret'), fetch(8, '1 byte(s) @ 0x401000 c3 ret')), ':2: thread 8 after thread 7'],
    ['with a foreign line', lines(fetch(7, '1 byte(s) @ 0x401000 c3 ret'), '0x401000'), ':2: "0x401000" is no line'],
    ['with a foreign record', lines('  1  1:  7 jumped somewhere'), ':1: "jumped somewhere" is no record'],
    ['whose bytes decode to another length', lines(fetch(7, '2 byte(s) @ 0x401000 c3 90 ret')), ':1: 2 bytes at 0x401000, but c390 decodes to 1'],
    ['that ends within an instruction', lines(fetch(7, '3 byte(s) @ 0x401000 48 89')), 'ends within an instruction'],
    ['that is empty', '', 'holds no record'],
  ])('is an error %s, and leaves no trace', async (_, content, message) => {
    const { text: from, file } = text(content);
    await expect(importDrmemtrace(from, file)).rejects.toThrow(message);
    expect(fs.existsSync(file)).toBe(false);
  });

  it('gives one thread of several when it is named', async () => {
    const { text: from, file } = text(lines(fetch(7, '1 byte(s) @ 0x401000 c3 ret'), fetch(8, '1 byte(s) @ 0x402000 c3 ret')));
    await importDrmemtrace(from, file, { thread: 8 });
    expect(await shown(file)).toEqual(['402000+1/1']);
  });
});
