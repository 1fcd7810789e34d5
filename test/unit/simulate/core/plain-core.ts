/** What the tests of cores share. */
import { iceLake } from '../../../../lib/simulate/core/ice-lake.js';
import type { CoreParameters } from '../../../../lib/simulate/core/parameters.js';

export function times<T>(count: number, body: (i: number) => T[]): T[] {
  return Array.from({ length: count }, (_, i) => body(i)).flat();
}

/** Ice Lake without prefetch, with what is changed. */
export function plainCore(changes: Partial<CoreParameters> = {}): CoreParameters {
  return { ...iceLake, nextLines: 0, runAhead: 0, ...changes };
}
