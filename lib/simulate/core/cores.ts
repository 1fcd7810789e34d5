/** The cores that traces are replayed on, the oldest first. */
import { cascadeLake } from './cascade-lake.js';
import { haswell } from './haswell.js';
import { iceLake } from './ice-lake.js';
import type { CoreParameters } from './parameters.js';

export const cores: readonly CoreParameters[] = [haswell, cascadeLake, iceLake];

/** @throws Error naming the cores that there are. */
export function coreById(id: string): CoreParameters {
  const core = cores.find((each) => each.id === id);
  if (!core) throw new Error(`no core "${id}"; there are ${cores.map((each) => each.id).join(', ')}`);
  return core;
}
