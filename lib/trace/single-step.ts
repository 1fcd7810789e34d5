/**
 * Records every user instruction of a running sidecar's worker thread, natively: the thread is single-stepped through
 * whole requests (ptrace), at some ten thousand steps a second, and let go unharmed. Its other threads stand still
 * meanwhile.
 *
 * Misses: the kernel; whatever happens only at speed. A request takes seconds: the worker needs a slow clock
 * (`slowClockWrap`), lest timers come due in each, and the clients and the backend must be patient: socketify closes connections that were idle for 10 s, the Node echo
 * (`startEcho({ prefer: 'node' })`) does not. Should the recording process be killed, the kernel ends the sidecar too.
 */
import * as fs from 'node:fs';
import type { Availability } from '../host/availability.js';
import { allowedCpus } from '../host/cpus.js';
import { projectPath, projectRoot } from '../host/paths.js';
import { start, type Daemon } from '../host/process.js';
import { probe as probePtrace } from '../host/ptrace.js';
import type { SteppingOptions, SteppingOutcome } from './stepping.js';

export interface SingleStepTask extends SteppingOptions {
  /** Where the trace goes (format.ts). */
  file: string;
}

export interface SingleStepOptions extends Pick<SteppingOptions, 'clientDescriptors' | 'requests'> {
  file: string;
  /** The worker's core: with the tracer on another each step would have to wake it there. */
  cpu?: number;
  /** Ends when it waited for so many seconds without data moving; 2 by default. */
  idleS?: number;
  /** The same before the first request; 60 by default. */
  firstRequestS?: number;
}

export interface SingleStepping {
  /**
   * Settles when the recording has ended and its file is whole.
   * @throws Error when the worker or the recording process ended meanwhile; there is no file then.
   */
  outcome: Promise<SteppingOutcome>;
  /** Ends it early; what was recorded is kept. */
  stop(): Promise<void>;
  /** The recording process. */
  pid: number;
}

/** Of the recorder, for headers of traces. */
export function recorderVersion(): string {
  const version = (name: string) => (JSON.parse(fs.readFileSync(projectPath('node_modules', name, 'package.json'), 'utf8')) as { version: string }).version;
  return `single-step 2, koffi ${version('koffi')}, iced-x86 ${version('iced-x86')}`;
}

/**
 * Attaches to a sidecar's worker; resolves when it may be sent requests, one after another. The clients must be
 * connected before; see client-descriptors.ts.
 * @throws Error naming what forbids it and what to do.
 */
export async function startSingleStep(sidecar: { pid: number; workerTid: number }, options: SingleStepOptions): Promise<SingleStepping> {
  const { cpu = coreOf(sidecar), idleS = 2, firstRequestS = 60, ...rest } = options;
  const task: SingleStepTask = { ...rest, idleS, firstRequestS, pid: sidecar.pid, tid: sidecar.workerTid };
  const daemon = await start(
    [process.execPath, '--import', 'tsx', projectPath('lib', 'trace', 'single-step-child.ts'), JSON.stringify(task)],
    // tsx is looked up from the working directory
    { name: 'single-step', cpus: [cpu], cwd: projectRoot(), env: { NODE_OPTIONS: '' } },
  );
  const outcome = daemon.exited.then(({ signal }) => outcomeOf(daemon, signal));
  outcome.catch(() => undefined); // awaited by the caller, but perhaps only later
  while (daemon.alive() && !/^attached$/m.test(daemon.output())) await new Promise((resolve) => setTimeout(resolve, 10));
  if (!/^attached$/m.test(daemon.output())) await outcome;
  return { outcome, stop: () => daemon.stop(stopGraceMs), pid: daemon.pid };
}

/** The last core that the thread may run on: the one a worker is pinned to. */
function coreOf({ pid, workerTid }: { pid: number; workerTid: number }): number {
  const cores = allowedCpus(fs.readFileSync(`/proc/${pid}/task/${workerTid}/status`, 'utf8'));
  return cores[cores.length - 1];
}

/** It finishes its file first. */
const stopGraceMs = 30_000;

function outcomeOf(daemon: Daemon, signal: string | null): SteppingOutcome {
  const lines = daemon.output().trim().split('\n');
  const last = lines[lines.length - 1];
  if (signal) throw new Error(`the recording process was killed by ${signal}, and the sidecar with it; start both again`);
  if (!last.startsWith('{')) throw new Error(`nothing was recorded: ${last.replace(/^failed: /, '')}`);
  return JSON.parse(last) as SteppingOutcome;
}

/** Whether threads of processes that we started can be stepped by another one of ours. */
export async function probe(): Promise<Availability> {
  const able = await probePtrace();
  if (!able.available) return able;
  const scope = fs.existsSync(yama) ? Number(fs.readFileSync(yama, 'utf8')) : 0;
  // By scope 1 only ancestors may trace: we may, the recording process beside the sidecar may not.
  if (scope === 0 || hasPtraceCapability()) return able;
  return { available: false, reason: `kernel.yama.ptrace_scope is ${scope}`, remedy: 'set it to 0 (sysctl kernel.yama.ptrace_scope=0), or run as root' };
}

const yama = '/proc/sys/kernel/yama/ptrace_scope';
const CAP_SYS_PTRACE = 19n;

function hasPtraceCapability(): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(fs.readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
  return ((BigInt(`0x${effective}`) >> CAP_SYS_PTRACE) & 1n) === 1n;
}

/**
 * Environment under which a sidecar's libraries choose the routines that they choose under Valgrind 3.19 (its CPUID
 * has neither AVX-512, ADX, SHA, VAES, RTM nor fast short copies): glibc by its tunables (the manual's "Hardware
 * Capability Tunables"), BoringSSL by its mask of CPUID words (OPENSSL_ia32cap in crypto/cpu_intel.c: after the colon
 * leaf 7's EBX and, as upper half, ECX; `~` clears bits). Fast short copies have no name in the tunables: what they
 * change is from which size on `rep movsb` is used.
 */
export function maskedEnvironment(): Record<string, string> {
  const hidden = ['AVX512F', 'AVX512VL', 'AVX512BW', 'AVX512CD', 'AVX512DQ', 'RTM'].map((name) => `-${name}`);
  return {
    GLIBC_TUNABLES: `glibc.cpu.hwcaps=${hidden.join(',')}:glibc.cpu.x86_rep_movsb_threshold=8192`,
    OPENSSL_ia32cap: `:~0x${leaf7Mask.toString(16)}`,
  };
}

/** EBX: AVX512F 16, DQ 17, ADX 19, IFMA 21, SHA 29, BW 30, VL 31; ECX: GFNI 8, VAES 9, VPCLMULQDQ 10. */
const leaf7Mask = [16, 17, 19, 21, 29, 30, 31, 32 + 8, 32 + 9, 32 + 10].reduce((mask, bit) => mask | (1n << BigInt(bit)), 0n);
