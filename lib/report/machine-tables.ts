/** What a machine can do and which figures that allows, as tables for a notebook. */
import { from, type ColumnTable } from 'arquero';
import type { Capability, CapabilityName } from '../host/capabilities.js';
import { feasibility } from '../host/feasibility.js';

type Found = Record<CapabilityName, Capability>;

/** One row a thing the workbench can use; why not and the remedy where it cannot. */
export function capabilityTable(found: Found): ColumnTable {
  return from((Object.entries(found) as [CapabilityName, Capability][]).map(([name, capability]) => ({
    kind: capability.kind,
    name,
    here: capability.available ? 'yes' : 'no',
    'version, or why not': capability.available ? capability.version : capability.reason,
    'note, or remedy': capability.available ? capability.note ?? '' : capability.remedy,
  })));
}

/** One row an item of the paper whose measurement depends on the machine. */
export function feasibilityTable(found: Found): ColumnTable {
  return from(feasibility(found).map(({ item, verdict, parts, missing }) => ({
    item, here: verdict, 'what, and how': parts.join('; '), 'missing for the rest': missing.join(', '),
  })));
}
