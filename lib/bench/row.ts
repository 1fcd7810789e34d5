/** One number to reach: what is wanted, what was measured here, and whether that suffices. */
import type { Availability } from '../host/availability.js';

/** `unavailable`: this machine lacks what it takes; `failed`: the benchmark broke. Notes say why. */
export type BenchVerdict = 'yes' | 'no' | 'unavailable' | 'failed';

export interface BenchRow {
  what: string;
  reach: string;
  here: string;
  met: BenchVerdict;
  /** Printed below the table. */
  notes: string[];
}

/** A limit, in words and as a condition, so that the two cannot part. */
export interface Reach {
  text: string;
  holds(value: number): boolean;
}

type Format = (value: number) => string;

export function atMost(limit: number, format: Format): Reach {
  return { text: `<= ${format(limit)}`, holds: (value) => value <= limit };
}

export function atLeast(limit: number, format: Format): Reach {
  return { text: `>= ${format(limit)}`, holds: (value) => value >= limit };
}

/** Both bounds included. */
export function between(low: number, high: number, format: Format): Reach {
  return { text: `${format(low)}-${format(high)}`, holds: (value) => value >= low && value <= high };
}

/** A count of wrong ones. */
export const noneWrong: Reach = { text: 'none wrong', holds: (wrong) => wrong === 0 };

/** No limit: being known is enough. */
export const printed: Reach = { text: 'printed', holds: Number.isFinite };

/**
 * Judges what was measured.
 * @param values all of them have to hold; none at all, or one that is no number, does not suffice.
 * @param here the values as the table shows them.
 */
export function judged(what: string, reach: Reach, values: readonly number[], here: string, notes: string[] = []): BenchRow {
  return { what, reach: reach.text, here, met: values.length > 0 && values.every((value) => reach.holds(value)) ? 'yes' : 'no', notes };
}

/** A row that this machine cannot fill. */
export function unavailable(what: string, reach: Reach, { reason, remedy }: Extract<Availability, { available: false }>): BenchRow {
  return { what, reach: reach.text, here: '-', met: 'unavailable', notes: [`${reason}; ${remedy}`] };
}

/** A benchmark that broke. */
export function failed(benchmark: string, error: Error): BenchRow {
  return { what: `benchmark ${benchmark}`, reach: '-', here: '-', met: 'failed', notes: [error.message] };
}

/** Format of a share, 0 to 1. */
export function percent(digits: number): Format {
  return (share) => `${(100 * share).toFixed(digits)} %`;
}

export function seconds(digits: number): Format {
  return (value) => `${value.toFixed(digits)} s`;
}

/** Format of seconds. */
export function minutes(digits: number): Format {
  return (value) => `${(value / 60).toFixed(digits)} min`;
}

export function fixed(digits: number): Format {
  return (value) => value.toFixed(digits);
}

/** `12,345`. */
export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
