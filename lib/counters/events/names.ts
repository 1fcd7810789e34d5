/** Which event of a table a line of perf's output is about, however it was asked for: our name, Intel's, or its codes. */
import type { CounterEvent, Encoding, EventName, EventTable } from './event-table.js';

/** Of every table; the code behind each is the same as the table's own (kernel arch/x86/events/intel/core.c). */
const alwaysAlso: Partial<Record<EventName, string[]>> = {
  cycles: ['cpu-cycles', 'cpu_clk_unhalted.thread'],
  instructions: ['inst_retired.any'],
  slots: ['topdown.slots'],
  branches: ['branch-instructions', 'branches'],
  branchMisses: ['branch-misses'],
  l1iMisses: ['l1-icache-load-misses'],
};

/** @param printed e.g. `l1iMisses:u`, `icache_64b.iftag_miss`, `cpu/event=0x83,umask=0x2/`. @returns null when the table has no such event. */
export function nameInTable(table: EventTable, printed: string): EventName | null {
  const bare = withoutModifiers(printed);
  const terms = /^cpu\/(.*)\/$/.exec(bare)?.[1] ?? bare;
  const found = terms.includes('=')
    ? table.events.find((event) => sameEncoding(event, encodingIn(terms)))
    : table.events.find((event) => spellings(event).includes(terms.toLowerCase()));
  return found?.name ?? null;
}

function spellings({ name, source, aliases }: CounterEvent): string[] {
  return [name, source, ...(aliases ?? []), ...(alwaysAlso[name] ?? [])].map((spelling) => spelling.toLowerCase());
}

/** `cycles:u`, `cpu/event=0x3c/u`. */
function withoutModifiers(printed: string): string {
  return printed.replace(/^(cpu\/.*\/)[a-zA-Z]*$/, '$1').replace(/:[ukhGHpPSDWe]+$/, '');
}

function encodingIn(terms: string): Encoding {
  const value = (name: string) => Number(new RegExp(`(?:^|,)${name}=(\\w+)`).exec(terms)?.[1] ?? 0);
  return { event: value('event'), umask: value('umask'), cmask: value('cmask'), edge: value('edge') === 1, frontend: value('frontend') };
}

function sameEncoding({ encoding, name }: CounterEvent, other: Encoding): boolean {
  const own = encoding ?? (name === 'cycles' ? { event: 0x3c, umask: 0 } : name === 'instructions' ? { event: 0xc0, umask: 0 } : null);
  return own !== null && own.event === other.event && own.umask === other.umask && (own.cmask ?? 0) === other.cmask
    && (own.edge ?? false) === other.edge && (own.frontend ?? 0) === other.frontend;
}
