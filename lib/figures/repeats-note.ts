/** How sure an interval from few repeats is: said on every figure that has such intervals. */

/** Fewer repeats than this leave the interval of a median narrower than its 95 % (see `bootstrap`). */
const enough = 6;

/**
 * @param what the values are of, e.g. `CPU time`.
 * @param counts repeats behind each value; those of one repeat have no interval, of none no value.
 * @returns one sentence, or none when every value has at least six repeats.
 */
export function repeatsNote(what: string, counts: readonly number[]): string[] {
  const few = counts.filter((n) => n > 0 && n < enough);
  if (few.length === 0) return [];
  const n = Math.min(...few);
  const range = n === Math.max(...few) ? String(n) : `${n} to ${Math.max(...few)}`;
  if (n === 1) return [`${what}: n = ${range}; a value measured once has no interval.`];
  // The chance that the median lies between the smallest and the largest of n values: 1 - 2^(1-n).
  return [`${what}: n = ${range} repeats, whose interval holds the median with ${Math.round(100 * (1 - 2 ** (1 - n)))} % at most, not 95 %.`];
}
