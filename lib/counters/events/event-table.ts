/**
 * What an event table of a microarchitecture says, and how perf is asked for its events.
 *
 * Events are spelled by their codes rather than by perf's symbolic names, which an older perf may not know:
 * `cpu/event=0x83,umask=0x02,name=l1iMisses/`.
 */

/** What the workbench calls an event, whatever the CPU. Counts of one name mean the same on every core that has it. */
export type EventName =
  | 'cycles' | 'instructions'
  // Issue slots, for the top-down method.
  | 'slots' | 'metricRetiring' | 'metricBadSpeculation' | 'metricFrontend' | 'metricBackend' | 'metricFetchLatency'
  | 'slotsGeneral' | 'uopsNotDelivered' | 'cyclesWithoutUops' | 'uopsIssued' | 'slotsRetired' | 'slotsBackend'
  | 'recoveryCycles' | 'uopsDropped' | 'clears' | 'machineClears' | 'resteerCycles' | 'unknownBranchCycles' | 'baclears'
  // Instruction cache.
  | 'l1iMisses' | 'l1iHits' | 'l1iRetiredMisses' | 'dataStallCycles' | 'dataStalls' | 'tagStallCycles'
  | 'l2CodeReads' | 'l2CodeMisses' | 'l2RetiredMisses'
  // Instruction TLB.
  | 'itlbStlbHits' | 'itlbWalks' | 'itlbWalksCompleted' | 'itlbWalkCycles' | 'itlbRetiredMisses' | 'stlbRetiredMisses'
  // Branches that retired, and those of them that were mispredicted.
  | 'branches' | 'branchesConditional' | 'branchesConditionalTaken' | 'branchesConditionalNotTaken'
  | 'branchesIndirect' | 'branchesNearTaken' | 'branchesReturn' | 'branchesCall'
  | 'branchMisses' | 'branchMissesConditional' | 'branchMissesConditionalTaken' | 'branchMissesConditionalNotTaken'
  | 'branchMissesIndirect' | 'branchMissesNearTaken' | 'branchMissesReturn' | 'branchMissesCall'
  // What perf counts on CPUs without a table.
  | 'itlbMisses';

/** An event's code as Intel lists it. */
export interface Encoding {
  event: number;
  umask: number;
  /** Counts only cycles in which it happens at least so often. */
  cmask?: number;
  /** Counts when it starts rather than every cycle that it lasts. */
  edge?: boolean;
  /** MSR 0x3F7: what FRONTEND_RETIRED counts. One value at a time, so one such event in a group. */
  frontend?: number;
}

/**
 * Where it can be counted. `general`: on any general counter; `low`: on the first four of them only; `fixed`: it has a
 * counter of its own, or takes a general one when that is held; `slots`, `metrics`: fixed counter 3 and the register beside it.
 */
export type CounterKind = 'general' | 'low' | 'fixed' | 'slots' | 'metrics';

export interface CounterEvent {
  name: EventName;
  /** Intel's name, or perf's for an event that perf translates by itself. */
  source: string;
  /** Other names of the same code. */
  aliases?: readonly string[];
  /** Left out where perf knows the event by `source` on every CPU. */
  encoding?: Encoding;
  counter: CounterKind;
  meaning: string;
}

export type EventTableId = 'haswell' | 'skylake' | 'ice-lake' | 'sapphire-rapids' | 'generic';

export interface EventTable {
  id: EventTableId;
  /** Names of lib/host/microarchitecture.ts that it is for; empty for the table that is left to all others. */
  cores: readonly string[];
  /** Where the codes are from. */
  source: string;
  /** General counters of a thread while SMT is on. */
  generalCounters: number;
  /** Whether cycles and instructions have counters of their own. */
  fixedCounters: boolean;
  events: readonly CounterEvent[];
  /** Where its counts are of something else than those of other cores; figures say so. */
  notes: readonly string[];
  /** Each counted at once; they take turns. Every one begins with cycles and instructions, or with the slots that they follow. */
  groups: readonly (readonly EventName[])[];
}

/** Every group holds them, so that each count has its own denominators, counted at the same time. */
export const denominators: readonly EventName[] = ['cycles', 'instructions'];

export const cyclesAndInstructions: readonly CounterEvent[] = [
  { name: 'cycles', source: 'cycles', counter: 'fixed', meaning: 'core cycles in which the thread ran' },
  { name: 'instructions', source: 'instructions', counter: 'fixed', meaning: 'instructions that retired' },
];

/** How `perf stat -e` is asked for an event. */
export function perfSpelling({ name, source, encoding }: CounterEvent): string {
  if (!encoding) return source;
  const { event, umask, cmask, edge, frontend } = encoding;
  const terms = [
    `event=${hex(event)}`, `umask=${hex(umask)}`,
    ...(cmask ? [`cmask=${cmask}`] : []), ...(edge ? ['edge=1'] : []), ...(frontend ? [`frontend=${hex(frontend)}`] : []),
    `name=${name}`,
  ];
  return `cpu/${terms.join(',')}/`;
}

function hex(value: number): string {
  return `0x${value.toString(16).padStart(2, '0')}`;
}

/**
 * The groups of a table as `perf stat -e` takes them, without events that cannot be counted here.
 * @throws Error naming a group that does not fit the counters: none of its events would ever be counted.
 */
export function perfGroups(table: EventTable, without: readonly EventName[] = []): string[] {
  for (const group of table.groups) {
    const why = whyNoFit(group, table);
    if (why) throw new Error(`${table.id}: {${group.join(',')}} can never be counted: ${why}; part it in lib/counters/events/${table.id}.ts`);
  }
  return table.groups
    .map((group) => group.filter((name) => !without.includes(name)))
    .filter((group) => group.some((name) => !denominators.includes(name)))
    .map((group) => `{${group.map((name) => perfSpelling(eventOf(table, name))).join(',')}}`);
}

/** @throws Error naming the event when the table lacks it. */
export function eventOf(table: EventTable, name: EventName): CounterEvent {
  const found = table.events.find((event) => event.name === name);
  if (!found) throw new Error(`the ${table.id} table has no event "${name}"; add it in lib/counters/events/`);
  return found;
}

/**
 * Why a group of events cannot be counted at once; null when it can. One general counter, and one of the first four, is
 * left to the kernel's NMI watchdog, which is on by default and holds a counter for good: mostly that of the cycles, whose
 * event then takes a general one here (pmu-tools issue 430).
 */
export function whyNoFit(group: readonly EventName[], table: EventTable): string | null {
  const events = group.map((name) => eventOf(table, name));
  const count = (kind: CounterKind) => events.filter(({ counter }) => counter === kind).length;
  const general = count('general') + count('low') + (table.fixedCounters ? 0 : count('fixed'));
  if (general > table.generalCounters - 1) return `${general} events need a general counter, of ${table.generalCounters} one is left to the NMI watchdog`;
  if (count('low') > 3) return `${count('low')} events need one of the first four counters, one is left to the NMI watchdog`;
  if (events.filter(({ encoding }) => encoding?.frontend).length > 1) return 'FRONTEND_RETIRED can count one thing at a time';
  if (count('metrics') > 0 && events[0].counter !== 'slots') return 'the metrics need the slots as the first event of their group';
  return null;
}
