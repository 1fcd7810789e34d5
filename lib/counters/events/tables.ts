/** Which events a core is asked for. A further core is one more file beside this one, and a line here. */
import type { EventTable, EventTableId } from './event-table.js';
import { generic } from './generic.js';
import { haswell } from './haswell.js';
import { iceLake } from './ice-lake.js';
import { sapphireRapids } from './sapphire-rapids.js';
import { skylake } from './skylake.js';

export const eventTables: readonly EventTable[] = [haswell, skylake, iceLake, sapphireRapids, generic];

/** @param core a name of lib/host/microarchitecture.ts; null for one it does not know. */
export function eventTableFor(core: string | null): EventTable {
  return eventTables.find(({ cores }) => core !== null && cores.includes(core)) ?? generic;
}

/** @throws Error listing the tables when there is none of that name. */
export function eventTable(id: string): EventTable {
  const found = eventTables.find((table) => table.id === id);
  if (!found) throw new Error(`no events for "${id}"; there are ${eventTables.map((table) => table.id as EventTableId).join(', ')}`);
  return found;
}
