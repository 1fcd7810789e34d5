/** Which cores a measurement uses: the sidecar's worker thread alone on one, everything else on the others. */
import * as fs from 'node:fs';
import { run } from './process.js';

export interface CpuPlan {
  /** The core that the sidecar's worker thread has for itself. */
  worker: number;
  /** Cores of everything else: sidecar main thread, load generator, backend, this process. */
  others: number[];
}

/**
 * The worker gets the last core this process may use; its SMT siblings stay empty (design: measuring well).
 * On a single core everything shares it, and runs say so through `CpuPlan.others` containing the worker.
 */
export function planCpus(allowed: number[] = allowedCpus(), siblings: (cpu: number) => number[] = smtSiblings): CpuPlan {
  const worker = allowed[allowed.length - 1];
  const empty = new Set([worker, ...siblings(worker)]);
  const others = allowed.filter((cpu) => !empty.has(cpu));
  return { worker, others: others.length > 0 ? others : [worker] };
}

/** Cores this process was given at its start (`Cpus_allowed_list` of /proc/1-style status text). */
export function allowedCpus(status: string = fs.readFileSync('/proc/self/status', 'utf8')): number[] {
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(status);
  if (!list) throw new Error('/proc/self/status has no Cpus_allowed_list; this needs Linux');
  return parseCpuList(list[1]);
}

/** Expands the kernel's cpu list format, e.g. `0-2,5` → [0, 1, 2, 5]. @throws Error quoting what is none. */
export function parseCpuList(list: string): number[] {
  return list.trim().split(',').flatMap((part) => {
    const ends = /^(\d+)(?:-(\d+))?$/.exec(part);
    const first = Number(ends?.[1]);
    const last = Number(ends?.[2] ?? first);
    if (!ends || last < first) throw new Error(`not a cpu list: "${list}"; the kernel writes them as 0-2,5`);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}

/** Cores that share a physical core with `cpu`, without `cpu` itself. */
export function smtSiblings(cpu: number): number[] {
  const file = `/sys/devices/system/cpu/cpu${cpu}/topology/thread_siblings_list`;
  if (!fs.existsSync(file)) return [];
  return parseCpuList(fs.readFileSync(file, 'utf8')).filter((other) => other !== cpu);
}

/** Pins one thread (or, with `allThreads`, a whole process) to cores. */
export async function pin(tid: number, cpus: number[], options: { allThreads?: boolean } = {}): Promise<void> {
  await run(['taskset', ...(options.allThreads ? ['-a'] : []), '-p', '-c', cpus.join(','), String(tid)]);
}
