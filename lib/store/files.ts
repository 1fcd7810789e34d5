/** Names of the raw files in a run's folder, and what `pack` does with each. */

/** Small files, packed as they are. */
export const runFiles = {
  record: 'run.json',
  envoyConfig: 'envoy.yaml',
  /** Outcome of the load: counts, HDR histogram (see lib/load/types.ts). */
  load: 'load.json',
  /** Scheduler accounting of every process involved at both ends of the window. */
  cpu: 'cpu.json',
  /** What Envoy counted of the traffic, warm-up included (lib/deploy/traffic-stats.ts). */
  traffic: 'traffic.json',
  /** The same of every pod of an application. */
  pods: 'pods.json',
  /** Where the pods of an application ran, and how many requests their sidecars counted under the load. */
  topology: 'topology.json',
  /** What the kubelets of a cluster counted of its sidecars' containers, beside the scheduler's accounts. */
  kubelet: 'kubelet.json',
  /** Probes and result of a knee search. */
  knee: 'knee.json',
} as const;

/** Raw files whose reduction stands beside them: kept locally, left out of a packed recording. */
const reducedRawFiles = ['perf.data', 'perf-script.txt.gz', 'requests.log', 'requests.log.gz'];

/** Whether `pack` leaves this file out; no analysis may read such a file. */
export function droppedByPack(name: string): boolean {
  return reducedRawFiles.includes(name);
}
