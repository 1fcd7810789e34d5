/** Table 1: the machines measured on, the paper's two beside every one recorded here. */
import type { Machine } from '../host/machine.js';
import { paperMachines } from '../paper/machines.js';
import type { Item } from './item.js';

export interface RecordedMachine {
  origin: string;
  machine: Machine;
}

/** @param recorded the machine of this session first. */
export function tab01(recorded: RecordedMachine[]): Item {
  const ours = recorded.map(({ origin, machine }) => ({ name: `${machine.cpuModel} (${origin})`, facts: factsOf(machine), otherwise: 'not exposed' }));
  const paper = paperMachines.map((machine) => ({
    name: `paper: ${machine.cpu}`,
    otherwise: 'not stated',
    facts: {
      Cores: machine.cores,
      'L1 instruction cache': `${machine.l1iKB} KB`,
      'Data caches': `${machine.l1dKB} KB L1; ${machine.l2KB} KB L2`,
      iTLB: machine.iTlb,
      'Last-level cache': machine.llc,
      Frequency: `${machine.frequencyGHz} GHz`,
      Memory: machine.memory,
      Kernel: machine.kernel,
    } as Record<string, string>,
  }));
  const all = [...paper, ...ours];
  const names = [...new Set(all.flatMap(({ facts }) => Object.keys(facts)))];
  return {
    item: 'tab01',
    title: 'Table 1: node specifications',
    rows: [],
    figure: null,
    table: {
      columns: [{ key: 'fact', label: '' }, ...all.map(({ name }) => ({ key: name, label: name }))],
      rows: names.map((fact) => ({ fact, ...Object.fromEntries(all.map(({ name, facts, otherwise }) => [name, facts[fact] ?? otherwise])) })),
    },
    paper: paperMachines.flatMap(({ cpu, notes }) => notes.map((note) => `${cpu}: ${note}`)),
    notes: ['"Not exposed" is what a virtual machine does not tell its guest; nothing here was looked up in a data sheet.'],
    judgements: [],
  };
}

function factsOf(machine: Machine): Record<string, string> {
  const cache = (level: number, type: 'instruction' | 'data' | 'unified') => {
    const found = machine.caches.find((each) => each.level === level && each.type === type);
    return found ? `${found.sizeKiB} KB${found.ways ? `, ${found.ways}-way` : ''}` : 'not exposed';
  };
  return {
    Core: machine.microarchitecture ?? 'not known to us',
    Cores: `${machine.threads} logical CPUs on ${machine.cores} cores, ${machine.sockets} socket${machine.sockets === 1 ? '' : 's'} (SMT ${machine.smt ? 'on' : 'off'})`,
    'L1 instruction cache': cache(1, 'instruction'),
    'Data caches': `${cache(1, 'data')} L1; ${cache(2, 'unified')} L2`,
    'Last-level cache': cache(3, 'unified'),
    'Governor, turbo, idle states': `${machine.governor}, ${machine.turbo}, ${machine.cStates}`,
    Memory: `${Math.round(machine.memoryBytes / 2 ** 30)} GiB`,
    Kernel: `Linux ${machine.kernel} (${machine.os})`,
    Hypervisor: machine.hypervisor ?? 'none',
  };
}
