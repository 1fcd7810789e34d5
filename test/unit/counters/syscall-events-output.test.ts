import * as fs from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseSyscallEvents } from '../../../lib/counters/syscall-events-output.js';
import { projectPath } from '../../../lib/host/paths.js';

const text = fs.readFileSync(projectPath('test', 'fixtures', 'counters', 'syscall-events-http.txt'), 'utf8');
const parse = (...lines: string[]) => parseSyscallEvents(lines.map((line) => `${line}\n`).join(''), 'events.txt');

describe('parseSyscallEvents', () => {
  it('reads every call of a real recording that it holds both ends of', () => {
    const calls = parseSyscallEvents(text, 'events.txt');
    const exits = text.split('\n').filter((line) => line.includes('sys_exit')).length;
    expect(calls).toHaveLength(exits - 1);
    expect(calls[1]).toMatchObject({ tid: 21082, name: 'accept4', descriptor: 14, result: 25, error: null, timeoutMs: null });
    expect(calls.find(({ name }) => name === 'epoll_ctl')).toMatchObject({ descriptor: 25 });
    expect(calls.find(({ name }) => name === 'connect')).toMatchObject({ descriptor: 26, result: -1, error: 'EINPROGRESS' });
    expect(calls.find(({ error }) => error === 'EAGAIN')).toMatchObject({ name: 'accept4' });
  });

  it('tells sleeping from falling asleep and waking up', () => {
    const [wait, read] = parse(
      ' 7  5.000000100: raw_syscalls:sys_enter: NR 232 (9, 3185ff86e000, 20, ffffffff, 0, 0)',
      ' 7  5.000000150: PERF_RECORD_SWITCH OUT        ',
      ' 7  5.000000900: PERF_RECORD_SWITCH IN         ',
      ' 7  5.000000930:  raw_syscalls:sys_exit: NR 232 = 1',
      ' 7  5.000000950: raw_syscalls:sys_enter: NR 19 (19, 7fd55fc04a80, 8, 0, 0, ffffffffffffd6a0)',
      ' 7  5.000000960:  raw_syscalls:sys_exit: NR 19 = -11',
    );
    expect(wait).toMatchObject({ name: 'epoll_wait', timeoutMs: -1, startNs: 100, endNs: 930, onCoreNs: 50 + 30, nextOnCoreNs: 20 });
    expect(read).toMatchObject({ name: 'readv', descriptor: 25, onCoreNs: 10, nextOnCoreNs: null, result: -1, error: 'EAGAIN' });
  });

  it('tells user code from waiting for the core', () => {
    const [first] = parse(
      ' 7  5.000000100: raw_syscalls:sys_enter: NR 3 (19, 0, 0, 1, 3, 8e67)',
      ' 7  5.000000150:  raw_syscalls:sys_exit: NR 3 = 0',
      ' 7  5.000000200: PERF_RECORD_SWITCH OUT preempt',
      ' 7  5.000000700: PERF_RECORD_SWITCH IN         ',
      ' 7  5.000000730: raw_syscalls:sys_enter: NR 3 (1a, 0, 0, 1, 3, 8e67)',
    );
    expect(first).toMatchObject({ name: 'close', onCoreNs: 50, nextOnCoreNs: 50 + 30 });
  });

  it('calls a system call without a name by its number', () => {
    expect(parse(' 7  5.000000100: raw_syscalls:sys_enter: NR 463 (1, 0, 0, 0, 0, 0)', ' 7  5.000000150:  raw_syscalls:sys_exit: NR 463 = 0')[0].name).toBe('syscall_463');
  });

  it.each([
    ['empty', '', /^f:1: empty; was the worker idle/],
    ['of another program', ' 7  5.000000150:  raw_syscalls:sys_exit: NR 463 = 0\n<...>\n', /^f:2: not an event of a system call: "<\.\.\.>"; record again/],
  ])('refuses a file that is %s, naming file and line', (_, foreign, message) => {
    expect(() => parseSyscallEvents(foreign, 'f')).toThrow(message);
  });
});
