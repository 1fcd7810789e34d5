import { describe, expect, it } from 'vitest';
import { RunFormer, type SteppedInstruction } from '../../../lib/trace/run-former.js';

const plain = { repeats: false, endsRun: false, isSystemCall: false };
/** Three instructions, a string instruction, a branch back, and a handler elsewhere. */
const code: Record<number, SteppedInstruction> = {
  100: { ...plain, bytes: 3 },
  103: { ...plain, bytes: 2, repeats: true },
  105: { ...plain, bytes: 4 },
  109: { ...plain, bytes: 2, endsRun: true },
  111: { ...plain, bytes: 1, endsRun: true },
  900: { ...plain, bytes: 5 },
  905: { ...plain, bytes: 1, endsRun: true },
};

/** `100+11/4` is a run of 4 instructions and 11 bytes from 100. */
function runsOf(walk: (former: RunFormer) => void, start = 100): { runs: string[]; instructions: number } {
  const defined: string[] = [];
  const runs: string[] = [];
  const former = new RunFormer({
    defineRun: (address, bytes, instructions) => defined.push(`${address}+${bytes}/${instructions}`) - 1,
    execute: (id) => runs.push(defined[id]),
  }, start, (address) => code[address]);
  walk(former);
  former.end();
  return { runs, instructions: former.instructions };
}

const steps = (...addresses: number[]) => (former: RunFormer) => addresses.forEach((address) => former.stepTo(address));

describe('RunFormer', () => {
  it('ends a run at a branch, taken or not', () => {
    expect(runsOf(steps(103, 105, 109, 100)).runs).toEqual(['100+11/4']);
    expect(runsOf(steps(103, 105, 109, 111, 100)).runs).toEqual(['100+11/4', '111+1/1']);
  });
  it('counts a repeated string instruction once', () => {
    expect(runsOf(steps(103, 103, 103, 105, 109, 100))).toEqual({ runs: ['100+11/4'], instructions: 4 });
  });
  it('counts a branch to itself every time', () => {
    expect(runsOf(steps(109, 109, 111), 109)).toEqual({ runs: ['109+2/1', '109+2/1', '109+2/1'], instructions: 3 });
  });
  it('leaves out the instruction that a signal\'s handler came before, and has it when it is executed', () => {
    const { runs, instructions } = runsOf((former) => {
      former.stepTo(103);
      former.divertTo(900);
      steps(905, 103, 105, 109, 100)(former);
    });
    expect(runs).toEqual(['100+3/1', '900+6/2', '103+8/3']);
    expect(instructions).toBe(6);
  });
  it('keeps the part of a run that was executed when the recording ends', () => {
    expect(runsOf(steps(103, 105)).runs).toEqual(['100+5/2']);
    expect(runsOf(() => {}).runs).toEqual([]);
  });
});
