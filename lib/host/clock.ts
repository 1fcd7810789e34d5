/**
 * The clock a core really runs at, without hardware counters: a chain of additions of which each needs the result of
 * the one before takes one cycle each on every x86-64 core, so additions per second are the clock in hertz.
 * The chain is a WebAssembly module made here, so that no compiler is needed and none can shorten it.
 */
import { run } from './process.js';

export interface CoreClock {
  hz: number;
  /** Median and highest of the bursts: where the clock was while they ran. */
  interval: [number, number];
}

/** Additions of one turn of the loop; the loop's own three instructions run beside the chain. */
const chainLength = 1024;
/** About half a millisecond a burst: shorter than a scheduler's slice, so that most bursts are undisturbed. */
const turnsPerBurst = 1500;
const bursts = 160;
/** For the clock to rise and the optimising compiler to finish. */
const warmUpBursts = 60;

/**
 * Measures the clock of one core; takes about 0.2 s.
 * @param cpu the core, which should have nothing else to do.
 * @throws CommandFailed when the core is not ours to use.
 */
export async function measureCoreClockHz(cpu: number): Promise<CoreClock> {
  const module = Buffer.from(addChainModule(chainLength)).toString('base64');
  const { stdout } = await run([process.execPath, '-e', burstProgram, module], { cpus: [cpu], timeoutMs: 30_000, env: { NODE_OPTIONS: '' } });
  return clockOf(JSON.parse(stdout) as number[], turnsPerBurst * chainLength);
}

/**
 * The clock from the bursts' times. Being interrupted only ever makes a burst longer, so the upper quartile of the
 * rates stands for the undisturbed clock; the fastest alone would be a single reading of the timer.
 * @param burstNs nanoseconds each burst took.
 * @param additions of one burst.
 */
export function clockOf(burstNs: number[], additions: number): CoreClock {
  if (burstNs.length === 0 || burstNs.some((ns) => !(ns > 0))) throw new Error(`burst times must be positive nanoseconds, got [${burstNs.slice(0, 5).join(', ')}]`);
  const rates = burstNs.map((ns) => (additions / ns) * 1e9).sort((a, b) => a - b);
  const at = (share: number) => rates[Math.floor(share * (rates.length - 1))];
  return { hz: at(0.75), interval: [at(0.5), at(1)] };
}

/** Times the bursts; runs alone on the core. `--no-liftoff` compiles with the optimiser at once. */
const burstProgram = `
  const v8 = require('node:v8');
  v8.setFlagsFromString('--no-liftoff');
  const module = new WebAssembly.Module(Buffer.from(process.argv[1], 'base64'));
  const { chain } = new WebAssembly.Instance(module).exports;
  let sum = 1n;
  const burst = () => { const start = process.hrtime.bigint(); sum = chain(${turnsPerBurst}, sum, 3n); return Number(process.hrtime.bigint() - start); };
  for (let i = 0; i < ${warmUpBursts}; i++) burst();
  const times = Array.from({ length: ${bursts} }, burst);
  if (sum === 0n) times.pop(); // the result is used, so the chain cannot be left out
  console.log(JSON.stringify(times));
`;

const I32 = 0x7f;
const I64 = 0x7e;
const NO_RESULT = 0x40;

/**
 * The module: `chain(turns: i32, x: i64, y: i64): i64`, which does `x += y; y += x` over and over, `additions` times
 * a turn. Each sum is an operand of the next, with no constant in between that a compiler could gather.
 */
export function addChainModule(additions: number) {
  const pair = [0x20, 1, 0x20, 2, 0x7c, 0x21, 1, /* x = x + y */ 0x20, 2, 0x20, 1, 0x7c, 0x21, 2 /* y = y + x */];
  const code = [
    0, // no further locals
    0x03, NO_RESULT, // loop
    ...Array.from({ length: additions / 2 }, () => pair).flat(),
    0x20, 0, 0x41, 1, 0x6b, 0x22, 0, // turns = turns - 1
    0x0d, 0, // again unless 0
    0x0b,
    0x20, 1, // x
    0x0b,
  ];
  const body = [...leb128(code.length), ...code];
  return Uint8Array.from([
    0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0, // magic, version
    ...section(1, [1, 0x60, 3, I32, I64, I64, 1, I64]),
    ...section(3, [1, 0]),
    ...section(7, [1, ...text('chain'), 0, 0]),
    ...section(10, [1, ...body]),
  ]);
}

function section(id: number, content: number[]): number[] {
  return [id, ...leb128(content.length), ...content];
}

function text(word: string): number[] {
  return [word.length, ...Buffer.from(word)];
}

/** Unsigned LEB128, WebAssembly's way to write sizes. */
function leb128(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...leb128(value >>> 7)];
}
