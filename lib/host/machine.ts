/** The fingerprint of this machine: what its numbers depend on, nothing that tells whose or where it is. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { parseCpuList } from './cpus.js';
import { coreName, type CpuId } from './microarchitecture.js';

const NOT_EXPOSED = 'not exposed';

export interface Cache {
  level: number;
  type: 'data' | 'instruction' | 'unified';
  sizeKiB: number;
  ways: number;
  lineBytes: number;
  /** Logical CPUs that share it. */
  sharedBy: number;
}

export interface Machine extends CpuId {
  /** As the CPU or its hypervisor names it; clouds often say only `AMD EPYC`. */
  cpuModel: string;
  /** e.g. `Zen 4`; null when our table does not know the core. */
  microarchitecture: string | null;
  /** e.g. `EPYC 9xx4`, where core and series go together. */
  series: string | null;
  sockets: number;
  /** Physical cores of all sockets. */
  cores: number;
  /** Logical CPUs. */
  threads: number;
  smt: boolean;
  /** Of the first CPU. */
  caches: Cache[];
  memoryBytes: number;
  /** Kernel release. */
  kernel: string;
  os: string;
  /** Frequency governor of the first CPU, or `not exposed` (most virtual machines). */
  governor: string;
  turbo: 'on' | 'off' | typeof NOT_EXPOSED;
  /** Idle states the kernel may enter, e.g. `POLL, C1, C6`, or `not exposed`. */
  cStates: string;
  /** e.g. `KVM`; null on bare metal. */
  hypervisor: string | null;
  node: string;
}

/**
 * Reads the fingerprint from /proc and /sys.
 * @param root where these are mounted; a test gives a folder of captured files.
 * @throws Error when /proc/cpuinfo is not a Linux x86 one.
 */
export function readMachine(root = '/'): Machine {
  const read = (file: string) => readIfThere(path.join(root, file));
  const cpu = parseCpuinfo(read('proc/cpuinfo') ?? '');
  const core = coreName(cpu);
  return {
    cpuModel: cpu.cpuModel,
    vendor: cpu.vendor,
    family: cpu.family,
    model: cpu.model,
    stepping: cpu.stepping,
    microarchitecture: core?.name ?? null,
    series: core?.series ?? null,
    sockets: cpu.sockets,
    cores: cpu.cores,
    threads: cpu.threads,
    smt: cpu.threads > cpu.cores,
    caches: readCaches(root),
    memoryBytes: parseMemory(read('proc/meminfo') ?? ''),
    kernel: read('proc/sys/kernel/osrelease') ?? NOT_EXPOSED,
    os: /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(read('etc/os-release') ?? '')?.[1] ?? 'unknown',
    governor: read('sys/devices/system/cpu/cpu0/cpufreq/scaling_governor') ?? NOT_EXPOSED,
    turbo: readTurbo(read),
    cStates: readIdleStates(root) ?? NOT_EXPOSED,
    hypervisor: cpu.underHypervisor ? hypervisorName(read) : null,
    node: process.versions.node,
  };
}

interface CpuInfo extends CpuId {
  cpuModel: string;
  sockets: number;
  cores: number;
  threads: number;
  underHypervisor: boolean;
}

/** Reads /proc/cpuinfo. @throws Error naming what it lacks. */
export function parseCpuinfo(text: string): CpuInfo {
  const processors = text.split(/\n\s*\n/).filter((block) => /^processor\s*:/m.test(block));
  const field = (name: string, block = processors[0] ?? '') => new RegExp(`^${name}\\s*:\\s*(.*)$`, 'm').exec(block)?.[1].trim();
  const need = (name: string) => {
    const value = field(name);
    if (value === undefined) throw new Error(`/proc/cpuinfo has no "${name}"; this needs Linux on x86-64`);
    return value;
  };
  const needNumber = (name: string) => {
    const value = need(name);
    if (!/^\d+$/.test(value)) throw new Error(`/proc/cpuinfo says "${name}: ${value}", which is no number; this needs Linux on x86-64`);
    return Number(value);
  };
  const place = (block: string) => field('physical id', block) ?? '0';
  return {
    cpuModel: need('model name'),
    vendor: need('vendor_id'),
    family: needNumber('cpu family'),
    model: needNumber('model'),
    stepping: needNumber('stepping'),
    sockets: new Set(processors.map(place)).size,
    cores: new Set(processors.map((block) => `${place(block)}/${field('core id', block) ?? field('processor', block)}`)).size,
    threads: processors.length,
    underHypervisor: need('flags').split(' ').includes('hypervisor'),
  };
}

