/** The paper's Table 1: the two CloudLab nodes it measured on, as printed. */

export interface PaperMachine {
  id: 'haswell' | 'icelake';
  cpu: string;
  cores: string;
  l1iKB: number;
  l1dKB: number;
  l2KB: number;
  iTlb: string;
  llc: string;
  frequencyGHz: number;
  memory: string;
  kernel: string;
  /** Where Table 1 is at odds with itself, the text or the processor's data sheet. */
  notes: string[];
}

/** Older node first, as in Table 1. Figures of sections 3 to 5 are Ice Lake unless they say otherwise. */
export const paperMachines: readonly PaperMachine[] = [
  {
    id: 'haswell',
    cpu: 'Intel Xeon E5-2683v3',
    cores: '28-core dual socket',
    l1iKB: 32,
    l1dKB: 32,
    l2KB: 256,
    iTlb: '128-entry 4-way Shared',
    llc: '70 MB (56 cores)',
    frequencyGHz: 2.0,
    memory: '256G 2133MHz DDR4',
    kernel: 'Linux 5.4 (ubuntu20)',
    notes: ['Row "Cores" says 28, row "LLC" says 56: the latter counts hardware threads.'],
  },
  {
    id: 'icelake',
    cpu: 'Intel Xeon Silver 4314',
    cores: '16-core (SMT Off)',
    l1iKB: 32,
    l1dKB: 48,
    l2KB: 1280,
    iTlb: '128-entry 8-way Shared',
    llc: '24 MB (16 cores)',
    frequencyGHz: 2.4,
    memory: '128G 3200MHz DDR4',
    kernel: 'Linux 5.15 (ubuntu20)',
    notes: ['Section 5.4 describes, and simulates, an instruction TLB of 64 entries and 8 ways for 4 kB pages.'],
  },
];
