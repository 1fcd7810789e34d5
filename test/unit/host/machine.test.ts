import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { machineSlug, machineWarnings, parseCpuinfo, parseMemory, readMachine } from '../../../lib/host/machine.js';
import { coreName } from '../../../lib/host/microarchitecture.js';

/** Captured with `cat /proc/cpuinfo` in a KVM guest on an EPYC 9xx4; flags shortened. */
const epycGuest = (processor: number) => `processor	: ${processor}
vendor_id	: AuthenticAMD
cpu family	: 25
model		: 17
model name	: AMD EPYC
stepping	: 1
microcode	: 0x1000065
cpu MHz		: 2596.136
cache size	: 1024 KB
physical id	: 0
siblings	: 2
core id		: ${processor}
cpu cores	: 2
flags		: fpu vme de pse tsc msr hypervisor lahf_lm
bogomips	: 5192.27
`;

/** One logical CPU of a bare-metal, hyper-threaded Xeon, in the kernel's layout. */
const xeon = (processor: number, socket: number, core: number) => `processor	: ${processor}
vendor_id	: GenuineIntel
cpu family	: 6
model		: 106
model name	: Intel(R) Xeon(R) Silver 4314 CPU @ 2.40GHz
stepping	: 6
physical id	: ${socket}
core id		: ${core}
flags		: fpu vme de pse tsc
`;

let root: string;
beforeEach(() => { root = fs.mkdtempSync(path.join(os.tmpdir(), 'machine-')); });
afterEach(() => fs.rmSync(root, { recursive: true }));

function put(files: Record<string, string>): void {
  for (const [file, text] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    fs.writeFileSync(path.join(root, file), text);
  }
}

describe('the fingerprint', () => {
  test('of a virtual machine says what the hypervisor hides instead of guessing', () => {
    const l1 = 'sys/devices/system/cpu/cpu0/cache/index0';
    put({
      'proc/cpuinfo': `${epycGuest(0)}\n${epycGuest(1)}\n`,
      'proc/meminfo': 'MemTotal:       24684084 kB\nMemFree:        23382972 kB\n',
      'proc/sys/kernel/osrelease': '6.18.44\n',
      'etc/os-release': 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian GNU/Linux"\n',
      [`${l1}/level`]: '1\n', [`${l1}/type`]: 'Data\n', [`${l1}/size`]: '32K\n', [`${l1}/ways_of_associativity`]: '8\n',
      [`${l1}/coherency_line_size`]: '64\n', [`${l1}/shared_cpu_list`]: '0\n',
      'sys/devices/system/clocksource/clocksource0/available_clocksource': 'tsc kvm-clock \n',
    });
    expect(readMachine(root)).toMatchObject({
      cpuModel: 'AMD EPYC', microarchitecture: 'Zen 4', series: 'EPYC 9xx4', sockets: 1, cores: 2, threads: 2, smt: false,
      caches: [{ level: 1, type: 'data', sizeKiB: 32, ways: 8, lineBytes: 64, sharedBy: 1 }],
      memoryBytes: 24684084 * 1024, kernel: '6.18.44', os: 'Debian GNU/Linux 12 (bookworm)',
      governor: 'not exposed', turbo: 'not exposed', cStates: 'not exposed', hypervisor: 'KVM',
    });
  });

  test('of bare metal holds governor, turbo and idle states', () => {
    put({
      'proc/cpuinfo': xeon(0, 0, 0),
      'proc/meminfo': 'MemTotal: 1024 kB\n',
      'sys/devices/system/cpu/cpu0/cpufreq/scaling_governor': 'powersave\n',
      'sys/devices/system/cpu/intel_pstate/no_turbo': '0\n',
      'sys/devices/system/cpu/cpu0/cpuidle/state0/name': 'POLL\n',
      'sys/devices/system/cpu/cpu0/cpuidle/state1/name': 'C1\n',
    });
    const machine = readMachine(root);
    expect(machine).toMatchObject({ governor: 'powersave', turbo: 'on', cStates: 'POLL, C1', hypervisor: null });
    expect(machineWarnings(machine).join('\n')).toMatch(/"powersave"[^]*turbo is on/);
  });

  test('holds nothing that tells whose machine it is', () => {
    const text = JSON.stringify(readMachine());
    for (const secret of [os.hostname(), os.userInfo().homedir]) {
      if (secret.length > 3) expect(text).not.toContain(secret);
    }
  });
});

