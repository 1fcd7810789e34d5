/**
 * perf record: call stacks of the worker thread, kernel part included, sampled a thousand times a second.
 *
 * On cycles and instructions where the CPU has counters, on the CPU clock where it has not. Envoy is built without
 * frame pointers, so perf copies part of the stack with each sample and unwinds it afterwards.
 * What analysis reads is `stacks.json.gz`: every distinct stack with its counts, and where the program's code is
 * loaded. perf.data stays beside it on the machine that made it.
 *
 * Misses: other threads; without root and with perf_event_paranoid above 1, the kernel; callers deeper than the copied
 * part of the stack (counted: `wholeShare`). The CPU clock cannot fire while interrupts are off: such kernel samples
 * pile up where they go on again (finish_task_switch, _raw_spin_unlock_irqrestore).
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import * as zlib from 'node:zlib';
import { codeSegments, readElf } from '../analysis/elf.js';
import type { Availability } from '../host/availability.js';
import { run } from '../host/process.js';
import type { Collected, Collector } from './collector.js';
import { perfEnvironment, perfVersion, probePerf, whilePerf } from './perf-tool.js';
import { formatStacks, parsePerfScript, parseStacks, reduceStacks, type BinaryMap, type StackProfile } from './stacks.js';

/**
 * Share of whole stacks, Envoy 1.40 under HTTP: 4 kB 63 %, 8 kB 87 %, 16 kB 99 %, 32 kB 99 %. What is left ends after
 * two frames: sampled in a function's last instructions, for which compilers write no unwind information.
 */
export const stackBytes = 16_384;
export const samplesPerS = 1000;

const hardwareEvents = ['cycles', 'instructions'];
const files = { raw: 'perf.data', stacks: 'stacks.json.gz' };

export const perfRecord: Collector<StackProfile> = {
  name: 'perf-record',
  version: async () => `1 / perf ${await perfVersion()} / ${(await sampledEvents()).join(',')} ${samplesPerS} Hz, ${stackBytes} B`,
  probe,
  record: recordStacks,
  read: readStacks,
  misses: 'threads other than the worker; callers beyond the copied part of the stack; kernel code that runs with interrupts off, when the CPU clock is what is sampled',
  disturbance: 'about 5 to 7 % more CPU time, since the thread itself copies its stack at every sample (two-core virtual machine, on and off interleaved)',
};

async function probe(): Promise<Availability> {
  const answer = await probePerf(['record', '-q', '-e', 'cpu-clock', '-o', '/dev/null', 'true']);
  if (!answer.available || (await sampledEvents())[0] !== 'cpu-clock') return answer;
  return { ...answer, note: 'samples the CPU clock: this machine shows no performance monitoring unit' };
}

/** Cycles and instructions where they are counted, else the CPU clock. */
async function sampledEvents(): Promise<string[]> {
  const tried = await run(['perf', 'stat', '-x', ';', '-e', hardwareEvents.join(','), 'true'], { allow: 'any', env: perfEnvironment });
  return tried.exitCode === 0 && !tried.stderr.includes('<not') ? hardwareEvents : ['cpu-clock'];
}

async function recordStacks<T>(sidecar: Collected, dir: string, body: () => Promise<T>, cpus: number[]): Promise<T> {
  const raw = path.join(dir, files.raw);
  const argv = [
    'record', '-q', '-e', (await sampledEvents()).join(','), '-F', String(samplesPerS),
    '--call-graph', `dwarf,${stackBytes}`, '-o', raw, '-t', String(sidecar.workerTid),
  ];
  const result = await whilePerf(argv, cpus, body);
  const fields = ['-F', 'tid,time,event,period,ip,sym,dso', '--no-inline'];
  const script = await run(['perf', 'script', '-i', raw, ...fields], { cpus, env: perfEnvironment });
  const profile = reduceStacks(parsePerfScript(script.stdout, 'perf script'), mapOf(sidecar.envoy));
  fs.writeFileSync(path.join(dir, files.stacks), zlib.gzipSync(formatStacks(profile)));
  return result;
}

function mapOf(envoy: Collected['envoy']): BinaryMap {
  const code = codeSegments(readElf(envoy.path).segments).map(({ offset, address, fileSize }) => ({ offset, address, size: fileSize }));
  return { name: path.basename(envoy.path), buildId: envoy.buildId, code };
}

function readStacks(dir: string): StackProfile {
  const file = path.join(dir, files.stacks);
  try {
    return parseStacks(zlib.gunzipSync(fs.readFileSync(file)).toString('utf8'), file);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code?.startsWith('Z_') || code === 'ERR_BUFFER_TOO_LARGE') throw new Error(`${file}:1: ${message}; the file is cut off or damaged: record again`);
    throw error;
  }
}
