import { describe, expect, it } from 'vitest';
import { decodeStatus, readMemory } from '../../../lib/host/ptrace.js';

describe('decodeStatus', () => {
  it.each([
    ['a step', 0x057f, { kind: 'stopped', signal: 5, event: 0 }],
    ['a stop that was asked for', 0x80057f, { kind: 'stopped', signal: 5, event: 128 }],
    ['a signal', 0x0a7f, { kind: 'stopped', signal: 10, event: 0 }],
    ['an exit', 0x0300, { kind: 'exited', code: 3 }],
    ['a death by a signal', 0x09, { kind: 'killed', signal: 9 }],
    ['a death by a signal with a core dump', 0x85, { kind: 'killed', signal: 5 }],
  ])('tells %s', (_, status, stop) => {
    expect(decodeStatus(status)).toEqual(stop);
  });
});

it('memory that is not mapped is named', () => {
  expect(() => readMemory(process.pid, 0x1000, 8)).toThrow(/^memory of process \d+ at 0x1000 cannot be accessed \(EIO\)/);
});
