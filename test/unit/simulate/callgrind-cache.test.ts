import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { callgrindMisses } from '../../../lib/simulate/callgrind-cache.js';
import { tinyTrace } from './tiny-trace.js';

const single = { sets: 1, ways: 1 };

describe("callgrind's instruction cache", () => {
  it('counts an instruction in two lines once, whichever of them misses', async () => {
    const trace = tinyTrace([{ address: 60, bytes: 8 }]);
    expect(await callgrindMisses(trace, { cache: { sets: 1, ways: 2 }, firstInstructionBytes: () => 8 })).toBe(1);
    expect(await callgrindMisses(trace, { cache: { sets: 1, ways: 2 }, firstInstructionBytes: () => 4 })).toBe(2);
  });

  it('counts what two instructions miss twice', async () => {
    const steps = [{ address: 60, bytes: 100 }, { address: 0, bytes: 4 }];
    expect(await callgrindMisses(tinyTrace(steps), { cache: single, firstInstructionBytes: () => 5 })).toBe(3);
  });

  it('counts as an instruction by instruction simulation does', async () => {
    // A run as the lengths of its instructions.
    const run = fc.record({ address: fc.nat(3000), lengths: fc.array(fc.integer({ min: 1, max: 15 }), { minLength: 1, maxLength: 30 }) });
    await fc.assert(fc.asyncProperty(fc.array(run, { maxLength: 40 }), async (runs) => {
      const cache = { sets: 4, ways: 2 };
      const bytesOf = ({ lengths }: { lengths: number[] }) => lengths.reduce((sum, length) => sum + length, 0);
      const trace = tinyTrace(runs.map((each) => ({ address: each.address, bytes: bytesOf(each) })));
      const firstBytes = new Map(runs.map((each) => [`${each.address} ${bytesOf(each)}`, each.lengths[0]]));
      // The same bytes are the same code: runs that agree in both must agree in their first instruction.
      fc.pre(runs.every((each) => firstBytes.get(`${each.address} ${bytesOf(each)}`) === each.lengths[0]));
      const { address, bytes } = trace.runs;
      const counted = await callgrindMisses(trace, { cache, firstInstructionBytes: (id) => firstBytes.get(`${address[id]} ${bytes[id]}`)! });
      expect(counted).toBe(byInstruction(runs, cache));
    }));
  });
});

/** As callgrind does it: each instruction touches the line of its first byte and that of its last. */
function byInstruction(runs: { address: number; lengths: number[] }[], { sets, ways }: { sets: number; ways: number }): number {
  const held = Array.from({ length: sets }, (): number[] => []);
  const touch = (line: number) => {
    const set = held[line % sets];
    const missed = !set.includes(line);
    held[line % sets] = [line, ...set.filter((other) => other !== line)].slice(0, ways);
    return missed;
  };
  let misses = 0;
  for (const { address, lengths } of runs) {
    let at = address;
    for (const length of lengths) {
      const [first, last] = [Math.floor(at / 64), Math.floor((at + length - 1) / 64)];
      const missed = [first, ...(last > first ? [last] : [])].map(touch);
      misses += missed.includes(true) ? 1 : 0;
      at += length;
    }
  }
  return misses;
}
