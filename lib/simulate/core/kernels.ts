/** Pieces of code whose events follow from how they are made: does a core count those? */
import { End } from '../../trace/decode.js';
import { seededRandom } from '../../analysis/statistics.js';
import type { FrontendEvents } from './events.js';
import type { CoreParameters } from './parameters.js';
import { replay } from './replay.js';
import { branch, lines, synthesise, type Block } from './synthetic.js';

export interface KernelCheck {
  kernel: string;
  quantity: string;
  /** Per round of the kernel, by analysis. Where chance has part in it counts scatter around it. */
  expected: number;
  counted: number;
}

/** A round, made anew each time: what is random differs. */
interface Kernel {
  name: string;
  round: () => Block[];
  quantity: string;
  of: (events: FrontendEvents) => number;
  expected: number;
}

const rounds = 6;
const branches = 4000;
const targets = 8;

/** Replays all kernels on a core without prefetch and wrong path, which would blur what is known; the first half of the rounds warms up. */
export function checkKernels(core: CoreParameters): KernelCheck[] {
  const plain = { ...core, nextLines: 0, runAhead: 0 };
  return kernelsFor(plain).map(({ name, round, quantity, of, expected }) => {
    const { mean } = replay(synthesise(...Array.from({ length: rounds }, round)), plain, { wrongPath: false, warmUp: rounds / 2 });
    return { kernel: name, quantity, expected, counted: of(mean) };
  });
}

function kernelsFor(core: CoreParameters): Kernel[] {
  const { l1i: { sets, ways }, itlb, returnStack } = core;
  const held = sets * ways;
  const pages = itlb.sets * itlb.ways;
  const deep = returnStack + 4;
  const misses = { quantity: 'L1-I misses', of: ({ l1iMisses }: FrontendEvents) => l1iMisses };
  const conditional = { quantity: 'mispredicted conditional branches', of: ({ branchMisses }: FrontendEvents) => branchMisses.conditionalTaken + branchMisses.conditionalNotTaken };
  const random = seededRandom(1);
  return [
    { name: `a loop of ${held} lines, which L1-I holds`, round: () => lines(0, held), ...misses, expected: 0 },
    { name: `a loop of ${held + sets} lines, one more than each set holds`, round: () => lines(0, held + sets), ...misses, expected: held + sets },
    { name: 'straight code through 4096 lines', round: () => lines(0, 4096), ...misses, expected: 4096 },
    { name: `a loop through ${pages + itlb.sets} pages, one more than each set of the iTLB holds`, round: () => everyPage(pages + itlb.sets), quantity: 'iTLB misses', of: ({ itlbMisses }) => itlbMisses, expected: pages + itlb.sets },
    { name: `${branches} alternating branches`, round: () => outcomes(listOf((i) => i % 2 === 0)), ...conditional, expected: 0 },
    { name: `${branches} random branches`, round: () => outcomes(listOf(() => random() < 0.5)), ...conditional, expected: branches / 2 },
    { name: `${branches} indirect jumps to ${targets} random targets`, round: () => dispatches(listOf(() => Math.floor(targets * random()))), quantity: 'mispredicted indirect branches', of: ({ branchMisses }) => branchMisses.indirect, expected: branches * (1 - 1 / targets) },
    { name: `${deep} nested calls, 4 more than the return stack holds`, round: () => callChain(deep), quantity: 'mispredicted returns', of: ({ branchMisses }) => branchMisses.returns, expected: 4 },
  ];
}

function everyPage(count: number): Block[] {
  return Array.from({ length: count }, (_, page) => branch(End.jump, 4096 * page, 4096 * ((page + 1) % count)));
}

function listOf<T>(item: (i: number) => T): T[] {
  return Array.from({ length: branches }, (_, i) => item(i));
}

/** A loop around one conditional branch with these outcomes. */
export function outcomes(taken: readonly boolean[]): Block[] {
  return taken.flatMap((isTaken) => [branch(End.conditional, 0x100, 0x200), isTaken ? branch(End.jump, 0x200, 0x100) : branch(End.jump, 0x104, 0x100)]);
}

/** A loop around one indirect jump to these of its targets. */
export function dispatches(numbers: readonly number[]): Block[] {
  return numbers.flatMap((number) => [branch(End.indirectJump, 0x1000), branch(End.jump, 0x10000 + 0x100 * number, 0x1000)]);
}

/** Calls nested so deep, then all their returns, and back to the beginning. */
export function callChain(depth: number): Block[] {
  const down = Array.from({ length: depth }, (_, i) => branch(End.call, 0x1000 * i, 0x1000 * (i + 1)));
  const up = Array.from({ length: depth }, (_, i) => branch(End.return, 0x1000 * (depth - i) + (i === 0 ? 0 : 4)));
  return [...down, ...up, branch(End.jump, 4, 0)];
}