/** Bytes of memory by /proc/meminfo. */
export function parseMemory(text: string): number {
  const total = /^MemTotal:\s*(\d+) kB$/m.exec(text);
  if (!total) throw new Error('/proc/meminfo has no MemTotal; this needs Linux');
  return Number(total[1]) * 1024;
}

function readCaches(root: string): Cache[] {
  const folder = path.join(root, 'sys/devices/system/cpu/cpu0/cache');
  const indices = fs.existsSync(folder) ? fs.readdirSync(folder).filter((name) => /^index\d+$/.test(name)).sort() : [];
  return indices.flatMap((index) => {
    const read = (name: string) => readIfThere(path.join(folder, index, name));
    const sizeKiB = Number(/^(\d+)K$/.exec(read('size') ?? '')?.[1]);
    if (!Number.isFinite(sizeKiB)) return []; // listed, but the hypervisor says nothing of it
    return [{
      level: Number(read('level')),
      type: (read('type') ?? 'Unified').toLowerCase() as Cache['type'],
      sizeKiB,
      ways: Number(read('ways_of_associativity') ?? 0),
      lineBytes: Number(read('coherency_line_size') ?? 0),
      sharedBy: parseCpuList(read('shared_cpu_list') ?? '0').length,
    }];
  });
}

type Read = (file: string) => string | undefined;

/** intel_pstate says whether turbo is off, the other drivers whether boost is on. */
function readTurbo(read: Read): Machine['turbo'] {
  const noTurbo = read('sys/devices/system/cpu/intel_pstate/no_turbo');
  const boost = read('sys/devices/system/cpu/cpufreq/boost');
  if (noTurbo !== undefined) return noTurbo === '0' ? 'on' : 'off';
  if (boost !== undefined) return boost === '1' ? 'on' : 'off';
  return NOT_EXPOSED;
}

function readIdleStates(root: string): string | undefined {
  const folder = path.join(root, 'sys/devices/system/cpu/cpu0/cpuidle');
  const states = fs.existsSync(folder) ? fs.readdirSync(folder).filter((name) => /^state\d+$/.test(name)).sort() : [];
  return states.length > 0 ? states.map((state) => readIfThere(path.join(folder, state, 'name'))).join(', ') : undefined;
}

/** The guest's clock source names the hypervisor where DMI tables do not exist (Firecracker). */
function hypervisorName(read: Read): string {
  const clocks = read('sys/devices/system/clocksource/clocksource0/available_clocksource') ?? '';
  if (clocks.includes('kvm-clock')) return 'KVM';
  if (clocks.includes('hyperv')) return 'Hyper-V';
  if (clocks.includes('xen')) return 'Xen';
  return read('sys/class/dmi/id/sys_vendor') ?? 'unknown';
}

/**
 * A short name of this kind of machine for folders under data/: `amd-epyc-9xx4`, with a date `amd-epyc-9xx4-2026-11-23`.
 * Models without a number in their name (clouds) are told apart by series or core.
 */
export function machineSlug(machine: Pick<Machine, 'cpuModel' | 'series' | 'microarchitecture'>, date?: Date): string {
  const plain = machine.cpuModel.replace(/\((R|TM)\)|\bCPU\b|\bProcessor\b|\b\d+-Core\b|@.*$/gi, ' ').trim();
  const vendor = machine.series?.startsWith('EPYC') ? 'AMD ' : '';
  const named = /\d/.test(plain) ? plain : machine.series ? vendor + machine.series : `${plain} ${machine.microarchitecture ?? ''}`;
  const slug = named.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '');
  return date ? `${slug}-${date.toISOString().slice(0, 10)}` : slug;
}

/** What a reader should know before believing times measured here: one sentence each, empty when there is nothing. */
export function machineWarnings(machine: Machine): string[] {
  return [
    machine.threads < 2 ? 'one CPU only: sidecar, load and backend share it, so no latency here is the sidecar\'s alone' : '',
    machine.hypervisor ? `virtual machine (${machine.hypervisor}): neighbours can take time from it unseen` : '',
    !['performance', NOT_EXPOSED].includes(machine.governor) ? `frequency governor "${machine.governor}": the clock moves with load` : '',
    machine.turbo === 'on' ? 'turbo is on: the clock depends on what the other cores do' : '',
    machine.smt ? 'SMT is on: the worker core\'s sibling is kept empty while measuring' : '',
  ].filter((warning) => warning !== '');
}

function readIfThere(file: string): string | undefined {
  try {
    return fs.readFileSync(file, 'utf8').trim();
  } catch {
    return undefined; // absent, or there but not readable in this guest
  }
}