describe('/proc/cpuinfo', () => {
  test('two sockets of two hyper-threaded cores are four cores and eight threads', () => {
    const cpus = [0, 1].flatMap((socket) => [0, 1].flatMap((core) => [0, 1].map((thread) => xeon(socket * 4 + core * 2 + thread, socket, core))));
    expect(parseCpuinfo(cpus.join('\n'))).toMatchObject({ sockets: 2, cores: 4, threads: 8, underHypervisor: false });
  });

  test.each(['', 'processor\t: 0\nBogoMIPS\t: 50.00\nFeatures\t: fp asimd\nCPU implementer\t: 0x41\n'])('a foreign one is refused, naming what it lacks', (text) => {
    expect(() => parseCpuinfo(text)).toThrow('/proc/cpuinfo has no "model name"; this needs Linux on x86-64');
  });

  test('one that is cut off or damaged is refused, naming the field', () => {
    const whole = xeon(0, 0, 0);
    expect(() => parseCpuinfo(whole.slice(0, whole.indexOf('flags')))).toThrow('/proc/cpuinfo has no "flags"');
    expect(() => parseCpuinfo(whole.replace('model\t\t: 106', 'model\t\t: ?'))).toThrow('/proc/cpuinfo says "model: ?", which is no number');
  });

  test('the order of the processors does not matter', () => {
    const cpus = [xeon(0, 0, 0), xeon(1, 0, 1), xeon(2, 1, 0)];
    expect(parseCpuinfo([...cpus].reverse().join('\n'))).toEqual(parseCpuinfo(cpus.join('\n')));
  });

  test('memory without a total is refused', () => {
    expect(() => parseMemory('MemFree: 12 kB\n')).toThrow('MemTotal');
  });
});

describe('names of cores', () => {
  test.each([
    ['GenuineIntel', 6, 63, 2, 'Haswell'],
    ['GenuineIntel', 6, 85, 4, 'Skylake-SP'],
    ['GenuineIntel', 6, 85, 7, 'Cascade Lake'],
    ['GenuineIntel', 6, 106, 6, 'Ice Lake-SP'],
    ['AuthenticAMD', 0x17, 0x31, 0, 'Zen 2'],
    ['AuthenticAMD', 0x19, 0x61, 2, 'Zen 4'],
  ])('%s family %i model %i stepping %i is %s', (vendor, family, model, stepping, name) => {
    expect(coreName({ vendor, family, model, stepping })?.name).toBe(name);
  });

  test('an unknown core has no name rather than a wrong one', () => {
    expect(coreName({ vendor: 'AuthenticAMD', family: 99, model: 1, stepping: 0 })).toBeNull();
  });
});

describe('folder names', () => {
  test.each([
    ['AMD EPYC', 'EPYC 9xx4', 'Zen 4', 'amd-epyc-9xx4-2026-11-23'],
    ['AMD EPYC 7B13 64-Core Processor', 'EPYC 7xx3', 'Zen 3', 'amd-epyc-7b13-2026-11-23'],
    ['Intel(R) Xeon(R) Silver 4314 CPU @ 2.40GHz', null, 'Ice Lake-SP', 'intel-xeon-silver-4314-2026-11-23'],
    ['Intel(R) Xeon(R) CPU E5-2650 v3 @ 2.30GHz', null, 'Haswell', 'intel-xeon-e5-2650-v3-2026-11-23'],
    ['Intel(R) Xeon(R) Processor @ 2.90GHz', null, 'Ice Lake-SP', 'intel-xeon-ice-lake-sp-2026-11-23'],
  ])('"%s" is told apart from its relatives', (cpuModel, series, microarchitecture, slug) => {
    expect(machineSlug({ cpuModel, series, microarchitecture }, new Date('2026-11-23T12:00:00Z'))).toBe(slug);
  });
});
