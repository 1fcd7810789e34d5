/** Processes of containers whose node is this machine: found by their control group, which carries the container's id. */
import * as fs from 'node:fs';
import * as path from 'node:path';

/** Where container runtimes make their groups: version 2, and the hierarchy of version 1 that all have. */
const roots = ['/sys/fs/cgroup/pids', '/sys/fs/cgroup'];

/**
 * Ids, as this machine numbers them, of a container's processes; none when its node is another machine.
 * @param container its id, without the runtime's prefix.
 */
export function processesOf(container: string): number[] {
  const root = roots.find((candidate) => fs.existsSync(candidate));
  const group = root && findGroup(root, container);
  return group ? fs.readFileSync(path.join(group, 'cgroup.procs'), 'utf8').trim().split('\n').filter(Boolean).map(Number) : [];
}

/** Runtimes name the group after the container, some with a prefix or an ending around it. */
function findGroup(folder: string, container: string): string | undefined {
  const children = fs.readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const hit = children.find(({ name }) => name.includes(container));
  if (hit) return path.join(folder, hit.name);
  for (const { name } of children) {
    const found = findGroup(path.join(folder, name), container);
    if (found) return found;
  }
  return undefined;
}

/** The process of a program by its name (/proc/PID/comm), among these. */
export function processNamed(pids: number[], name: string): number | undefined {
  return pids.find((pid) => nameOf(`/proc/${pid}/comm`) === name);
}

/** The thread of a process by its name. */
export function threadNamed(pid: number, name: string): number | undefined {
  return fs.readdirSync(`/proc/${pid}/task`).map(Number).find((tid) => nameOf(`/proc/${pid}/task/${tid}/comm`) === name);
}

function nameOf(file: string): string | null {
  try {
    return fs.readFileSync(file, 'utf8').trim();
  } catch {
    return null; // gone meanwhile
  }
}
