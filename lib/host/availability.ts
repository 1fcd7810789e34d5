/** Whether this machine can do a thing, and if not, why and what would make it possible. */
export type Availability =
  | { available: true; version: string; note?: string }
  | { available: false; reason: string; remedy: string };
