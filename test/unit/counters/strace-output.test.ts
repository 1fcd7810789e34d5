import * as fs from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseStrace } from '../../../lib/counters/strace-output.js';
import { projectPath } from '../../../lib/host/paths.js';

const fixture = (name: string) => fs.readFileSync(projectPath('test', 'fixtures', 'counters', name), 'utf8');
const parse = (...lines: string[]) => parseStrace(lines.map((line) => `${line}\n`).join(''), 'strace.txt', 7);

describe('parseStrace', () => {
  it('reads every call of a real recording but the one that strace let go of', () => {
    const text = fixture('strace-http.txt');
    const { calls, endings } = parseStrace(text, 'strace.txt', 21228);
    expect(calls).toHaveLength(text.trim().split('\n').length - 1);
    expect(endings).toEqual([]);
    expect(calls[0]).toEqual({
      tid: 21228, startNs: 849123731, endNs: 849123731 + 15690439, name: 'epoll_wait', descriptor: 9, local: null, remote: null, peer: null,
      timeoutMs: 68, result: 1, error: null, onCoreNs: null, nextOnCoreNs: null,
    });
    expect(calls[1]).toMatchObject({ name: 'accept4', descriptor: 14, result: 25, peer: { host: '127.0.0.1', port: 45394 } });
    expect(calls.find(({ name }) => name === 'connect')).toMatchObject({ descriptor: 26, error: 'EINPROGRESS', peer: { host: '127.0.0.1', port: 43587 } });
    expect(calls.find(({ name }) => name === 'epoll_ctl')).toMatchObject({ descriptor: 25 });
    expect(calls.find(({ name }) => name === 'socket')).toMatchObject({ descriptor: null, result: 26 });
  });

  it('reads both ends of connections where strace shows them', () => {
    const { calls } = parseStrace(fixture('strace-addresses.txt'), 'strace.txt');
    expect(calls.map(({ name, descriptor, local, remote }) => [name, descriptor, local?.port, remote?.port])).toEqual([
      ['epoll_wait', 9, undefined, undefined], ['readv', 25, 36985, 36092], ['readv', 25, 36985, 36092],
      ['epoll_wait', 9, undefined, undefined], ['sendto', 26, 47968, 58781], ['epoll_wait', 9, undefined, undefined],
    ]);
  });

  it('joins the two halves of a call that another thread interrupted', () => {
    const { calls } = parse(
      '11 5.000000100 readv(25, [...], 8 <unfinished ...>',
      '12 5.000000200 close(9) = 0 <0.000000050>',
      '11 5.000000400 <... readv resumed>) = 68 <0.000000290>',
    );
    expect(calls.map(({ tid, name, startNs, endNs, descriptor, result }) => [tid, name, startNs, endNs, descriptor, result])).toEqual([
      [11, 'readv', 100, 390, 25, 68], [12, 'close', 200, 250, 9, 0],
    ]);
  });

  it('takes signals for no calls, and tells how a thread ended', () => {
    const { calls, endings } = parse(
      '5.000000100 --- SIGTERM {si_signo=SIGTERM, si_code=SI_USER, si_pid=1, si_uid=0} ---',
      '5.000000200 exit_group(0) = ?',
      '5.000000300 +++ exited with 0 +++',
    );
    expect([calls, endings]).toEqual([[], ['exited with 0']]);
  });

  it('leaves out a last line that is cut off', () => {
    const text = '5.000000100 close(9) = 0 <0.000000050>\n5.000000200 clos';
    expect(parseStrace(text, 'strace.txt').calls).toHaveLength(1);
  });

  it.each([
    ['empty', '', /^f:1: empty; was strace attached/],
    ['one cut-off line', '5.0000', /^f:1: no whole line/],
    ['of another program', 'a\n', /^f:1: no time stamp in nanoseconds in "a"/],
    ['with times in microseconds', '5.000001 close(9) = 0 <0.000001>\n', /^f:1: no time stamp in nanoseconds/],
    ['without times in calls', '5.000000100 close(9) = 0\n', /^f:1: not a system call with its time/],
    ['damaged in its second line', '5.000000100 close(9) = 0 <0.000000050>\n5.000000200 <... readv resumed>) = 68 <0.000000290>\n', /^f:2: "readv" goes on that never began/],
  ])('refuses a file that is %s, naming file and line', (_, text, message) => {
    expect(() => parseStrace(text, 'f')).toThrow(message);
  });

  it('reads any whole part of a recording, and never more calls than lines', () => {
    const text = fixture('strace-http.txt');
    fc.assert(fc.property(fc.integer({ min: 60, max: text.length }), (length) => {
      const part = text.slice(0, length);
      const lines = part.split('\n').length - 1;
      fc.pre(lines > 0);
      expect(parseStrace(part, 'f').calls).toHaveLength(Math.min(lines, text.split('\n').length - 2));
    }));
  });
});
