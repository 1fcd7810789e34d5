/** Processes of containers of the node that this runs on, found by their control group, which carries the container's id. */
import * as fs from 'node:fs';
import type { ContainerProcesses } from './protocol.js';

/**
 * Ids of a container's processes; none when it is not on this node.
 * @param container its id, without the runtime's prefix.
 */
export function processesOf(container: string): number[] {
  const pids = fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number);
  return pids.filter((pid) => textOf(`/proc/${pid}/cgroup`)?.includes(container));
}

/** Envoy and its worker among processes. */
export function envoyAmong(pids: readonly number[]): ContainerProcesses['envoy'] {
  const pid = pids.find((each) => textOf(`/proc/${each}/comm`)?.trim() === 'envoy');
  if (pid === undefined) return null;
  const threads = fs.readdirSync(`/proc/${pid}/task`).map(Number);
  const workerTid = threads.find((tid) => textOf(`/proc/${pid}/task/${tid}/comm`)?.trim() === 'wrk:worker_0');
  return workerTid === undefined ? null : { pid, workerTid };
}

function textOf(file: string): string | null {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return null; // gone meanwhile
  }
}
