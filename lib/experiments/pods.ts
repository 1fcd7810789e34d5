/** Runs whose single sidecar was a pod of a cluster rather than a process of this machine. */
import type { Run } from '../store/run-store.js';

export function wasPod({ spec }: Pick<Run, 'spec'>): boolean {
  return spec.carrier !== undefined;
}

/** What a figure drawn from such runs says of them; nothing of others. */
export function podNotes(runs: readonly Pick<Run, 'spec'>[]): string[] {
  return [...new Set(runs.flatMap(({ spec: { carrier } }) => (carrier === undefined ? [] : [
    `Each sidecar ran as a pod of Kubernetes ${carrier.version} beside its echo server, a container each, its worker on a core of its own; `
    + `load came from ${carrier.loadFrom === 'cluster' ? 'a pod of the same node' : 'the machine that the workbench ran on'}.`,
  ])))];
}
