/** The control groups below which a cluster's nodes put their pods: made by hand, since no systemd does it here. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { cgroupName } from './places.js';

const mountPoint = '/sys/fs/cgroup';
/** What a kubelet limits and counts, by cgroup v2's names. */
const controllers = ['cpu', 'cpuset', 'io', 'memory', 'pids'];

/**
 * Makes a node's group in every hierarchy.
 * @returns its name as the kubelet wants it.
 * @throws Error when control groups are not ours to make.
 */
export function makeCgroup(node: string): string {
  for (const hierarchy of hierarchies()) {
    const root = path.join(hierarchy, cgroupName);
    const group = path.join(root, node);
    try {
      fs.mkdirSync(group, { recursive: true });
    } catch (error) {
      throw new Error(`${group} cannot be made (${(error as NodeJS.ErrnoException).code}); a node needs control groups: run as root, in a container with --privileged`);
    }
    for (const each of [root, group]) handDown(each);
  }
  return `/${cgroupName}/${node}`;
}

/** Version 1 has one hierarchy for each controller; version 2 has one for all. */
function hierarchies(): string[] {
  if (isVersion2()) return [mountPoint];
  const names = fs.readdirSync(mountPoint, { withFileTypes: true });
  // `cpu` and `cpuacct` may be links to one folder. `unified` has no controllers, but runc makes groups there as well.
  return names.filter((entry) => entry.isDirectory()).map(({ name }) => path.join(mountPoint, name));
}

function isVersion2(): boolean {
  return fs.existsSync(path.join(mountPoint, 'cgroup.controllers'));
}

/** A new group may use nothing until its parent's cores and memory, or controllers, are handed down. */
function handDown(group: string): void {
  const available = path.join(group, 'cgroup.controllers');
  if (fs.existsSync(available)) {
    const there = fs.readFileSync(available, 'utf8').split(/\s+/);
    fs.writeFileSync(path.join(group, 'cgroup.subtree_control'), controllers.filter((name) => there.includes(name)).map((name) => `+${name}`).join(' '));
    return;
  }
  for (const file of ['cpuset.cpus', 'cpuset.mems'].filter((name) => fs.existsSync(path.join(group, name)))) {
    fs.writeFileSync(path.join(group, file), fs.readFileSync(path.join(group, '..', file)));
  }
}

/**
 * Removes all groups of a cluster that no process is in.
 * @returns how many stay because one is: a process that was just killed leaves a moment later.
 */
export function removeCgroups(): number {
  if (!fs.existsSync(mountPoint)) return 0;
  return hierarchies().reduce((left, hierarchy) => left + removeTree(path.join(hierarchy, cgroupName)), 0);
}

/** A group can be removed like an empty folder once no process and no child group is in it. */
function removeTree(group: string): number {
  if (!fs.existsSync(group)) return 0;
  const children = fs.readdirSync(group, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const left = children.reduce((sum, { name }) => sum + removeTree(path.join(group, name)), 0);
  if (left > 0) return left + 1;
  try {
    fs.rmdirSync(group);
    return 0;
  } catch {
    return 1;
  }
}
