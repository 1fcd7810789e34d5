/** What a service does for one request: compute, then its calls in order. */
import type { Call, Operation } from '../call-graph.js';

/** Headers that are handed on. */
export type Headers = Record<string, string>;

/** Makes a call once. @throws Error saying who failed and how, unless it was answered well. */
export type Caller = (call: Call, headers: Headers) => Promise<void>;

/** By name of the service called. */
export type Callers = Record<string, Caller>;

/** @throws Error of the first call that fails. */
export async function perform(operation: Operation, callers: Callers, headers: Headers): Promise<void> {
  if (operation.computeUs) compute(operation.computeUs);
  for (const step of operation.calls ?? []) {
    if (Array.isArray(step)) await Promise.all(step.map((call) => repeat(call, callers, headers)));
    else await repeat(step, callers, headers);
  }
}

async function repeat(call: Call, callers: Callers, headers: Headers): Promise<void> {
  for (let i = 0; i < (call.times ?? 1); i++) await callers[call.to](call, headers);
}

/** Keeps the CPU busy for so long: time in which others had the core does not count. */
function compute(cpuUs: number): void {
  const start = process.cpuUsage();
  for (;;) {
    const { user, system } = process.cpuUsage(start);
    if (user + system >= cpuUs) return;
  }
}

/** A body or message of a size. */
export function filler(bytes: number): Buffer {
  return Buffer.alloc(bytes, 'x');
}
