import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { strace } from '../../../lib/counters/strace.js';
import { syscallEvents } from '../../../lib/counters/syscall-events.js';
import { keepSockets } from '../../../lib/counters/system-call.js';

let dir: string;
beforeEach(() => { dir = fs.mkdtempSync(path.join(os.tmpdir(), 'system-call-')); });
afterEach(() => fs.rmSync(dir, { recursive: true }));
const write = (name: string, text: string) => fs.writeFileSync(path.join(dir, name), text);

describe("a recording's folder", () => {
  it('is read with the sockets that stood as it began', () => {
    keepSockets(dir, process.pid, 7);
    write('strace.txt', '5.000000100 close(9) = 0 <0.000000050>\n');
    const { tid, sockets, calls } = strace.read(dir);
    expect([tid, calls.map((call) => call.tid), Array.isArray(sockets)]).toEqual([7, [7], true]);
  });

  it.each([['cut off', '{"tid":7,"sock'], ['empty', ''], ['of something else', '{}']])('whose sockets are %s is refused, naming the file', (_, text) => {
    write('sockets.json', text);
    expect(() => strace.read(dir)).toThrow(/sockets\.json:1: no sockets of a worker in .*; record again/);
  });

  it('whose events are cut off is refused, naming the file', () => {
    keepSockets(dir, process.pid, 7);
    write('syscall-events.txt.gz', 'not compressed');
    expect(() => syscallEvents.read(dir)).toThrow(/syscall-events\.txt\.gz:1: incorrect header check; the file is cut off or damaged: record again/);
  });
});
