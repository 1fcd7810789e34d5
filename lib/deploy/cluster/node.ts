/**
 * One node of the cluster on this machine: a process that holds mount, network and process namespaces. Everything of the
 * node runs in them, so that the end of this process ends everything, the network and the mounts included.
 */
import * as fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { projectPath } from '../../host/paths.js';
import { run, start, type Daemon } from '../../host/process.js';
import { makeCgroup } from './cgroups.js';
import { clusterPath, statePath, type NodePlan } from './places.js';

const startTimeoutMs = 10_000;

export interface ClusterNode extends NodePlan {
  /** Its process 1, as this machine numbers it. */
  pid: number;
  /** Where its pods' control groups are. */
  cgroup: string;
  /** Runs a program in the node to its end. */
  run(argv: string[]): Promise<string>;
  /** Starts a program that stays; it ends with the node. Its output is in `.workbench/cluster/state/<node>/<name>.log`. */
  start(name: string, argv: string[]): Promise<void>;
  /** Ends a program that `start` started, and starts it anew. */
  restart(name: string): Promise<void>;
  /** Of its programs, the first that is gone: which, how it ended, and its last words. Null while all run. */
  ending(): Promise<string | null>;
  stop(): Promise<void>;
}

/**
 * Makes a node without anything running in it.
 * @throws Error when namespaces, control groups or mounts are not ours to make.
 */
export async function startNode(plan: NodePlan): Promise<ClusterNode> {
  fs.mkdirSync(statePath(plan.name), { recursive: true });
  const cgroup = makeCgroup(plan.name);
  const namespaces = ['--mount', '--net', '--pid', '--fork', '--kill-child', '--mount-proc'];
  const holder = await start(
    ['unshare', ...namespaces, projectPath('environment', 'cluster', 'node.sh'), clusterPath(), plan.name],
    { name: `cluster ${plan.name}`, logFile: statePath(plan.name, 'node.log') },
  );
  try {
    return asNode(plan, cgroup, holder, await untilReady(plan.name, holder));
  } catch (error) {
    await holder.stop();
    throw error;
  }
}

/** @returns process 1 of the node. */
async function untilReady(name: string, holder: Daemon): Promise<number> {
  const started = Date.now();
  while (!fs.existsSync(statePath(name, 'ready'))) {
    const ending = await holder.ending();
    if (ending) throw new Error(`${name} ${ending}: ${lastLine(holder.output())}; a cluster needs root and namespaces of its own (in a container: --privileged)`);
    if (Date.now() - started > startTimeoutMs) throw new Error(`${name} is not ready after ${startTimeoutMs / 1000} s: ${lastLine(holder.output())}`);
    await sleep(10);
  }
  return childOf(holder.pid);
}

function childOf(pid: number): number {
  return Number(fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0]);
}

function asNode(plan: NodePlan, cgroup: string, holder: Daemon, pid: number): ClusterNode {
  const programs: { name: string; daemon: Daemon; again?: () => Promise<Daemon> }[] = [{ name: plan.name, daemon: holder }];
  return {
    ...plan,
    pid,
    cgroup,
    run: (argv) => runInNode(pid, argv),
    start: async (name, argv) => {
      const again = () => start([...enter(pid), ...argv], { name: `cluster ${plan.name} ${name}`, logFile: statePath(plan.name, `${name}.log`) });
      programs.push({ name: `${name} on ${plan.name}`, daemon: await again(), again });
    },
    restart: async (name) => {
      const program = programs.find((each) => each.name === `${name} on ${plan.name}`);
      if (!program?.again) throw new Error(`${plan.name} runs no ${name}`);
      // nsenter only waits for the program, which would outlive it.
      process.kill(childOf(program.daemon.pid), 'SIGTERM');
      await program.daemon.exited;
      program.daemon = await program.again();
    },
    ending: async () => {
      for (const { name, daemon } of programs) {
        const how = await daemon.ending();
        if (how) return `${name} ${how}: ${lastLine(daemon.output())}`;
      }
      return null;
    },
    // Killed outright: with process 1 goes all that is in its namespaces.
    stop: async () => {
      await holder.stop(0);
      await Promise.all(programs.map(({ daemon }) => daemon.exited));
    },
  };
}

/** Runs a program in the node whose process 1 has this number, to its end. @returns what it printed. */
export async function runInNode(pid: number, argv: string[]): Promise<string> {
  return (await run([...enter(pid), ...argv])).stdout;
}

function enter(pid: number): string[] {
  return ['nsenter', '--target', String(pid), '--mount', '--net', '--pid', '--'];
}

function lastLine(output: string): string {
  return output.trim().split('\n').slice(-1)[0].slice(0, 300) || 'it said nothing';
}
