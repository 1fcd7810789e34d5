/** Whether this CPU's own counters can be read, and which; most virtual machines hide them. */
import type { Availability } from '../host/availability.js';
import { countedIn, tryEvents } from './perf-stat.js';

/** The events that the paper's counters build on, by perf's generic names. */
const hardwareEvents = [
  'cycles', 'instructions', 'branches', 'branch-misses', 'L1-icache-load-misses', 'iTLB-load-misses', 'stalled-cycles-frontend', 'slots',
];

/** Whether the CPU's own counters can be read here, and which events. */
export async function probeHardwareCounters(): Promise<Availability> {
  return hardwareAvailability(await tryEvents(hardwareEvents));
}

/** @param output of perf stat, any number of runs. */
export function hardwareAvailability(output: string): Availability {
  const counted = countedIn(output.trim());
  if (counted.length > 0) return { available: true, version: counted.map((event) => event.replace(/:u$/, '')).join(', ') };
  return {
    available: false,
    reason: output.trim() === '' ? 'perf counts nothing here' : 'the CPU shows no performance monitoring unit; virtual machines usually hide it',
    remedy: 'use bare metal or a machine type that exposes the unit; cycles are modelled from CPU time until then',
  };
}
