/**
 * Names of x86-64 cores by the numbers CPUID gives.
 * Sources: Linux arch/x86/include/asm/intel-family.h and arch/x86/kernel/cpu/amd.c (`bsp_determine_snp`, Zen ranges);
 * Intel steppings of model 85 as in perf's mapfile.csv; EPYC series from AMD's product pages.
 */

interface CoreName {
  vendor: 'GenuineIntel' | 'AuthenticAMD';
  family: number;
  models: [first: number, last: number];
  /** All when left out. */
  steppings?: [first: number, last: number];
  name: string;
  /** Server series sold with it; clouds hide the exact model, the series is what is left. */
  series?: string;
}

function intel(model: number, name: string, steppings?: [number, number]): CoreName {
  return { vendor: 'GenuineIntel', family: 6, models: [model, model], steppings, name };
}

function amd(family: number, first: number, last: number, name: string, series?: string): CoreName {
  return { vendor: 'AuthenticAMD', family, models: [first, last], name, series };
}

/** The first entry that fits counts: single models stand before the ranges that hold them. */
const cores: CoreName[] = [
  intel(0x3c, 'Haswell'), intel(0x45, 'Haswell'), intel(0x46, 'Haswell'), intel(0x3f, 'Haswell'),
  intel(0x3d, 'Broadwell'), intel(0x47, 'Broadwell'), intel(0x4f, 'Broadwell'), intel(0x56, 'Broadwell'),
  intel(0x4e, 'Skylake'), intel(0x5e, 'Skylake'),
  intel(0x55, 'Skylake-SP', [0, 4]), intel(0x55, 'Cascade Lake', [5, 9]), intel(0x55, 'Cooper Lake', [10, 15]),
  intel(0x8e, 'Kaby Lake'), intel(0x9e, 'Kaby Lake'), intel(0xa5, 'Comet Lake'), intel(0xa6, 'Comet Lake'),
  intel(0x7e, 'Ice Lake'), intel(0x6a, 'Ice Lake-SP'), intel(0x6c, 'Ice Lake-SP'),
  intel(0x8c, 'Tiger Lake'), intel(0x8d, 'Tiger Lake'), intel(0xa7, 'Rocket Lake'),
  intel(0x97, 'Alder Lake'), intel(0x9a, 'Alder Lake'),
  intel(0xb7, 'Raptor Lake'), intel(0xba, 'Raptor Lake'), intel(0xbf, 'Raptor Lake'),
  intel(0xaa, 'Meteor Lake'), intel(0xac, 'Meteor Lake'), intel(0xc5, 'Arrow Lake'), intel(0xc6, 'Arrow Lake'), intel(0xbd, 'Lunar Lake'),
  intel(0x8f, 'Sapphire Rapids'), intel(0xcf, 'Emerald Rapids'), intel(0xad, 'Granite Rapids'), intel(0xae, 'Granite Rapids'), intel(0xaf, 'Sierra Forest'),
  amd(0x17, 0x01, 0x01, 'Zen', 'EPYC 7xx1'), amd(0x17, 0x31, 0x31, 'Zen 2', 'EPYC 7xx2'),
  amd(0x17, 0x00, 0x2f, 'Zen'), amd(0x17, 0x50, 0x5f, 'Zen'), amd(0x17, 0x30, 0xaf, 'Zen 2'),
  amd(0x19, 0x01, 0x01, 'Zen 3', 'EPYC 7xx3'), amd(0x19, 0x11, 0x11, 'Zen 4', 'EPYC 9xx4'), amd(0x19, 0xa0, 0xaf, 'Zen 4c', 'EPYC 97x4'),
  amd(0x19, 0x00, 0x0f, 'Zen 3'), amd(0x19, 0x20, 0x5f, 'Zen 3'), amd(0x19, 0x10, 0x1f, 'Zen 4'), amd(0x19, 0x60, 0x9f, 'Zen 4'),
  amd(0x1a, 0x02, 0x02, 'Zen 5', 'EPYC 9xx5'), amd(0x1a, 0x11, 0x11, 'Zen 5c', 'EPYC 9xx5'),
  amd(0x1a, 0x00, 0x2f, 'Zen 5'), amd(0x1a, 0x40, 0x4f, 'Zen 5'), amd(0x1a, 0x60, 0x7f, 'Zen 5'),
];

/** CPUID's numbers, as /proc/cpuinfo prints them. */
export interface CpuId {
  vendor: string;
  family: number;
  model: number;
  stepping: number;
}

/** `{ name: 'Zen 4', series: 'EPYC 9xx4' }`; null for a core that the table does not know. */
export function coreName(id: CpuId): { name: string; series: string | null } | null {
  const found = cores.find((core) => core.vendor === id.vendor && core.family === id.family
    && within(id.model, core.models) && (!core.steppings || within(id.stepping, core.steppings)));
  return found ? { name: found.name, series: found.series ?? null } : null;
}

function within(value: number, [first, last]: [number, number]): boolean {
  return value >= first && value <= last;
}
